"""METHODS.md section 2, tax from aggregates: error rates of the tests and coverage of the interval.

Summed over all outcomes of two independent binomial arms whose true tax is exactly tau: nothing is
simulated. Nominal are .05 on each side and .90 for the interval that is dual to both tests. The tests
are approximate; of 90 settings with 10 to 300 items one exceeds .05 (a perfect base of 300 items, 30
items of the variant, tau = 5%: .061).
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from scipy import stats as scipy_stats  # pyright: ignore[reportMissingTypeStubs] - SciPy ships no stubs

from alignmeter.stats.arms import Arm, arms_test

scipy = cast(Any, scipy_stats)
ALPHA = 0.05
NEGLIGIBLE = 1e-6


def _error_rates(base: float, n_base: int, n_aligned: int, tau: float) -> tuple[float, float]:
    """Chance of "below tau" and of "above tau" where the tax is tau."""
    rights, aligned_rights = np.arange(n_base + 1), np.arange(n_aligned + 1)
    weights = scipy.binom.pmf(rights, n_base, base)
    aligned_weights = scipy.binom.pmf(aligned_rights, n_aligned, base * (1 - tau))
    passes = fails = 0.0
    for right in rights[weights > NEGLIGIBLE]:
        for aligned_right in aligned_rights[aligned_weights > NEGLIGIBLE]:
            test = arms_test(Arm(right / n_base, n_base), Arm(aligned_right / n_aligned, n_aligned), tau)
            weight = float(weights[right] * aligned_weights[aligned_right])
            passes += weight * (test.p_pass <= ALPHA)
            fails += weight * (test.p_fail <= ALPHA)
    return passes, fails


@pytest.mark.parametrize(("n_base", "n_aligned"), [(20, 20), (164, 164), (30, 300), (300, 30)])
@pytest.mark.parametrize("base", [0.3, 0.8, 0.95])
@pytest.mark.parametrize("tau", [0.05, 0.10])
def test_each_side_errs_at_most_alpha_at_its_threshold(
    n_base: int, n_aligned: int, base: float, tau: float
) -> None:
    passes, fails = _error_rates(base, n_base, n_aligned, tau)

    assert passes <= ALPHA
    assert fails <= ALPHA


def test_the_worst_setting_that_is_known_errs_as_the_docstring_says() -> None:
    passes, _ = _error_rates(1.0, 300, 30, 0.05)
    assert passes == pytest.approx(0.0, abs=1e-6)
    _, fails = _error_rates(1.0, 300, 30, 0.05)
    assert fails == pytest.approx(0.061, abs=0.001)
