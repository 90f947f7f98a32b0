"""Labels drawn with unequal probabilities: what they are worth, and that nothing is claimed beyond it."""

from __future__ import annotations

import numpy as np
import pytest

from alignmeter.stats import Drawn, clopper_pearson, drawn_counts


def run_of_labels(
    rng: np.random.Generator, sides: tuple[float, float], others: int, *, same_judge: bool
) -> list[list[Drawn]]:
    """A run of 300 replies, a fifth bad: all that were flagged are labelled, and some of the others.

    Returns:
        The draws as seen by a judge of this sensitivity and specificity, for each of the two.
    """
    bad = rng.random(300) < 0.2

    def judge() -> np.ndarray:
        return np.where(bad, rng.random(300) < sides[0], rng.random(300) > sides[1])

    drew = judge()
    said = drew if same_judge else judge()
    drawn = [np.flatnonzero(drew), rng.permutation(np.flatnonzero(~drew))[:others]]
    sizes = [int(drew.sum()), int((~drew).sum())]
    return [
        [
            Drawn(
                size,
                mine.size,
                int(((bad == positive) & (said == positive))[mine].sum()),
                int(((bad == positive) & (said != positive))[mine].sum()),
                not same_judge or bool((said == positive)[mine].any()),
                not same_judge or bool((said != positive)[mine].any()),
            )
            for size, mine in zip(sizes, drawn, strict=True)
        ]
        for positive in (True, False)
    ]


@pytest.mark.parametrize("same_judge", [True, False])
def test_bounds_at_the_effective_size_hold_the_true_error_as_often_as_they_say(same_judge: bool) -> None:
    rng, runs = np.random.default_rng(5), 100
    sides = (0.8, 0.9)
    outside = np.zeros(2)
    for _ in range(runs):
        for side, draws in enumerate(run_of_labels(rng, sides, 40, same_judge=same_judge)):
            found = drawn_counts(draws)
            bounds = clopper_pearson(found.events, found.n, level=0.95)
            outside[side] += not bounds.lower <= sides[side] <= bounds.upper
    assert (outside <= 0.05 * runs + 4).all(), "four are within two standard errors of chance"


def test_labels_counted_as_they_come_would_hide_what_the_judge_misses() -> None:
    flagged, others = Drawn(40, 40, 30, 0, True, False), Drawn(200, 20, 0, 2, False, True)
    found = drawn_counts([flagged, others])
    assert found.events / found.n == pytest.approx(30 / (30 + 2 * 10))
    assert clopper_pearson(found.events, found.n, level=0.95).upper < 30 / 32


def test_none_missed_among_few_that_stand_for_many_is_no_perfect_judge() -> None:
    flagged, others = Drawn(40, 40, 30, 0, True, False), Drawn(200, 20, 0, 0, False, True)
    found = drawn_counts([flagged, others])
    assert found.events == found.n
    lower = clopper_pearson(found.events, found.n, level=0.95).lower
    # 20 without one leave up to 14%, or 28 of 200: 30 of 58.
    assert 0.3 < lower < 0.6


def test_replies_that_nobody_could_draw_are_at_their_worst() -> None:
    draws = [Drawn(100, 50, 40, 2)]
    free = drawn_counts(draws)
    bound = drawn_counts(draws, missing=(0, 40))
    assert clopper_pearson(bound.events, bound.n, level=0.95).lower <= 80 / (80 + 4 + 40)
    assert bound.n < free.n
    assert bound.events / bound.n == pytest.approx(free.events / free.n)


@pytest.mark.parametrize("draws", [[], [Drawn(10, 5, 0, 0)], [Drawn(4, 5, 1, 1)], [Drawn(9, 5, 4, 2)]])
def test_counts_that_cannot_be_are_refused(draws: list[Drawn]) -> None:
    with pytest.raises(ValueError, match=r"expected at least one label|a draw needs labels"):
        drawn_counts(draws)
