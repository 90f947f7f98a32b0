"""Fisher's exact test, against SciPy."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats  # pyright: ignore[reportMissingTypeStubs]

from alignmeter.stats.two_by_two import fisher_exact, fisher_greater

count = st.integers(0, 60)


@given(count, count, count, count)
def test_given_any_table_when_tested_then_the_p_value_is_scipys(a: int, b: int, c: int, d: int) -> None:
    oracle = cast("Any", scipy_stats)
    expected = float(oracle.fisher_exact([[a, b], [c, d]]).pvalue)
    assert fisher_exact(a, b, c, d) == pytest.approx(expected, abs=1e-9)


@given(count, count, count, count)
def test_given_any_table_when_tested_on_one_side_then_the_p_value_is_scipys(
    a: int, b: int, c: int, d: int
) -> None:
    oracle = cast("Any", scipy_stats)
    expected = float(oracle.fisher_exact([[a, b], [c, d]], alternative="greater").pvalue)
    assert fisher_greater(a, b, c, d) == pytest.approx(expected, abs=1e-9)


def test_given_shares_that_are_the_same_when_tested_then_p_is_one() -> None:
    assert fisher_exact(10, 10, 20, 20) == pytest.approx(1.0)


def test_given_a_negative_count_when_tested_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        fisher_exact(-1, 2, 3, 4)
    with pytest.raises(ValueError, match="whole numbers"):
        fisher_greater(-1, 2, 3, 4)
