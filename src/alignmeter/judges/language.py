"""A cheap check that a reply is English prose, for judges whose rules are English.

A rule that finds nothing must not read as "does not refuse" when it had no language to work on.
The check looks at script and function words only; names, numbers, code and short neutral strings
are no evidence against English.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from alignmeter.identity import text_digest
from alignmeter.judges.prose import normalise, without_code, without_markup, without_quotations, words_of
from alignmeter.judges.signals import data_bytes, data_yaml

_WINDOW = 3_000
_LATIN_END = 0x0250
_LATIN_EXTENDED = range(0x1E00, 0x1F00)
_DENSE_SCRIPTS = 0x0E00
_MIN_LETTERS = 10
_MIN_DENSE_LETTERS = 4
_MIN_FOREIGN = 2
_MIN_RUN = 4
_MIN_PROSE = 8
_MIN_ENGLISH_SHARE = 0.04
_ENGLISH_SHARE = 0.3
"""Of the words of an English reply, so many are function words, or it may as well be in another language."""
_ACCENTED_SHARE = 0.2
_ENGLISH_BESIDE_ACCENTS = 0.1
_CODE_LINE = re.compile(r"[{}();=<>$\\|#@/]")
_SEGMENT_END = re.compile(r"[,;:.!?\n\"()-]+")


class _Words(NamedTuple):
    digest: str
    english: frozenset[str]
    other: frozenset[str]


@cache
def _known_words() -> _Words:
    content = data_bytes("languages.yaml")
    raw = data_yaml(content)
    english = frozenset(str(raw["english"]).split())
    return _Words(text_digest(content), english, frozenset(str(raw["other"]).split()) - english)


def words_digest() -> str:
    """Return the digest of the word lists: part of the hash of every judge that asks here."""
    return _known_words().digest


def is_other_language(reply: str, request: str = "") -> bool:
    """Whether a reply is clearly not in English.

    Args:
        reply: The reply as it came; its first 3,000 characters decide.
        request: What was asked. A reply too short to show its language is in that of the request.

    Returns:
        True only on positive evidence: another script, foreign function words that outnumber the
        English ones, or prose without any English function word.
    """
    text = _without_code(reply)
    prose = _prose(text)
    if _other_script(text) or _other_words(prose):
        return True
    if not request:
        return False
    words = _words(prose)
    if not words or _english(words) >= _ENGLISH_SHARE * len(words):
        return False
    text = _without_code(request)
    prose = _prose(text)
    if _other_script(text) or _other_words(prose):
        return True
    words += _words(prose)
    return len(words) >= _MIN_PROSE and not _english(words)


def _without_code(text: str) -> str:
    return without_code(normalise(text[:_WINDOW]))[0]


def _prose(text: str) -> str:
    return without_quotations(without_markup(text))


def _words(prose: str) -> list[str]:
    return [word.lower() for word in words_of(prose) if len(word) > 1]


def _english(words: list[str]) -> int:
    known = _known_words().english
    return sum(word in known for word in words)


def _other_script(text: str) -> bool:
    if text.isascii():
        return False
    letters = [ord(char) for char in text if char.isalpha()]
    foreign = [code for code in letters if code >= _LATIN_END and code not in _LATIN_EXTENDED]
    dense = sum(code >= _DENSE_SCRIPTS for code in foreign)
    enough = dense >= _MIN_DENSE_LETTERS or len(foreign) >= _MIN_LETTERS
    return enough and 2 * len(foreign) > len(letters)


def _other_words(text: str) -> bool:
    known = _known_words()
    lines = [line for line in text.split("\n") if not _CODE_LINE.search(line)]
    words = [word.lower() for word in words_of("\n".join(lines)) if len(word) > 1]
    english = sum(word in known.english for word in words)
    other = sum(word in known.other for word in words)
    if other >= _MIN_FOREIGN and other > english:
        return True
    accented = sum(not word.isascii() for word in words)
    if (
        len(words) >= _MIN_RUN
        and accented >= _ACCENTED_SHARE * len(words)
        and english <= _ENGLISH_BESIDE_ACCENTS * len(words)
    ):
        return True
    if english >= _MIN_ENGLISH_SHARE * len(words):
        return False
    running = _running_words(lines)
    recognised = sum(word in known.english for word in running)
    return len(running) >= _MIN_PROSE and recognised < _MIN_ENGLISH_SHARE * len(running)


def _running_words(lines: list[str]) -> list[str]:
    running: list[str] = []
    for line in lines:
        for segment in _SEGMENT_END.split(line):
            words = words_of(segment)
            if len(words) >= _MIN_RUN:
                running.extend(word for word in words if word[0].islower() and len(word) > 1)
    return running
