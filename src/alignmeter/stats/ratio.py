"""The alignment tax: what share of the base model's score the aligned model lost.

Scores lie in [0, 1], higher is better, one pair a unit: the base model's and the aligned model's on
the same prompt. The verdict on "tax <= tau" comes from a contrast without a division
(`tax_contrast`); the ratio itself is for display (`fieller`), and where it cannot be estimated the
absolute difference stands in (`absolute_tax`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from alignmeter.stats._binomial import FloatArray, beta_quantile, student_quantile, student_tail
from alignmeter.stats._checks import checked_level
from alignmeter.stats._means import (
    NEGLIGIBLE,
    MeanEstimate,
    cluster_codes,
    finite_vector,
    mean_estimate,
)
from alignmeter.stats.paired import tango

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Tier = Literal["minimal", "moderate", "significant", "critical"]
NotEstimable = Literal["no_headroom", "unbounded", "no_variation"]

TIERS: tuple[Tier, ...] = get_args(Tier)
TIER_EDGES = (0.05, 0.10, 0.20)  # a tax of at most the edge is in the tier before it
DEFAULT_HEADROOM = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioInterval:
    """A relative tax with a bounded confidence interval."""

    kind: Literal["bounded"] = field(default="bounded", init=False)
    estimate: float
    """1 - mean(aligned) / mean(base); negative where the aligned model scores higher."""
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioNotEstimable:
    """A relative tax of which these scores say too little; show `absolute_tax` instead."""

    kind: Literal["not_estimable"] = field(default="not_estimable", init=False)
    reason: NotEstimable
    sentence: str
    """The reason with its figures, in one sentence."""


class TaxContrast(NamedTuple):
    """The t test of a relative tax against a threshold tau.

    Attributes:
        values: Z = (1 - tau) * base - aligned of each unit, shape (n,); a positive mean is bad.
        mean: Mean of Z.
        standard_error: Of the mean, cluster-robust.
        degrees_of_freedom: Clusters minus one.
        p_pass: Evidence that E[Z] < 0, a tax below tau.
        p_fail: Evidence that E[Z] > 0, a tax above tau.
    """

    values: FloatArray
    mean: float
    standard_error: float
    degrees_of_freedom: int
    p_pass: float
    p_fail: float


class AbsoluteTax(NamedTuple):
    """Mean score lost, in the unit of the scores, with its interval.

    Attributes:
        estimate: mean(base) - mean(aligned).
        lower: Lower end, NaN where the scores do not vary enough for an interval.
        upper: Upper end, likewise.
        method: `tango` for independent 0/1 scores, else `student`.
    """

    estimate: float
    lower: float
    upper: float
    method: Literal["tango", "student"]


class Severity(NamedTuple):
    """The tier of a relative tax: as estimated, as shown at least, as shown at most.

    Attributes:
        point: Tier of the estimate.
        confirmed: The tax is in this tier or above, with error rate alpha.
        cleared: The tax is in this tier or below, with error rate alpha.
        tests: The contrast at each of `TIER_EDGES`.
    """

    point: Tier
    confirmed: Tier
    cleared: Tier
    tests: tuple[TaxContrast, ...]


def fieller(
    base: ArrayLike,
    aligned: ArrayLike,
    *,
    level: float = 0.95,
    clusters: ArrayLike | None = None,
    chance: float = 0.0,
    headroom: float = DEFAULT_HEADROOM,
) -> RatioInterval | RatioNotEstimable:
    """Return Fieller's confidence set of the relative tax 1 - mean(aligned) / mean(base).

    Args:
        base: Scores of the base model in [0, 1], shape (n,).
        aligned: Scores of the aligned model on the same units, shape (n,).
        level: Two-sided coverage, in (0, 1).
        clusters: Family of each unit (strings or whole numbers), shape (n,).
        chance: Score of guessing, in [0, 1): 1/4 for four options, 0 for free text.
        headroom: How far above chance the base score must be shown to lie, at least 0.

    Returns:
        `RatioInterval`, or `RatioNotEstimable` with the reason: `no_headroom` (the lower bound of
        the base score is under chance + headroom), `unbounded` (the base score is not told apart
        from 0), `no_variation` (base and aligned scores are proportional, so that the interval
        would have no width).

    Raises:
        ValueError: Scores are not in [0, 1] or not paired, there are fewer than two clusters, or an
            option is out of range.

    Notes:
        The set of tax rates tau up to 1 that the two-sided t test of `tax_contrast` does not reject. With
        R = 1 - tau it is (A - R B)^2 <= t^2 (Vaa - 2 R Vab + R^2 Vbb), an interval exactly where
        B^2 > t^2 Vbb. The delta method is not offered: at a base score of .05 and n = 100 it covers
        .89 where Fieller covers .96.

    References:
        E. C. Fieller, "Some problems in interval estimation", JRSS B 16, 175-185, 1954.

    Examples:
        >>> from alignmeter.stats.ratio import fieller
        >>> base = [1, 1, 1, 0, 1, 1, 1, 1, 0, 1] * 20
        >>> aligned = [1, 1, 0, 0, 1, 1, 1, 1, 0, 1] * 20
        >>> tax = fieller(base, aligned)
        >>> round(tax.estimate, 3), round(tax.lower, 3), round(tax.upper, 3)
        (0.125, 0.073, 0.177)
        >>> fieller(base, aligned, chance=0.75).reason
        'no_headroom'
    """
    pairs, codes = _paired_scores(base, aligned, clusters)
    checked_level(level)
    if not 0 <= chance < 1 or not 0 <= headroom < math.inf:
        raise ValueError(f"chance must be in [0, 1) and headroom >= 0, got {chance!r} and {headroom!r}")
    estimate = mean_estimate(pairs, codes)
    lower = _base_lower_bound(pairs[:, 0], estimate, (1 - level) / 2, clustered=clusters is not None)
    if lower < chance + headroom:
        return RatioNotEstimable(
            reason="no_headroom",
            sentence=f"ratio not estimable: the base score is only shown to be at least {lower:.3f}, "
            f"and must be shown to reach chance + headroom = {chance + headroom:.3f}",
        )
    return _fieller_set(estimate, student_quantile((1 + level) / 2, estimate.degrees_of_freedom))


def tax_contrast(
    base: ArrayLike, aligned: ArrayLike, tau: float, *, clusters: ArrayLike | None = None
) -> TaxContrast:
    """Test a relative tax against a threshold without dividing by the base score.

    Args:
        base: Scores of the base model in [0, 1], shape (n,).
        aligned: Scores of the aligned model on the same units, shape (n,).
        tau: Tax under test, in [0, 1).
        clusters: Family of each unit (strings or whole numbers), shape (n,).

    Returns:
        `TaxContrast`.

    Raises:
        ValueError: Scores are not in [0, 1] or not paired, there are fewer than two clusters, tau
            is out of range, or Z does not vary (a standard error of zero is never used).

    Notes:
        t with G - 1 degrees of freedom for G clusters: asymptotic, for 200 units or more. Below,
        test the `values` with `alignmeter.stats.paired.sign_flip` where they are symmetric.

    Examples:
        >>> from alignmeter.stats.ratio import tax_contrast
        >>> base = [1, 1, 1, 0, 1, 1, 1, 1, 0, 1] * 20
        >>> aligned = [1, 1, 0, 0, 1, 1, 1, 1, 0, 1] * 20
        >>> test = tax_contrast(base, aligned, 0.20)
        >>> round(test.mean, 3), round(test.p_pass, 4)
        (-0.06, 0.0024)
    """
    pairs, codes = _paired_scores(base, aligned, clusters)
    if not 0 <= tau < 1:
        raise ValueError(f"tau must be in [0, 1) (0.10 for 10%), got {tau!r}")
    values = (1 - tau) * pairs[:, 0] - pairs[:, 1]
    estimate = mean_estimate(values[:, None], codes)
    mean, error = estimate.mean, estimate.standard_error
    if error <= NEGLIGIBLE:
        raise ValueError(
            f"the contrast at tau={tau!r} does not vary between the {estimate.degrees_of_freedom + 1} "
            "independent units, so it has no standard error; more varied units are needed"
        )
    freedom = estimate.degrees_of_freedom
    p_pass, p_fail = student_tail(-mean / error, freedom), student_tail(mean / error, freedom)
    return TaxContrast(values, mean, error, freedom, p_pass, p_fail)


def absolute_tax(
    base: ArrayLike, aligned: ArrayLike, *, level: float = 0.95, clusters: ArrayLike | None = None
) -> AbsoluteTax:
    """Return the mean score lost, with its interval.

    Args:
        base: Scores of the base model in [0, 1], shape (n,).
        aligned: Scores of the aligned model on the same units, shape (n,).
        level: Two-sided coverage, in (0, 1).
        clusters: Family of each unit (strings or whole numbers), shape (n,).

    Returns:
        `AbsoluteTax`: Tango's interval for independent 0/1 scores, which has a width even where no
        pair differs; else t inside [-1, 1], with NaN ends where the differences do not vary.

    Raises:
        ValueError: Scores are not in [0, 1] or not paired, there are fewer than two clusters, or
            level is out of range.

    Examples:
        >>> from alignmeter.stats.ratio import absolute_tax
        >>> tax = absolute_tax([1, 1, 1, 1] * 10, [1, 1, 1, 1] * 10)
        >>> tax.estimate, round(tax.upper, 3), tax.method
        (0.0, 0.088, 'tango')
    """
    pairs, codes = _paired_scores(base, aligned, clusters)
    checked_level(level)
    differences = pairs[:, 0] - pairs[:, 1]
    estimate = mean_estimate(differences[:, None], codes)
    if clusters is None and _is_binary(pairs):
        lost, won = int((differences > 0).sum()), int((differences < 0).sum())
        score = tango(lost, won, len(pairs), level=level)
        return AbsoluteTax(score.difference, score.lower, score.upper, "tango")
    mean, error = estimate.mean, estimate.standard_error
    half = student_quantile((1 + level) / 2, estimate.degrees_of_freedom) * error
    if error <= NEGLIGIBLE:
        return AbsoluteTax(mean, math.nan, math.nan, "student")
    return AbsoluteTax(mean, max(-1.0, mean - half), min(1.0, mean + half), "student")


def severity(
    base: ArrayLike, aligned: ArrayLike, *, alpha: float = 0.05, clusters: ArrayLike | None = None
) -> Severity:
    """Place a relative tax in a tier: minimal <= 5% < moderate <= 10% < significant <= 20% < critical.

    Args:
        base: Scores of the base model in [0, 1], shape (n,).
        aligned: Scores of the aligned model on the same units, shape (n,).
        alpha: Error rate of each side, in (0, 0.5).
        clusters: Family of each unit (strings or whole numbers), shape (n,).

    Returns:
        `Severity`, with confirmed <= point <= cleared.

    Raises:
        ValueError: As `tax_contrast` at one of the edges, or alpha is out of range.

    Notes:
        The tiers are nested, so they are tested in a fixed sequence, each at alpha: for `confirmed`
        from the lowest edge upward until "tax <= edge" is not rejected, for `cleared` from the
        highest edge downward until "tax >= edge" is not. Each side errs at most alpha, both
        together at most 2 alpha.

    References:
        W. Maurer, L. A. Hothorn and W. Lehmacher, "Multiple comparisons in drug clinical trials and
        preclinical assays: a-priori ordered hypotheses", 1995.

    Examples:
        >>> from alignmeter.stats.ratio import severity
        >>> base = [1, 1, 1, 0, 1, 1, 1, 1, 0, 1] * 20
        >>> aligned = [1, 1, 0, 0, 1, 1, 1, 1, 0, 1] * 20
        >>> severity(base, aligned)[:3]
        ('significant', 'moderate', 'significant')
    """
    if not 0 < alpha < 0.5:  # noqa: PLR2004 - beyond, both sides of an edge could be rejected
        raise ValueError(f"alpha must lie strictly between 0 and 0.5, got {alpha!r}")
    tests = tuple(tax_contrast(base, aligned, tau, clusters=clusters) for tau in TIER_EDGES)
    confirmed = _leading([test.p_fail <= alpha for test in tests])
    cleared = len(tests) - _leading([test.p_pass <= alpha for test in reversed(tests)])
    # A tax at an edge is in the lower tier, whatever the last bit of the mean says.
    point = sum(test.mean > NEGLIGIBLE for test in tests)
    return Severity(TIERS[point], TIERS[confirmed], TIERS[cleared], tests)


def _leading(flags: list[bool]) -> int:
    """Return how many flags are true before the first that is not."""
    return flags.index(False) if False in flags else len(flags)


def _paired_scores(
    base: ArrayLike, aligned: ArrayLike, clusters: ArrayLike | None
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Return the scores as columns (base, aligned), shape (n, 2), and the cluster of each unit."""
    columns = [finite_vector("base", base), finite_vector("aligned", aligned)]
    if len(columns[0]) != len(columns[1]):
        raise ValueError(
            f"base and aligned must be scores of the same units, got {len(columns[0])} and {len(columns[1])}"
        )
    pairs = np.column_stack(columns)
    outside = pairs[(pairs < 0) | (pairs > 1)]
    if outside.size:
        raise ValueError(f"scores must lie in [0, 1] (rescale other grades), got {float(outside[0])!r}")
    return pairs, cluster_codes(clusters, len(pairs))


def _is_binary(scores: FloatArray) -> bool:
    return bool(((scores == 0) | (scores == 1)).all())


def _base_lower_bound(base: FloatArray, estimate: MeanEstimate, alpha: float, *, clustered: bool) -> float:
    """Return a one-sided lower bound of the mean base score at level 1 - alpha."""
    if not clustered and _is_binary(base):
        good = int(base.sum())
        return 0.0 if good == 0 else float(beta_quantile(good, len(base) - good + 1, alpha))
    freedom = estimate.degrees_of_freedom
    mean, error = estimate.mean, estimate.standard_error
    if error <= NEGLIGIBLE:
        # All clusters alike: exactly, at least the share alpha^(1/G) of clusters is so good.
        return mean * alpha ** (1 / (freedom + 1))
    return mean - student_quantile(1 - alpha, freedom) * error


def _fieller_set(estimate: MeanEstimate, t: float) -> RatioInterval | RatioNotEstimable:
    (base, aligned), ((v_base, v_both), (_, v_aligned)) = estimate.means, estimate.covariance
    square = base * base - t * t * v_base
    if square <= 0:
        return RatioNotEstimable(
            reason="unbounded",
            sentence=f"ratio not estimable: a base score of {base:.3f} +- {math.sqrt(v_base):.3f} (standard "
            "error) is not told apart from 0",
        )
    ratio = aligned / base
    # The variance of aligned - ratio * base; at or below zero only by rounding.
    spread = v_aligned - 2 * ratio * v_both + ratio * ratio * v_base
    if spread <= NEGLIGIBLE * (v_aligned + v_base):
        return RatioNotEstimable(
            reason="no_variation",
            sentence=f"ratio not estimable: every aligned score is {ratio:.3f} times its base score, "
            "which leaves no variation for an interval",
        )
    centre = base * aligned - t * t * v_both
    # (centre^2 - square * constant) of the quadratic, rearranged so that it cannot turn negative.
    half = t * math.sqrt(max(0.0, base * base * spread - t * t * (v_aligned * v_base - v_both * v_both)))
    return RatioInterval(
        estimate=float(1 - ratio),
        lower=min(1.0, float(1 - (centre + half) / square)),
        upper=min(1.0, float(1 - (centre - half) / square)),
    )
