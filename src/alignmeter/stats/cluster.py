"""The mean of values that come in clusters: variants of one seed, models on one prompt.

Values of one cluster are alike, so that counting them as independent makes an interval too short.
Here the cluster is the unit: a linearised standard error with as many degrees of freedom as there
are clusters, a wild bootstrap where they are few, and an exact bound where they do not vary at all.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats._binomial import student_quantile
from alignmeter.stats._checks import checked_level
from alignmeter.stats._means import NEGLIGIBLE, cluster_codes, cluster_sums, finite_vector, mean_estimate
from alignmeter.stats.intervals import Bounds, clopper_pearson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignmeter.stats._binomial import FloatArray

ClusterMethod = Literal["cluster_robust_t", "wild_cluster_bootstrap", "any_event"]

ENOUGH_CLUSTERS = 40
_ALL_SIGNS_UP_TO = 11
_BOOTSTRAP_DRAWS = 1999


class ClusterMean(NamedTuple):
    """A mean over clustered values with its interval.

    Attributes:
        estimate: Mean of all values.
        lower: Lower end of the interval, inside the support.
        upper: Upper end of the interval, inside the support.
        method: `cluster_robust_t` from 40 clusters on, `wild_cluster_bootstrap` below, `any_event`
            where the means of all clusters are the same.
        n_clusters: Number of clusters.
        se: Linearised standard error; 0 with the method `any_event`, whose interval does not use it.
        design_effect: Squared ratio of `se` to the standard error of as many independent values; NaN
            where the clusters or the values do not vary.
    """

    estimate: float
    lower: float
    upper: float
    method: ClusterMethod
    n_clusters: int
    se: float
    design_effect: float


class _Clustered(NamedTuple):
    """Values on the scale 0 .. 1, summed by cluster: `sums` and `sizes` of shape (n_clusters,)."""

    values: FloatArray
    sums: FloatArray
    sizes: FloatArray
    mean: float
    se: float

    @property
    def residuals(self) -> FloatArray:
        """What each cluster's sum departs from its share of the overall mean; they sum to zero."""
        return self.sums - self.sizes * self.mean

    @property
    def any_at_an_end(self) -> bool:
        """Whether a cluster lies wholly at an end of the support, so that departures from it may be rare."""
        return bool(((self.sums == 0) | (self.sums == self.sizes)).any())

    @property
    def equal_clusters(self) -> float:
        """Kish's number of clusters of equal size that weigh as these do; their number at most."""
        return float(self.sizes.sum() ** 2 / (self.sizes**2).sum())


def cluster_mean(
    values: ArrayLike,
    clusters: ArrayLike,
    *,
    level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    seed: int | np.random.Generator = 0,
) -> ClusterMean:
    """Return the mean of clustered values with an interval that takes the cluster as the unit.

    Args:
        values: Outcomes, shape (n,), inside `support`.
        clusters: Cluster of each value, shape (n,): whole numbers or strings.
        level: Two-sided coverage, in (0, 1).
        support: Smallest and largest possible value: (0, 1) for rates and graded scores, (-1, 1) for
            differences of two rates.
        seed: Seed or generator of the bootstrap signs (fewer than 40 clusters).

    Returns:
        `ClusterMean`. The interval is never of width zero.

    Raises:
        ValueError: The arrays are not of one length, a value is NaN or outside the support, a label
            is neither a string nor a whole number, level is outside (0, 1), or there are fewer than
            two clusters.

    Notes:
        With e_g = sum of cluster g - size_g * mean, the squared standard error is
        G/(G-1) * sum(e_g^2) / n^2 (CR1), and the interval takes Student's t with G - 1 degrees of
        freedom. Under 40 clusters the quantile is that of |t*| in the unrestricted wild cluster
        bootstrap with Rademacher signs (percentile-t; all signs up to 11 clusters, else 1999
        draws), but never less than Student's.

        A variance of zero says nothing. When all clusters have the mean c (no event at all: c = 0),
        the share of clusters that would depart from c is below pi = 1 - (alpha/2)^(1/G), the
        Clopper-Pearson bound, and the mean lies in [c - pi (c - a), c + pi (b - c)] for values in
        [a, b].

        Of rare events few clusters carry any, and both intervals above end too low: at a rate of
        5%, 37 clusters of 8 and an intra-cluster correlation of .3 they miss on that side 13% of
        the time instead of 2.5%. For binary values the interval therefore reaches at least as far
        as Clopper-Pearson at the effective size p(1-p)/se^2, shrunk as by Korn and Graubard, with
        as many degrees of freedom as clusters carry the rarer outcome; or, where that is nearer,
        as the exact bound on clusters with any event. Clusters of unequal size count by Kish's
        effective number in the exact bounds.

        Graded values have the same bound where any cluster lies wholly at an end of the support, so that
        what departs from it may be rare. The t interval of 50 scores of 1, 1/2 and 0 with a mean of .95 lies
        too high 12% of the time, that of 100 scores of 1 and 2/3 with a mean of .99 19%; with the bound
        neither end errs more than 2.9% for means of .9 to .999 of 20 to 200 values whose losses are of one
        kind (whole and half, thirds, tenths), families of 4 and a correlation of .3 among them. What no value
        shows is not seen: where half of what is lost goes in tenths and half in rare whole losses, samples
        of 20 to 100 without such a one leave the interval too high in up to 35%, as they do those of values
        that lie at no end.

        A difference of two outcomes is the rate of gains less the rate of losses, either of which may
        be rare, graded ones too. On the support (-h, h) the interval reaches at least as far
        as the intervals of both rates put together: below the mean by the root of the summed squares
        of how far the gains may lie lower and the losses higher, above it the other way round. One
        that is not seen at all has the exact bound above. With losses on 2% to 5% of values, 20 to 100
        clusters of 2 to 4 and correlations of .3 to .5 the t interval ends above the truth 9% to 13% of
        the time, this one hardly ever; with changes on 30% of values it is up to a fifth wider.

    References:
        A. C. Cameron and D. L. Miller, "A practitioner's guide to cluster-robust inference",
        Journal of Human Resources 50, 317-372, 2015. A. C. Cameron, J. B. Gelbach and D. L. Miller,
        "Bootstrap-based improvements for inference with clustered errors", Review of Economics and
        Statistics 90, 414-427, 2008. E. L. Korn and B. I. Graubard, "Confidence intervals for
        proportions with small expected number of positive counts estimated from survey data",
        Survey Methodology 24, 193-201, 1998. G. Y. Zou and A. Donner, "Construction of confidence
        limits about effect measures: a general approach", Statistics in Medicine 27, 1693-1702, 2008.

    Examples:
        >>> import numpy as np
        >>> from alignmeter.stats.cluster import cluster_mean
        >>> families = np.repeat(np.arange(50), 4)
        >>> refused = (families % 10 == 0).astype(float)
        >>> result = cluster_mean(refused, families)
        >>> round(result.estimate, 3), round(result.lower, 3), round(result.upper, 3)
        (0.1, 0.014, 0.218)
        >>> result.method, round(result.design_effect, 2)
        ('cluster_robust_t', 4.06)
        >>> round(cluster_mean(np.zeros(200), families).upper, 4)
        0.0711
    """
    tail = (1 - checked_level(level)) / 2
    low, high = _support(support)
    scaled, codes = _scaled(values, clusters, low, high)
    data, rng = _summed(scaled, codes), np.random.default_rng(seed)
    method, bounds = _interval(data, tail, rng)
    # Differences of two outcomes have no change in the middle of the support.
    if low == -high and data.se > 0:
        gains, losses = (_summed(np.maximum(side * (2 * scaled - 1), 0.0), codes) for side in (1, -1))
        bounds = _at_least_of_both(bounds, gains, losses, tail, rng)
    elif ((scaled == 0) | (scaled == 1)).all() or data.any_at_an_end:
        bounds = _at_least_exact(bounds, data, tail)
    scale = high - low
    return ClusterMean(
        estimate=low + scale * data.mean,
        lower=low + scale * max(bounds.lower, 0.0),
        upper=low + scale * min(bounds.upper, 1.0),
        method=method,
        n_clusters=data.sums.size,
        se=scale * data.se,
        design_effect=_design_effect(data),
    )


def cluster_standard_error(values: ArrayLike, clusters: ArrayLike) -> float:
    """Return the linearised cluster-robust (CR1) standard error of a mean.

    Args:
        values: Outcomes, shape (n,), any finite numbers.
        clusters: Cluster of each value, shape (n,): whole numbers or strings.

    Returns:
        The standard error; 0 where all clusters have the same mean.

    Raises:
        ValueError: The arrays are not of one length, a value is not finite, a label is neither a
            string nor a whole number, or there are fewer than two clusters.

    References:
        A. C. Cameron and D. L. Miller, Journal of Human Resources 50, 317-372, 2015.

    Examples:
        >>> from alignmeter.stats.cluster import cluster_standard_error
        >>> round(cluster_standard_error([1, 1, 0, 0, 0, 0], ["a", "a", "b", "b", "c", "c"]), 4)
        0.3333
    """
    outcomes = finite_vector("values", values)
    return mean_estimate(outcomes[:, None], cluster_codes(clusters, outcomes.size)).standard_error


def _scaled(
    values: ArrayLike, clusters: ArrayLike, low: float, high: float
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Validate; return the values with the support on the scale 0 .. 1, and the cluster of each."""
    outcomes = finite_vector("values", values)
    codes = cluster_codes(clusters, outcomes.size)
    outside = outcomes[(outcomes < low) | (outcomes > high)]
    if outside.size:
        raise ValueError(
            f"values must lie in the support {(low, high)!r}, got {float(outside[0])!r}: "
            "give support=(smallest, largest)"
        )
    return (outcomes - low) / (high - low), codes


def _summed(scaled: FloatArray, codes: NDArray[np.intp]) -> _Clustered:
    estimate = mean_estimate(scaled[:, None], codes)
    sums, sizes = cluster_sums(np.column_stack([scaled, np.ones(scaled.size)]), codes).T
    return _Clustered(scaled, sums, sizes, estimate.mean, estimate.standard_error)


def _interval(data: _Clustered, tail: float, rng: np.random.Generator) -> tuple[ClusterMethod, Bounds[float]]:
    """Bound the mean on the scale 0 .. 1 by how far the clusters spread."""
    groups = data.sums.size
    if data.se == 0:
        return "any_event", _any_departure(data, tail)
    method: ClusterMethod = "cluster_robust_t" if groups >= ENOUGH_CLUSTERS else "wild_cluster_bootstrap"
    quantile = student_quantile(1 - tail, groups - 1)
    if groups < ENOUGH_CLUSTERS:
        quantile = max(quantile, _bootstrap_quantile(data, tail, rng))
    return method, Bounds(data.mean - quantile * data.se, data.mean + quantile * data.se)


def _any_departure(data: _Clustered, tail: float) -> Bounds[float]:
    """Bound the mean when every cluster has the same one, by the share that might depart from it."""
    share = 1 - tail ** (1 / data.equal_clusters)
    return Bounds(data.mean * (1 - share), data.mean + share * (1 - data.mean))


def _bootstrap_quantile(data: _Clustered, tail: float, rng: np.random.Generator) -> float:
    """Return the quantile of |t*| over Rademacher signs of the cluster residuals."""
    groups, n = data.sums.size, data.values.size
    residuals = data.residuals
    if groups <= _ALL_SIGNS_UP_TO:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=groups)))
    else:
        signs = 1.0 - 2.0 * rng.integers(0, 2, size=(_BOOTSTRAP_DRAWS, groups), dtype=np.int8)
    shift = signs @ residuals / n
    # sum over g of (sign_g e_g - size_g shift)^2, multiplied out: e_g^2 does not feel the sign.
    squares = float((residuals**2).sum())
    squares_star = (
        squares - 2 * shift * (signs @ (residuals * data.sizes)) + shift**2 * float((data.sizes**2).sum())
    )
    # Signs that leave no spread have no t*; with few clusters Student's quantile takes over.
    spread = squares_star > NEGLIGIBLE * squares
    t_star = np.abs(shift[spread]) * n / np.sqrt(groups / (groups - 1) * squares_star[spread])
    return float(np.quantile(t_star, 1 - 2 * tail)) if t_star.size else 0.0


def _at_least_exact(bounds: Bounds[float], data: _Clustered, tail: float) -> Bounds[float]:
    """Widen an interval for a rate to what the clusters with the rarer outcome support, unless all are alike.

    Graded values count as a rate of the same mean and standard error would; that any departs from an end, in
    full or in part, still bounds how far the mean does.
    """
    if data.se == 0:
        return bounds
    n, mean, groups = data.values.size, data.mean, data.sums.size
    with_event, with_other = data.sums > 0, data.sums < data.sizes
    freedom = min(groups - 1, int(with_event.sum()), int(with_other.sum()))
    shrink = student_quantile(1 - tail, n - 1) / student_quantile(1 - tail, freedom)
    # No more than independent values would tell; for binary ones these are n.
    size = mean * (1 - mean) / max(data.se**2, data.values.var() / n) * min(1.0, shrink**2)
    effective = clopper_pearson(mean * size, size, 1 - 2 * tail)
    most = clopper_pearson(_weight(data, with_event), data.equal_clusters, 1 - 2 * tail).upper
    least = 1 - clopper_pearson(_weight(data, with_other), data.equal_clusters, 1 - 2 * tail).upper
    return Bounds(
        min(bounds.lower, max(effective.lower, least)),
        max(bounds.upper, min(effective.upper, most)),
    )


def _at_least_of_both(
    bounds: Bounds[float], gains: _Clustered, losses: _Clustered, tail: float, rng: np.random.Generator
) -> Bounds[float]:
    """Widen an interval for a difference to what the rates of gains and of losses support."""
    gain, loss = (_at_least_exact(_interval(rate, tail, rng)[1], rate, tail) for rate in (gains, losses))
    # On the scale 0 .. 1 the difference is (1 + gains - losses) / 2.
    mean = (1 + gains.mean - losses.mean) / 2
    return Bounds(
        min(bounds.lower, mean - math.hypot(gains.mean - gain.lower, loss.upper - losses.mean) / 2),
        max(bounds.upper, mean + math.hypot(gain.upper - gains.mean, losses.mean - loss.lower) / 2),
    )


def _weight(data: _Clustered, chosen: NDArray[np.bool_]) -> float:
    """Return how many of the clusters of equal size the chosen clusters weigh."""
    return min(1.0, float(data.sizes[chosen].sum() / data.sizes.sum())) * data.equal_clusters


def _design_effect(data: _Clustered) -> float:
    n = data.values.size
    independent = float(data.values.var(ddof=1)) / n
    return data.se**2 / independent if independent > 0 and data.se > 0 else float("nan")


def _support(support: tuple[float, float]) -> tuple[float, float]:
    low, high = support
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"support must be two finite numbers, the smaller first, got {support!r}")
    return float(low), float(high)
