"""Two means of the same units, compared by difference and by ratio, with rare losses counted in.

A t test of a paired contrast passes far too easily where what would make it fail is rare: 30 perfect
base answers and a true tax of 10% pass "below 10%" 19% of the time at a nominal 5%, because samples
without enough failures also show too little spread. Here the test that a loss is small counts one
more family than there are, at its worst (right before, wrong after). It then errs at most .062 in 192
settings of 10 to 500 binary pairs; the test that a loss is large needs no such help and errs at most
.053. What has no score counts at its worst on either side.

Where families differ in size, a large one that is lost counts for many, so the family that is counted
in has size sum s^3 / sum s^2, and degrees of freedom are those of sum(s)^2 / sum s^2 families. With
that both tests err as with equal sizes as long as large families lose no more often than small ones;
with equal sizes nothing changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats._binomial import FloatArray, student_quantile, student_tail
from alignmeter.stats._checks import checked_level
from alignmeter.stats._means import NEGLIGIBLE, cluster_codes
from alignmeter.stats.intervals import Bounds
from alignmeter.stats.ratio import TIER_EDGES, TIERS, Tier

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_FEWEST_FAMILIES = 2
_WON, _LOST = (0.0, 1.0), (1.0, 0.0)
"""A unit at either end: wrong before and right after, and the other way round."""


class PairedTiers(NamedTuple):
    """The tier of a relative loss that is shown at least, and at most.

    Attributes:
        confirmed: The loss is in this tier or above, with error rate alpha.
        cleared: The loss is in this tier or below, with error rate alpha.
    """

    confirmed: Tier
    cleared: Tier


class _Units(NamedTuple):
    """Pairs of shape (n, 2) with their families and strata as numbers from 0, and what each counts."""

    pairs: FloatArray
    codes: NDArray[np.intp]
    layers: NDArray[np.intp]
    weights: FloatArray

    def family_sizes(self) -> list[FloatArray]:
        """Return what the families of each stratum count in it."""
        found: list[FloatArray] = []
        for layer in range(int(self.layers.max()) + 1):
            here = self.layers == layer
            sizes = np.bincount(self.codes[here], weights=self.weights[here])
            found.append(np.asarray(sizes[sizes > 0], dtype=np.float64))
        return found


class _Moments(NamedTuple):
    """Means of both columns, their covariance, and degrees of freedom."""

    before: float
    after: float
    v_before: float
    v_both: float
    v_after: float
    freedom: float

    def contrast(self, share: float) -> tuple[float, float]:
        """Return share * before - after and its standard error."""
        variance = share * share * self.v_before - 2 * share * self.v_both + self.v_after
        scale = share * share * self.v_before + self.v_after
        # Below this a spread is what rounding left of none.
        error = math.sqrt(variance) if variance > NEGLIGIBLE * max(scale, NEGLIGIBLE) else 0.0
        return share * self.before - self.after, error


@dataclass(frozen=True)
class PairedMeans:
    """Two means of the same units; made by `paired_means`.

    Attributes:
        before, after: Means over the units that are scored on both sides.
        n: Units that are scored on both sides; `unscored` are those that are not.
        families: Independent units, the unscored ones included.
    """

    before: float
    after: float
    n: int
    unscored: int
    families: int
    _least: _Moments
    _most: _Moments

    @property
    def lost(self) -> float:
        """Mean of before - after."""
        return self.before - self.after

    @cached_property
    def relative(self) -> float:
        """1 - after / before; NaN where `before` is 0."""
        return 1 - self.after / self.before if self.before > 0 else math.nan

    def p_above(self, tau: float) -> float:
        """Evidence that more than the share tau was lost: E[(1 - tau) before - after] > 0.

        Args:
            tau: Relative loss under test, below 1; 0 asks whether anything was lost.
        """
        mean, error = self._least.contrast(1 - tau)
        return _tail(mean, error, self._least.freedom)

    def p_below(self, tau: float) -> float:
        """Evidence that less than the share tau was lost; one family at its worst is counted in."""
        mean, error = self._most.contrast(1 - tau)
        return _tail(-mean, error, self._most.freedom)

    def difference(self, level: float = 0.90) -> Bounds[float]:
        """Return the interval of before - after inside [-1, 1]; each end is the dual of a one-sided test."""
        tail = (1 - checked_level(level)) / 2
        low, high = self._least.contrast(1.0), self._most.contrast(1.0)
        return Bounds(
            max(-1.0, low[0] - student_quantile(1 - tail, self._least.freedom) * low[1]),
            min(1.0, high[0] + student_quantile(1 - tail, self._most.freedom) * high[1]),
        )

    def ratio(self, level: float = 0.90) -> Bounds[float] | None:
        """Return Fieller's interval of the relative loss; None where it is not bounded.

        The lower end holds the losses that `p_above` does not reject, the upper end those that
        `p_below` does not, up to the loss of everything: 1.
        """
        tail = (1 - checked_level(level)) / 2
        ends = [_fieller(moments, tail) for moments in (self._least, self._most)]
        if ends[0] is None or ends[1] is None:
            return None
        return Bounds(min(1.0, ends[0].lower), min(1.0, ends[1].upper))

    def tiers(self, alpha: float = 0.05) -> PairedTiers:
        """Return the tier of the relative loss that is confirmed, and the one that is cleared.

        The nested tiers are tested in a fixed sequence, each at alpha, as in
        `alignmeter.stats.ratio.severity`.
        """
        return tiers_of(
            [self.p_above(tau) for tau in TIER_EDGES], [self.p_below(tau) for tau in TIER_EDGES], alpha
        )


def tiers_of(p_above: list[float], p_below: list[float], alpha: float) -> PairedTiers:
    """Place a relative loss by its tests at `TIER_EDGES`: upward to confirm, downward to clear.

    Args:
        p_above: Evidence of a loss above each edge, in rising order of the edges.
        p_below: Evidence of a loss below each edge, likewise.
        alpha: Error rate of each side.
    """
    confirmed = _leading([p <= alpha for p in p_above])
    cleared = len(p_below) - _leading([p <= alpha for p in reversed(p_below)])
    return PairedTiers(TIERS[confirmed], TIERS[cleared])


def paired_means(
    before: ArrayLike,
    after: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> PairedMeans:
    """Compare two means of the same units.

    Args:
        before: Scores in [0, 1], shape (n,); NaN where a unit has none.
        after: Scores of the same units, likewise.
        clusters: Family of each unit (strings or whole numbers), shape (n,).
        strata: Stratum of each unit, likewise; means are then means over strata, each with the same
            weight. A family may lie in several.

    Returns:
        `PairedMeans`.

    Raises:
        ValueError: Scores are not in [0, 1] or not paired, a stratum has no scored unit, or there are
            fewer than two families.

    Notes:
        With D strata of n_d units and G_d families, residuals e = (x - mean_d) / (D n_d)
        sqrt(G_d / (G_d - 1)) are summed by family; the covariance is the sum of their squares, the
        usual cluster-robust one (CR1). Degrees of freedom are G - 1 with G = (sum s)^2 / sum s^2, the
        number of families of equal size s that weigh alike (at least 1), and Satterthwaite's over
        strata. "Above" is tested with unscored units as (0, 1); "below" with unscored units as (1, 0),
        and one more family at (1, 0), in the stratum in which it weighs most. Its size is
        sum s^3 / sum s^2: to the first order a skewed mean is off by its third cumulant over its
        second, which for rare losses of whole families is that many units. Where the contrast does not
        vary, "above" counts one more family at (0, 1) too: a standard error of zero is never used.

    References:
        P. Hall, "On the removal of skewness by transformation", JRSS B 54, 221-228, 1992, and A. V.
        Carter, K. T. Schnepel and D. G. Steigerwald, "Asymptotic behavior of a t-test robust to cluster
        heterogeneity", Review of Economics and Statistics 99, 698-709, 2017, for unequal families;
        E. C. Fieller, JRSS B 16, 175-185, 1954; A. Agresti and B. Caffo, "Simple and effective
        confidence intervals for proportions and differences of proportions result from adding two
        successes and two failures", American Statistician 54, 280-288, 2000, for the idea.

    Examples:
        >>> from alignmeter.stats.paired_means import paired_means
        >>> base = [1, 1, 1, 0, 1, 1, 1, 1, 0, 1] * 20
        >>> aligned = [1, 1, 0, 0, 1, 1, 1, 1, 0, 1] * 20
        >>> found = paired_means(base, aligned)
        >>> round(found.relative, 3), [round(end, 3) for end in found.ratio()]
        (0.125, [0.082, 0.174])
        >>> perfect = paired_means([1] * 30, [1] * 30)
        >>> round(perfect.p_below(0.10), 3), [round(end, 3) for end in perfect.difference()]
        (0.022, [-0.087, 0.087])
    """
    pairs = _pairs(before, after)
    codes = cluster_codes(clusters, len(pairs))
    layers = cluster_codes(strata, len(pairs)) if strata is not None else np.zeros(len(pairs), dtype=np.intp)
    scored = ~np.isnan(pairs.sum(axis=1))
    means = _stratum_means(pairs[scored], layers[scored], int(layers.max()) + 1 if len(layers) else 0)
    families = int(codes.max()) + 1
    if families < _FEWEST_FAMILIES:
        raise ValueError(f"at least 2 independent units are needed for a standard error, got {families}")
    won, lost = (_filled(pairs, codes, layers, end) for end in (_WON, _LOST))
    least = _moments(won)
    if _is_degenerate(least):
        least = _moments(_one_more(won, _WON))
    most = _moments(_one_more(lost, _LOST))
    return PairedMeans(
        before=float(means[0]),
        after=float(means[1]),
        n=int(scored.sum()),
        unscored=int((~scored).sum()),
        families=families,
        _least=least,
        _most=most,
    )


def _pairs(before: ArrayLike, after: ArrayLike) -> FloatArray:
    columns = [np.asarray(values, dtype=np.float64) for values in (before, after)]
    if columns[0].ndim != 1 or columns[0].shape != columns[1].shape:
        raise ValueError(
            f"before and after must be scores of the same units, got shapes {columns[0].shape} and "
            f"{columns[1].shape}"
        )
    pairs = np.column_stack(columns)
    outside = pairs[(pairs < 0) | (pairs > 1)]
    if outside.size:
        raise ValueError(f"scores must lie in [0, 1] (rescale other grades), got {float(outside[0])!r}")
    return pairs


def _filled(
    pairs: FloatArray, codes: NDArray[np.intp], layers: NDArray[np.intp], end: tuple[float, float]
) -> _Units:
    """Return all units, with what has no score on both sides at one end."""
    scored = ~np.isnan(pairs.sum(axis=1))
    return _Units(np.where(scored[:, None], pairs, end), codes, layers, np.ones(len(pairs)))


def _stratum_means(pairs: FloatArray, layers: NDArray[np.intp], count: int) -> FloatArray:
    """Return the mean over strata of the means of both columns, shape (2,)."""
    sizes = np.bincount(layers, minlength=count)
    if count == 0 or (sizes == 0).any():
        raise ValueError("every stratum needs a unit that is scored on both sides")
    sums = np.stack([np.bincount(layers, weights=column, minlength=count) for column in pairs.T], axis=1)
    return np.asarray((sums / sizes[:, None]).mean(axis=0), dtype=np.float64)


def _one_more(units: _Units, end: tuple[float, float]) -> _Units:
    """Add a family that is all at one end, where it weighs most."""
    sizes = units.family_sizes()
    more = [float((each**3).sum() / (each**2).sum()) for each in sizes]
    layer = int(np.argmax([size / each.sum() for size, each in zip(more, sizes, strict=True)]))
    return _Units(
        np.vstack([units.pairs, end]),
        np.append(units.codes, units.codes.max() + 1),
        np.append(units.layers, layer),
        np.append(units.weights, more[layer]),
    )


def _moments(units: _Units) -> _Moments:
    pairs, codes, layers, weights = units
    families = units.family_sizes()
    sizes = np.array([each.sum() for each in families])
    means = np.stack([np.bincount(layers, weights=column * weights) / sizes for column in pairs.T], axis=1)
    # A stratum of one family has no spread of its own to scale.
    counts = np.array([len(each) for each in families])
    scale = np.sqrt(counts / np.maximum(counts - 1, 1)) / (len(families) * sizes)
    residuals = (pairs - means[layers]) * (scale[layers] * weights)[:, None]
    first, second = (np.bincount(codes, weights=column) for column in residuals.T)
    rounding = NEGLIGIBLE * float(scale.max())
    first, second = (np.where(np.abs(sums) <= rounding, 0.0, sums) for sums in (first, second))
    centre = means.mean(axis=0)
    return _Moments(
        before=float(centre[0]),
        after=float(centre[1]),
        v_before=float(first @ first),
        v_both=float(first @ second),
        v_after=float(second @ second),
        freedom=_freedom(residuals[:, 0] - residuals[:, 1], units, families),
    )


def _freedom(residuals: FloatArray, units: _Units, families: list[FloatArray]) -> float:
    """Return Satterthwaite's degrees of freedom of a sum over strata, each with those of its families."""
    each = np.array([max(1.0, float(sizes.sum() ** 2 / (sizes**2).sum()) - 1) for sizes in families])
    if len(families) == 1:
        return float(each[0])
    in_layers = [units.layers == layer for layer in range(len(families))]
    sums = [np.bincount(units.codes[here], residuals[here]) for here in in_layers]
    variances = np.array([float(one @ one) for one in sums])
    if variances.sum() <= 0:
        return float(each.min())
    return float(variances.sum() ** 2 / (variances**2 / each).sum())


def _is_degenerate(moments: _Moments) -> bool:
    """Whether after is before times a number in every family, so that some contrast has no spread."""
    if moments.v_before <= NEGLIGIBLE**2:
        return moments.v_after <= NEGLIGIBLE**2
    determinant = moments.v_before * moments.v_after - moments.v_both**2
    return determinant <= NEGLIGIBLE * max(moments.v_before, moments.v_after, NEGLIGIBLE) ** 2


def _fieller(moments: _Moments, tail: float) -> Bounds[float] | None:
    """Return the losses that the t test rejects on neither side; None where that is no interval."""
    t = student_quantile(1 - tail, moments.freedom)
    before, after, v_before, v_both, v_after, _ = moments
    square = before * before - t * t * v_before
    if square <= 0:
        return None
    ratio = after / before
    spread = max(0.0, v_after - 2 * ratio * v_both + ratio * ratio * v_before)
    centre = before * after - t * t * v_both
    # (centre^2 - square * constant) of the quadratic, rearranged so that it cannot turn negative.
    half = t * math.sqrt(max(0.0, before * before * spread - t * t * (v_after * v_before - v_both * v_both)))
    return Bounds(1 - (centre + half) / square, 1 - (centre - half) / square)


def _tail(mean: float, error: float, freedom: float) -> float:
    """P-value of a mean above 0; no evidence at all where nothing varies."""
    if error <= 0:
        return 1.0
    return student_tail(mean / error, freedom)


def _leading(flags: list[bool]) -> int:
    return flags.index(False) if False in flags else len(flags)
