"""Rates from a cheap judge on everything and a better one on a part."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alignmeter.stats.two_stage import second_stage_calls, two_stage_rate

NAN = math.nan


def test_given_everything_asked_when_estimated_then_it_is_the_plain_share_of_the_second_stage() -> None:
    second = np.array([1.0] * 7 + [0.0] * 93)
    made = two_stage_rate(np.zeros(100), second, np.ones(100), np.full(100, True))
    assert made.estimate == made.horvitz_thompson == pytest.approx(0.07)
    assert made.lower < 0.07 < made.upper
    assert (made.asked, made.unscored, made.n) == (100, 0, 100)


def test_given_a_sample_of_negatives_when_estimated_then_each_stands_for_those_not_asked() -> None:
    first = np.array([1.0] * 10 + [0.0] * 90)
    asked = np.array([True] * 10 + [True] * 9 + [False] * 81)
    second = np.full(100, NAN)
    second[:10] = [1.0] * 8 + [0.0] * 2
    second[10:19] = [1.0] + [0.0] * 8
    made = two_stage_rate(first, second, np.where(first == 1, 1.0, 0.1), asked)
    # 8 of the positives, and one in nine of the 90 negatives
    assert made.estimate == pytest.approx((8 + 90 / 9) / 100)
    # mean(f + (s - f) / pi): 8 positives confirmed, one event found at weight 10
    assert made.horvitz_thompson == pytest.approx((8 + 10) / 100)


def test_given_no_event_in_the_sample_when_estimated_then_the_upper_bound_leaves_room_for_some() -> None:
    asked = np.array([True] * 20 + [False] * 180)
    second = np.where(asked, 0.0, NAN)
    made = two_stage_rate(np.zeros(200), second, np.full(200, 0.1), asked)
    assert made.estimate == made.lower == 0
    assert 0.05 < made.upper < 0.25


def test_given_unscored_answers_when_bounded_then_they_count_against_either_side() -> None:
    second = np.array([1.0] * 30 + [0.0] * 50 + [NAN] * 20)
    whole = two_stage_rate(np.ones(100), second, np.ones(100), np.full(100, True))
    assert whole.unscored == 20
    assert whole.estimate == pytest.approx(30 / 80)
    assert math.isnan(whole.horvitz_thompson)
    assert whole.lower < 0.30
    assert whole.upper > 0.50


def test_given_clustered_units_when_bounded_then_the_interval_is_wider() -> None:
    families = np.repeat(np.arange(40), 5)
    second = (families % 4 == 0).astype(float)
    alone = two_stage_rate(second, second, np.ones(200), np.full(200, True))
    together = two_stage_rate(second, second, np.ones(200), np.full(200, True), clusters=families)
    assert together.estimate == alone.estimate
    assert together.upper - together.lower > 1.5 * (alone.upper - alone.lower)


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.9, 0.95), (0.5, 0.8)])
def test_coverage_is_nominal_and_the_weighted_estimates_are_unbiased(
    sensitivity: float, specificity: float
) -> None:
    """Simulation: 600 units at a true rate of 8%, 10% of the negatives drawn, 200 runs, seeded.

    No table of METHODS.md; nominal two-sided 95% within three standard errors below (.904).
    """
    rng = np.random.default_rng(20261121)
    runs, n, rate = 200, 600, 0.08
    covered, estimates, exact = 0, np.empty(runs), np.empty(runs)
    for run in range(runs):
        truth = rng.random(n) < rate
        said = np.where(truth, rng.random(n) < sensitivity, rng.random(n) >= specificity)
        pi = np.where(said, 1.0, 0.1)
        asked = rng.random(n) < pi
        made = two_stage_rate(
            said.astype(float), np.where(asked, truth, NAN), pi, asked, seed=rng, draws=2_000
        )
        covered += made.lower <= rate <= made.upper
        estimates[run], exact[run] = made.estimate, made.horvitz_thompson
    assert covered / runs >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)
    for found in (estimates, exact):
        assert abs(found.mean() - rate) < 3 * found.std(ddof=1) / math.sqrt(runs)


def test_taking_the_drawn_as_if_all_were_asked_would_be_biased_where_the_weights_are_not() -> None:
    rng = np.random.default_rng(5)
    truth = rng.random(20_000) < 0.08
    said = np.where(truth, rng.random(20_000) < 0.6, rng.random(20_000) < 0.1)
    pi = np.where(said, 1.0, 0.1)
    asked = rng.random(20_000) < pi
    made = two_stage_rate(said.astype(float), np.where(asked, truth, NAN), pi, asked)
    assert truth[asked].mean() > 0.2
    assert said[~asked].sum() == 0
    assert made.estimate == pytest.approx(truth.mean(), abs=0.015)


@pytest.mark.parametrize(
    ("first", "second", "inclusion", "asked", "said"),
    [
        ([1, 0], [1, 0], [1, 1], [True], "one length"),
        ([0.3, 0], [1, 0], [1, 1], [True, True], "first must hold"),
        ([1, 0], [2, 0], [1, 1], [True, True], "second must hold"),
        ([1, 0], [1, 0], [1, 0], [True, True], "inclusion must lie"),
        ([1, 0], [1, NAN], [1, 1], [True, False], "every unit of inclusion 1"),
        ([0, 0], [NAN, NAN], [0.1, 0.1], [False, False], "at least one unit"),
        ([1, 0], [1, 0], [1, 0.1], [True, False], "was not asked"),
    ],
)
def test_input_that_cannot_be_is_refused(
    first: list[float], second: list[float], inclusion: list[float], asked: list[bool], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        two_stage_rate(first, second, inclusion, asked)


def test_the_second_stage_is_asked_about_what_the_first_calls_positive_or_leaves_open_and_a_tenth() -> None:
    calls = second_stage_calls(1000, 0.1, sensitivity=1.0, specificity=1.0, uncertain=0.2)
    assert calls.uncertain == pytest.approx(200)
    assert calls.positives == pytest.approx(80)
    assert calls.sample == pytest.approx(72)
    assert calls.total == pytest.approx(352)
    with pytest.raises(ValueError, match="rate"):
        second_stage_calls(10, 1.2, sensitivity=1.0, specificity=1.0)
    with pytest.raises(ValueError, match="units"):
        second_stage_calls(-1, 0.2, sensitivity=1.0, specificity=1.0)


@pytest.mark.parametrize("size", [1, 4])
def test_each_end_errs_no_more_often_than_it_says_although_few_are_drawn(size: int) -> None:
    """Simulation: 240 units in families at 1%, a tenth of the negatives drawn; 300 runs, 5% a side."""
    rng = np.random.default_rng(2)
    runs, above, below = 300, 0, 0
    families = np.repeat(np.arange(240 // size), size)
    for _ in range(runs):
        own = rng.beta(0.01 * 7 / 3, 0.99 * 7 / 3, 240 // size)[families] if size > 1 else 0.01
        truth = rng.random(240) < own
        said = np.where(truth, rng.random(240) < 0.9, rng.random(240) >= 0.95)
        pi = np.where(said, 1.0, 0.1)
        asked = rng.random(240) < pi
        second = np.where(asked, truth, NAN)
        made = two_stage_rate(said, second, pi, asked, clusters=families, level=0.9, seed=rng, draws=1_000)
        above, below = above + (made.lower > 0.01), below + (made.upper < 0.01)
    assert max(above, below) / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("seed", [54, 75, 245])
def test_families_in_which_rounding_makes_more_labels_than_units_have_a_rate_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    families = np.repeat(np.arange(50), 2)
    truth = rng.random(100) < rng.beta(0.9 * 7 / 3, 0.1 * 7 / 3, 50)[families]
    said = np.where(truth, rng.random(100) < 0.8, rng.random(100) >= 0.9)
    pi = np.where(said, 1.0, 0.1)
    asked = rng.random(100) < pi

    made = two_stage_rate(said, np.where(asked, truth, NAN), pi, asked, clusters=families, draws=1_000)

    assert 0 < made.lower < made.estimate < made.upper < 1
