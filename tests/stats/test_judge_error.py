"""Judge error: bounds on Se and Sp, shifted thresholds and their dual, corrected estimates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from alignmeter.stats.intervals import clopper_pearson
from alignmeter.stats.judge_error import (
    EffectiveCounts,
    effective_counts,
    rogan_gladen,
    sensitivity_specificity,
    shifted_thresholds,
    shown_bounds,
    unshift,
    unshrink,
)

shares = st.floats(0, 1)
bounds = st.tuples(shares, shares).map(lambda pair: (min(pair), max(pair)))
PERFECT = (1.0, 1.0)


# --- effective counts and accuracy ------------------------------------------------------------------


def test_labels_of_their_own_clusters_count_in_full() -> None:
    events = [1] * 40 + [0] * 10

    counts = effective_counts(events, range(50))

    # p(1-p)/SE^2 with the unbiased variance is n - 1.
    assert counts.n == pytest.approx(49)
    assert counts.events / counts.n == pytest.approx(0.8)


def test_labels_that_agree_within_clusters_count_as_their_clusters() -> None:
    counts = effective_counts(np.repeat([1] * 30 + [0] * 10, 5), np.repeat(np.arange(40), 5))

    assert counts.n == pytest.approx(39)


def test_the_effective_number_is_never_above_the_number_of_labels() -> None:
    """One miss in every second prompt: less variation between prompts than chance would give."""
    events = np.tile([1, 1, 1, 1, 0, 1, 1, 1, 1, 1], 20)

    assert effective_counts(events, np.repeat(np.arange(40), 5)).n == 200


@pytest.mark.parametrize("event", [0, 1])
def test_without_variation_the_clusters_are_counted(event: int) -> None:
    counts = effective_counts([event] * 20, np.repeat(["a", "b", "c", "d"], 5))

    assert counts == EffectiveCounts(4.0 * event, 4.0)


def test_with_the_same_share_in_every_cluster_the_clusters_are_counted() -> None:
    assert effective_counts([1, 0, 1, 0, 1, 0], [1, 1, 2, 2, 3, 3]) == EffectiveCounts(1.5, 3.0)


def test_a_single_cluster_is_one_label_and_no_label_none() -> None:
    assert effective_counts([1, 0, 1, 1], [7, 7, 7, 7]) == EffectiveCounts(0.75, 1.0)
    assert effective_counts([], []) == EffectiveCounts(0.0, 0.0)


@pytest.mark.parametrize(
    ("events", "clusters", "message"), [([0.5], [1], "0 or 1"), ([1, 0], [1], "of one length")]
)
def test_labels_that_are_not_binary_or_not_matched_are_refused(
    events: list[float], clusters: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        effective_counts(events, clusters)


def test_bounds_are_clopper_pearson_at_half_a_percent_a_side() -> None:
    accuracy = sensitivity_specificity(270, 30, 15, 285)

    assert accuracy.sensitivity.estimate == 0.9
    assert accuracy.sensitivity.bounds == clopper_pearson(270, 300, 0.99)
    assert accuracy.specificity.estimate == 0.95
    assert accuracy.specificity.bounds == clopper_pearson(285, 300, 0.99)


def test_effective_numbers_widen_the_bounds_and_keep_the_estimates() -> None:
    plain = sensitivity_specificity(90, 10, 5, 95)
    clustered = sensitivity_specificity(90, 10, 5, 95, n_effective=(40, 50))

    assert clustered.sensitivity.estimate == plain.sensitivity.estimate
    assert clustered.sensitivity.bounds == pytest.approx(clopper_pearson(36, 40, 0.99))
    assert clustered.specificity.lower < plain.specificity.lower
    assert clustered.specificity.n_effective == 50


def test_without_labels_of_one_kind_nothing_is_known_of_that_rate() -> None:
    accuracy = sensitivity_specificity(0, 0, 5, 95)

    assert math.isnan(accuracy.sensitivity.estimate)
    assert accuracy.sensitivity.bounds == (0, 1)
    assert accuracy.specificity.estimate == 0.95


@pytest.mark.parametrize("n_effective", [(101, 100), (0, 100), (100, math.nan)])
def test_an_effective_number_above_its_count_or_of_zero_is_refused(
    n_effective: tuple[float, float],
) -> None:
    with pytest.raises(ValueError, match="effective number"):
        sensitivity_specificity(90, 10, 5, 95, n_effective=n_effective)


@pytest.mark.parametrize("fn", [-1, math.nan, math.inf])
def test_counts_that_are_no_counts_are_refused(fn: float) -> None:
    with pytest.raises(ValueError, match="fn must be a finite number >= 0"):
        sensitivity_specificity(90, fn, 5, 95)


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


# --- Rogan-Gladen -----------------------------------------------------------------------------------


def test_with_endless_calibration_the_true_rate_comes_back() -> None:
    q = 0.1 * 0.9 + 0.9 * 0.05
    result = rogan_gladen(q * 5000, 5000, 9e8, 1e8, 5e7, 9.5e8)

    assert result.estimate == pytest.approx(0.1, abs=1e-6)
    assert result.standard_error == pytest.approx(math.sqrt(q * (1 - q) / 5000) / 0.85, rel=1e-3)


def test_the_labels_of_the_calibration_widen_the_interval() -> None:
    few = rogan_gladen(675, 5000, 45, 5, 5, 95)
    many = rogan_gladen(675, 5000, 450, 50, 50, 950)

    assert few.upper - few.lower > 2 * (many.upper - many.lower)


def test_a_judge_of_chance_gives_no_estimate() -> None:
    result = rogan_gladen(500, 1000, 5, 5, 5, 5)

    assert result.status == "judge_too_weak"
    assert all(math.isnan(value) for value in result[:4])


def test_a_judge_not_known_to_beat_chance_gives_no_bounds() -> None:
    result = rogan_gladen(300, 1000, 1, 2, 10, 90)

    assert result.status == "judge_too_weak"
    assert result.standard_error > 0
    assert math.isnan(result.lower)
    assert math.isnan(result.upper)


def test_a_run_that_contradicts_its_calibration_gives_no_bounds() -> None:
    """A calibration with 20% false positives, and not one positive here."""
    result = rogan_gladen(0, 5000, 180, 20, 200, 800)

    assert result.status == "calibration_contradicted"
    assert result.estimate == 0
    assert math.isnan(result.upper)


def test_bounds_are_clipped_and_never_of_width_zero() -> None:
    result = rogan_gladen(0, 5000, 200, 0, 0, 1000)

    assert result.lower == 0
    assert 0 < result.upper < 0.01


@pytest.mark.parametrize(("positives", "n"), [(11, 10), (0, 0), (-1, 10)])
def test_more_positives_than_replies_are_refused(positives: int, n: int) -> None:
    with pytest.raises(ValueError, match="positives"):
        rogan_gladen(positives, n, 90, 10, 5, 95)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_a_level_outside_zero_and_one_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        rogan_gladen(5, 10, 9, 1, 1, 9, level=level)
    with pytest.raises(ValueError, match="level"):
        sensitivity_specificity(9, 1, 1, 9, level=level)


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
