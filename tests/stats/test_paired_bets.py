"""Betting on pairs from counts: the same process as unit by unit, and an honest bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.stats.sequential.betting import betting_design
from alignmeter.stats.sequential.paired_bets import DISCORDANT, bet_on_pairs, pairs_floor

PAIRS = st.lists(st.sampled_from([-1, 0, 0, 0, 1]), min_size=1, max_size=60)


def unit_by_unit(differences: list[int], margin: float) -> tuple[str, int]:
    """The decision, and when, of the process that takes one pair after another."""

    def law(mean: float) -> dict[float, float]:
        return {1 - margin: mean + DISCORDANT, -margin: 1 - mean - 2 * DISCORDANT, -1 - margin: DISCORDANT}

    design = betting_design(
        -1 - margin, 1 - margin, n_max=1000, alternative_pass=law(0.0), alternative_fail=law(2 * margin)
    )
    process = design.start()
    for difference in differences:
        if process.update(difference - margin) != "continue":
            return process.decision, process.n
    return "continue", len(differences)


@settings(max_examples=150, deadline=None)
@given(PAIRS)
def test_given_any_pairs_when_bet_on_at_once_then_it_is_the_process_of_one_after_another(
    pairs: list[int],
) -> None:
    found = bet_on_pairs(pairs, pass_margin=0.15)
    decision, used = unit_by_unit(pairs, 0.15)
    if (decision, used) == ("continue", len(pairs)):
        assert found.decision == "continue"
    else:
        assert (found.decision, found.used) == (decision, used)


@settings(max_examples=100, deadline=None)
@given(PAIRS, st.sampled_from([-0.1, 0.0, 0.1, 0.15]))
def test_given_any_pairs_when_bet_on_then_bounds_and_decision_agree(pairs: list[int], margin: float) -> None:
    found = bet_on_pairs(pairs, pass_margin=margin)
    assert found.lower <= found.upper
    assert (found.decision == "pass") == (found.upper <= margin)
    assert (found.decision == "fail") == (found.lower >= margin)
    assert (found.decision == "pass") <= (found.p_pass <= 0.05)


def test_given_missing_outcomes_when_bet_on_then_they_help_neither_side() -> None:
    whole = bet_on_pairs([0] * 40, pass_margin=0.15)
    missing = bet_on_pairs([-1, 0] * 20, [1, 0] * 20, pass_margin=0.15)
    assert whole.decision == "pass"
    assert missing.decision == "continue"
    assert missing.upper > whole.upper
    assert missing.lower < whole.lower


def test_given_two_margins_when_bet_on_then_each_side_has_its_own() -> None:
    pairs = [0] * 30
    assert bet_on_pairs(pairs, pass_margin=0.15).decision == "pass"
    assert bet_on_pairs(pairs, pass_margin=0.10, fail_margin=0.15).decision == "continue"


@pytest.mark.parametrize(("margin", "alpha"), [(0.05, 0.05), (0.112, 0.04), (0.15, 0.05), (0.5, 0.05)])
def test_the_floor_is_the_first_clean_stream_that_passes(margin: float, alpha: float) -> None:
    floor = pairs_floor(margin, alpha)
    assert bet_on_pairs([0] * floor, pass_margin=margin, alpha=alpha).used == floor
    assert bet_on_pairs([0] * floor, pass_margin=margin, alpha=alpha).decision == "pass"
    assert bet_on_pairs([0] * (floor - 1), pass_margin=margin, alpha=alpha).decision == "continue"


def test_no_pairs_decide_nothing() -> None:
    found = bet_on_pairs([], pass_margin=0.15)
    assert (found.decision, found.used, found.lower, found.upper) == ("continue", 0, -1.0, 1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bet_on_pairs([2], pass_margin=0.1),
        lambda: bet_on_pairs([0], [-1], pass_margin=0.1),
        lambda: bet_on_pairs([0], [0, 0], pass_margin=0.1),
        lambda: bet_on_pairs([0], pass_margin=1.0),
        lambda: bet_on_pairs([0], pass_margin=0.2, fail_margin=0.1),
        lambda: bet_on_pairs([0], pass_margin=0.1, alpha=0.0),
        lambda: pairs_floor(0.0),
    ],
)
def test_values_out_of_range_are_refused(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=r"got|must"):
        call()


def test_given_all_worse_pairs_first_when_bet_on_then_the_bounds_still_hold_the_rate() -> None:
    found = bet_on_pairs([1] * 40 + [0] * 60, pass_margin=0.0)
    assert found.decision == "fail"
    assert 0 < found.lower < 0.4 < found.upper


def test_a_hundred_thousand_pairs_take_no_longer() -> None:
    generator = np.random.default_rng(0)
    pairs = generator.choice([-1, 0, 1], p=[0.05, 0.8, 0.15], size=100_000)
    found = bet_on_pairs(pairs, pass_margin=0.15)
    assert found.lower < pairs.mean() < found.upper < 0.15
    assert found.used < 5_000, "what comes after the decision sharpens the bounds only"
