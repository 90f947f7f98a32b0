"""How often a judge is right, from labels that were drawn with unequal probabilities.

Replies that a judge flagged are labelled first, all of them; of the others a few are drawn. Counted as they
come, such labels show a judge that misses nothing. Each stands for the replies that it was drawn from, and
what nobody drew need not be like what was.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats.intervals import Bounds, clopper_pearson
from alignmeter.stats.judge_error import EffectiveCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.stats._binomial import FloatArray

_DRAWS = 20_000
_TAILS = (0.025, 0.005, 0.001)
"""One-sided levels at which the counts may not claim more than the labels do."""
_STEPS = 60


class Drawn(NamedTuple):
    """Labels that were drawn alike, and what the judge made of the replies in question among them.

    Attributes:
        size: Replies that they were drawn from.
        labels: Labels, also those of other replies and of replies that the judge did not score.
        right, wrong: Of the replies in question, for example the bad ones.
        may_be_right, may_be_wrong: Whether the judge may be right, or wrong, on a reply that was not drawn.
    """

    size: float
    labels: int
    right: int
    wrong: int
    may_be_right: bool = True
    may_be_wrong: bool = True

    @property
    def weight(self) -> float:
        """Replies that each label stands for."""
        return self.size / self.labels


def drawn_counts(
    draws: Sequence[Drawn], *, missing: tuple[int, int] = (0, 0), seed: int = 0
) -> EffectiveCounts:
    """Return how many independent labels, drawn alike, labels of several draws are worth.

    Args:
        draws: Each with at least one label.
        missing: Replies of which none could be drawn, on which the judge may be right, and on which it may be
            wrong: for a bound all of them are.
        seed: Seed of the Monte-Carlo product.

    Returns:
        `EffectiveCounts(events, n)`: events / n is the weighted share of right ones, and n the largest number
        at which Clopper-Pearson bounds are nowhere inside those of the draws, at most the replies that the
        labels in question stand for.

    Raises:
        ValueError: No label is in question, or a draw has none or more than its size.

    Notes:
        The replies that are right, and those that are wrong, are sums over the draws of size times share, the
        shares of the draws in all replies from their Dirichlet posterior under Jeffreys' prior as in
        `by_verdict`. A bound takes the lower confidence distributions of the one sum, Beta(x, n - x + 1), and
        those of the other, in which the draw of the largest weight that can hold more has the upper one,
        Beta(x + 1, n - x). A design effect of Kish alone would be wrong where one sum is empty: none missed
        among 20 labels that stand for ten replies each says less than none missed among 20 replies.

    References:
        M. P. Fay and E. J. Feuer, "Confidence intervals for directly standardized rates", Statistics in
        Medicine 16, 791-801, 1997. M. P. Fay, M. A. Proschan and E. Brittain, "Combining one-sided confidence
        procedures for inference in the two-sample case", Biometrics 71, 146-156, 2015.

    Examples:
        All of 40 flagged replies are labelled, 30 of them are bad; of 200 others 20, one of them bad.

        >>> from alignmeter.stats.drawn_labels import Drawn, drawn_counts
        >>> flagged, others = Drawn(40, 40, 30, 0, True, False), Drawn(200, 20, 0, 1, False, True)
        >>> found = drawn_counts([flagged, others])
        >>> round(found.events / found.n, 2), found.n < 10
        (0.75, True)
    """
    for draw in draws:
        if not 0 < draw.labels <= draw.size or not 0 <= draw.right + draw.wrong <= draw.labels:
            raise ValueError(f"a draw needs labels, at most its size, and counts among them, got {draw!r}")
    most = sum(draw.weight * (draw.right + draw.wrong) for draw in draws)
    if most == 0:
        raise ValueError("expected at least one label in question, got none")
    share = sum(draw.weight * draw.right for draw in draws) / most
    bounds = _bounds(draws, missing, seed)
    n = min(_largest(share, found, tail, most) for found, tail in zip(bounds, _TAILS, strict=True))
    return EffectiveCounts(share * n, n)


def _bounds(draws: Sequence[Drawn], missing: tuple[int, int], seed: int) -> list[Bounds[float]]:
    """Bounds of the share of right replies, a pair for each of `_TAILS`."""
    rng = np.random.default_rng(seed)
    total = sum(draw.size for draw in draws)
    sizes = total * rng.dirichlet([draw.size + 0.5 for draw in draws], size=_DRAWS)
    rights, wrongs = [draw.right for draw in draws], [draw.wrong for draw in draws]
    more_right = _heaviest(draws, [draw.may_be_right for draw in draws])
    more_wrong = _heaviest(draws, [draw.may_be_wrong for draw in draws])
    low = _ratio(
        _sum(draws, rights, sizes, rng), _sum(draws, wrongs, sizes, rng, upper=more_wrong) + missing[1]
    )
    high = 1 - _ratio(
        _sum(draws, wrongs, sizes, rng), _sum(draws, rights, sizes, rng, upper=more_right) + missing[0]
    )
    return [Bounds(float(np.quantile(low, tail)), float(np.quantile(high, 1 - tail))) for tail in _TAILS]


def _heaviest(draws: Sequence[Drawn], among: Sequence[bool]) -> int | None:
    """The draw of the largest weight that can hold one more, None where none can."""
    can = [number for number, each in enumerate(among) if each]
    return max(can, key=lambda number: draws[number].weight, default=None)


def _sum(
    draws: Sequence[Drawn],
    counts: Sequence[int],
    sizes: FloatArray,
    rng: np.random.Generator,
    *,
    upper: int | None = None,
) -> FloatArray:
    """Draw from the confidence distribution of a weighted sum of counts; `sizes` of shape (draws, strata)."""
    total = np.zeros(len(sizes))
    for number, (draw, count) in enumerate(zip(draws, counts, strict=True)):
        a = count + (number == upper)
        b = draw.labels - count + (number != upper)
        if a == 0 or b == 0:
            total += sizes[:, number] * (a > 0)
        else:
            total += sizes[:, number] * rng.beta(a, b, size=len(sizes))
    return total


def _ratio(part: FloatArray, other: FloatArray) -> FloatArray:
    """Return part / (part + other), 0 where there is no part."""
    return np.divide(part, part + other, out=np.zeros_like(part), where=part > 0)


def _largest(share: float, bounds: Bounds[float], tail: float, most: float) -> float:
    """The largest n up to `most` at which Clopper-Pearson bounds hold both of the given ones."""

    def holds(n: float) -> bool:
        found = clopper_pearson(share * n, n, level=1 - 2 * tail)
        return float(found.lower) <= bounds.lower and float(found.upper) >= bounds.upper

    if holds(most):
        return most
    low, high = 1e-6, float(most)
    for _ in range(_STEPS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
