"""Texts as vectors without a model: words and pairs of words, weighted by rarity, in a few dimensions."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DIMENSIONS = 64
COMMON = 0.25
"""A word in more than this share of the texts tells none of them apart."""
STEM = 6
"""Letters by which words are alike: endings are many, and in every language others."""
_ENGLISH = """
about above after again against all also always and another any anything are around away back
because been before behind being below between both but came can cannot come could did does doing
done down during each ever every everything explain few first for from get gets getting give given
goes going got had has have having her here hers him his how however into its itself just keep know
last least less let like long look made make makes many may maybe might mine more most much must
need needs never new nobody not nothing now off often once one only other others our out over own
please put really same say says see she should show since some somebody someone something still such
take tell than that the their them then there these they thing things this those three through too
two under until upon use used very want wants was way well were what when where whether which while
who whom whose why will with within without would write yet you your yours
"""
_FUNCTION_WORDS = frozenset(_ENGLISH.split())
_WORD = re.compile(r"[^\W\d_][\w'’-]*")  # noqa: RUF001 - the apostrophe of printed texts
_SHORTEST = 3


def words(text: str) -> list[str]:
    """The words of a text in lower case, those of three letters on that are no English function words."""
    return [
        word for word in _WORD.findall(text.lower()) if len(word) >= _SHORTEST and word not in _FUNCTION_WORDS
    ]


def tfidf_vectors(texts: Sequence[str]) -> Floats:
    """Return vectors of length 1 from words and pairs of words.

    Args:
        texts: Any number of texts.

    Returns:
        Shape (len(texts), up to 64): the leading dimensions of the TF-IDF matrix (latent semantic
        analysis). A text that shares no word with another is a zero vector.

    References:
        S. Deerwester et al., Journal of the American Society for Information Science 41, 391-407, 1990.
    """
    counted = [_terms(text) for text in texts]
    frequency = Counter(term for terms in counted for term in terms)
    kept = sorted(term for term, n in frequency.items() if n > 1 and n <= max(2.0, COMMON * len(texts)))
    place = {term: column for column, term in enumerate(kept)}
    matrix = np.zeros((len(texts), max(1, len(kept))))
    for row, terms in enumerate(counted):
        for term, n in terms.items():
            if term in place:
                rarity = math.log((1 + len(texts)) / (1 + frequency[term])) + 1
                matrix[row, place[term]] = (1 + math.log(n)) * rarity
    return normed(leading(normed(matrix), DIMENSIONS))


def stems(text: str) -> list[tuple[str, str]]:
    """The words of a text, each behind the letters by which words are alike."""
    return [(word[:STEM], word) for word in words(text)]


def _terms(text: str) -> Counter[str]:
    found = [stem for stem, _ in stems(text)]
    return Counter(found + [f"{one} {two}" for one, two in pairwise(found)])


def normed(vectors: Floats) -> Floats:
    """Scale each row to length 1; a zero row stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def leading(vectors: Floats, dimensions: int) -> Floats:
    """Project on the leading singular directions; shape (n, at most `dimensions`).

    The direction of an axis is chosen so that its entry of largest size is positive.
    """
    values, sides = np.linalg.eigh(vectors @ vectors.T)
    order = np.argsort(-values, kind="stable")[:dimensions]
    order = order[values[order] > 1e-9 * max(1.0, float(values.max(initial=0.0)))]
    if not order.size:
        return np.zeros((len(vectors), 1))
    found = sides[:, order] * np.sqrt(values[order])
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    return found * np.where(signs == 0, 1.0, signs)


def telling_terms(inside: Sequence[str], outside: Sequence[str], most: int = 3) -> tuple[str, ...]:
    """The words by which some texts differ most from others: weighted log-odds of their shares.

    Args:
        inside: Texts to name.
        outside: The others.
        most: How many words at most.

    References:
        B. Monroe, M. Colaresi and K. Quinn, "Fightin' Words", Political Analysis 16, 372-403, 2008.
    """
    ours, theirs = (
        Counter(word for text in texts for word in set(words(text))) for texts in (inside, outside)
    )
    score: dict[str, float] = {}
    for word, n in ours.items():
        a, b = n + 0.5, theirs[word] + 0.5
        odds = math.log(a / (len(inside) - n + 0.5)) - math.log(b / (len(outside) - theirs[word] + 0.5))
        # A word of a single text names that text, not a region.
        if n > 1 and n + theirs[word] <= max(2.0, COMMON * (len(inside) + len(outside))):
            score[word] = odds / math.sqrt(1 / a + 1 / b)
    ranked = sorted(score, key=lambda word: (-score[word], word))
    return tuple(word for word in ranked if score[word] > 0)[:most]
