"""Betting on a relative loss: tests and interval agree, and what is missing counts at its worst."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.stats.sequential.ratio_bets import bet_on_ratio


def test_sixty_perfect_pairs_clear_ten_percent_and_twenty_do_not() -> None:
    assert bet_on_ratio([1.0] * 60, [1.0] * 60).p_below(0.10) <= 0.05
    assert bet_on_ratio([1.0] * 20, [1.0] * 20).p_below(0.10) > 0.05


def test_a_large_loss_is_shown_with_its_tier() -> None:
    found = bet_on_ratio([1.0] * 80, [1.0, 0.0] * 40)

    assert found.p_above(0.10) < 1e-4
    assert found.tiers() == ("critical", "critical")
    bounds = found.ratio()
    assert 0.2 < bounds.lower < 0.5 < bounds.upper < 0.8


def test_what_is_missing_counts_at_its_worst_on_either_side() -> None:
    whole = bet_on_ratio([1.0] * 60, [1.0] * 60)
    holes = bet_on_ratio([1.0] * 60, [1.0] * 50 + [math.nan] * 10)

    assert holes.p_below(0.10) >= whole.p_below(0.10)
    assert holes.ratio().lower <= whole.ratio().lower


def test_pairs_that_are_added_can_only_add_evidence() -> None:
    generator = np.random.default_rng(2)
    base, aligned = np.ones(100), (generator.random(100) < 0.6).astype(float)

    found = [bet_on_ratio(base[:n], aligned[:n]).p_above(0.10) for n in range(1, 101)]

    assert all(later <= earlier for earlier, later in pairwise(found))


def test_no_pair_shows_nothing_and_bad_scores_are_refused() -> None:
    assert bet_on_ratio([], []).p_above(0.1) == 1.0
    with pytest.raises(ValueError, match="rescale"):
        bet_on_ratio([3.0], [1.0])
    with pytest.raises(ValueError, match="same units"):
        bet_on_ratio([1.0], [1.0, 0.0])


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60))
def test_interval_and_tests_agree(pairs: list[tuple[float, float]]) -> None:
    found = bet_on_ratio(*zip(*pairs, strict=True))

    bounds = found.ratio()
    assert bounds.lower <= bounds.upper
    for tau in (-0.5, 0.05, 0.10, 0.20, 0.5):
        assert (found.p_above(tau) <= 0.05) == (bounds.lower > tau) or abs(bounds.lower - tau) < 1e-6
        assert (found.p_below(tau) <= 0.05) == (bounds.upper < tau) or abs(bounds.upper - tau) < 1e-6
