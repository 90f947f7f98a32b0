"""How the instructions about form cut a reply into words, sentences, lines and paragraphs."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f\u0964])[\"')\]\u201d\u2019]*\s+|\n+")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|approx)\.(?=\s)")
_HAS_WORD = re.compile(r"\w")
_BLANK = re.compile(r"\n[ \t]*\n")


def words(text: str) -> list[str]:
    """Words of a text; an apostrophe or hyphen inside joins, numbers are words."""
    return _WORD.findall(text)


def sentences(text: str) -> list[str]:
    """Sentences of a text; a line break ends one too."""
    kept = _ABBREVIATION.sub(lambda match: match.group().replace(".", "\u2024"), text)
    return [part.strip() for part in _SENTENCE_END.split(kept) if _HAS_WORD.search(part)]


def filled(text: str) -> list[str]:
    """Lines of a text that hold anything, without space at their ends."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def paragraphs(text: str, divider: str = "") -> list[str]:
    """Paragraphs of a text: parted by blank lines, or by a divider such as `***`."""
    parts = text.split(divider) if divider else _BLANK.split(text)
    return [part.strip() for part in parts if part.strip()]


def occurrences(text: str, word: str) -> int:
    """How often a word or phrase occurs, whatever its case, also inside longer words."""
    return len(re.findall(re.escape(word), text, re.IGNORECASE)) if word else 0
