"""Operating points whose geometry is known: dominance, hypervolume, and how often a bootstrap is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.analysis.frontier import (
    ENOUGH,
    UNSCORED,
    Axis,
    Position,
    dominance,
    enough,
    hypervolume,
    hypervolume_interval,
    joint_bootstrap,
    positions,
    rate,
    state_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

shares = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6)


def axis(good: NDArray[np.int8], name: str = "f", size: int = 1) -> Axis:
    """Families of `size` units each."""
    return Axis(tuple(f"{name}-{unit // size}" for unit in range(len(good))), good)


def outcomes(*rates: float, n: int = 400) -> NDArray[np.int8]:
    """The first units of each point are the good ones; shape (n, points)."""
    return np.array([[unit < share * n for share in rates] for unit in range(n)], dtype=np.int8)


@pytest.mark.parametrize(
    ("points", "dominated"),
    [
        ([(0.9, 0.9), (0.5, 0.5)], [False, True]),
        ([(0.9, 0.5), (0.5, 0.9)], [False, False]),
        ([(0.9, 0.9), (0.9, 0.9)], [False, False]),  # alike: neither is better
        ([(0.9, 0.9), (0.9, 0.5)], [False, True]),  # better on one axis is enough
        ([(0.9, 0.9), (0.905, 0.5)], [False, True]),  # half a point more is within the margin
        ([(0.9, 0.9), (0.92, 0.5)], [False, False]),  # two points more are not
        ([(0.9, 0.2), (0.5, 0.5), (0.2, 0.9), (0.4, 0.4)], [False, False, False, True]),
    ],
)
def test_given_points_when_compared_then_those_that_are_worse_on_both_axes_are_dominated(
    points: list[tuple[float, float]], dominated: list[bool]
) -> None:
    helpful, safe = np.array(points).T
    assert dominance(helpful, safe, 0.01).any(axis=0).tolist() == dominated


@given(shares)
def test_dominance_never_holds_both_ways_and_some_point_is_always_free(
    points: list[tuple[float, float]],
) -> None:
    helpful, safe = np.array(points).T
    found = dominance(helpful, safe, 0.05)
    assert not (found & found.T).any()
    assert not found.any(axis=0).all()


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([(1.0, 1.0)], 1.0),
        ([(0.6, 0.5)], 0.3),
        ([(1.0, 0.2), (0.5, 0.8)], 0.5),
        ([(0.5, 0.8), (1.0, 0.2), (0.4, 0.1)], 0.5),  # a dominated point adds nothing
        ([(0.2, 1.0), (0.6, 0.6), (1.0, 0.2)], 0.2 + 0.24 + 0.08),
        ([(0.0, 1.0), (1.0, 0.0)], 0.0),
    ],
)
def test_given_known_points_when_measured_then_the_hypervolume_is_the_area_of_their_steps(
    points: list[tuple[float, float]], area: float
) -> None:
    helpful, safe = np.array(points).T
    assert float(hypervolume(helpful, safe)) == pytest.approx(area)


@given(shares)
def test_the_hypervolume_lies_between_the_best_single_point_and_the_best_of_both_axes(
    points: list[tuple[float, float]],
) -> None:
    helpful, safe = np.array(points).T
    area = float(hypervolume(helpful, safe))
    assert (helpful * safe).max() - 1e-9 <= area <= helpful.max() * safe.max() + 1e-9


def test_given_a_point_far_worse_than_another_when_resampled_then_it_is_dominated_and_by_whom() -> None:
    helpful, safe = outcomes(0.9, 0.6, 0.5), outcomes(0.5, 0.9, 0.3)

    joint = joint_bootstrap(axis(helpful, "h"), axis(safe, "s"), draws=500)
    first, second, third = positions(([0.9, 0.6, 0.5], [0.5, 0.9, 0.3]), joint)

    assert [state_of(one) for one in (first, second, third)] == ["frontier", "frontier", "dominated"]
    assert [one.best for one in (first, second, third)] == [True, True, False]
    assert third.dominates_me[:2].min() > 0.95
    assert third.dominates_me[2] == 0


@pytest.mark.parametrize(
    ("free", "by", "state"),
    [
        (0.975, (0.0, 0.02), "frontier"),
        (0.97, (0.0, 0.02), "undecided"),
        (0.05, (0.0, 0.95), "dominated"),
        (0.05, (0.0, 0.94), "undecided"),
        # One other of two would do, so each has half of the error; together they show nothing.
        (0.02, (0.0, 0.97, 0.9), "undecided"),
        (0.02, (0.0, 0.975, 0.9), "dominated"),
        (0.0, (0.0, *[0.99] * 10), "undecided"),
        (0.0, (0.0, *[0.1] * 9, 0.995), "dominated"),
        (1.0, (0.0,), "frontier"),
    ],
)
def test_given_shares_of_the_draws_when_named_then_one_dominator_must_be_shown(
    free: float, by: tuple[float, ...], state: str
) -> None:
    assert state_of(Position(free, np.array(by), best=True)) == state


def test_given_the_same_outcomes_twice_when_resampled_then_neither_is_shown_to_be_dominated() -> None:
    helpful, safe = outcomes(0.8, 0.8, n=40), outcomes(0.7, 0.7, n=40)
    joint = joint_bootstrap(axis(helpful, "h"), axis(safe, "s"), draws=500)

    found = positions(([0.8, 0.8], [0.7, 0.7]), joint)

    assert "dominated" not in {state_of(one) for one in found}


def test_given_too_few_requests_on_one_axis_when_all_differ_alike_then_nothing_is_shown() -> None:
    helpful, safe = outcomes(1.0, 0.0, n=40), outcomes(1.0, 0.0, n=20)
    joint = joint_bootstrap(axis(helpful, "h"), axis(safe, "s"), draws=500)
    _, worse = positions(([1, 0], [1, 0]), joint)

    assert not enough(helpful, safe)
    assert enough(helpful, helpful)
    assert state_of(worse) == "dominated"
    assert state_of(worse, enough=enough(helpful, safe)) == "undecided"


def test_given_families_that_share_their_outcome_when_resampled_then_rates_vary_as_families_do() -> None:
    rng = np.random.default_rng(3)
    by_family = rng.integers(0, 2, size=(50, 2)).astype(np.int8)
    helpful = np.repeat(by_family, 8, axis=0)

    together = joint_bootstrap(axis(helpful, "h", 8), axis(helpful, "s", 8), draws=1000)
    apart = joint_bootstrap(axis(helpful, "h"), axis(helpful, "s"), draws=1000)

    assert (together.families, apart.families) == (100, 800)
    ratio = together.helpful.std(axis=0) / apart.helpful.std(axis=0)
    assert ratio == pytest.approx(np.full(2, 8**0.5), rel=0.15)


def test_given_a_family_on_both_axes_when_resampled_then_the_axes_move_together() -> None:
    rng = np.random.default_rng(5)
    helpful = rng.integers(0, 2, size=(60, 1)).astype(np.int8)

    shared = joint_bootstrap(axis(helpful, "f"), axis(1 - helpful, "f"), draws=1000)

    assert np.corrcoef(shared.helpful[:, 0], shared.safe[:, 0])[0, 1] < -0.8


def test_given_unscored_outcomes_when_rated_then_they_widen_both_ends_and_leave_the_estimate() -> None:
    scored = np.array([1] * 80 + [0] * 20, dtype=np.int8)
    with_holes = np.concatenate([scored, np.full(10, UNSCORED, dtype=np.int8)])

    estimate, interval, missing = rate(with_holes)
    plain = rate(scored)[1]

    assert (estimate, missing) == (0.8, 10)
    assert interval is not None
    assert plain is not None
    assert interval.lower < plain.lower
    assert interval.upper > plain.upper
    assert rate(np.full(3, UNSCORED, dtype=np.int8)) == (None, None, 3)


def test_the_bootstrap_is_the_same_for_the_same_seed() -> None:
    helpful, safe = outcomes(0.7, 0.6, n=50), outcomes(0.4, 0.6, n=50)
    first, again, other = (
        joint_bootstrap(axis(helpful, "h"), axis(safe, "s"), draws=50, seed=seed) for seed in (1, 1, 2)
    )
    assert (first.helpful == again.helpful).all()
    assert (first.helpful != other.helpful).any()


@pytest.mark.parametrize(
    ("n", "others"),
    [(150, 1), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((ENOUGH, 1), (60, 1), (60, 8)))],
)
def test_given_a_point_on_the_border_of_dominance_then_it_is_misnamed_in_5_percent_at_most(
    n: int, others: int
) -> None:
    """Each other point is safer by 30 points, and the first more helpful by exactly the margin.

    There they neither dominate it nor fail to: whichever of the two is said of the first is wrong. The true
    area is known too, and the interval of the hypervolume has to hold it.
    """
    worlds, margin = 300, 0.05
    helpful, safe = np.array([0.70, *[0.65] * others]), np.array([0.4, *[0.7] * others])
    true_area = float(hypervolume(helpful, safe))
    rng = np.random.default_rng(2026)
    states: list[str] = []
    held = 0
    for world in range(worlds):
        # One common luck for a request, as two variants of one model have.
        seen = [(rng.random((n, 1)) < rates).astype(np.int8) for rates in (helpful, safe)]
        own = [rng.random((n, others + 1)) < rates for rates in (helpful, safe)]
        noisy = [
            np.where(rng.random((n, 1)) < 0.2, *each).astype(np.int8) for each in zip(own, seen, strict=True)
        ]
        joint = joint_bootstrap(axis(noisy[0], "h"), axis(noisy[1], "s"), draws=400, seed=world)
        now = (noisy[0].mean(axis=0), noisy[1].mean(axis=0))
        states.append(state_of(positions(now, joint, margin=margin)[0]))
        interval = hypervolume_interval(joint, float(hypervolume(*now)))
        held += interval.lower <= true_area <= interval.upper
    slack = 3 * (0.05 * 0.95 / worlds) ** 0.5
    assert states.count("dominated") / worlds <= 0.05 + slack
    assert states.count("frontier") / worlds <= 0.05 + slack
    assert held / worlds >= 0.95 - slack
