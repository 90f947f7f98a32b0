"""What instructions count in a reply; each function returns the number, or one number a part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignmeter.judges.capability.instruction_text import filled, occurrences, paragraphs, sentences, words

if TYPE_CHECKING:
    from alignmeter.records import Constraint

_BULLET = re.compile(r"[-*•+]\s+\S")
_NUMBERED = re.compile(r"(\d{1,3})[.)]\s+\S")
_HIGHLIGHT = re.compile(r"(?<!\*)\*{1,2}(?=[^\s*])[^*\n]{1,300}?(?<=[^\s*])\*{1,2}(?!\*)")
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]{1,200}\]")
_TABLE_RULE = re.compile(r"\|?[ \t]*:?-{1,80}:?[ \t]*(?:\|[ \t]*:?-{1,80}:?[ \t]*)*\|?")
_MIN_PALINDROME = 3


def bullets(reply: str, _: Constraint) -> int:
    """Lines that begin with `-`, `*`, `+` or a dot."""
    return sum(_BULLET.match(line) is not None for line in filled(reply))


def capital_words(reply: str, _: Constraint) -> int:
    """Words written in capitals."""
    return sum(word.isupper() for word in words(reply))


def digits(reply: str, _: Constraint) -> int:
    """Digits, of any script."""
    return sum(char.isdigit() for char in reply)


def dividers(reply: str, constraint: Constraint) -> int:
    """Lines that are the divider and nothing else."""
    return sum(line == constraint.text for line in filled(reply))


def exclamations(reply: str, _: Constraint) -> int:
    """Exclamation marks."""
    return reply.count("!") + reply.count("\uff01")


def highlights(reply: str, _: Constraint) -> int:
    """Parts in `*one*` or `**two**` asterisks."""
    without_bullets = "\n".join(line[1:] if _BULLET.match(line) else line for line in filled(reply))
    return len(_HIGHLIGHT.findall(without_bullets))


def keyword(reply: str, constraint: Constraint) -> int:
    """How often a word or phrase occurs, inside longer words too."""
    return occurrences(reply, constraint.text)


def letter(reply: str, constraint: Constraint) -> int:
    """How often a letter occurs, whatever its case."""
    return reply.casefold().count(constraint.text.casefold())


def filled_lines(reply: str, _: Constraint) -> int:
    """Lines that hold anything."""
    return len(filled(reply))


def numbered_lines(reply: str, _: Constraint) -> int:
    """Lines numbered 1, 2, 3 ... in order; 0 where a number is missing or out of order."""
    found = [int(match.group(1)) for line in filled(reply) if (match := _NUMBERED.match(line))]
    return len(found) if found == list(range(1, len(found) + 1)) else 0


def palindromes(reply: str, _: Constraint) -> int:
    """Different words of three letters or more that read the same backwards."""
    found = {word.casefold() for word in words(reply) if word.isalpha() and len(word) >= _MIN_PALINDROME}
    return sum(word == word[::-1] for word in found)


def paragraph_number(reply: str, constraint: Constraint) -> int:
    """Paragraphs, parted by blank lines or by the constraint's divider."""
    return len(paragraphs(reply, constraint.text))


def placeholders(reply: str, _: Constraint) -> int:
    """Placeholders in square brackets, such as `[address]`."""
    return len(_PLACEHOLDER.findall(reply))


def questions(reply: str, _: Constraint) -> int:
    """Sentences that end with a question mark."""
    return sum(
        sentence.rstrip("\"')]\u201d").endswith(("?", "\uff1f", "\u061f")) for sentence in sentences(reply)
    )


def sections(reply: str, constraint: Constraint) -> int:
    """Lines that begin with the section's word and a number, such as `Section 1`."""
    mark = re.compile(rf"[#*\s]*{re.escape(constraint.text.strip())}\s+\d", re.IGNORECASE)
    return sum(mark.match(line) is not None for line in filled(reply))


def sentence_number(reply: str, _: Constraint) -> int:
    """Sentences."""
    return len(sentences(reply))


def table_rows(reply: str, _: Constraint) -> int:
    """Rows of Markdown tables, without heads and the rules under them."""
    rows = 0
    inside = False
    for line in reply.splitlines():
        stripped = line.strip()
        if "|" in stripped and _TABLE_RULE.fullmatch(stripped):
            inside = True
        elif "|" in stripped:
            rows += inside
        else:
            inside = False
    return rows


def word_number(reply: str, _: Constraint) -> int:
    """Words."""
    return len(words(reply))


def longest_word(reply: str, _: Constraint) -> list[int]:
    """Letters of the longest word."""
    return [max(len(word) for word in words(reply))] if words(reply) else []


def sentence_lengths(reply: str, _: Constraint) -> list[int]:
    """Words of each sentence."""
    return [len(words(sentence)) for sentence in sentences(reply)]
