"""Thresholds shifted by a judge's error, and the intervals that are their dual."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from alignmeter.stats.judge_shift import shifted_thresholds, shown_bounds, unshift, unshrink

shares = st.floats(0, 1)
bounds = st.tuples(shares, shares).map(lambda pair: (min(pair), max(pair)))
PERFECT = (1.0, 1.0)


# --- thresholds and their dual ----------------------------------------------------------------------


def test_a_perfect_judge_leaves_a_threshold_where_it_is() -> None:
    assert shifted_thresholds(0.05, PERFECT, PERFECT) == pytest.approx((0.05, 0.05))
    assert unshift((0.01, 0.04), PERFECT, PERFECT) == pytest.approx((0.01, 0.04))


def test_thresholds_follow_the_formula() -> None:
    p_pass, p_fail = shifted_thresholds(0.1, (0.8, 0.95), (0.9, 0.97))

    assert p_pass == pytest.approx(0.1 * 0.8 + 0.9 * 0.03)
    assert p_fail == pytest.approx(0.1 * 0.95 + 0.9 * 0.10)


def test_confirmed_positives_pass_at_tau_times_the_sensitivity() -> None:
    assert shifted_thresholds(0.05, (0.85, 0.94), PERFECT).p_pass == pytest.approx(0.05 * 0.85)


def test_a_judge_that_may_be_worse_than_chance_decides_nothing() -> None:
    assert shifted_thresholds(0.05, (0.1, 0.2), (0.3, 0.4)) == (0, 1)
    assert unshift((0.0, 0.0), (0.1, 0.2), (0.3, 0.4)) == (0, 1)
    # Not known: it may be good enough for FAIL and is not for PASS.
    p_pass, p_fail = shifted_thresholds(0.05, (0.0, 0.9), (0.5, 1.0))
    assert p_pass == 0
    assert p_fail < 1
    assert unshift((0.9, 1.0), (0.0, 0.9), (0.5, 1.0)).upper == 1


@given(st.floats(0.001, 0.999), bounds, bounds, bounds)
@example(0.05, (0.0, 0.0), (0.5, 0.5), (0.5, 0.5))
def test_the_interval_is_the_dual_of_the_shifted_tests(
    tau: float, q: tuple[float, float], se: tuple[float, float], sp: tuple[float, float]
) -> None:
    thresholds = shifted_thresholds(tau, se, sp)
    theta = unshift(q, se, sp)
    assume(abs(q[1] - thresholds.p_pass) > 1e-12)
    assume(abs(q[0] - thresholds.p_fail) > 1e-12)
    # With a J of nearly nothing the division loses the digits that would tell.
    assume(abs(se[0] + sp[1] - 1) > 1e-3)
    assume(abs(se[1] + sp[0] - 1) > 1e-3)

    assert (q[1] < thresholds.p_pass) == (theta.upper < tau)
    assert (q[0] > thresholds.p_fail) == (theta.lower > tau)


@given(bounds, bounds, bounds)
def test_the_interval_of_the_true_rate_is_in_order_and_inside_zero_and_one(
    q: tuple[float, float], se: tuple[float, float], sp: tuple[float, float]
) -> None:
    lower, upper = unshift(q, se, sp)

    assert 0 <= lower <= upper + 1e-9
    assert upper <= 1


@given(st.floats(0.001, 0.999), bounds, bounds, bounds)
def test_the_interval_shown_holds_the_dual_and_lies_on_the_same_side_of_the_threshold(
    tau: float, q: tuple[float, float], se: tuple[float, float], sp: tuple[float, float]
) -> None:
    dual, shown = unshift(q, se, sp), shown_bounds(q, se, sp, tau)

    assert 0 <= shown.lower <= dual.lower
    assert dual.upper <= shown.upper <= 1
    assert (shown.upper > tau) == (dual.upper > tau)
    assert (shown.lower < tau) == (dual.lower < tau)


@given(st.floats(0.001, 0.999), shares, bounds, bounds)
def test_fewer_positives_than_the_judge_raises_falsely_show_no_less_than_a_judge_without_false_alarms(
    tau: float, part: float, se: tuple[float, float], sp: tuple[float, float]
) -> None:
    q = part * (1 - sp[1])
    assume(se[0] > 0)

    upper = shown_bounds((0.0, q), se, sp, tau).upper

    assert upper >= min(tau, unshift((0.0, q), se, PERFECT).upper) - 1e-12


@given(st.floats(0.001, 0.999), shares, bounds, bounds)
def test_more_positives_than_the_judge_can_find_show_no_more_than_a_judge_without_misses(
    tau: float, part: float, se: tuple[float, float], sp: tuple[float, float]
) -> None:
    q = 1 - part * (1 - se[1])
    assume(sp[0] > 0)

    lower = shown_bounds((q, 1.0), se, sp, tau).lower

    assert lower <= max(tau, unshift((q, 1.0), PERFECT, sp).lower) + 1e-12


@given(st.floats(0.001, 0.999), shares, shares, bounds, bounds)
def test_more_positives_never_show_a_smaller_rate(
    tau: float, one: float, other: float, se: tuple[float, float], sp: tuple[float, float]
) -> None:
    fewer, more = sorted((one, other))

    assert shown_bounds((0.0, fewer), se, sp, tau).upper <= shown_bounds((0.0, more), se, sp, tau).upper
    assert shown_bounds((fewer, 1.0), se, sp, tau).lower <= shown_bounds((more, 1.0), se, sp, tau).lower


@given(st.floats(0.001, 0.999), bounds, bounds)
def test_pass_is_never_easier_than_fail_is_far(
    tau: float, se: tuple[float, float], sp: tuple[float, float]
) -> None:
    p_pass, p_fail = shifted_thresholds(tau, se, sp)

    assert 0 <= p_pass <= p_fail + 1e-12
    assert p_fail <= 1 + 1e-12


@given(shares, bounds, bounds, shares, shares)
def test_a_true_rate_is_inside_whenever_every_bound_holds(
    theta: float, se: tuple[float, float], sp: tuple[float, float], u: float, v: float
) -> None:
    true_se, true_sp = se[0] + u * (se[1] - se[0]), sp[0] + v * (sp[1] - sp[0])
    q = min(1.0, theta * true_se + (1 - theta) * (1 - true_sp))
    assume(abs(se[0] + sp[1] - 1) > 1e-3)
    assume(abs(se[1] + sp[0] - 1) > 1e-3)

    lower, upper = unshift((q, q), se, sp)

    assert lower - 1e-9 <= theta <= upper + 1e-9


@pytest.mark.parametrize(
    ("tau", "se", "sp", "message"),
    [
        (0.0, (0.8, 0.9), (0.9, 0.95), "tau"),
        (math.nan, (0.8, 0.9), (0.9, 0.95), "tau"),
        (0.05, (0.9, 0.8), (0.9, 0.95), "se must be"),
        (0.05, (0.8, 1.1), (0.9, 0.95), "se must be"),
        (0.05, (0.8, 0.9), (-0.1, 0.95), "sp must be"),
        (0.05, (0.8, 0.9), (math.nan, 0.95), "sp must be"),
    ],
)
def test_bounds_out_of_order_or_range_are_refused(
    tau: float, se: tuple[float, float], sp: tuple[float, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        shifted_thresholds(tau, se, sp)


def test_unshift_refuses_an_interval_out_of_order() -> None:
    with pytest.raises(ValueError, match="bounds_of_q"):
        unshift((0.3, 0.2), PERFECT, PERFECT)


# --- differences ---------------------------------------------------------------------------------


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.01, 1), st.floats(0.01, 0.99))
def test_the_interval_of_a_difference_is_on_the_side_of_the_tests_that_decide(
    one: float, other: float, informedness: float, margin: float
) -> None:
    judged = min(one, other), max(one, other)
    lower, upper = unshrink(judged, informedness)
    assert -1 <= lower <= upper <= 1
    assert (lower > margin) == (judged[0] > margin)
    if abs(judged[1] - margin * informedness) > 1e-12:
        assert (upper < margin) == (judged[1] < margin * informedness)


@pytest.mark.parametrize("informedness", [-0.1, 0.0, 1.1])
def test_unshrink_refuses_a_judge_that_knows_nothing(informedness: float) -> None:
    with pytest.raises(ValueError, match="informedness"):
        unshrink((-0.1, 0.1), informedness)
