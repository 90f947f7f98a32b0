"""Exact tests at fixed n as a design: its counts are those at which the tests decide."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.stats import alpha_spending_design, binomial_tests, fixed_design, halves_tests


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 60),
    limit=st.floats(0.01, 0.9),
    apart=st.floats(0, 0.05),
    flips=st.sampled_from([1, 2]),
)
def test_given_any_claim_then_counts_decide_exactly_where_the_tests_do(
    n: int, limit: float, apart: float, flips: int
) -> None:
    test = binomial_tests if flips == 1 else halves_tests
    design = fixed_design(n, limit, 0.04, limit + apart, 0.01, flips)
    for bad in {design.pass_at, design.pass_at + 1, design.fail_at - 1, design.fail_at}:
        if 0 <= bad <= flips * n:
            assert (bad <= design.pass_at) == (test(bad, n, limit).p_pass <= 0.04)
            assert (bad >= design.fail_at) == (test(bad, n, limit + apart).p_fail <= 0.01)


def test_given_binary_units_then_it_does_what_a_design_with_one_look_does() -> None:
    rates = [0.0, 0.02, 0.05, 0.1, 0.4, 1.0]
    design = fixed_design(234, 0.05, 0.04, 0.07, 0.01)
    one_look = alpha_spending_design(0.05, 0.04, 234, 234, p_fail=0.07, alpha_fail=0.01)
    assert (design.pass_at, design.fail_at) == (one_look.pass_at[0], one_look.fail_at[0])
    for found, expected in zip(
        design.operating_characteristics(rates), one_look.operating_characteristics(rates), strict=True
    ):
        assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("both", [0.0, 0.0144, 0.06, 0.12])
def test_given_flips_that_hang_together_then_it_does_what_a_design_with_one_look_does(both: float) -> None:
    fixed = fixed_design(90, 0.05, 0.04, 0.06, 0.01, flips=2)
    looked = alpha_spending_design(0.05, 0.04, 90, 90, p_fail=0.06, alpha_fail=0.01, flips=2)
    same = replace(looked, pass_at=(fixed.pass_at,), fail_at=(fixed.fail_at,))

    found, expected = (each.operating_characteristics([0.12], both) for each in (fixed, same))
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-10)


def test_given_flips_without_a_word_on_how_they_hang_together_then_they_are_independent() -> None:
    design = fixed_design(90, 0.05, 0.04, 0.06, 0.01, flips=2)

    alone, said = design.operating_characteristics([0.12]), design.operating_characteristics([0.12], 0.12**2)
    for one, other in zip(alone, said, strict=True):
        assert one == pytest.approx(other, abs=1e-10)


@pytest.mark.parametrize(("rate", "both"), [(0.1, 0.11), (0.9, 0.7)])
def test_given_both_flips_bad_more_or_less_often_than_can_be_then_it_is_refused(
    rate: float, both: float
) -> None:
    with pytest.raises(ValueError, match="both flips"):
        fixed_design(90, 0.05, 0.04, 0.06, 0.01, flips=2).operating_characteristics(rate, both)
