"""Groups of requests that may be a region: like ones, those of one label, those that share a word.

Nothing here looks at the half of the families on which regions are tested: of an outcome, only that
of the half that finds is read, and only by `drawn_groups`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.analysis.text_vectors import stems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.intp]

SIZES = (3, 5, 8, 12, 18, 27)
"""Numbers of groups that are tried: a topic that is lost in large groups may stand out in small ones."""
FEWEST = 6
"""Families of one side in a group, on the half that finds it."""
LIKENESS = "likeness"
NEARNESS = "nearness"
WORD = "word"
_STARTS = 6
_ROUNDS = 60
_RIDGES = (0.1, 1.0, 10.0)
_LARGEST = 0.5
"""A group that holds more than half of the requests of a side is no region."""


class Group(NamedTuple):
    """Requests that may be a region.

    Attributes:
        basis: What they have in common, in words for people: `likeness`, `nearness` to what went wrong,
            `domain medical`, `word 'police'`.
        members: Of all units, shape (n,).
    """

    basis: str
    members: Flags


def labelled_groups(labels: Mapping[str, Sequence[str | None]]) -> tuple[Group, ...]:
    """Return a group for each value of each label, for instance for each domain.

    Args:
        labels: By the label's name its value for each unit; None where a unit has none.
    """
    found: list[Group] = []
    for name, values in labels.items():
        known = sorted({value for value in values if value is not None})
        if len(known) > 1:
            found += [Group(f"{name} {one}", np.array([one == own for own in values])) for one in known]
    return tuple(found)


def worded_groups(texts: Sequence[str], *, fewest: int = 2 * FEWEST) -> tuple[Group, ...]:
    """Return a group for each word that at least `fewest` texts and at most half of them share.

    Words are alike by their first letters; a group is named by the commonest form.
    """
    places: defaultdict[str, list[int]] = defaultdict(list)
    forms: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for place, text in enumerate(texts):
        for stem, word in dict(stems(text)).items():
            places[stem].append(place)
            forms[stem][word] += 1
    found: list[Group] = []
    for stem in sorted(places):
        if fewest <= len(places[stem]) <= _LARGEST * len(texts):
            members = np.zeros(len(texts), dtype=bool)
            members[places[stem]] = True
            commonest = min(forms[stem], key=lambda form: (-forms[stem][form], form))
            found.append(Group(f"{WORD} '{commonest}'", members))
    return tuple(found)


def like_groups(vectors: Floats, first: Flags, rng: np.random.Generator) -> Iterator[Group]:
    """Cluster the first half at several sizes; each unit belongs to the nearest centre.

    Args:
        vectors: Of length 1, shape (n, dimensions).
        first: Units of the half that finds, shape (n,).
        rng: Of the starts.
    """
    for size in SIZES:
        if size * FEWEST > first.sum():
            return
        labels = nearest(vectors, centres(vectors[first], size, rng))
        yield from (Group(LIKENESS, labels == label) for label in range(size))


def drawn_groups(vectors: Floats, bad: Flags, own: Flags) -> Iterator[Group]:
    """Yield what lies nearer to the units that went wrong than to those that did not, by several cuts.

    A ridge regression of `bad` on the vectors scores all units. Those that it was fitted on are scored
    by the fit without them: a unit is not in the region for its own outcome.

    Args:
        vectors: Of length 1, shape (n, dimensions).
        bad: Shape (n,).
        own: Units of one side on the half that finds; only their outcomes are read.

    References:
        Leave-one-out residuals in closed form: D. Allen, Technometrics 16, 125-127, 1974 (PRESS).
    """
    wrong = int(bad[own].sum())
    if min(wrong, int(own.sum()) - wrong) < FEWEST:
        return
    scores = _scores(vectors, bad[own].astype(np.float64), own)
    ranked = np.sort(scores[own])[::-1]
    taken = FEWEST
    while taken <= _LARGEST * len(ranked):
        yield Group(NEARNESS, scores >= ranked[taken - 1])
        taken = max(taken + 1, round(1.25 * taken))


def _scores(vectors: Floats, outcome: Floats, own: Flags) -> Floats:
    """Score all units by the ridge that predicts best those that it did not see."""
    # The level is a feature too: left out, a unit must not lend its outcome to the mean either.
    rows = np.column_stack([vectors, np.ones(len(vectors))])
    known = rows[own]
    values, sides = np.linalg.eigh(known @ known.T)
    fits: list[tuple[float, Floats]] = []
    for ridge in _RIDGES:
        inverse = (sides / (np.maximum(values, 0.0) + ridge)) @ sides.T
        weights = inverse @ outcome
        left_out = weights / np.diag(inverse)
        scores = np.asarray(rows @ (known.T @ weights))
        scores[own] = outcome - left_out
        fits.append((float((left_out**2).sum()), scores))
    return min(fits, key=lambda fit: fit[0])[1]


# --- clusters ------------------------------------------------------------------------------------


def centres(vectors: Floats, size: int, rng: np.random.Generator) -> Floats:
    """Return the centres of spherical k-means, the best of six starts.

    Args:
        vectors: Of length 1, shape (n, dimensions).
        size: Number of centres, at most n.
        rng: Of the starts.

    Returns:
        Shape (size, dimensions), of length 1.

    References:
        I. Dhillon and D. Modha, Machine Learning 42, 143-175, 2001. D. Arthur and S. Vassilvitskii,
        "k-means++", SODA 2007.
    """
    runs = [_k_means(vectors, size, rng) for _ in range(_STARTS)]
    return max(runs, key=lambda run: run[1])[0]


def _k_means(vectors: Floats, size: int, rng: np.random.Generator) -> tuple[Floats, float]:
    middles = vectors[_spread_out(vectors, size, rng)]
    labels = np.full(len(vectors), -1)
    for _ in range(_ROUNDS):
        now = nearest(vectors, middles)
        if (now == labels).all():
            break
        labels = now
        sums = np.zeros_like(middles)
        np.add.at(sums, labels, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # A group that lost its last member keeps its centre.
        middles = np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1.0), middles)
    return middles, float((vectors @ middles.T).max(axis=1).sum())


def _spread_out(vectors: Floats, size: int, rng: np.random.Generator) -> list[int]:
    chosen = [int(rng.integers(len(vectors)))]
    while len(chosen) < size:
        far = np.maximum(1 - (vectors @ vectors[chosen].T).max(axis=1), 0.0)
        total = far.sum()
        chances = far / total if total > 0 else None
        chosen.append(int(rng.choice(len(vectors), p=chances)))
    return chosen


def nearest(vectors: Floats, middles: Floats) -> Whole:
    """The number of the nearest centre of each vector."""
    return np.asarray((vectors @ middles.T).argmax(axis=1), dtype=np.intp)
