"""The alignment tax: the ratio for display, the contrast for the verdict, the tiers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats  # pyright: ignore[reportMissingTypeStubs] - SciPy ships no stubs

from alignmeter.stats.ratio import (
    TIER_EDGES,
    TIERS,
    RatioInterval,
    RatioNotEstimable,
    absolute_tax,
    fieller,
    severity,
    tax_contrast,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

scipy = cast(Any, scipy_stats)


def scores(*, n: int, base: float, tax: float, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Paired 0/1 scores: the aligned model keeps a success of the base model with chance 1 - tax."""
    generator = np.random.default_rng(seed)
    base_scores = (generator.random(n) < base).astype(float)
    return base_scores, base_scores * (generator.random(n) >= tax)


@st.composite
def graded_pairs(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any]]:
    n = draw(st.integers(5, 60))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    base = generator.beta(4, 2, n)
    return base, np.clip(base * draw(st.floats(0.3, 1.1)) + generator.normal(0, 0.1, n), 0, 1)


@given(graded_pairs(), st.floats(0, 0.5))
def test_the_contrast_is_a_t_test_of_z(pair: tuple[NDArray[Any], NDArray[Any]], tau: float) -> None:
    base, aligned = pair
    z = (1 - tau) * base - aligned
    result = tax_contrast(base, aligned, tau)
    np.testing.assert_allclose(result.values, z)
    assert result.standard_error == pytest.approx(scipy.sem(z))
    assert result.p_fail == pytest.approx(scipy.ttest_1samp(z, 0, alternative="greater").pvalue, rel=1e-6)
    assert result.p_pass == pytest.approx(scipy.ttest_1samp(z, 0, alternative="less").pvalue, rel=1e-6)


@settings(max_examples=60)
@given(graded_pairs(), st.sampled_from([0.8, 0.9, 0.95]), st.floats(-0.5, 0.99))
def test_fieller_holds_exactly_the_taxes_that_the_contrast_keeps(
    pair: tuple[NDArray[Any], NDArray[Any]], level: float, tau: float
) -> None:
    base, aligned = pair
    tax = fieller(base, aligned, level=level, headroom=0)
    assert isinstance(tax, RatioInterval)
    z = (1 - tau) * base - aligned
    p = scipy.ttest_1samp(z, 0).pvalue
    assume(min(abs(tau - tax.lower), abs(tau - tax.upper)) > 1e-9)
    assert (p >= 1 - level) == (tax.lower < tau < tax.upper)
    assert tax.lower < tax.estimate < tax.upper
    assert tax.estimate == pytest.approx(1 - aligned.mean() / base.mean())


def test_families_widen_the_interval_and_the_p_value() -> None:
    base, aligned = scores(n=60, base=0.7, tax=0.15, seed=1)
    families = np.arange(60)
    copied = [np.repeat(values, 8) for values in (base, aligned)]

    single = fieller(base, aligned)
    clustered = fieller(copied[0], copied[1], clusters=np.repeat(families, 8))
    naive = fieller(copied[0], copied[1])

    # Copies are no information: families of identical members say what one member each says.
    assert isinstance(single, RatioInterval)
    assert isinstance(clustered, RatioInterval)
    assert isinstance(naive, RatioInterval)
    assert (clustered.lower, clustered.upper) == pytest.approx((single.lower, single.upper))
    assert naive.upper - naive.lower < 0.5 * (single.upper - single.lower)
    contrast = tax_contrast(copied[0], copied[1], 0.1, clusters=np.repeat(families, 8))
    assert contrast[1:] == pytest.approx(tax_contrast(base, aligned, 0.1)[1:])


def test_the_cluster_robust_error_is_the_linearised_one_for_families_of_unequal_size() -> None:
    generator = np.random.default_rng(4)
    families = np.repeat(np.arange(30), generator.integers(1, 6, 30))
    base, aligned = generator.random((2, len(families)))
    result = tax_contrast(base, aligned, 0.1, clusters=families)
    sums = [(result.values[families == g] - result.values.mean()).sum() for g in range(30)]
    expected = math.sqrt(30 / 29 * sum(s * s for s in sums)) / len(families)
    assert result.standard_error == pytest.approx(expected)
    assert result.degrees_of_freedom == 29


def test_a_base_score_not_told_apart_from_zero_leaves_the_ratio_unbounded() -> None:
    base, aligned = np.zeros(100), np.zeros(100)
    base[:2] = aligned[2:4] = 1
    tax = fieller(base, aligned, headroom=0)
    assert isinstance(tax, RatioNotEstimable)
    assert tax.reason == "unbounded"
    assert "base score of 0.020 +- 0.014" in tax.sentence


def test_a_base_model_that_never_scores_has_no_ratio() -> None:
    tax = fieller(np.zeros(50), np.zeros(50), headroom=0)
    assert isinstance(tax, RatioNotEstimable)
    assert tax.reason == "unbounded"


def test_the_base_score_must_be_shown_to_clear_chance_by_ten_points() -> None:
    base, aligned = np.repeat([1.0, 0.0], [40, 60]), np.repeat([1.0, 0.0], [30, 70])
    lower = scipy.binomtest(40, 100).proportion_ci(0.95).low
    assert 0.30 < lower < 0.31

    assert fieller(base, aligned).kind == "bounded"
    assert fieller(base, aligned, chance=lower - 0.1001).kind == "bounded"
    guessed = fieller(base, aligned, chance=0.25)
    assert isinstance(guessed, RatioNotEstimable)
    assert guessed.reason == "no_headroom"
    assert "at least 0.303" in guessed.sentence
    assert "= 0.350" in guessed.sentence
    assert fieller(base, aligned, chance=0.25, headroom=0.05).kind == "bounded"


def test_a_few_perfect_units_do_not_prove_headroom() -> None:
    # Three right of three: the exact lower bound is .29, a standard error of zero would say 1.
    for clusters in (None, ["a", "b", "c"]):
        tax = fieller([1, 1, 1], [1, 0, 1], chance=0.25, clusters=clusters)
        assert isinstance(tax, RatioNotEstimable)
        assert tax.reason == "no_headroom"
        assert "at least 0.292" in tax.sentence


@pytest.mark.parametrize("factor", [1.0, 0.5, 0.0])
def test_proportional_scores_give_no_interval_of_zero_width(factor: float) -> None:
    base = np.linspace(0.3, 0.9, 50)
    tax = fieller(base, factor * base)
    assert isinstance(tax, RatioNotEstimable)
    assert tax.reason == "no_variation"


def test_an_aligned_model_that_improves_has_a_negative_tax() -> None:
    base, aligned = np.repeat([1.0, 0.0], [60, 40]), np.repeat([1.0, 0.0], [72, 28])
    tax = fieller(base, aligned)
    assert isinstance(tax, RatioInterval)
    assert tax.estimate == pytest.approx(-0.2)
    assert tax.upper < 0


def test_the_absolute_tax_of_binary_scores_keeps_a_width_where_no_pair_differs() -> None:
    ones = np.ones(80)
    tax = absolute_tax(ones, ones)
    assert (tax.estimate, tax.method) == (0, "tango")
    assert tax.lower < 0 < tax.upper


@given(graded_pairs())
def test_the_absolute_tax_of_graded_scores_is_the_paired_t_interval(
    pair: tuple[NDArray[Any], NDArray[Any]],
) -> None:
    tax = absolute_tax(*pair, level=0.9)
    expected = scipy.ttest_rel(*pair).confidence_interval(0.9)
    assert tax.method == "student"
    assert (tax.lower, tax.upper) == pytest.approx((expected.low, expected.high))


def test_the_absolute_tax_without_spread_has_no_interval_instead_of_a_point() -> None:
    tax = absolute_tax([0.5, 0.7, 0.9], [0.4, 0.6, 0.8])
    assert tax.estimate == pytest.approx(0.1)
    assert math.isnan(tax.lower)
    assert math.isnan(tax.upper)


@pytest.mark.parametrize(
    ("tax", "tier"),
    [
        *[(0.0, "minimal"), (0.05, "minimal"), (0.051, "moderate"), (0.10, "moderate")],
        *[(0.101, "significant"), (0.20, "significant"), (0.201, "critical"), (0.9, "critical")],
    ],
)
def test_a_tax_at_an_edge_belongs_to_the_lower_tier(tax: float, tier: str) -> None:
    base = np.ones(1000)
    aligned = np.repeat([0.0, 1.0], [round(1000 * tax), 1000 - round(1000 * tax)])
    if tax == 0:
        base[0] = 0  # without any spread there is no test
    assert severity(base, aligned).point == tier


def test_with_many_units_the_three_tiers_agree() -> None:
    for tax, tier in ((0.01, "minimal"), (0.075, "moderate"), (0.15, "significant"), (0.4, "critical")):
        assert severity(*scores(n=20_000, base=0.8, tax=tax, seed=3))[:3] == (tier, tier, tier)


def test_with_few_units_nothing_is_confirmed_and_nothing_is_cleared() -> None:
    result = severity(*scores(n=20, base=0.8, tax=0.12, seed=5))
    assert (result.confirmed, result.cleared) == ("minimal", "critical")


@given(graded_pairs(), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_estimate_lies_between_what_is_confirmed_and_what_is_cleared(
    pair: tuple[NDArray[Any], NDArray[Any]], alpha: float
) -> None:
    result = severity(*pair, alpha=alpha)
    confirmed, point, cleared = (TIERS.index(t) for t in (result.confirmed, result.point, result.cleared))
    assert confirmed <= point <= cleared
    # A tier is confirmed only when every edge below it is, and cleared only when every edge above it is.
    assert all(test.p_fail <= alpha for test in result.tests[:confirmed])
    assert all(test.p_pass <= alpha for test in result.tests[cleared:])
    assert confirmed == len(TIER_EDGES) or result.tests[confirmed].p_fail > alpha
    assert cleared == 0 or result.tests[cleared - 1].p_pass > alpha


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tax_contrast([1, 1, 1], [1, 1, 1], 0.1), "does not vary between the 3 independent units"),
        (lambda: severity([1, 1, 1], [1, 1, 1]), "does not vary"),
        (lambda: tax_contrast([1, 0, 1, 0], [1, 0, 1, 0], 0.1, clusters=[1, 1, 2, 2]), "between the 2"),
        (lambda: tax_contrast([1], [0], 0.1), "at least 2 independent units"),
        (lambda: tax_contrast([1, 0], [0, 1], 0.1, clusters=["a", "a"]), "at least 2 .* got 1"),
        (lambda: fieller([], []), "at least 2 independent units"),
        (lambda: tax_contrast([1, 0], [0], 0.1), "same units, got 2 and 1"),
        (lambda: tax_contrast([1, 5], [0, 1], 0.1), r"scores must lie in \[0, 1\].*got 5.0"),
        (lambda: tax_contrast([1, 0], [0, -1], 0.1), r"scores must lie in \[0, 1\].*got -1.0"),
        (lambda: tax_contrast([1, math.nan], [0, 1], 0.1), "base must hold finite numbers"),
        (lambda: tax_contrast([1, 0], [0, 1], 1.0), r"tau must be in \[0, 1\)"),
        (lambda: tax_contrast([1, 0], [0, 1], math.nan), "tau must be"),
        (lambda: fieller([1, 0], [0, 1], level=95), "level must lie"),
        (lambda: fieller([1, 0], [0, 1], chance=1.0), "chance must be"),
        (lambda: fieller([1, 0], [0, 1], headroom=math.nan), "headroom"),
        (lambda: fieller([1, 0], [0, 1], clusters=[1]), "one label for each of 2 units"),
        (lambda: absolute_tax([1, 0], [0, 1], level=0), "level must lie"),
        (lambda: severity([1, 0], [0, 1], alpha=0.5), "alpha must lie"),
    ],
)
def test_scores_that_cannot_be_tested_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_few_scores_do_not_stretch_a_tax_beyond_all_of_the_score() -> None:
    families = [0, 0, 1, 1]
    lost = absolute_tax([1, 1, 1, 1], [0, 1, 0, 0], clusters=families)
    won = absolute_tax([0, 1, 0, 0], [1, 1, 1, 1], clusters=families)
    assert (lost.upper, won.lower) == (1.0, -1.0)
    relative = fieller([1, 1, 1, 1], [0, 1, 0, 0], clusters=families)
    assert relative.kind == "bounded"
    assert relative.upper == 1.0
