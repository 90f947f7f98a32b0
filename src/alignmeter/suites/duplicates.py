"""Finds prompts that say the same thing twice: exact copies and near-duplicates by word shingles.

A suite counts families as independent units, so a prompt that is written twice would make every
interval too narrow. Words of three in a row (shingles) are compared by the Jaccard coefficient
(Broder 1997, "On the resemblance and containment of documents").
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SHINGLE_WORDS = 3
"""Words in a shingle."""

NEAR_DUPLICATE = 0.4
"""Two prompts whose shingles overlap by this Jaccard coefficient or more are near-duplicates."""

# Vowel signs of Indic and Arabic script are no word characters for `re`, and Chinese has no spaces: there
# each character counts as a word.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_MARKS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u200c\u200d"
_LETTER = rf"(?:(?![{_HAN}])[\w{_MARKS}])"
_WORD = re.compile(rf"[{_HAN}]|{_LETTER}+(?:['\u2019]{_LETTER}+)*")


class DuplicatePair(NamedTuple):
    """Two prompts that are too alike, by index; `similarity` is 1 for the same words."""

    first: int
    second: int
    similarity: float


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, case-folded and without punctuation."""
    return tuple(_WORD.findall(text.casefold()))


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return the sets of three words in a row; a text that is shorter is one shingle."""
    tokens = words(text)
    last_start = max(len(tokens) - SHINGLE_WORDS, 0)
    return frozenset(tokens[start : start + SHINGLE_WORDS] for start in range(last_start + 1))


def duplicate_pairs(texts: Sequence[str], *, threshold: float = NEAR_DUPLICATE) -> tuple[DuplicatePair, ...]:
    """Return the pairs of texts whose shingles overlap by `threshold` or more.

    Args:
        texts: The prompts, in file order.
        threshold: Jaccard coefficient in (0, 1] from which a pair is reported.

    Returns:
        Pairs ordered by the second index, then the first, so that the first pair names the
        earliest row that repeats something before it.
    """
    sets = [shingles(text) for text in texts]
    seen: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    found: list[DuplicatePair] = []
    for second, mine in enumerate(sets):
        # Only earlier texts that share a shingle can overlap at all.
        candidates = sorted({first for shingle in mine for first in seen[shingle]})
        for first in candidates:
            similarity = len(mine & sets[first]) / len(mine | sets[first])
            if similarity >= threshold:
                found.append(DuplicatePair(first, second, similarity))
        for shingle in mine:
            seen[shingle].append(second)
    return tuple(found)
