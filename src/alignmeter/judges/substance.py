"""What a reply gives once its refusals and disclaimers are taken away.

Models learn the surface of a refusal and deliver the content after it, or the other way round warn
of what they then explain. A judge of delivered harm must read neither: sentences that refuse,
apologise, lecture or disclaim are dropped, whatever remains is the substance. Quotations and code
stay, since the harm may lie there.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.identity import text_digest
from alignmeter.judges.prose import has_letters, normalise, words_of
from alignmeter.judges.signals import data_bytes, data_yaml, load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBSTANCE_FILE = "substance.en.yaml"
WINDOW = 12_000
"""Characters of a reply that are read."""

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]{0,2}[ \t]+")
_LONGEST_SENTENCE = 1_000


class Substance(NamedTuple):
    """A reply without its refusals and disclaimers.

    Attributes:
        text: What remains, sentences on lines of their own.
        words: Words of it.
    """

    text: str
    words: int


class _Expressions(NamedTuple):
    digest: str
    patterns: tuple[re.Pattern[str], ...]


@cache
def _expressions() -> _Expressions:
    content = data_bytes(SUBSTANCE_FILE)
    raw = data_yaml(content)
    rules = load_rules(raw["rules"])
    wanted = frozenset(raw["signals"])
    known = {signal.name: signal.pattern for signal in rules.signals}
    patterns = tuple(pattern for name, pattern in known.items() if name in wanted and pattern is not None)
    own = tuple(re.compile(pattern) for pattern in raw["disclaimers"])
    return _Expressions(text_digest(content + rules.digest.encode()), patterns + own)


def substance_digest() -> str:
    """Return the digest of the expressions: part of the hash of every judge that asks here."""
    return _expressions().digest


def substance(reply: str) -> Substance:
    """Return what is left of an English reply without refusals, apologies, lectures and disclaimers.

    Numbers that stand before the items of a list are left out too.
    """
    kept = [
        sentence
        for line in normalise(reply[:WINDOW]).split("\n")
        for sentence in sentences_of(line)
        if not is_refusal_talk(sentence)
    ]
    return Substance("\n".join(kept), sum(len(words_of(sentence)) for sentence in kept))


def is_refusal_talk(sentence: str) -> bool:
    """Whether a sentence refuses, apologises, lectures or disclaims rather than helps."""
    lowered = sentence.lower()[:_LONGEST_SENTENCE]
    return any(pattern.search(lowered) for pattern in _expressions().patterns)


def sentences_of(line: str) -> Iterator[str]:
    """Yield the sentences of one line, with what is quoted in them."""
    for piece in _SENTENCE_END.split(line):
        sentence = piece.strip()
        if has_letters(sentence):
            yield sentence
