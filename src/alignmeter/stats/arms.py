"""The alignment tax from aggregates: mean scores of two arms and how many items each is a mean of.

No pairs are known, so the arms count as independent samples. Scores are shares of the best possible
score; a mean of graded scores in [0, 1] varies at most like a share of right answers with the same
mean, which is what is assumed. The tests restrict the variance to the null hypothesis (score tests),
so arms without any failure, or without any success, still have an interval with a width.
"""

from __future__ import annotations

import math
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.stats._binomial import normal_quantile
from alignmeter.stats._checks import checked_level
from alignmeter.stats.intervals import Bounds, clopper_pearson, wilson
from alignmeter.stats.ratio import (
    DEFAULT_HEADROOM,
    TIER_EDGES,
    TIERS,
    RatioInterval,
    RatioNotEstimable,
    Tier,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDING = 1e-12
_BISECTIONS = 100


class Arm(NamedTuple):
    """One arm of a comparison.

    Attributes:
        mean: Mean score in [0, 1], higher is better.
        n: Items, at least 1.
    """

    mean: float
    n: int


class ArmsTest(NamedTuple):
    """The score test of a relative tax against a threshold.

    Attributes:
        z: ((1 - tau) base - aligned) / standard error under a tax of exactly tau; positive is bad.
        p_pass: Evidence of a tax below tau.
        p_fail: Evidence of a tax above tau.
    """

    z: float
    p_pass: float
    p_fail: float


class ArmsSeverity(NamedTuple):
    """The tier of a relative tax that is shown at least, and at most.

    Attributes:
        confirmed: The tax is in this tier or above, with error rate alpha.
        cleared: The tax is in this tier or below, with error rate alpha.
    """

    confirmed: Tier
    cleared: Tier


def point_tier(base: float, aligned: float) -> Tier:
    """Return the tier of 1 - aligned / base; a tax at an edge is in the lower tier.

    Args:
        base: Mean score of the base model, above 0, on any scale.
        aligned: Mean score of the aligned model on the same scale, at least 0.

    Raises:
        ValueError: A score is not finite, base is not above 0, or aligned is negative.

    Examples:
        >>> from alignmeter.stats.arms import point_tier
        >>> point_tier(8.2, 7.1), point_tier(100, 90)
        ('significant', 'moderate')
    """
    if not (0 < base < math.inf and 0 <= aligned < math.inf):
        raise ValueError(f"base must be above 0 and aligned at least 0, got {base!r} and {aligned!r}")
    return TIERS[sum((1 - edge) * base - aligned > _ROUNDING * base for edge in TIER_EDGES)]


def arms_test(base: Arm, aligned: Arm, tau: float) -> ArmsTest:
    """Test a relative tax against a threshold, two independent arms, without dividing by the base.

    Args:
        base: Base model.
        aligned: Aligned model.
        tau: Tax under test, in [0, 1).

    Returns:
        `ArmsTest`; z is 0 where both arms are at the edge of the null hypothesis.

    Raises:
        ValueError: A mean is outside [0, 1], an n is below 1, or tau is out of range.

    Notes:
        With R = 1 - tau, the variance of R B - A is q R (1 - q R) / n_a + R^2 q (1 - q) / n_b times
        N / (N - 1), q the base score that is likeliest where aligned = R base (a quadratic), N the
        items of both arms together. Of |R B - A|, half a step of the coarser arm, max(R / n_b,
        1 / n_a) / 2, is taken off.

    References:
        P. A. R. Koopman, "Confidence intervals for the ratio of two binomial proportions",
        Biometrics 40, 513-517, 1984; O. Miettinen and M. Nurminen, "Comparative analysis of two
        rates", Statistics in Medicine 4, 213-226, 1985.

    Examples:
        >>> from alignmeter.stats.arms import Arm, arms_test
        >>> test = arms_test(Arm(0.90, 1000), Arm(0.70, 1000), 0.10)
        >>> round(test.z, 2), test.p_fail < 1e-6
        (6.58, True)
    """
    _check(base, aligned)
    if not 0 <= tau < 1:
        raise ValueError(f"tau must be in [0, 1) (0.10 for 10%), got {tau!r}")
    z = _score(base, aligned, 1 - tau)
    return ArmsTest(z, _lower_tail(z), _lower_tail(-z))


def arms_ratio(
    base: Arm,
    aligned: Arm,
    *,
    level: float = 0.90,
    chance: float = 0.0,
    headroom: float = DEFAULT_HEADROOM,
) -> RatioInterval | RatioNotEstimable:
    """Return the relative tax 1 - aligned / base of two independent arms, with its interval.

    Args:
        base: Base model.
        aligned: Aligned model.
        level: Two-sided coverage, in (0, 1); 0.90 is the dual of one-sided tests at 5%.
        chance: Score of guessing, in [0, 1).
        headroom: How far above chance the base score must be shown to lie, at least 0.

    Returns:
        `RatioInterval`: the taxes that `arms_test` rejects on neither side. `RatioNotEstimable`
        (`no_headroom`) where the lower bound of the base score is under chance + headroom.

    Raises:
        ValueError: A mean is outside [0, 1], an n is below 1, or an option is out of range.

    Examples:
        >>> from alignmeter.stats.arms import Arm, arms_ratio
        >>> tax = arms_ratio(Arm(0.90, 1000), Arm(0.70, 1000))
        >>> round(tax.estimate, 3), round(tax.lower, 3), round(tax.upper, 3)
        (0.222, 0.192, 0.253)
    """
    _check(base, aligned)
    checked_level(level)
    if not 0 <= chance < 1 or not 0 <= headroom < math.inf:
        raise ValueError(f"chance must be in [0, 1) and headroom >= 0, got {chance!r} and {headroom!r}")
    lowest = clopper_pearson(base.mean * base.n, base.n, level).lower
    if base.mean == 0 or lowest < chance + headroom:
        return RatioNotEstimable(
            reason="no_headroom",
            sentence=f"ratio not estimable: the base score is only shown to be at least {lowest:.3f}, "
            f"and must be shown to reach chance + headroom = {chance + headroom:.3f}",
        )
    z = normal_quantile((1 + level) / 2)
    ratio = aligned.mean / base.mean
    lower = 0.0
    if aligned.mean > 0:
        lower = _last(lambda share: _score(base, aligned, share) <= -z, 0.0, ratio)
    beyond = max(1.0, ratio)
    while _score(base, aligned, beyond) < z:
        beyond *= 2
    upper = _last(lambda share: _score(base, aligned, share) < z, ratio, beyond)
    return RatioInterval(estimate=1 - ratio, lower=1 - upper, upper=1 - lower)


def arms_difference(base: Arm, aligned: Arm, *, level: float = 0.90) -> Bounds[float]:
    """Return the interval of base - aligned, two independent arms.

    Args:
        base: Base model.
        aligned: Aligned model.
        level: Two-sided coverage, in (0, 1).

    Raises:
        ValueError: A mean is outside [0, 1], an n is below 1, or level is out of range.

    References:
        R. G. Newcombe, "Interval estimation for the difference between independent proportions",
        Statistics in Medicine 17, 873-890, 1998 (method 10, from two Wilson intervals).

    Examples:
        >>> from alignmeter.stats.arms import Arm, arms_difference
        >>> lower, upper = arms_difference(Arm(0.90, 1000), Arm(0.70, 1000))
        >>> round(lower, 3), round(upper, 3)
        (0.171, 0.228)
    """
    _check(base, aligned)
    low_b, high_b = wilson(base.mean * base.n, base.n, level)
    low_a, high_a = wilson(aligned.mean * aligned.n, aligned.n, level)
    difference = base.mean - aligned.mean
    return Bounds(
        difference - math.hypot(base.mean - low_b, high_a - aligned.mean),
        difference + math.hypot(high_b - base.mean, aligned.mean - low_a),
    )


def arms_severity(base: Arm, aligned: Arm, *, alpha: float = 0.05) -> ArmsSeverity:
    """Return the tier that is confirmed and the tier that is cleared, two independent arms.

    Args:
        base: Base model.
        aligned: Aligned model.
        alpha: Error rate of each side, in (0, 0.5).

    Raises:
        ValueError: A mean is outside [0, 1], an n is below 1, or alpha is out of range.

    Notes:
        The nested tiers are tested in a fixed sequence, each at alpha, as in
        `alignmeter.stats.ratio.severity`.

    Examples:
        >>> from alignmeter.stats.arms import Arm, arms_severity
        >>> tuple(arms_severity(Arm(0.90, 1000), Arm(0.70, 1000)))
        ('significant', 'critical')
    """
    if not 0 < alpha < 0.5:  # noqa: PLR2004 - beyond, both sides of an edge could be rejected
        raise ValueError(f"alpha must lie strictly between 0 and 0.5, got {alpha!r}")
    tests = [arms_test(base, aligned, tau) for tau in TIER_EDGES]
    above = len(list(takewhile(lambda test: test.p_fail <= alpha, tests)))
    below = len(list(takewhile(lambda test: test.p_pass <= alpha, reversed(tests))))
    return ArmsSeverity(TIERS[above], TIERS[len(tests) - below])


def _check(base: Arm, aligned: Arm) -> None:
    for name, arm in (("base", base), ("aligned", aligned)):
        if not 0 <= arm.mean <= 1 or not arm.n >= 1:
            raise ValueError(f"{name} needs a mean in [0, 1] and at least 1 item, got {tuple(arm)!r}")


def _score(base: Arm, aligned: Arm, ratio: float) -> float:
    """Return the standardised ratio * base - aligned under aligned = ratio * base, ratio >= 0."""
    right, aligned_right = base.mean * base.n, aligned.mean * aligned.n
    both = base.n + aligned.n
    # The likeliest base score solves a q^2 - b q + c = 0; the other root lies outside [0, 1 / ratio].
    a = ratio * both
    b = ratio * (right + aligned.n) + aligned_right + base.n
    c = right + aligned_right
    q = 2 * c / (b + math.sqrt(max(0.0, b * b - 4 * a * c)))
    q = min(q, 1 / max(1.0, ratio))
    variance = ratio * q * (1 - ratio * q) / aligned.n + ratio * ratio * q * (1 - q) / base.n
    difference = ratio * base.mean - aligned.mean
    # Half a step of the coarser arm: without it the tests err up to .087 at a nominal .05.
    beyond = abs(difference) - max(ratio / base.n, 1 / aligned.n) / 2
    if beyond <= _ROUNDING or variance <= 0:
        return 0.0
    return math.copysign(beyond / math.sqrt(variance * both / (both - 1)), difference)


def _last(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return where `holds`, true at `low` and false at `high`, turns false."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2


def _lower_tail(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2
