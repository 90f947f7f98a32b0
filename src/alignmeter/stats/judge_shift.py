"""What bounds on a judge's error do to tests and intervals: thresholds shifted, intervals shifted back.

At a true rate theta a judge reports q = theta Se + (1 - theta)(1 - Sp); see `alignmeter.stats.judge_error`,
where the bounds come from. Tests of q are held against thresholds moved to where the errors put them, and
an interval for q is turned into the one for theta that agrees with them.
"""

from __future__ import annotations

from typing import NamedTuple

from alignmeter.stats._checks import as_share
from alignmeter.stats.intervals import Bounds


class ShiftedThresholds(NamedTuple):
    """Thresholds for the rate of judge positives that stand for a threshold on the true rate.

    Attributes:
        p_pass: Rate to be under for PASS; 0 where this judge can support no PASS.
        p_fail: Rate to be over for FAIL; 1 where this judge can support no FAIL.
    """

    p_pass: float
    p_fail: float


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
        >>> from alignmeter.stats.judge_shift import shifted_thresholds
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
        >>> from alignmeter.stats.judge_shift import unshift
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
    return Bounds(as_share(lower), as_share(upper))


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

        >>> from alignmeter.stats.judge_shift import shown_bounds, unshift
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
        >>> from alignmeter.stats.judge_shift import unshrink
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


def _check_bounds(name: str, bounds: tuple[float, float]) -> None:
    lower, upper = bounds
    if not 0 <= lower <= upper <= 1:
        raise ValueError(f"{name} must be (lower, upper) with 0 <= lower <= upper <= 1, got {bounds!r}")
