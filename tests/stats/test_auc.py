"""The area under the ROC curve: known areas, DeLong's variance, clusters, coverage."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.stats import auc
from alignmeter.stats._binomial import student_quantile

scores = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=12)


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [
        ([3.0, 4.0], [1.0, 2.0], 1.0),
        ([1.0, 2.0], [3.0, 4.0], 0.0),
        ([1.0, 1.0], [1.0, 1.0], 0.5),
        ([0.9, 0.8, 0.4], [0.1, 0.5, 0.3], 8 / 9),
        ([1.0, 2.0], [1.0, 0.0], 0.875),  # a tie counts half
    ],
)
def test_given_known_scores_then_the_area_is_the_share_of_pairs_in_order(
    positive: list[float], negative: list[float], area: float
) -> None:
    assert auc(positive, negative).estimate == pytest.approx(area)


@given(scores, scores)
def test_the_interval_holds_the_estimate_and_turns_round_with_the_classes(
    positive: list[float], negative: list[float]
) -> None:
    found, turned = auc(positive, negative), auc(negative, positive)
    pairs = np.sign(np.subtract.outer(positive, negative))
    assert found.estimate == pytest.approx((pairs.mean() + 1) / 2)
    assert 0 <= found.lower <= found.estimate <= found.upper <= 1
    assert found.upper > found.lower
    assert turned.estimate == pytest.approx(1 - found.estimate)
    assert turned.lower == pytest.approx(1 - found.upper)


def test_given_scores_that_do_not_overlap_then_the_lower_end_is_what_disjoint_pairs_allow() -> None:
    found = auc([2.0] * 20, [1.0] * 50)
    assert (found.upper, found.method) == (1.0, "disjoint_pairs")
    assert found.lower == pytest.approx(0.025 ** (1 / 20))


def test_given_copies_in_clusters_then_the_interval_is_that_of_the_originals() -> None:
    rng = np.random.default_rng(1)
    high, low = rng.normal(0.8, 1, 40), rng.normal(0, 1, 40)
    names = [f"h{n}" for n in range(40)], [f"l{n}" for n in range(40)]
    once = auc(high, low, clusters=names)
    copied = auc(
        np.repeat(high, 5), np.repeat(low, 5), clusters=(np.repeat(names[0], 5), np.repeat(names[1], 5))
    )
    assert copied[:3] == pytest.approx(once[:3])
    alone = auc(np.repeat(high, 5), np.repeat(low, 5))
    assert alone.upper - alone.lower < 0.6 * (once.upper - once.lower)


def test_bad_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="both classes must hold scores, got 0 and 1"):
        auc([], [1.0])
    with pytest.raises(ValueError, match="finite"):
        auc([float("nan")], [1.0])
    with pytest.raises(ValueError, match="at least two clusters"):
        auc([1.0], [0.0], clusters=(["a"], ["a"]))


@pytest.mark.parametrize("area", [0.6, 0.8, 0.95])
def test_given_contrast_pairs_that_share_a_seed_then_the_interval_holds_the_area_as_often_as_it_says(
    area: float,
) -> None:
    """Half of the variance of either class is its family's; 1,000 worlds of 60 families."""
    rng = np.random.default_rng(7)
    shift = 1.4142135623730951 * NormalDist().inv_cdf(area)
    families = [f"f{n}" for n in range(60)]
    held = 0
    for _ in range(1000):
        seed = rng.normal(0, 0.5**0.5, 60)
        high, low = (seed + rng.normal(0, 0.5**0.5, 60) for _ in range(2))
        found = auc(high + shift, low, clusters=(families, families))
        held += found.lower <= area <= found.upper
    assert held / 1000 >= 0.95 - 3 * (0.05 * 0.95 / 1000) ** 0.5


def test_few_scores_of_one_class_beside_many_of_the_other_are_few() -> None:
    """DeLong's variance and Welch's degrees of freedom, worked out from the placements by hand."""
    rng = np.random.default_rng(3)
    high, low = rng.normal(1, 1, 8), rng.normal(0, 1, 200)
    above = (high[:, None] > low).astype(float)
    of_high, of_low = above.mean(axis=1).var(ddof=1) / 8, above.mean(axis=0).var(ddof=1) / 200
    freedom = (of_high + of_low) ** 2 / (of_high**2 / 7 + of_low**2 / 199)
    area = above.mean()
    reach = student_quantile(0.95, freedom) * (of_high + of_low) ** 0.5 / (area * (1 - area))

    found = auc(high, low, level=0.9)

    middle = np.log(area / (1 - area))
    ends = 1 / (1 + np.exp(-(middle - reach))), 1 / (1 + np.exp(-(middle + reach)))
    assert (found.lower, found.upper) == pytest.approx(ends)


@pytest.mark.parametrize("area", [0.5, 0.76])
def test_few_harmful_families_beside_many_legitimate_ones_miss_the_area_as_often_as_they_say(
    area: float,
) -> None:
    """10 families of 4 texts against 100, half of the variance that of the family; 1,000 worlds."""
    rng = np.random.default_rng(6)
    shift = 1.4142135623730951 * NormalDist().inv_cdf(area)
    harmful, legitimate = np.repeat(np.arange(10), 4), np.repeat(np.arange(100, 200), 4)
    missed = 0
    for _ in range(1000):
        high, low = (rng.normal(0, 0.5**0.5, n).repeat(4) + rng.normal(0, 0.5**0.5, 4 * n) for n in (10, 100))
        found = auc(high + shift, low, clusters=(harmful, legitimate), level=0.9)
        missed += not found.lower <= area <= found.upper
    assert missed / 1000 <= 0.1 + 3 * (0.1 * 0.9 / 1000) ** 0.5
