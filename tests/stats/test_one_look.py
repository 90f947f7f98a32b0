"""Tango's score, looked at once: its error rate at the margin holds at any number of pairs."""

from __future__ import annotations

import pytest

from alignmeter.stats._binomial import normal_quantile
from alignmeter.stats.sequential._pairs import one_look_errors, pair_characteristics
from alignmeter.stats.sequential.one_look import one_look_boundary


@pytest.mark.parametrize("margin", [-0.1, 0.0, 0.02, 0.15])
@pytest.mark.parametrize("p_minus", [0.12, 0.3])
def test_given_all_pairs_at_once_then_the_chances_are_those_of_the_general_enumeration(
    margin: float, p_minus: float
) -> None:
    found = one_look_errors(150, 1.7, margin, p_minus)
    general = pair_characteristics([150], [1.7], margin, p_minus, p_minus + margin)
    assert found == pytest.approx(general[:2], abs=1e-9)


@pytest.mark.parametrize("n", [60, 1000, 1001, 3000, 100_000])
@pytest.mark.parametrize("margin", [0.01, 0.05])
@pytest.mark.parametrize("alpha", [0.04, 0.001])
def test_given_any_number_of_pairs_then_the_error_at_the_margin_keeps_to_alpha(
    n: int, margin: float, alpha: float
) -> None:
    """Also at shares of pairs with D = -1 between those at which it was looked at."""
    boundary = one_look_boundary(n, margin=margin, alpha=alpha)
    for p_minus in (0.0, 0.5 / n, 2 / n, 5 / n, 20 / n, 0.01, 0.04, 0.3):
        assert max(one_look_errors(n, boundary, margin, p_minus)) <= 1.05 * alpha


def test_given_rare_differences_when_the_boundary_is_the_normal_quantile_then_it_errs_too_often() -> None:
    """Why it is calibrated."""
    assert one_look_errors(1500, normal_quantile(1 - 0.001), 0.01, 0.0)[1] > 0.0025


@pytest.mark.parametrize(("n", "margin", "alpha"), [(0, 0.1, 0.05), (10, 1.0, 0.05), (10, 0.1, 0.5)])
def test_given_a_parameter_out_of_range_then_it_says_what_was_expected(
    n: int, margin: float, alpha: float
) -> None:
    with pytest.raises(ValueError, match="must"):
        one_look_boundary(n, margin=margin, alpha=alpha)
