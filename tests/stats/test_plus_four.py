"""Student's t with four pseudo-observations: dual to its test, and honest where differences are rare."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.stats.plus_four import plus_four

differences = st.lists(st.floats(-2, 2), min_size=1, max_size=60)


@given(differences)
def test_the_interval_excludes_zero_exactly_where_the_test_rejects(values: list[float]) -> None:
    found = plus_four(values, level=0.90)

    assert found.lower < found.upper
    if abs(found.lower) > 1e-9:
        assert (found.lower > 0) == (found.p_above < 0.05)


@given(differences)
def test_the_interval_mirrors(values: list[float]) -> None:
    found, mirrored = plus_four(values), plus_four([-value for value in values])

    assert (found.lower, found.upper) == (pytest.approx(-mirrored.upper), pytest.approx(-mirrored.lower))


def test_differences_that_are_all_zero_leave_an_interval_with_a_width() -> None:
    found = plus_four(np.zeros(60))

    assert (found.lower, found.p_above) == (-found.upper, 0.5)
    assert found.upper == pytest.approx(0.0526, abs=1e-4)


@pytest.mark.parametrize(
    ("up", "down", "n"), [(0.05, 0.05, 20), (0.1, 0.1, 60), (0.25, 0.25, 100), (0.25, 0.25, 300)]
)
def test_a_difference_is_shown_where_there_is_none_as_often_as_stated_at_most(
    up: float, down: float, n: int
) -> None:
    draws = 4000
    uniform = np.random.default_rng(7).random((draws, n))
    shown = sum(plus_four(row).lower > 0 for row in (uniform < up).astype(float) - (uniform > 1 - down))

    assert shown / draws <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)


@pytest.mark.parametrize(("up", "n"), [(0.1, 30), (0.1, 60), (0.1, 100)])
def test_a_rare_difference_in_one_direction_is_not_ruled_out_too_often(up: float, n: int) -> None:
    draws = 4000
    uniform = np.random.default_rng(8).random((draws, n))
    missed = sum(plus_four(row).upper < up for row in (uniform < up).astype(float))

    assert missed / draws <= 0.058 + 3 * math.sqrt(0.058 * 0.942 / draws)


@pytest.mark.parametrize("values", [[], [math.nan], [[1.0]]])
def test_what_is_no_row_of_numbers_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="differences must"):
        plus_four(values)


def test_a_level_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="level"):
        plus_four([0.0, 1.0], level=1.0)
