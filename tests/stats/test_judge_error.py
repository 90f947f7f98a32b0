"""Judge error: bounds on Se and Sp, and corrected estimates."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alignmeter.stats.intervals import clopper_pearson
from alignmeter.stats.judge_error import (
    EffectiveCounts,
    effective_counts,
    rogan_gladen,
    sensitivity_specificity,
)

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
