"""What is printed of an interval and of a confidence never says more than the numbers do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alignmeter.figures import (
    Form,
    confidence,
    ends,
    lower_end,
    number_ends,
    one_decimal,
    percent,
    points,
    signed_points,
    significant_ends,
    upper_end,
)
from alignmeter.records import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

SHARES = st.floats(min_value=0, max_value=1, allow_nan=False)
LIMITS = st.integers(min_value=1, max_value=9999).map(lambda number: number / 10_000)


def told(text: str) -> tuple[float, float]:
    """The shares that a text may stand for: one, but where it only says under or over which."""
    number = float(re.sub(r"[^\d.+-]", "", text)) / 100
    return (
        (0, number)
        if text.startswith("under")
        else (number, 1)
        if text.startswith("over")
        else (number, number)
    )


@pytest.mark.parametrize(
    ("end", "share", "limit", "shown"),
    [
        (lower_end, 0.10264, 0.10, "10.2%"),
        (lower_end, 0.100004, 0.10, "10.0004%"),
        (upper_end, 0.02558, 0.0256, "2.558%"),
        (upper_end, 0.0996, 0.10, "9.96%"),
        (lower_end, 0.0996, 0.10, "9.9%"),
        (upper_end, 0.1003, 0.10, "11%"),
        (upper_end, 0.0004, 0.0005, "0.04%"),
        (lower_end, 0.0006, 0.0005, "0.06%"),
        (upper_end, 0.9996, 0.9997, "99.96%"),
        (upper_end, 0.10, 0.10, "10%"),
        (upper_end, 0.0256, 0.0256, "2.56%"),
        (upper_end, 0.0256 + 1e-11, 0.0256, "2.56%"),
        (lower_end, 0.17349, 0.10, "17%"),
        (lower_end, 0.10264, None, "10%"),
        (upper_end, 0.10264, None, "11%"),
        (upper_end, 0.10, None, "10%"),
        (lower_end, 0.0997, None, "9.9%"),
        (upper_end, 0.0997, None, "10%"),
        (lower_end, 0.9896, None, "98%"),
        (upper_end, 0.9896, None, "99%"),
        (upper_end, 0.07 + 1e-16, None, "7%"),
    ],
)
def test_an_end_that_would_read_as_its_limit_gets_the_digits_that_tell_them_apart(
    end: Callable[[float, float | None], str], share: float, limit: float | None, shown: str
) -> None:
    assert end(share, limit) == shown


def test_a_difference_keeps_its_unit_and_its_sign() -> None:
    assert lower_end(0.10004, 0.10, points) == "10.004 points"
    assert upper_end(0.04998, 0.05, signed_points) == "+4.998 points"
    assert lower_end(0.0003, 0.0, signed_points) == "+0.03 points"
    assert lower_end(-0.0003, 0.0, signed_points) == "-0.1 points"
    assert upper_end(-0.02, 0.05, signed_points) == "-2.0 points"


@given(share=SHARES, limit=LIMITS, written=st.sampled_from([percent, points, signed_points]))
@example(share=0.10264, limit=0.1, written=percent)
@example(share=0.0005, limit=0.0004, written=percent)
def test_an_end_is_read_on_its_side_of_its_limit(share: float, limit: float, written: Form) -> None:
    for end in (lower_end, upper_end):
        least, most = told(end(share, limit, written))
        if share < limit - 1e-9:
            assert most <= limit
            assert least < limit
        elif share > limit + 1e-9:
            assert least >= limit
            assert most > limit


@pytest.mark.parametrize(
    ("alpha", "shown"),
    [
        (0.05, "95%"),
        (0.05 / 4, "98.75%"),
        (0.05 / 7, "99.28%"),
        (0.05 / 12, "99.58%"),
        (0.15 * 3 / 9, "95%"),
        (1 - 0.95, "95%"),
        (0.001 / 26, "99.9961%"),
        (0.01 / 300, "99.9966%"),
        (1e-9, "99.9999999%"),
    ],
)
def test_a_confidence_is_rounded_down(alpha: float, shown: str) -> None:
    assert confidence(alpha) == shown


@given(st.floats(min_value=1e-12, max_value=0.5))
def test_a_confidence_is_never_more_than_what_was_tested_at(alpha: float) -> None:
    said = float(confidence(alpha).removesuffix("%")) / 100

    assert said <= 1 - alpha + 1e-12
    assert said < 1
    assert said >= 1 - alpha - max(1e-4, 0.1 * alpha) - 1e-12


def test_given_an_interval_when_written_then_each_end_is_on_its_side_of_the_limit() -> None:
    interval = Interval(lower=0.0004, upper=0.10264, level=0.95, method="Wilson")
    assert ends(interval, 0.10) == "under 0.1% to 11%"
    assert ends(interval) == "under 0.1% to 11%"
    assert ends(interval, None, points) == "0.0 to 10.3 points"
    assert ends(interval, 0.10, one_decimal) == "0.0% to 10.3%"


@given(
    share=st.floats(min_value=-1, max_value=1, allow_nan=False),
    limit=st.one_of(st.none(), LIMITS),
    form=st.sampled_from([percent, points, signed_points, one_decimal]),
)
@example(share=0.10472, limit=0.1, form=points)
@example(share=0.10472, limit=0.1, form=percent)
@example(share=0.99951, limit=None, form=percent)
@example(share=-0.0004, limit=None, form=signed_points)
def test_what_is_at_least_or_at_most_so_much_is_so_and_nearly_so(
    share: float, limit: float | None, form: Form
) -> None:
    least, _ = told(lower_end(share, limit, form))
    _, most = told(upper_end(share, limit, form))
    assert least <= share + 1e-9
    assert most >= share - 1e-9
    assert share - least < 0.0100001
    assert most - share < 0.0100001


@given(lower=st.floats(-2, 2), upper=st.floats(-2, 2))
@example(lower=0.1 + 0.2, upper=0.3)
def test_an_interval_in_units_of_its_own_is_rounded_outward(lower: float, upper: float) -> None:
    for written, step in ((number_ends(lower, upper), 0.001), (significant_ends(lower, upper), 0.01)):
        low, high = map(float, written.split(" to "))
        assert -1e-9 <= lower - low < step + 1e-9
        assert -1e-9 <= high - upper < step + 1e-9
        assert "-0 " not in f"{written} "


def test_given_next_to_nothing_lost_when_written_then_there_is_no_minus_zero() -> None:
    assert one_decimal(-0.0004) == "0.0%"
    assert one_decimal(-0.0006) == "-0.1%"
    assert points(-0.0004) == "0.0 points"
