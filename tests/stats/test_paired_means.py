"""Two means of the same units: what one more family at its worst does, and what may not happen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.stats._binomial import student_tail
from alignmeter.stats.paired_means import paired_means, tiers_of
from alignmeter.stats.ratio import TIERS, fieller, tax_contrast

BASE = [1, 1, 1, 0, 1, 1, 1, 1, 0, 1] * 20
ALIGNED = [1, 1, 0, 0, 1, 1, 1, 1, 0, 1] * 20


def test_the_side_that_shows_a_loss_is_students_t_with_families() -> None:
    families = np.arange(200) // 4

    found = paired_means(BASE, ALIGNED, clusters=families)

    assert found.p_above(0.10) == pytest.approx(tax_contrast(BASE, ALIGNED, 0.10, clusters=families).p_fail)
    ratio, interval = fieller(BASE, ALIGNED, level=0.90, clusters=families), found.ratio()
    assert ratio.kind == "bounded"
    assert interval is not None
    assert interval.lower == pytest.approx(ratio.lower)
    assert interval.upper > ratio.upper, "the other side counts one more family at its worst"


def test_the_side_that_clears_a_loss_is_students_t_with_one_pair_more() -> None:
    found = paired_means(BASE, ALIGNED)

    more = tax_contrast([*BASE, 1], [*ALIGNED, 0], 0.20)
    assert found.p_below(0.20) == pytest.approx(more.p_pass)


def test_families_of_one_size_count_one_more_of_that_size() -> None:
    families = np.arange(200) // 4

    found = paired_means(BASE, ALIGNED, clusters=families)

    more = tax_contrast(
        [*BASE, 1, 1, 1, 1], [*ALIGNED, 0, 0, 0, 0], 0.20, clusters=np.append(families, [50] * 4)
    )
    assert found.p_below(0.20) == pytest.approx(more.p_pass)


def test_of_families_of_two_sizes_the_one_more_is_nearly_as_large_as_the_large_ones() -> None:
    # Ten of 10 among a hundred single ones: 10,100 / 1,100 = 9.2 units that were lost, not 1.8.
    families = np.concatenate([np.repeat(np.arange(10), 10), np.arange(10, 110)])
    perfect = np.ones(200)

    found = paired_means(perfect, perfect, clusters=families)

    lost = 10_100 / 1_100
    mean = 0.10 - lost / (200 + lost)  # of 1 - tau - after, the other way round
    squares = lost**2 * (200 / (200 + lost)) ** 2 + 1_100 * (lost / (200 + lost)) ** 2
    error = math.sqrt(111 / 110 * squares) / (200 + lost)
    freedom = (200 + lost) ** 2 / (1_100 + lost**2) - 1
    assert found.p_below(0.10) == pytest.approx(student_tail(mean / error, freedom))
    assert found.p_below(0.10) > 0.05
    assert paired_means(perfect, perfect).p_below(0.10) < 1e-6


def test_one_large_family_leaves_few_degrees_of_freedom() -> None:
    # One family of 15 is lost, nine single ones are not: 24^2 / 234 - 1 = 1.5 degrees, not 9.
    families, aligned = np.repeat(np.arange(10), [15, *[1] * 9]), np.repeat([0.0, 1.0], [15, 9])

    assert paired_means(np.ones(24), aligned, clusters=families).p_above(0.05) > 0.05
    assert paired_means(np.ones(24), aligned, clusters=np.arange(24) // 2).p_above(0.05) < 0.001


def test_scores_without_any_variation_still_have_intervals_with_a_width() -> None:
    perfect, lost = paired_means([1] * 60, [1] * 60), paired_means([1] * 60, [0] * 60)

    assert perfect.difference().lower < 0 < perfect.difference().upper
    assert perfect.p_below(0.10) < 0.05
    assert perfect.p_above(0.0) > 0.05
    assert lost.difference().lower < 1 <= lost.difference().upper
    assert lost.p_above(0.20) < 0.001
    assert lost.p_below(0.20) > 0.5


@pytest.mark.parametrize(
    ("before", "after"),
    [([1, 0], [0, 1]), ([1, 1], [0, 0]), ([0, 0], [1, 1]), ([1, 1, 1, 0.9], [0, 0, 0.1, 0])],
)
def test_no_interval_of_scores_reaches_beyond_what_can_be_lost_or_won(
    before: list[float], after: list[float]
) -> None:
    found = paired_means(before, after)
    low, high = found.difference(0.99)
    assert -1 <= low < high <= 1
    ratio = found.ratio()
    assert ratio is None or ratio.upper <= 1


def test_few_perfect_pairs_clear_nothing() -> None:
    assert paired_means([1] * 20, [1] * 20).p_below(0.10) > 0.05
    assert paired_means([1] * 30, [1] * 30).p_below(0.10) < 0.05


def test_an_unscored_unit_counts_at_its_worst_on_either_side() -> None:
    base, aligned = [1.0] * 100, [1.0] * 95 + [math.nan] * 5

    found = paired_means(base, aligned)

    assert (found.n, found.unscored, found.relative) == (95, 5, 0.0)
    interval = found.ratio()
    assert interval is not None
    assert interval.upper > 0.05, "the five might all have been lost"
    won = paired_means([1.0] * 95 + [math.nan] * 5, [1.0] * 100).difference()
    assert won.lower < -0.05, "and there they might all have been won"


def test_strata_weigh_alike_whatever_their_size() -> None:
    base = np.concatenate([np.ones(400), np.ones(20)])
    aligned = np.concatenate([np.ones(400), np.repeat([1.0, 0.0], 10)])

    found = paired_means(base, aligned, strata=np.repeat([0, 1], [400, 20]))

    assert found.relative == pytest.approx(0.25)
    alone = paired_means(base, aligned)
    assert alone.relative == pytest.approx(10 / 420)
    mine, other = found.difference(), alone.difference()
    assert mine.upper - mine.lower > other.upper - other.lower


def test_one_stratum_is_no_stratum() -> None:
    families = np.arange(200) // 4
    one = paired_means(BASE, ALIGNED, clusters=families, strata=np.zeros(200, dtype=int))
    none = paired_means(BASE, ALIGNED, clusters=families)

    assert one.ratio() == none.ratio()
    assert one.tiers() == none.tiers()


def test_a_family_in_two_strata_counts_once() -> None:
    generator = np.random.default_rng(1)
    lost = generator.random(60) < 0.3
    base, strata = np.ones(120), np.repeat([0, 1], 60)
    aligned = np.concatenate([~lost, ~lost]).astype(float)

    same = paired_means(base, aligned, clusters=np.tile(np.arange(60), 2), strata=strata).difference()
    apart = paired_means(base, aligned, clusters=np.arange(120), strata=strata).difference()

    assert same.upper - same.lower > 1.3 * (apart.upper - apart.lower)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([1, 0], [1, 0, 1], "the same units"),
        ([1, 2], [1, 0], "must lie in"),
        ([1], [0], "at least 2 independent units"),
        ([math.nan, math.nan], [1, 1], "scored on both sides"),
    ],
)
def test_what_cannot_be_compared_is_refused(before: list[float], after: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        paired_means(before, after)


def test_tiers_are_tested_in_sequence_and_stop_at_the_first_that_is_not_shown() -> None:
    assert tiers_of([0.01, 0.20, 0.01], [0.9, 0.01, 0.01], 0.05) == ("moderate", "moderate")
    assert tiers_of([0.9] * 3, [0.01] * 3, 0.05) == ("minimal", "minimal")


scores = st.one_of(st.sampled_from([0.0, 1.0, math.nan]), st.floats(0, 1))


@settings(max_examples=150, deadline=None)
@given(pairs=st.lists(st.tuples(scores, scores), min_size=2, max_size=40), size=st.integers(1, 4))
def test_every_result_is_coherent(pairs: list[tuple[float, float]], size: int) -> None:
    before, after = (np.array(column) for column in zip(*pairs, strict=True))
    families = np.arange(len(pairs)) // size
    if np.isnan(before + after).all() or families[-1] == 0:
        return

    found = paired_means(before, after, clusters=families)

    low, high = found.difference()
    assert low <= found.lost <= high
    assert high - low > 0
    tiers = found.tiers()
    assert TIERS.index(tiers.confirmed) <= TIERS.index(tiers.cleared)
    ratio = found.ratio()
    if ratio is not None:
        assert ratio.lower <= ratio.upper
        assert ratio.lower - 1e-9 <= found.relative <= ratio.upper + 1e-9
        for tau in (0.05, 0.10, 0.20):
            assert (found.p_above(tau) <= 0.05) == (ratio.lower >= tau) or abs(ratio.lower - tau) < 1e-6
            assert (found.p_below(tau) <= 0.05) == (ratio.upper <= tau) or abs(ratio.upper - tau) < 1e-6
