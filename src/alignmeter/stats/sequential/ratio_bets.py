"""Betting on a relative loss, whatever stopped the pairs: tests at any share, and a confidence sequence.

For each share tau a gambler bets against "at most tau was lost", another against "at least tau was".
Both hold at every unit at once, so it does not matter why the pairs end where they do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignmeter.stats.intervals import Bounds
from alignmeter.stats.paired_means import PairedTiers, tiers_of
from alignmeter.stats.ratio import TIER_EDGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from alignmeter.stats._binomial import FloatArray

_STAKES = ((0.9, 0.4), (0.45, 0.3), (0.2, 0.2), (0.08, 0.1))
"""Stake and share of the wealth. The contrast lies in [-1, 1], so stakes below 1 never lose everything."""
_MOST_GAINED = 100.0
_BISECTIONS = 40


@dataclass(frozen=True)
class RatioBets:
    """Pairs in the order in which they were asked; made by `bet_on_ratio`.

    Attributes:
        least: Pairs with what is missing at (0, 1), shape (n, 2); `most` with it at (1, 0).
    """

    least: FloatArray
    most: FloatArray

    def p_above(self, tau: float) -> float:
        """Anytime evidence that more than the share tau was lost."""
        return _p(_contrast(self.least, tau))

    def p_below(self, tau: float) -> float:
        """Anytime evidence that less than the share tau was lost."""
        return _p(-_contrast(self.most, tau))

    def ratio(self, level: float = 0.90) -> Bounds[float]:
        """Return the relative losses that are rejected on neither side; the upper end is at most 1."""
        alpha = (1 - level) / 2
        # The contrast falls in tau with the stakes fixed, so what is rejected lies beyond one point.
        lower = _last(lambda tau: self.p_above(tau) <= alpha, -_MOST_GAINED, 1.0)
        upper = -_last(lambda tau: self.p_below(-tau) <= alpha, -1.0, _MOST_GAINED)
        return Bounds(lower, upper)

    def tiers(self, alpha: float = 0.05) -> PairedTiers:
        """Return the tier that is confirmed, and the one that is cleared, each side erring at most alpha."""
        return tiers_of(
            [self.p_above(tau) for tau in TIER_EDGES], [self.p_below(tau) for tau in TIER_EDGES], alpha
        )


def bet_on_ratio(before: ArrayLike, after: ArrayLike) -> RatioBets:
    """Bet on the share of a score that was lost.

    Args:
        before: Scores of independent units in [0, 1], in their order, shape (n,); NaN where missing.
        after: Scores of the same units, likewise.

    Raises:
        ValueError: The scores are not paired, or not in [0, 1].

    Notes:
        The contrast is Z = (1 - tau) before - after. Wealth is sum_k w_k prod_i (1 +- lambda_k Z_i)
        with fixed stakes; p-values are 1 / its maximum.

    References:
        I. Waudby-Smith and A. Ramdas, JRSS B 86, 1-27, 2024.

    Examples:
        >>> from alignmeter.stats.sequential.ratio_bets import bet_on_ratio
        >>> found = bet_on_ratio([1.0] * 60, [1.0] * 60)
        >>> round(found.p_below(0.10), 4), round(found.ratio().upper, 3)
        (0.0133, 0.072)
    """
    columns = [np.asarray(values, dtype=np.float64) for values in (before, after)]
    if columns[0].ndim != 1 or columns[0].shape != columns[1].shape:
        raise ValueError(
            f"before and after must be scores of the same units, got {columns[0].shape}, {columns[1].shape}"
        )
    pairs = np.column_stack(columns)
    if ((pairs < 0) | (pairs > 1)).any():
        raise ValueError("scores must lie in [0, 1] (rescale other grades)")
    missing = np.isnan(pairs.sum(axis=1))[:, None]
    return RatioBets(np.where(missing, (0.0, 1.0), pairs), np.where(missing, (1.0, 0.0), pairs))


def _contrast(pairs: FloatArray, tau: float) -> FloatArray:
    # A share below 0 puts the contrast outside [-1, 1]; scaled down it is as good a bet.
    return ((1 - tau) * pairs[:, 0] - pairs[:, 1]) / max(1.0, 1 - tau)


def _p(contrast: FloatArray) -> float:
    if not contrast.size:
        return 1.0
    logs = np.stack([math.log(weight) + np.cumsum(np.log1p(stake * contrast)) for stake, weight in _STAKES])
    # The sum over stakes lies within a factor of their number of the largest: elsewhere it is no maximum.
    largest = logs.max(axis=0)
    near = logs[:, largest >= largest.max() - math.log(len(_STAKES))]
    return math.exp(-max(0.0, float(np.logaddexp.reduce(near).max())))


def _last(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return where `holds` turns false between two ends; the low one where it never holds."""
    if not holds(low):
        return low
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
