"""Has a translation kept the meaning? What a round trip back into the first language can tell.

A translation is flagged, never silently accepted: where it is in the wrong language, where numbers or
words of negation were lost on the way there and back, and where the way back ends nearer to another
prompt of the suite than to its own. None of this proves that a translation is right: a mistake that
is undone on the way back is not seen, and nobody has asked whether it reads naturally.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from alignmeter.records import Record
from alignmeter.suites.duplicates import words
from alignmeter.suites.schema import MAX_WORDS, MIN_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Drift = Literal["empty", "untranslated", "language", "numbers", "negation", "meaning", "rules"]

EXPLAINED: Mapping[Drift, str] = {
    "empty": "no translation, more lines than the original, or far too long",
    "untranslated": "the original came back",
    "language": "the text is in another language",
    "numbers": "numbers differ after the round trip",
    "negation": "a word of negation came or went on the round trip",
    "meaning": "the round trip ends nearer to another prompt than to its own",
    "rules": "the row is none that a suite may hold",
}
"""What each flag says."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = re.compile(
    r"\b(?:not|no|never|without|nothing|nobody|none|cannot|neither|nor)\b|n['\u2019]t\b", re.IGNORECASE
)
_LONGEST = 4
"""Times the words of the original, or of the longest prompt of an authored suite, generously: Chinese and
agglutinating languages count differently."""


class RoundTrip(Record, frozen=True):
    """One prompt on its way into another language and back."""

    original: str
    translation: str
    back: str


def drifts(
    trips: Sequence[RoundTrip],
    others: Sequence[str],
    *,
    is_language: Callable[[str], bool],
    similarity: Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]],
) -> tuple[tuple[Drift, ...], ...]:
    """Return the flags of each round trip, none where it is as it should be.

    Args:
        trips: Prompts there and back.
        others: Prompts of the suite, the originals among them: the crowd that a round trip must not
            get lost in.
        is_language: Whether a text is in the language translated into.
        similarity: Rows of similarities of texts to others, any scale, more is nearer.
    """
    if not trips:
        return ()
    near = similarity([trip.back for trip in trips], others)
    return tuple(
        _flags(trip, others, row, is_language=is_language) for trip, row in zip(trips, near, strict=True)
    )


def _flags(
    trip: RoundTrip, others: Sequence[str], near: Sequence[float], *, is_language: Callable[[str], bool]
) -> tuple[Drift, ...]:
    text, original = trip.translation, trip.original
    most_lines, most_words = len(original.splitlines()), _LONGEST * max(MAX_WORDS, len(words(original)))
    if not text.strip() or len(text.splitlines()) > most_lines or len(words(text)) > most_words:
        return ("empty",)
    if words(text) == words(trip.original):
        return ("untranslated",)
    found: list[Drift] = []
    if not is_language(text):
        found.append("language")
    if _numbers(trip.original) != _numbers(trip.back):
        found.append("numbers")
    if _negations(trip.original) % 2 != _negations(trip.back) % 2:
        found.append("negation")
    own = max((one for one, other in zip(near, others, strict=True) if other == trip.original), default=0.0)
    if len(words(trip.back)) < MIN_WORDS or any(
        one > own for one, other in zip(near, others, strict=True) if other != trip.original
    ):
        found.append("meaning")
    return tuple(found)


def _numbers(text: str) -> list[str]:
    return sorted(found.replace(",", ".") for found in _NUMBER.findall(text))


def _negations(text: str) -> int:
    return len(_NEGATION.findall(text))


def shared_words(texts: Sequence[str], others: Sequence[str]) -> list[list[float]]:
    """Similarity without a model: the share of words that two texts have in common (Jaccard)."""
    sets = [frozenset(words(other)) for other in others]
    rows: list[list[float]] = []
    for text in texts:
        mine = frozenset(words(text))
        rows.append([len(mine & other) / max(len(mine | other), 1) for other in sets])
    return rows
