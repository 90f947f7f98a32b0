"""Labels of the run itself: prediction-powered means, estimates by verdict, which replies to label."""

from __future__ import annotations

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.stats.intervals import clopper_pearson
from alignmeter.stats.judge_labels import (
    Stratum,
    StratumMethod,
    by_verdict,
    neyman_allocation,
    ppi_plus_plus,
)

# --- PPI++ ------------------------------------------------------------------------------------------


def labelled_run(n: int, labels: int, flip: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    truth = (rng.random(n) < 0.3).astype(float)
    judge = np.where(rng.random(n) < flip, 1 - truth, truth)
    return judge, judge[:labels], truth[:labels]


def test_a_judge_that_agrees_lends_the_labels_its_numbers() -> None:
    judge, judge_labelled, human = labelled_run(20_000, 200, flip=0.0)

    result = ppi_plus_plus(judge, judge_labelled, human)

    assert result.tuning > 0.9
    assert result.estimate == pytest.approx(judge.mean(), abs=0.01)
    assert result.standard_error < 0.4 * human.std() / math.sqrt(200)


def test_a_judge_of_chance_is_not_listened_to() -> None:
    judge, judge_labelled, human = labelled_run(20_000, 200, flip=0.5)

    result = ppi_plus_plus(judge, judge_labelled, human)

    assert result.tuning < 0.15
    assert result.standard_error == pytest.approx(human.std(ddof=1) / math.sqrt(200), rel=0.03)


def test_a_judge_that_never_varies_leaves_the_mean_of_the_labels() -> None:
    human = np.array([0.0, 1.0] * 20)

    result = ppi_plus_plus(np.zeros(500), np.zeros(40), human)

    assert result.tuning == 0
    assert result.estimate == 0.5


def test_when_everything_is_labelled_the_judge_adds_nothing() -> None:
    judge, judge_labelled, human = labelled_run(300, 300, flip=0.2)

    result = ppi_plus_plus(judge, judge_labelled, human)

    assert result.estimate == pytest.approx(human.mean())
    assert result.standard_error == pytest.approx(human.std(ddof=1) / math.sqrt(300))


def test_it_is_ppi_plus_plus_on_the_replies_without_label() -> None:
    """The estimator as published: labels, and separately the replies without, with its own lambda."""
    judge, judge_labelled, human = labelled_run(3000, 250, flip=0.1)
    unseen = judge[250:]
    ratio = 250 / unseen.size
    published = np.cov(human, judge_labelled)[0, 1] / ((1 + ratio) * judge.var(ddof=1))
    estimate = human.mean() + published * (unseen.mean() - judge_labelled.mean())
    error = math.sqrt(
        (human - published * judge_labelled).var(ddof=1) / 250
        + published**2 * judge.var(ddof=1) / unseen.size
    )

    result = ppi_plus_plus(judge, judge_labelled, human)

    assert result.estimate == pytest.approx(estimate)
    assert result.standard_error == pytest.approx(error)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_that_are_all_alike_get_an_exact_bound(label: float) -> None:
    result = ppi_plus_plus(np.repeat([0.0, 1.0], 500), np.repeat([0.0, 1.0], 30), np.full(60, label))

    assert result.method == "clopper_pearson"
    assert (result.lower, result.upper) == clopper_pearson(60 * label, 60)


def test_graded_labels_that_are_all_alike_get_no_bound() -> None:
    result = ppi_plus_plus(np.linspace(0, 1, 100), np.linspace(0, 1, 10), np.full(10, 0.5))

    assert result.estimate == 0.5
    assert math.isnan(result.lower)


@pytest.mark.parametrize(
    ("judge_all", "judge_labelled", "human", "message"),
    [
        ([0, 1, 1], [0], [0], "at least 2 labels"),
        ([0, 1, 1], [0, 1, 1], [0, 1], "as many judge scores"),
        ([0], [0, 1], [0, 1], "as many in all"),
        ([0, math.nan, 1], [0, 1], [0, 1], "finite"),
    ],
)
def test_ppi_refuses_arrays_that_do_not_fit(
    judge_all: list[float], judge_labelled: list[float], human: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ppi_plus_plus(judge_all, judge_labelled, human)


# --- labels by verdict ------------------------------------------------------------------------------


def test_the_estimate_is_q_times_ppv_plus_the_rest_times_for() -> None:
    result = by_verdict([Stratum(600, 60, 45), Stratum(4400, 140, 3)], seed=0)

    assert result.rates == pytest.approx((0.75, 3 / 140))
    assert result.estimate == pytest.approx(0.12 * 0.75 + 0.88 * 3 / 140)
    assert result.lower < result.estimate < result.upper


def test_a_third_stratum_of_unscored_replies_counts_with_its_share() -> None:
    result = by_verdict([Stratum(500, 50, 40), Stratum(4000, 130, 1), Stratum(500, 40, 10)], seed=0)

    assert result.estimate == pytest.approx(0.1 * 0.8 + 0.8 / 130 + 0.1 * 0.25)


def test_an_empty_stratum_changes_nothing() -> None:
    two = by_verdict([Stratum(600, 60, 45), Stratum(4400, 140, 3)], seed=0)
    three = by_verdict([Stratum(600, 60, 45), Stratum(4400, 140, 3), Stratum(0, 0, 0)], seed=0)

    assert three[:3] == two[:3]
    assert math.isnan(three.rates[2])


def test_a_stratum_without_labels_is_bounded_by_its_worst_cases() -> None:
    with_labels = by_verdict([Stratum(600, 60, 45), Stratum(4400, 140, 3)], seed=0)

    result = by_verdict([Stratum(600, 60, 45), Stratum(4400, 140, 3), Stratum(1000, 0, 0)], seed=0)

    assert math.isnan(result.estimate)
    assert result.lower < with_labels.lower
    assert result.upper > with_labels.upper + 0.1


def test_one_stratum_of_many_replies_gives_the_interval_of_its_labels() -> None:
    result = by_verdict([Stratum(10**6, 100, 7)], seed=0, method="clopper_pearson", draws=200_000)

    assert (result.lower, result.upper) == pytest.approx(clopper_pearson(7, 100), abs=0.002)


def test_gates_are_wider_than_estimates() -> None:
    strata = [Stratum(600, 60, 45), Stratum(4400, 140, 3)]
    estimate, gate = by_verdict(strata, seed=0), by_verdict(strata, seed=0, method="clopper_pearson")

    assert gate.lower < estimate.lower
    assert gate.upper > estimate.upper


@pytest.mark.parametrize("method", ["jeffreys", "clopper_pearson"])
def test_without_events_the_lower_bound_is_zero_and_the_upper_is_not(method: StratumMethod) -> None:
    result = by_verdict([Stratum(100, 40, 0), Stratum(900, 60, 0)], seed=0, method=method)

    assert result.estimate == result.lower == 0
    assert result.upper > 0.01


def test_with_events_only_the_upper_bound_is_one() -> None:
    result = by_verdict([Stratum(100, 40, 40), Stratum(900, 60, 60)], seed=0)

    assert result.upper == 1
    assert result.lower < 0.99


def test_a_stratum_without_events_lifts_no_lower_bound() -> None:
    flagged = Stratum(200, 200, 40)
    found = by_verdict([flagged, Stratum(800, 20, 0)], seed=0, draws=100_000)
    ruled_out = by_verdict([flagged, Stratum(800, 800, 0)], seed=0, draws=100_000)

    assert found.lower == pytest.approx(ruled_out.lower, abs=0.0005)
    assert found.upper > ruled_out.upper + 0.05


def test_a_stratum_of_events_only_lowers_no_upper_bound() -> None:
    passed = Stratum(200, 200, 160)
    found = by_verdict([passed, Stratum(800, 20, 20)], seed=0, draws=100_000)
    ruled_out = by_verdict([passed, Stratum(800, 800, 800)], seed=0, draws=100_000)

    assert found.upper == pytest.approx(ruled_out.upper, abs=0.0005)
    assert found.lower < ruled_out.lower - 0.05


@pytest.mark.parametrize("rate", [0.005, 0.02])
def test_few_labels_of_a_rare_event_miss_it_no_more_often_than_they_say(rate: float) -> None:
    """Simulation: 1,000 replies, Se .9, Sp .95, 20 labels of each verdict; 600 runs, nominal 5% of misses."""
    rng = np.random.default_rng(3)
    runs, missed = 600, 0
    for _ in range(runs):
        bad = int(rng.binomial(1000, rate))
        found, flagged = int(rng.binomial(bad, 0.9)), int(rng.binomial(1000 - bad, 0.05))
        strata = [_drawn(rng, found, flagged), _drawn(rng, bad - found, 1000 - bad - flagged)]
        made = by_verdict(strata, seed=rng, draws=1000)
        missed += not made.lower <= rate <= made.upper

    assert missed / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def _drawn(rng: np.random.Generator, bad: int, good: int) -> Stratum:
    """A verdict of the judge of which 20 replies are labelled, or all where there are fewer."""
    labels = min(20, bad + good)
    return Stratum(bad + good, labels, int(rng.hypergeometric(bad, good, labels)))


def test_effective_labels_widen_the_interval() -> None:
    full = by_verdict([Stratum(600, 60, 45), Stratum(4400, 140, 7)], seed=0)
    fewer = by_verdict([Stratum(600, 30.5, 22.875), Stratum(4400, 70, 3.5)], seed=0)

    assert fewer.estimate == pytest.approx(full.estimate)
    assert fewer.upper - fewer.lower > 1.2 * (full.upper - full.lower)


def test_the_same_seed_gives_the_same_interval() -> None:
    strata = [Stratum(600, 60, 45), Stratum(4400, 140, 3)]

    assert by_verdict(strata, seed=4) == by_verdict(strata, seed=np.random.default_rng(4))
    assert by_verdict(strata, seed=4) != by_verdict(strata, seed=5)


@pytest.mark.parametrize(
    ("strata", "message"),
    [
        ([Stratum(10, 20, 5)], "events <= labelled <= size"),
        ([Stratum(100, 20, 25)], "events <= labelled <= size"),
        ([Stratum(100, 0, 0)], "no stratum has labels"),
        ([], "no stratum has labels"),
        ([Stratum(math.nan, 0, 0)], "size must be a finite number"),
    ],
)
def test_strata_out_of_order_or_without_labels_are_refused(strata: list[Stratum], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        by_verdict(strata, seed=0)


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(ValueError, match="draws"):
        by_verdict([Stratum(100, 20, 5)], seed=0, draws=10)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_a_level_outside_zero_and_one_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        by_verdict([Stratum(100, 20, 5)], seed=0, level=level)
    with pytest.raises(ValueError, match="level"):
        ppi_plus_plus([0, 1, 0], [0, 1], [0, 1], level=level)


# --- allocation -------------------------------------------------------------------------------------


def variance(sizes: tuple[int, ...], rates: tuple[float, ...], labels: tuple[int, ...]) -> float:
    return sum(
        size**2 * rate * (1 - rate) / n for size, rate, n in zip(sizes, rates, labels, strict=True) if n
    )


@pytest.mark.parametrize("rates", [(0.7, 0.1, 0.4), (0.5, 0.5, 0.5), (0.9, 0.01, 0.0)])
def test_no_other_allocation_has_a_smaller_variance(rates: tuple[float, float, float]) -> None:
    sizes, n, minimum = (30, 200, 12), 40, 3
    best = neyman_allocation(sizes, rates, n, minimum)
    others = (
        (a, b, n - a - b)
        for a, b in product(range(minimum, 31), range(minimum, n))
        if minimum <= n - a - b <= 12
    )

    assert sum(best) == n
    assert variance(sizes, rates, best) <= min(variance(sizes, rates, other) for other in others) + 1e-9


@given(
    st.lists(st.tuples(st.integers(0, 300), st.floats(0, 1)), min_size=1, max_size=4),
    st.integers(0, 1500),
    st.integers(1, 30),
)
def test_an_allocation_spends_every_label_between_its_limits(
    strata: list[tuple[int, float]], extra: int, minimum: int
) -> None:
    sizes, rates = [size for size, _ in strata], [rate for _, rate in strata]
    n = sum(min(size, minimum) for size in sizes) + extra

    labels = neyman_allocation(sizes, rates, n, minimum)

    assert sum(labels) == min(n, sum(sizes))
    assert all(min(size, minimum) <= k <= size for size, k in zip(sizes, labels, strict=True))


def test_far_from_the_limits_labels_follow_size_times_spread() -> None:
    labels = neyman_allocation([1000, 9000], [0.5, 0.01], 500)
    weights = (1000 * 0.5, 9000 * math.sqrt(0.01 * 0.99))

    assert labels[0] == pytest.approx(500 * weights[0] / sum(weights), abs=1)


def test_when_the_pilot_saw_no_variation_labels_follow_the_sizes() -> None:
    assert neyman_allocation([1000, 3000], [0.0, 1.0], 400) == (100, 300)


def test_more_labels_never_take_one_from_a_stratum() -> None:
    plans = [neyman_allocation([675, 4325, 60], [0.67, 0.012, 0.3], n) for n in range(60, 300, 7)]

    assert all(a <= b for early, late in pairwise(plans) for a, b in zip(early, late, strict=True))


@pytest.mark.parametrize(
    ("sizes", "rates", "n", "minimum", "message"),
    [
        ([100, 100], [0.5, 0.5], 39, 20, "n must be at least 40"),
        ([100, 100], [0.5], 50, 20, "one pilot rate for each"),
        ([], [], 50, 20, "one pilot rate for each"),
        ([100], [1.5], 50, 20, r"rates in \[0, 1\]"),
        ([100], [math.nan], 50, 20, r"rates in \[0, 1\]"),
        ([-1], [0.5], 50, 20, "sizes must be >= 0"),
        ([100], [0.5], 50, 0, "minimum >= 1"),
    ],
)
def test_an_impossible_allocation_is_refused(
    sizes: list[int], rates: list[float], n: int, minimum: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        neyman_allocation(sizes, rates, n, minimum)
