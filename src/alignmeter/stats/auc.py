"""How well a score tells two classes apart: the area under the ROC curve, with clustered units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats._binomial import student_quantile
from alignmeter.stats._checks import checked_level
from alignmeter.stats._means import cluster_codes, finite_vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alignmeter.stats._binomial import FloatArray

AucMethod = Literal["clustered_delong", "disjoint_pairs"]


class Auc(NamedTuple):
    """An area under the ROC curve.

    Attributes:
        estimate: P(a score of the class is higher than one of the other class), ties count half.
        lower: Lower end of the interval; `upper` the other.
        method: `clustered_delong`; `disjoint_pairs` where the scores do not overlap, whose variance of
            zero says nothing.
    """

    estimate: float
    lower: float
    upper: float
    method: AucMethod


def auc(
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> Auc:
    """Return the area under the ROC curve of scores.

    Args:
        positive: Scores of the class that should score high, shape (m,).
        negative: Scores of the other class, shape (n,).
        clusters: Cluster of each positive and of each negative; a cluster may hold both. By default
            every score is independent.
        level: Two-sided coverage, in (0, 1).

    Returns:
        `Auc`; the interval lies inside [0, 1] and is never of width zero.

    Raises:
        ValueError: A class is empty, a score is not finite, or there are fewer than two clusters.

    Notes:
        The placement of a positive is the share of negatives below it (ties half), and likewise for a
        negative. Their departures from the area, summed by cluster, give a variance of each class,
        m / (m - 1) * sum of squares over its m clusters, and twice their covariance where clusters hold both;
        without clusters this is DeLong's variance. The interval is made on the logit scale with Student's t
        at Welch's degrees of freedom: few harmful families beside many legitimate ones are few.
        Between classes that hardly overlap it is short: with an area above .95, or under 20 clusters in a
        class, a 90% interval misses up to 20% of the time, mostly by lying too high.
        Where all pairs are in order, the k = min(clusters of either class) disjoint pairs of independent
        units all are, which has probability area^k: the lower end is (alpha / 2)^(1 / k).

    References:
        E. DeLong, D. DeLong and D. Clarke-Pearson, Biometrics 44, 837-845, 1988. N. Obuchowski,
        "Nonparametric analysis of clustered ROC curve data", Biometrics 53, 567-578, 1997. B. L. Welch,
        "The generalization of Student's problem when several different population variances are
        involved", Biometrika 34, 28-35, 1947.

    Examples:
        >>> from alignmeter.stats import auc
        >>> auc([0.9, 0.8, 0.4], [0.1, 0.5, 0.3]).estimate.__round__(3)
        0.889
    """
    alpha = 1 - checked_level(level)
    high, low = finite_vector("positive", positive), finite_vector("negative", negative)
    if not high.size or not low.size:
        raise ValueError(f"both classes must hold scores, got {high.size} and {low.size}")
    names = (range(high.size), range(high.size, high.size + low.size)) if clusters is None else clusters
    codes = cluster_codes(np.concatenate([np.asarray(one) for one in names]), high.size + low.size)
    groups = int(codes.max()) + 1
    if groups < 2:  # noqa: PLR2004 - one cluster has no spread
        raise ValueError("scores must come from at least two clusters, got one")
    area, departures = _placements(high, low)
    parts = codes[: high.size], codes[high.size :]
    own = [len(set(part.tolist())) for part in parts]
    of_high, of_low = (
        np.bincount(part, moved, groups)
        for part, moved in zip(parts, np.split(departures, [high.size]), strict=True)
    )
    each = [
        float((sums**2).sum()) * m / max(m - 1, 1) for sums, m in zip((of_high, of_low), own, strict=True)
    ]
    variance = sum(each) + 2 * float((of_high * of_low).sum()) * groups / (groups - 1)
    separate = float((alpha / 2) ** (1 / max(1, min(own))))
    if area in {0.0, 1.0} or variance <= 0:
        bounds = (separate, 1.0) if area == 1 else (0.0, 1 - separate) if area == 0 else (0.0, 1.0)
        return Auc(area, *bounds, method="disjoint_pairs")
    freedom = sum(each) ** 2 / sum(one**2 / max(m - 1, 1) for one, m in zip(each, own, strict=True))
    reach = student_quantile(1 - alpha / 2, max(1.0, freedom)) * math.sqrt(variance) / (area * (1 - area))
    middle = math.log(area / (1 - area))
    lower, upper = (_logistic(middle + sign * reach) for sign in (-1, 1))
    return Auc(area, lower, upper, method="clustered_delong")


def _placements(high: FloatArray, low: FloatArray) -> tuple[float, FloatArray]:
    """The area, and what each score adds to its departure: shape (m + n,), positives first."""
    below = _share_below(high, low)
    above = 1 - _share_below(low, high)
    area = float(below.mean())
    if abs(area - 1) < 1 / (4 * high.size * low.size):
        area = 1.0
    return area, np.concatenate([(below - area) / high.size, (above - area) / low.size])


def _share_below(scores: FloatArray, others: FloatArray) -> FloatArray:
    """Share of the others below each score, ties half."""
    ordered = np.sort(others)
    left, right = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    return (left + right) / (2 * ordered.size)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -500 else 0.0  # noqa: PLR2004 - exp would overflow
