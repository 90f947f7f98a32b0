"""Estimates from labels of the run itself, and which of its replies to label.

A judge saw every reply, people a few. Labels drawn within each verdict of the judge give the
narrowest interval (`by_verdict`, shared out by `neyman_allocation`); labels drawn at random are
sharpened by the judge's scores of the rest (`ppi_plus_plus`).
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats._binomial import normal_quantile
from alignmeter.stats._checks import check_counts, checked_level
from alignmeter.stats.intervals import Bounds, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from alignmeter.stats._binomial import FloatArray

PpiMethod = Literal["normal", "clopper_pearson"]
StratumMethod = Literal["jeffreys", "clopper_pearson"]

_DRAWS = 20_000
_ROUNDING = 1e-9
"""Events below which there are none: weighted counts are rounded."""


class PredictionPowered(NamedTuple):
    """A mean of human labels, sharpened by a judge.

    Attributes:
        estimate: Prediction-powered mean.
        lower: Lower bound; NaN where the labels do not vary and are not all 0 or all 1.
        upper: Upper bound, likewise.
        standard_error: Standard error; 0 where the labels do not vary.
        tuning: Weight of the judge in [0, 1]; 0 is the mean of the labels alone.
        method: `clopper_pearson` where the labels do not vary and a standard error says nothing.
    """

    estimate: float
    lower: float
    upper: float
    standard_error: float
    tuning: float
    method: PpiMethod


class Stratum(NamedTuple):
    """The replies to which the judge gave one verdict: positive, negative or unscored.

    Attributes:
        size: Replies with this verdict, labelled or not.
        labelled: Of these, how many people labelled at random; where families are the units, the
            effective number (`effective_counts`).
        events: Of the labelled, how many are true events; a fraction for effective numbers.
    """

    size: float
    labelled: float
    events: float


class StratifiedRate(NamedTuple):
    """A rate from labels by verdict.

    Attributes:
        estimate: Sum of share times rate over strata; NaN if a stratum with replies has no labels.
        lower: Lower bound.
        upper: Upper bound.
        rates: Share of events among the labels of each stratum: for positives the PPV, for
            negatives the false omission rate; NaN without labels.
    """

    estimate: float
    lower: float
    upper: float
    rates: tuple[float, ...]


def ppi_plus_plus(
    judge_all: ArrayLike, judge_labelled: ArrayLike, human_labelled: ArrayLike, *, level: float = 0.95
) -> PredictionPowered:
    """Return the power-tuned prediction-powered mean of what people would have said.

    Args:
        judge_all: The judge's scores of all N replies, the labelled ones included, shape (N,).
        judge_labelled: Its scores of the n labelled replies, drawn at random, shape (n,).
        human_labelled: What people said of these, shape (n,), in the same order.
        level: Two-sided coverage, in (0, 1); asymptotic, and short of it for rare events.

    Returns:
        `PredictionPowered`.

    Raises:
        ValueError: Shapes differ, n is under 2 or above N, a score is not finite, or level is
            outside (0, 1).

    Notes:
        theta = mean(Y) + lambda (mean f over all - mean f over labelled) with
        lambda = Cov(Y, f) / Var(f), clipped to [0, 1], which minimises the variance
        [Var(Y) - (1 - n/N) (2 lambda Cov(Y, f) - lambda^2 Var(f))] / n. It is PPI++ on the N - n
        replies without label, with its lambda rescaled by N / (N - n).

    References:
        A. N. Angelopoulos, J. C. Duchi and T. Zrnic, "PPI++: Efficient prediction-powered
        inference", arXiv 2311.01453, 2023.

    Examples:
        >>> import numpy as np
        >>> from alignmeter.stats.judge_labels import ppi_plus_plus
        >>> judge = np.repeat([1.0, 0.0], [100, 900])
        >>> result = ppi_plus_plus(judge, judge[::10], np.repeat([1.0, 0.0], [8, 92]))
        >>> round(result.estimate, 2), round(result.upper - result.lower, 3), round(result.tuning, 2)
        (0.08, 0.058, 0.81)
    """
    scores, predicted, labels = _scores(judge_all), _scores(judge_labelled), _scores(human_labelled)
    total, n = scores.size, labels.size
    if predicted.size != n or not 2 <= n <= total:  # noqa: PLR2004 - a variance needs two
        raise ValueError(
            "expected at least 2 labels, as many judge scores for them, and at least as many in all, "
            f"got {n} labels, {predicted.size} scores of labelled replies and {total} scores in all"
        )
    z = normal_quantile((1 + checked_level(level)) / 2)
    if np.ptp(labels) == 0:
        return _labels_all_alike(float(labels[0]), n, level)
    variance_judge = float(scores.var(ddof=1))
    covariance = float(np.cov(labels, predicted)[0, 1])
    tuning = min(max(covariance / variance_judge, 0.0), 1.0) if variance_judge > 0 else 0.0
    estimate = float(labels.mean()) + tuning * float(scores.mean() - predicted.mean())
    unseen = 1 - n / total
    residual = float((labels - unseen * tuning * predicted).var(ddof=1)) / n
    error = math.sqrt(residual + unseen * tuning**2 * variance_judge / total)
    return PredictionPowered(estimate, estimate - z * error, estimate + z * error, error, tuning, "normal")


def by_verdict(
    strata: Sequence[Stratum],
    *,
    seed: int | np.random.Generator,
    level: float = 0.95,
    method: StratumMethod = "jeffreys",
    draws: int = _DRAWS,
) -> StratifiedRate:
    """Estimate a rate from labels of this run, drawn within each verdict of the judge.

    Args:
        strata: What the judge called positive, negative and, where there is any, unscored; at
            least 20 labels in each are advised (`neyman_allocation`).
        seed: Seed or generator of the Monte-Carlo product.
        level: Two-sided coverage, in (0, 1).
        method: `jeffreys` for estimates, `clopper_pearson` for gates (wider, conservative).
        draws: Draws of the product, at least 1000.

    Returns:
        `StratifiedRate`. A stratum without labels counts as 0 for the lower and as 1 for the upper
        bound.

    Raises:
        ValueError: Counts are out of order (events <= labelled <= size), no stratum has labels,
            too few draws, or level is outside (0, 1).

    Notes:
        theta = sum of Q_k r_k; for two strata Q PPV + (1-Q) FOR. The shares Q are drawn from their
        Dirichlet posterior under Jeffreys' prior, the rates r_k from Beta(e + 1/2, n - e + 1/2);
        the bounds are quantiles of the product. As in Jeffreys' interval of one rate, a stratum without
        any event is at 0 for the lower bound, and one without any other at 1 for the upper one: else half
        an event that nobody saw, times many replies, would lift the lower bound. For gates the rates come
        from the Clopper-Pearson confidence distributions, Beta(e, n - e + 1) for the lower and
        Beta(e + 1, n - e) for the upper end.

    References:
        L. D. Brown, T. T. Cai and A. DasGupta, "Interval estimation for a binomial proportion",
        Statistical Science 16, 101-133, 2001 (Jeffreys' interval and its ends). M. P. Fay, M. A. Proschan
        and E. Brittain, "Combining one-sided confidence procedures for
        inference in the two-sample case", Biometrics 71, 146-156, 2015. A. Fisch et al.,
        "Stratified prediction-powered inference", arXiv 2406.04291, 2024.

    Examples:
        >>> from alignmeter.stats.judge_labels import Stratum, by_verdict
        >>> result = by_verdict([Stratum(675, 60, 40), Stratum(4325, 140, 2)], seed=1)
        >>> round(result.estimate, 3), round(result.lower, 2), round(result.upper, 2)
        (0.102, 0.08, 0.13)
    """
    for stratum in strata:
        check_counts(size=stratum.size, labelled=stratum.labelled, events=stratum.events)
        if not stratum.events <= stratum.labelled <= stratum.size:
            raise ValueError(f"a stratum needs events <= labelled <= size, got {tuple(stratum)!r}")
    used = [stratum for stratum in strata if stratum.size > 0]
    if not any(stratum.labelled for stratum in used):
        raise ValueError("no stratum has labels: label at least 20 replies of each verdict first")
    if draws < 1000:  # noqa: PLR2004 - a quantile of .005 needs that many at least
        raise ValueError(f"draws must be at least 1000, got {draws!r}")
    tail, rng = (1 - checked_level(level)) / 2, np.random.default_rng(seed)
    shares = rng.dirichlet([stratum.size + 0.5 for stratum in used], size=draws)
    low = _draw_means(used, shares, method, "lower", rng)
    high = _draw_means(used, shares, method, "upper", rng)
    events, labelled = sum(s.events for s in used), sum(s.labelled for s in used)
    rates = tuple(s.events / s.labelled if s.labelled else math.nan for s in strata)
    weighted = [s.size * s.events / s.labelled if s.labelled else math.nan for s in used]
    return StratifiedRate(
        estimate=sum(weighted) / sum(stratum.size for stratum in used),
        lower=0.0 if events == 0 else float(np.quantile(low, tail)),
        upper=1.0 if events == labelled else float(np.quantile(high, 1 - tail)),
        rates=rates,
    )


def neyman_allocation(
    stratum_sizes: Sequence[int], pilot_rates: Sequence[float], n: int, minimum: int = 20
) -> tuple[int, ...]:
    """Share out labels over the strata so that the estimate of `by_verdict` varies least.

    Args:
        stratum_sizes: Replies with each verdict.
        pilot_rates: Rate of events in each, from a pilot; (events + 1/2) / (labels + 1) serves
            where a pilot saw none.
        n: Labels in all, the pilot's included.
        minimum: Labels that each stratum gets at least, or all its replies; 1 or more.

    Returns:
        Labels for each stratum: n in all, or every reply where there are fewer.

    Raises:
        ValueError: Lengths differ, sizes are negative, rates are outside [0, 1], or n does not
            reach for the minimum in each stratum.

    Notes:
        One label at a time goes where it reduces sum of N_k^2 p_k(1-p_k) / n_k the most, which is
        the exact whole-number solution under both limits. Where no stratum varies, labels follow
        the sizes.

    References:
        J. Neyman, Journal of the Royal Statistical Society 97, 558-625, 1934. T. Wright, "The
        equivalence of Neyman optimum allocation for sampling and equal proportions for apportioning
        the U.S. House of Representatives", The American Statistician 66, 217-224, 2012.

    Examples:
        >>> from alignmeter.stats.judge_labels import neyman_allocation
        >>> neyman_allocation([675, 4325], [0.67, 0.012], 200)
        (81, 119)
    """
    sizes, rates = list(stratum_sizes), list(pilot_rates)
    if len(sizes) != len(rates) or not sizes:
        raise ValueError(f"expected one pilot rate for each stratum, got {len(rates)} for {len(sizes)}")
    if min(sizes) < 0 or not all(0 <= rate <= 1 for rate in rates) or minimum < 1:
        raise ValueError(
            "sizes must be >= 0, rates in [0, 1] and minimum >= 1, "
            f"got sizes={sizes!r}, pilot_rates={rates!r}, minimum={minimum!r}"
        )
    labels = [min(minimum, size) for size in sizes]
    if n < sum(labels):
        raise ValueError(f"n must be at least {sum(labels)}, {minimum} for each stratum, got {n!r}")
    spread = [size * math.sqrt(rate * (1 - rate)) for size, rate in zip(sizes, rates, strict=True)]
    if not any(spread):
        spread = [float(size) for size in sizes]
    queue = [(-(s * s) / (c * (c + 1)), k) for k, (s, c) in enumerate(zip(spread, labels, strict=True)) if c]
    heapq.heapify(queue)
    for _ in range(min(n, sum(sizes)) - sum(labels)):
        while labels[queue[0][1]] == sizes[queue[0][1]]:
            heapq.heappop(queue)
        k = queue[0][1]
        labels[k] += 1
        heapq.heapreplace(queue, (-(spread[k] ** 2) / (labels[k] * (labels[k] + 1)), k))
    return tuple(labels)


def _draw_means(
    strata: list[Stratum],
    shares: FloatArray,
    method: StratumMethod,
    side: Literal["lower", "upper"],
    rng: np.random.Generator,
) -> FloatArray:
    """Draw the overall rate for one end of the interval; `shares` is of shape (draws, strata)."""
    means = np.zeros(len(shares))
    for stratum, share in zip(strata, shares.T, strict=True):
        a, b = stratum.events, stratum.labelled - stratum.events
        at_end = (a if side == "lower" else b) < _ROUNDING
        if method == "jeffreys" and stratum.labelled and not at_end:
            a, b = a + 0.5, b + 0.5
        elif side == "lower":
            b += 1
        else:
            a += 1
        # A parameter of zero puts all mass on an end: no event, no other, or no label at all.
        if a < _ROUNDING or b < _ROUNDING:
            means += share * (0.0 if a < _ROUNDING else 1.0)
        else:
            means += share * rng.beta(a, b, size=len(shares))
    return means


def _labels_all_alike(label: float, n: int, level: float) -> PredictionPowered:
    """Labels that do not vary: an exact bound for 0 and 1, no bound for anything between."""
    nan = math.nan
    bounds = clopper_pearson(label * n, n, level) if label in (0.0, 1.0) else Bounds(nan, nan)
    return PredictionPowered(label, bounds.lower, bounds.upper, 0.0, 0.0, "clopper_pearson")


def _scores(values: ArrayLike) -> FloatArray:
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not np.isfinite(scores).all():
        raise ValueError("scores must be flat arrays of finite numbers: leave out what was not scored")
    return scores
