"""What instructions ask of the form of a reply; each function says whether the reply has it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from alignmeter.judges.capability.instruction_text import filled, occurrences, paragraphs, words
from alignmeter.judges.reply_language import reply_language

if TYPE_CHECKING:
    from alignmeter.records import Constraint

_QUOTES = "\"'\u201c\u201d\u2018\u2019`* \t\n"
_FENCED = re.compile(r"\s*```([\w+#.-]{0,20})[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_TITLE = re.compile(r"<<[^<>\n]{1,200}>>")
_STARS = re.compile(r"^[ \t]*\*{6}[ \t]*$", re.MULTILINE)
_PUNCTUATION = frozenset(".,;:!?\u2026\u2014\u3002\uff0c\uff01\uff1f")


def all_lower(reply: str, _: Constraint) -> bool:
    """No capital letter, and some letters."""
    return not any(char.isupper() for char in reply) and any(char.islower() for char in reply)


def all_upper(reply: str, _: Constraint) -> bool:
    """No small letter, and some letters."""
    return not any(char.islower() for char in reply) and any(char.isupper() for char in reply)


def alphabetical_words(reply: str, _: Constraint) -> bool:
    """Two words or more, each not before the one in front of it."""
    found = [word.casefold() for word in words(reply)]
    return len(found) > 1 and found == sorted(found)


def code_fenced(reply: str, constraint: Constraint) -> bool:
    """All of it in one code block, with the tag that the constraint names, if any."""
    match = _FENCED.fullmatch(reply)
    if match is None or "```" in match.group(2):
        return False
    return not constraint.text or match.group(1).casefold() == constraint.text.casefold()


def different_words(reply: str, _: Constraint) -> bool:
    """No word twice, whatever its case."""
    found = [word.casefold() for word in words(reply)]
    return bool(found) and len(set(found)) == len(found)


def distinct_line_starts(reply: str, _: Constraint) -> bool:
    """Two lines or more, no two of which begin with the same letter."""
    starts = [next((char.casefold() for char in line if char.isalnum()), "") for line in filled(reply)]
    return len(starts) > 1 and len(set(starts)) == len(starts)


def ends_with(reply: str, constraint: Constraint) -> bool:
    """The last words are the phrase, nothing after it but quotation marks."""
    return reply.rstrip(_QUOTES).casefold().endswith(constraint.text.strip(_QUOTES).casefold())


def starts_with(reply: str, constraint: Constraint) -> bool:
    """The first words are the phrase."""
    return reply.lstrip(_QUOTES).casefold().startswith(constraint.text.strip(_QUOTES).casefold())


def first_word(reply: str, constraint: Constraint) -> bool:
    """The first word."""
    found = words(reply)
    return bool(found) and found[0].casefold() == constraint.text.casefold()


def last_word(reply: str, constraint: Constraint) -> bool:
    """The last word."""
    found = words(reply)
    return bool(found) and found[-1].casefold() == constraint.text.casefold()


def forbidden_characters(reply: str, constraint: Constraint) -> bool:
    """None of the characters, a letter in neither case."""
    forbidden = set(constraint.text.casefold())
    return not any(char in forbidden for char in reply.casefold())


def forbidden_words(reply: str, constraint: Constraint) -> bool:
    """None of the words or phrases, as words of their own."""
    return not any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", reply, re.IGNORECASE) for word in constraint.words
    )


def keywords(reply: str, constraint: Constraint) -> bool:
    """All of the words or phrases."""
    return bool(constraint.words) and all(occurrences(reply, word) for word in constraint.words)


def json_only(reply: str, _: Constraint) -> bool:
    """A JSON value and nothing else; a code fence around it is allowed."""
    return _json(reply) is not None


def json_keys(reply: str, constraint: Constraint) -> bool:
    """A JSON object with these keys and no other, and nothing else."""
    found = _json(reply)
    value: object = found[0] if found is not None else None
    return isinstance(value, dict) and set(cast("dict[str, Any]", value)) == set(constraint.words)


def _json(reply: str) -> tuple[Any] | None:
    fenced = _FENCED.fullmatch(reply)
    try:
        return (json.loads(fenced.group(2) if fenced is not None else reply),)
    except (ValueError, RecursionError):
        return None


def language(reply: str, constraint: Constraint) -> bool:
    """In a language (ISO 639-1); a reply too short or too mixed to tell is not."""
    return reply_language(reply, constraint.text.lower()).label == "same"


def line_ends_with(reply: str, constraint: Constraint) -> bool:
    """Every line that holds anything ends with the text."""
    found = filled(reply)
    return bool(found) and all(line.casefold().endswith(constraint.text.casefold()) for line in found)


def nth_paragraph_first_word(reply: str, constraint: Constraint) -> bool:
    """So many paragraphs, and the one at the position begins with the word."""
    found = paragraphs(reply)
    position = constraint.count or 1
    if (constraint.total is not None and len(found) != constraint.total) or len(found) < position:
        return False
    begins = words(found[position - 1])
    return bool(begins) and begins[0].casefold() == constraint.text.casefold()


def one_of(reply: str, constraint: Constraint) -> bool:
    """It holds exactly one of the options, word for word."""
    given = reply.casefold()
    held = [option.casefold() for option in constraint.words if option.casefold() in given]
    return len([one for one in held if not any(one in other for other in held if other != one)]) == 1


def postscript(reply: str, constraint: Constraint) -> bool:
    """A line after the first begins with the mark, such as `P.S.`, and something follows it."""
    mark = (constraint.text or "P.S.").casefold()
    found = [line.lstrip(_QUOTES).casefold() for line in filled(reply)[1:]]
    return any(line.startswith(mark) and len(line) > len(mark) for line in found)


def quoted(reply: str, _: Constraint) -> bool:
    """All of it in double quotation marks."""
    text = reply.strip()
    return len(text) > 1 and text[0] in '"\u201c' and text[-1] in '"\u201d'


def repeats_first(reply: str, constraint: Constraint) -> bool:
    """It begins with the text, word by word, and goes on."""
    given, wanted = words(reply.casefold()), words(constraint.text.casefold())
    return given[: len(wanted)] == wanted and len(given) > len(wanted)


def title(reply: str, _: Constraint) -> bool:
    """A title in double angle brackets, such as `<<The sea>>`."""
    return _TITLE.search(reply) is not None


def two_answers(reply: str, _: Constraint) -> bool:
    """Two different parts, with a line of six asterisks between them."""
    parts = [part.strip() for part in _STARS.split(reply)]
    return len(parts) == 2 and all(parts) and parts[0] != parts[1]  # noqa: PLR2004 - two


def unpunctuated(reply: str, _: Constraint) -> bool:
    """No punctuation mark."""
    return not any(char in _PUNCTUATION for char in reply)


def words_start_with(reply: str, constraint: Constraint) -> bool:
    """Every word begins with the letter."""
    found = words(reply)
    return bool(found) and all(word.casefold().startswith(constraint.text.casefold()) for word in found)
