"""What an imperfect judge does to a rate: bounds, thresholds for tests, corrected estimates.

A judge finds a true event with probability Se (sensitivity) and passes a true non-event with
probability Sp (specificity). At a true rate theta it reports q = theta Se + (1 - theta)(1 - Sp).
Verdicts shift their threshold by bounds on Se and Sp; estimates correct the rate with labels from
elsewhere (`rogan_gladen`). With labels of the run itself, see `alignmeter.stats.judge_labels`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats._binomial import normal_quantile
from alignmeter.stats._checks import check_counts, checked_level
from alignmeter.stats.cluster import cluster_standard_error
from alignmeter.stats.intervals import Bounds, clopper_pearson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

RoganGladenStatus = Literal["estimated", "judge_too_weak", "calibration_contradicted"]


class EffectiveCounts(NamedTuple):
    """Clustered binary labels, as the independent labels that they are worth.

    Attributes:
        events: Share of events times `n`; a fraction as a rule.
        n: Effective number of labels, at most the number of labels.
    """

    events: float
    n: float


class Rate(NamedTuple):
    """One of the two rates of a judge.

    Attributes:
        estimate: Share of the labels; NaN without labels.
        lower: Lower Clopper-Pearson bound; 0 without labels.
        upper: Upper Clopper-Pearson bound; 1 without labels.
        n_effective: Labels that the bounds rest on.
    """

    estimate: float
    lower: float
    upper: float
    n_effective: float

    @property
    def bounds(self) -> Bounds[float]:
        """Both bounds, as `shifted_thresholds` and `unshift` take them."""
        return Bounds(self.lower, self.upper)


class JudgeAccuracy(NamedTuple):
    """Sensitivity and specificity of a judge, with bounds."""

    sensitivity: Rate
    specificity: Rate


class ShiftedThresholds(NamedTuple):
    """Thresholds for the rate of judge positives that stand for a threshold on the true rate.

    Attributes:
        p_pass: Rate to be under for PASS; 0 where this judge can support no PASS.
        p_fail: Rate to be over for FAIL; 1 where this judge can support no FAIL.
    """

    p_pass: float
    p_fail: float


class RoganGladen(NamedTuple):
    """A rate corrected by external calibration.

    Attributes:
        estimate: Corrected rate, clipped to [0, 1]; NaN where the judge is no better than chance.
        lower: Lower bound, clipped to [0, 1]; NaN unless the status is `estimated`.
        upper: Upper bound, likewise.
        standard_error: By the delta method, before any clipping; NaN where `estimate` is.
        status: `judge_too_weak` where J = Se + Sp - 1 is not known to be positive,
            `calibration_contradicted` where the whole interval lies outside [0, 1]: this run does
            not look like the calibration.
    """

    estimate: float
    lower: float
    upper: float
    standard_error: float
    status: RoganGladenStatus


def effective_counts(events: ArrayLike, clusters: ArrayLike) -> EffectiveCounts:
    """Return how many independent labels a set of clustered labels is worth.

    Args:
        events: Whether the judge was right, one 0 or 1 a label, shape (n,).
        clusters: What the labels share (prompt, family), shape (n,): whole numbers or strings.

    Returns:
        `EffectiveCounts(events, n)`; both 0 without labels.

    Raises:
        ValueError: A value is neither 0 nor 1, or the shapes differ.

    Notes:
        n = p(1-p) / SE^2 with the linearised cluster-robust SE, never above the number of labels.
        Where that variance is zero (no error at all, one cluster, or the same share everywhere)
        nothing is known of the correlation, and n is its worst case, the number of clusters.

    References:
        E. L. Korn and B. I. Graubard, Survey Methodology 24, 193-201, 1998.

    Examples:
        Two replies to each of four prompts, both right or both wrong: four labels.

        >>> from alignmeter.stats.judge_error import effective_counts
        >>> effective_counts([1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 2, 2, 3, 3, 4, 4])
        EffectiveCounts(events=4.0, n=4.0)
    """
    labels, names = np.asarray(events, dtype=np.float64), np.asarray(clusters)
    if labels.shape != names.shape or labels.ndim != 1:
        raise ValueError(
            f"events and clusters must be flat and of one length, got {labels.shape} and {names.shape}"
        )
    if not ((labels == 0) | (labels == 1)).all():
        raise ValueError("events must be 0 or 1, one for each label: leave out what was not labelled")
    if labels.size == 0:
        return EffectiveCounts(0.0, 0.0)
    rate, groups = float(labels.mean()), np.unique(names).size
    error = cluster_standard_error(labels, names) if groups > 1 else 0.0
    size = float(groups) if error == 0 else min(float(labels.size), rate * (1 - rate) / error**2)
    return EffectiveCounts(rate * size, size)


def sensitivity_specificity(
    tp: float,
    fn: float,
    fp: float,
    tn: float,
    *,
    level: float = 0.99,
    n_effective: tuple[float, float] | None = None,
) -> JudgeAccuracy:
    """Return a judge's sensitivity and specificity with Clopper-Pearson bounds.

    Args:
        tp: True events that the judge reported.
        fn: True events that it missed.
        fp: Non-events that it reported.
        tn: Non-events that it passed.
        level: Two-sided coverage of each interval; at .99 the one bound of each that a verdict
            uses errs with .005, so both together with .01.
        n_effective: Effective numbers of true events and of non-events, where labels are
            clustered (`effective_counts(...).n`); at most tp + fn and fp + tn.

    Returns:
        `JudgeAccuracy(sensitivity, specificity)`.

    Raises:
        ValueError: A count is negative or not finite, an effective number is above its count or
            not positive, or level is outside (0, 1).

    References:
        C. J. Clopper and E. S. Pearson, Biometrika 26, 404-413, 1934.

    Examples:
        >>> from alignmeter.stats.judge_error import sensitivity_specificity
        >>> accuracy = sensitivity_specificity(270, 30, 15, 285)
        >>> round(accuracy.sensitivity.lower, 3), round(accuracy.specificity.upper, 3)
        (0.847, 0.977)
    """
    check_counts(tp=tp, fn=fn, fp=fp, tn=tn)
    sizes = (tp + fn, fp + tn) if n_effective is None else n_effective
    return JudgeAccuracy(_rate(tp, tp + fn, sizes[0], level), _rate(tn, fp + tn, sizes[1], level))


def shifted_thresholds(tau: float, se: tuple[float, float], sp: tuple[float, float]) -> ShiftedThresholds:
    """Move a threshold on the true rate to where the judge's errors put it.

    Args:
        tau: Threshold on the true rate, in (0, 1).
        se: Lower and upper bound of the sensitivity.
        sp: Lower and upper bound of the specificity.

    Returns:
        `ShiftedThresholds(p_pass, p_fail)`. A claim passes when the rate of judge positives is
        shown to be below `p_pass`, fails when it is shown to be above `p_fail`; p_pass <= p_fail.

    Raises:
        ValueError: tau is outside (0, 1), or bounds are out of order or outside [0, 1].

    Notes:
        p_pass = tau Se_L + (1-tau)(1-Sp_U) and p_fail = tau Se_U + (1-tau)(1-Sp_L): the lowest and
        the highest rate of judge positives at a true rate of tau. Where Se_L + Sp_U <= 1, more
        events need not mean more positives, and p_pass is 0; where Se_U + Sp_L <= 1, p_fail is 1.

    References:
        W. J. Rogan and B. Gladen, American Journal of Epidemiology 107, 71-76, 1978.

    Examples:
        >>> from alignmeter.stats.judge_error import shifted_thresholds
        >>> p_pass, p_fail = shifted_thresholds(0.05, (0.85, 0.94), (0.90, 0.98))
        >>> round(p_pass, 4), round(p_fail, 4)
        (0.0615, 0.142)
    """
    _check_bounds("se", se)
    _check_bounds("sp", sp)
    if not 0 < tau < 1:
        raise ValueError(f"tau must lie strictly between 0 and 1, got {tau!r}")
    p_pass = tau * se[0] + (1 - tau) * (1 - sp[1]) if se[0] + sp[1] > 1 else 0.0
    p_fail = tau * se[1] + (1 - tau) * (1 - sp[0]) if se[1] + sp[0] > 1 else 1.0
    return ShiftedThresholds(p_pass, p_fail)


def unshift(
    bounds_of_q: tuple[float, float], se: tuple[float, float], sp: tuple[float, float]
) -> Bounds[float]:
    """Turn an interval for the rate of judge positives into the one for the true rate.

    The dual of the tests at `shifted_thresholds`: the upper end is below tau exactly when the upper
    end for q is below p_pass, the lower end above tau exactly when the one for q is above p_fail.

    Args:
        bounds_of_q: Lower and upper bound of the rate of judge positives.
        se: Lower and upper bound of the sensitivity.
        sp: Lower and upper bound of the specificity.

    Returns:
        `Bounds(lower, upper)` in [0, 1]; 1 is the upper end where Se_L + Sp_U <= 1, and 0 the lower
        end where Se_U + Sp_L <= 1: nothing is known on that side.

    Raises:
        ValueError: Bounds are out of order or outside [0, 1].

    Examples:
        >>> from alignmeter.stats.judge_error import unshift
        >>> lower, upper = unshift((0.05, 0.0615), (0.85, 0.94), (0.90, 0.98))
        >>> lower, round(upper, 4)
        (0.0, 0.05)
    """
    for name, bounds in (("bounds_of_q", bounds_of_q), ("se", se), ("sp", sp)):
        _check_bounds(name, bounds)
    lower, upper = 0.0, 1.0
    if se[1] + sp[0] > 1:
        lower = (bounds_of_q[0] + sp[0] - 1) / (se[1] + sp[0] - 1)
    if se[0] + sp[1] > 1:
        upper = (bounds_of_q[1] + sp[1] - 1) / (se[0] + sp[1] - 1)
    return Bounds(_clip(lower), _clip(upper))


def shown_bounds(
    bounds_of_q: tuple[float, float], se: tuple[float, float], sp: tuple[float, float], tau: float
) -> Bounds[float]:
    """Return `unshift` without taking off more errors of the judge than the run has room for.

    Where hardly any reply is reported, fewer than the judge is known to report without reason, the
    dual of the tests ends at a rate of 0. That says that run and calibration do not fit together,
    not that the rate is 0.

    Args:
        bounds_of_q: Lower and upper bound of the rate of judge positives.
        se: Lower and upper bound of the sensitivity.
        sp: Lower and upper bound of the specificity.
        tau: Threshold on the true rate that the tests are about, in (0, 1).

    Returns:
        `Bounds(lower, upper)` in [0, 1], around those of `unshift` and on the same side of tau.

    Raises:
        ValueError: Bounds are out of order or outside [0, 1].

    Notes:
        The upper end is at least min(q_U, 1-Sp_U) / Se_L: up to the least rate of false alarms, the
        end for a judge without any. The lower end mirrors it: at most 1 - min(1-q_L, 1-Se_U) / Sp_L.
        Neither passes tau on that account, so that the tests keep their thresholds.

    Examples:
        None of 200 replies, reported by a judge that reports at least 22 in a thousand good ones:

        >>> from alignmeter.stats.judge_error import shown_bounds, unshift
        >>> unshift((0.0, 0.016), (0.85, 0.94), (0.905, 0.978)).upper
        0.0
        >>> round(shown_bounds((0.0, 0.016), (0.85, 0.94), (0.905, 0.978), 0.05).upper, 4)
        0.0188
    """
    lower, upper = unshift(bounds_of_q, se, sp)
    if sp[0] > 0:
        lower = min(lower, max(tau, 1 - min(1 - bounds_of_q[0], 1 - se[1]) / sp[0]))
    if se[0] > 0:
        upper = max(upper, min(tau, min(bounds_of_q[1], 1 - sp[1]) / se[0]))
    return Bounds(lower, upper)


def unshrink(bounds_of_difference: tuple[float, float], informedness: float) -> Bounds[float]:
    """Turn an interval for the difference of two judged rates into the one for the true difference.

    A judge that errs alike on both shrinks a difference by J = Se + Sp - 1, which is at most 1. The dual
    of tests at margin x J_L for PASS and at the margin for FAIL.

    Args:
        bounds_of_difference: Lower and upper bound of the judged difference.
        informedness: Lower bound of J, in (0, 1].

    Returns:
        `Bounds(lower, upper)` in [-1, 1].

    Raises:
        ValueError: The informedness is outside (0, 1], so that nothing is known of the difference.

    Examples:
        >>> from alignmeter.stats.judge_error import unshrink
        >>> unshrink((-0.04, 0.06), 0.5)
        Bounds(lower=-0.08, upper=0.12)
        >>> unshrink((0.04, 0.06), 0.5)
        Bounds(lower=0.04, upper=0.12)
    """
    if not 0 < informedness <= 1:
        raise ValueError(f"informedness must lie in (0, 1], got {informedness!r}")
    lower, upper = bounds_of_difference
    return Bounds(
        max(-1.0, lower if lower > 0 else lower / informedness),
        min(1.0, upper if upper <= 0 else upper / informedness),
    )


def rogan_gladen(  # noqa: PLR0917 - the four cells of one table
    positives: float, n: float, tp: float, fn: float, fp: float, tn: float, *, level: float = 0.95
) -> RoganGladen:
    """Correct a rate of judge positives by labels from elsewhere.

    Args:
        positives: Replies of this run that the judge reported.
        n: Replies of this run that it judged.
        tp: True events of the calibration that the judge reported.
        fn: True events that it missed.
        fp: Non-events that it reported.
        tn: Non-events that it passed.
        level: Two-sided coverage, in (0, 1).

    Returns:
        `RoganGladen`; the bounds are NaN where the rate is not estimable.

    Raises:
        ValueError: Counts are negative or not finite, positives exceed n, n is 0, or level is
            outside (0, 1).

    Notes:
        theta = (p + Sp - 1) / J with J = Se + Sp - 1, and by the delta method
        Var = [p(1-p)/n + theta^2 Se(1-Se)/m1 + (1-theta)^2 Sp(1-Sp)/m0] / J^2. Se and Sp are taken
        with one success and one failure added (m1 = tp + fn + 2, m0 = fp + tn + 2), so that a
        calibration without errors keeps a variance. Not estimable when J, or its one-sided lower
        normal bound at `level`, is not above 0.

    References:
        W. J. Rogan and B. Gladen, American Journal of Epidemiology 107, 71-76, 1978. C. Lee et al.,
        "How to correctly report LLM-as-a-judge evaluations", arXiv 2511.21140, 2025 (whose shift of
        the centre is left out). Z. Lang and J. Reiczigel, Preventive Veterinary Medicine 113, 13-22,
        2014.

    Examples:
        >>> from alignmeter.stats.judge_error import rogan_gladen
        >>> result = rogan_gladen(675, 5000, 90, 10, 10, 190)
        >>> round(result.estimate, 3), round(result.lower, 3), round(result.upper, 3)
        (0.096, 0.06, 0.132)
        >>> rogan_gladen(675, 5000, 5, 5, 5, 5).status
        'judge_too_weak'
    """
    check_counts(positives=positives, n=n, tp=tp, fn=fn, fp=fp, tn=tn)
    if positives > n or n == 0:
        raise ValueError(f"positives must be at most n, and n above 0, got {positives!r} of {n!r}")
    z, z_one_sided = normal_quantile((1 + checked_level(level)) / 2), normal_quantile(level)
    m1, m0 = tp + fn + 2, fp + tn + 2
    se, sp, p = (tp + 1) / m1, (tn + 1) / m0, positives / n
    youden = se + sp - 1
    if youden <= 0:
        nan = math.nan
        return RoganGladen(nan, nan, nan, nan, "judge_too_weak")
    variance_se, variance_sp = se * (1 - se) / m1, sp * (1 - sp) / m0
    theta = (p + sp - 1) / youden
    variance = p * (1 - p) / n + theta**2 * variance_se + (1 - theta) ** 2 * variance_sp
    error = math.sqrt(variance) / youden
    lower, upper = theta - z * error, theta + z * error
    status: RoganGladenStatus = "estimated"
    if youden <= z_one_sided * math.sqrt(variance_se + variance_sp):
        status = "judge_too_weak"
    elif upper <= 0 or lower >= 1:
        status = "calibration_contradicted"
    if status != "estimated":
        return RoganGladen(_clip(theta), math.nan, math.nan, error, status)
    return RoganGladen(_clip(theta), _clip(lower), _clip(upper), error, status)


def _rate(hits: float, n: float, n_effective: float, level: float) -> Rate:
    if not (n_effective <= n and (n_effective > 0 or n == 0)):
        raise ValueError(f"an effective number must be above 0 and at most {n!r}, got {n_effective!r}")
    share = hits / n if n else math.nan
    # Rounding may carry the product a hair above its size.
    events = min(share * n_effective, n_effective) if n else 0.0
    bounds = clopper_pearson(events, n_effective, level)
    return Rate(share, bounds.lower, bounds.upper, n_effective)


def _check_bounds(name: str, bounds: tuple[float, float]) -> None:
    lower, upper = bounds
    if not 0 <= lower <= upper <= 1:
        raise ValueError(f"{name} must be (lower, upper) with 0 <= lower <= upper <= 1, got {bounds!r}")


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
