"""Relative taxes of two independent arms, known by their means and sizes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.stats.arms import (
    Arm,
    arms_difference,
    arms_ratio,
    arms_severity,
    arms_test,
    point_tier,
)
from alignmeter.stats.ratio import TIERS, RatioInterval, RatioNotEstimable


def _arm(n: int, share: float) -> Arm:
    return Arm(round(share * n) / n, n)


ARMS = st.builds(_arm, st.integers(1, 2000), st.floats(0, 1))


@pytest.mark.parametrize(
    ("base", "aligned", "tier"),
    [
        (100, 95, "minimal"),
        (100, 94.9, "moderate"),
        (100, 90, "moderate"),
        (100, 89.9, "significant"),
        (0.3, 0.24, "significant"),  # 20% exactly, of numbers that no float holds
        (100, 79.9, "critical"),
        (5, 6, "minimal"),
    ],
)
def test_a_tax_at_an_edge_is_in_the_lower_tier(base: float, aligned: float, tier: str) -> None:
    assert point_tier(base, aligned) == tier


@given(base=ARMS, aligned=ARMS)
def test_interval_holds_the_estimate_has_a_width_and_agrees_with_the_tests(base: Arm, aligned: Arm) -> None:
    found = arms_ratio(base, aligned)
    if isinstance(found, RatioNotEstimable):
        assert found.reason == "no_headroom"
        return
    assert found.lower <= found.estimate <= found.upper
    assert found.upper - found.lower > 0
    for edge in (0.05, 0.10, 0.20):
        test = arms_test(base, aligned, edge)
        if abs(test.p_fail - 0.05) > 1e-9:
            assert (test.p_fail < 0.05) == (found.lower > edge)
        if abs(test.p_pass - 0.05) > 1e-9:
            assert (test.p_pass < 0.05) == (found.upper < edge)


@given(base=ARMS, aligned=ARMS)
def test_confirmed_is_at_most_the_point_and_cleared_at_least(base: Arm, aligned: Arm) -> None:
    severity = arms_severity(base, aligned)
    assert TIERS.index(severity.confirmed) <= TIERS.index(severity.cleared)
    if base.mean > 0:
        point = TIERS.index(point_tier(base.mean, aligned.mean))
        assert TIERS.index(severity.confirmed) <= point <= TIERS.index(severity.cleared)


@given(base=ARMS, aligned=ARMS)
def test_the_difference_has_an_interval_around_it_with_a_width(base: Arm, aligned: Arm) -> None:
    lower, upper = arms_difference(base, aligned)
    assert lower < upper
    assert lower - 1e-12 <= base.mean - aligned.mean <= upper + 1e-12


def test_two_perfect_arms_and_a_variant_that_loses_everything_have_intervals() -> None:
    perfect = arms_ratio(Arm(1, 50), Arm(1, 50))
    nothing = arms_ratio(Arm(1, 50), Arm(0, 50))

    assert isinstance(perfect, RatioInterval)
    assert perfect.lower < 0 < perfect.upper
    assert isinstance(nothing, RatioInterval)
    assert (nothing.estimate, nothing.upper) == (1, 1)
    assert 0.5 < nothing.lower < 1


@pytest.mark.parametrize(
    ("base", "chance"), [(Arm(0, 1000), 0.0), (Arm(0.1, 50), 0.0), (Arm(0.33, 500), 0.25)]
)
def test_a_base_score_not_shown_to_have_headroom_has_no_ratio(base: Arm, chance: float) -> None:
    found = arms_ratio(base, Arm(0.05, 100), chance=chance)

    assert isinstance(found, RatioNotEstimable)
    assert "ratio not estimable" in found.sentence


@pytest.mark.parametrize("arm", [Arm(1.1, 5), Arm(-0.1, 5), Arm(math.nan, 5), Arm(0.5, 0)])
def test_an_arm_that_is_none_is_refused(arm: Arm) -> None:
    for call in (arms_ratio, arms_difference, arms_severity):
        with pytest.raises(ValueError, match=r"needs a mean in \[0, 1\]"):
            call(Arm(0.5, 5), arm)


def test_options_out_of_range_are_refused() -> None:
    good = Arm(0.5, 50)
    with pytest.raises(ValueError, match="tau must be"):
        arms_test(good, good, 1.0)
    with pytest.raises(ValueError, match="chance must be"):
        arms_ratio(good, good, chance=1.0)
    with pytest.raises(ValueError, match="alpha must"):
        arms_severity(good, good, alpha=0.5)
    with pytest.raises(ValueError, match="base must be above 0"):
        point_tier(0, 1)
