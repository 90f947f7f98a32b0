"""What an imperfect judge does to a rate: bounds on its error, and corrected estimates.

A judge finds a true event with probability Se (sensitivity) and passes a true non-event with
probability Sp (specificity). At a true rate theta it reports q = theta Se + (1 - theta)(1 - Sp).
Verdicts shift their threshold by bounds on Se and Sp (`alignmeter.stats.judge_shift`); estimates correct
the rate with labels from elsewhere (`rogan_gladen`). With labels of the run itself, see
`alignmeter.stats.judge_labels`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats._binomial import normal_quantile
from alignmeter.stats._checks import as_share, check_counts, checked_level
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
        """Both bounds, as `alignmeter.stats.judge_shift` takes them."""
        return Bounds(self.lower, self.upper)


class JudgeAccuracy(NamedTuple):
    """Sensitivity and specificity of a judge, with bounds."""

    sensitivity: Rate
    specificity: Rate


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
        return RoganGladen(as_share(theta), math.nan, math.nan, error, status)
    return RoganGladen(as_share(theta), as_share(lower), as_share(upper), error, status)


def _rate(hits: float, n: float, n_effective: float, level: float) -> Rate:
    if not (n_effective <= n and (n_effective > 0 or n == 0)):
        raise ValueError(f"an effective number must be above 0 and at most {n!r}, got {n_effective!r}")
    share = hits / n if n else math.nan
    # Rounding may carry the product a hair above its size.
    events = min(share * n_effective, n_effective) if n else 0.0
    bounds = clopper_pearson(events, n_effective, level)
    return Rate(share, bounds.lower, bounds.upper, n_effective)
