"""Detectors of drift: they raise an alarm for what they watch and keep their run length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.stats.detectors import (
    CusumDetector,
    CusumState,
    DetectorState,
    EDetector,
    cusum,
    shiryaev_roberts,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def first_alarm(detector: EDetector, outcomes: list[float]) -> DetectorState:
    state = detector.start()
    for y in outcomes:
        state = detector.update(state, y)
        if state.alarm is not None:
            break
    return state


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40))
def test_the_statistic_is_the_sum_over_all_starts_of_the_wealth_since(outcomes: list[int]) -> None:
    detector = shiryaev_roberts(upper=0.3, run_length=1e12)
    state = first_alarm(detector, [float(y) for y in outcomes])

    for bet, level in zip(detector.up_bets, state.up, strict=True):
        factors = [1 + bet * (y - 0.3) for y in outcomes]
        assert level == pytest.approx(sum(math.prod(factors[start:]) for start in range(len(factors))))


@pytest.mark.parametrize(("y", "alarm"), [(1.0, "up"), (0.0, "down")])
def test_watching_both_directions_names_the_one_that_moved(y: float, alarm: str) -> None:
    state = first_alarm(shiryaev_roberts(upper=0.35, lower=0.25, run_length=1_000), [y] * 100)
    assert state.alarm == alarm


def test_a_direction_that_is_not_watched_raises_no_alarm() -> None:
    upward = shiryaev_roberts(upper=0.35, run_length=1_000)
    downward = shiryaev_roberts(lower=0.25, run_length=1_000)
    assert first_alarm(upward, [0.0] * 2_000).alarm is None
    assert first_alarm(downward, [1.0] * 2_000).alarm is None


def test_stakes_are_those_that_grow_fastest_at_their_odds_ratio() -> None:
    detector = shiryaev_roberts(upper=0.2, lower=0.1, odds_ratios=(3.0,))

    def growth(bet: float, rate: float, bound: float, sign: int) -> float:
        return rate * math.log1p(sign * bet * (1 - bound)) + (1 - rate) * math.log1p(-sign * bet * bound)

    more, fewer = 3 / 7, 1 / 28  # odds 1/4 times 3, odds 1/9 divided by 3
    for bet, rate, bound, sign in (
        (detector.up_bets[0], more, 0.2, 1),
        (detector.down_bets[0], fewer, 0.1, -1),
    ):
        here = growth(bet, rate, bound, sign)
        assert here > max(growth(bet + d, rate, bound, sign) for d in (-0.02, 0.02))


def test_the_promised_run_length_is_halved_for_two_directions() -> None:
    assert shiryaev_roberts(upper=0.1, run_length=500).run_length == 500
    assert shiryaev_roberts(upper=0.1, lower=0.1, run_length=500).run_length == 250


@pytest.mark.parametrize("directions", [("up",), ("down",), ("up", "down")])
def test_without_a_change_the_average_run_length_is_at_least_the_threshold(
    directions: tuple[str, ...],
) -> None:
    rate, streams, threshold = 0.2, 1_500, 200.0
    detector = shiryaev_roberts(
        upper=rate if "up" in directions else None,
        lower=rate if "down" in directions else None,
        run_length=threshold,
    )
    generator = np.random.default_rng(4)
    up, down = np.zeros((streams, len(detector.up_bets))), np.zeros((streams, len(detector.down_bets)))
    alarm_at = np.zeros(streams)
    t = 0
    while not alarm_at.all():
        t += 1
        z = (generator.random(streams) < rate)[:, None] - rate
        up = np.minimum((up + 1) * (1 + np.array(detector.up_bets) * z), 1e6)
        down = np.minimum((down + 1) * (1 - np.array(detector.down_bets) * z), 1e6)
        reached = np.zeros(streams, dtype=bool)
        for level in (up, down):
            if level.shape[1]:
                reached |= level.mean(axis=1) >= threshold
        alarm_at[reached & (alarm_at == 0)] = t

    error = alarm_at.std() / math.sqrt(streams)
    assert alarm_at.mean() >= detector.run_length - 3 * error


def test_detectors_and_states_hash_by_value() -> None:
    assert hash(shiryaev_roberts(upper=0.1)) == hash(shiryaev_roberts(upper=0.1))
    assert hash(shiryaev_roberts(upper=0.1).start()) == hash(shiryaev_roberts(upper=0.2).start())


@pytest.mark.parametrize("y", [math.nan, -0.1, 1.1])
def test_outcomes_outside_their_range_are_refused(y: float) -> None:
    detector = shiryaev_roberts(upper=0.1)
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        detector.update(detector.start(), y)


def test_after_an_alarm_the_state_takes_nothing_more() -> None:
    detector = shiryaev_roberts(upper=0.1, run_length=10)
    state = first_alarm(detector, [1.0] * 50)
    with pytest.raises(ValueError, match=r"the alarm \(up\) was raised"):
        detector.update(state, 1.0)
    assert detector.update(detector.start(), 1.0).n == 1


def test_the_state_of_another_detector_is_refused() -> None:
    with pytest.raises(ValueError, match="the state must have 3 bets up and 0 down"):
        shiryaev_roberts(upper=0.1).update(shiryaev_roberts(lower=0.1).start(), 1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: shiryaev_roberts(upper=0.0),
        lambda: shiryaev_roberts(upper=math.nan),
        lambda: shiryaev_roberts(upper=0.1, lower=0.2),
        lambda: shiryaev_roberts(upper=0.1, run_length=1),
        lambda: shiryaev_roberts(upper=0.1, odds_ratios=()),
        lambda: shiryaev_roberts(upper=0.1, odds_ratios=(0.5,)),
        lambda: cusum(0.05, 1.0),
        lambda: cusum(0.05, 0.05),
        lambda: cusum(0.05, math.nan),
        lambda: cusum(0.05, 0.1, run_length=math.inf),
        lambda: cusum(0.05, 0.0501),
        lambda: cusum(0.05, 0.1).mean_run_length(-0.1),
        lambda: cusum(0.05, 0.1).mean_run_length(1e-300),
        lambda: cusum(0.05, 0.1).update(CusumState(), cast(int, 0.5)),
    ],
)
def test_parameters_outside_their_range_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must"):
        call()


def test_watching_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="got neither"):
        shiryaev_roberts()


@pytest.mark.parametrize("p0", [1e-9, 1e-14, 1e-300])
def test_cusum_of_an_event_that_is_rarer_than_rounding_has_its_exact_run_length(p0: float) -> None:
    detector = cusum(p0, 0.5)  # one event raises the alarm
    assert detector.run_length == pytest.approx(1 / p0, rel=1e-12)


@pytest.mark.parametrize(("p0", "p1"), [(0.05, 0.10), (0.30, 0.40), (0.10, 0.05), (0.6, 0.5)])
def test_cusum_has_the_run_length_asked_for_and_the_limit_below_has_not(p0: float, p1: float) -> None:
    detector = cusum(p0, p1, run_length=2_000)
    lower = CusumDetector(p0, p1, detector.event_step, detector.other_step, detector.limit - 1, 0.0)

    assert lower.mean_run_length(p0) < 2_000 <= detector.run_length < 2_500
    assert detector.run_length == pytest.approx(detector.mean_run_length(p0))
    assert detector.mean_run_length(p1) < 250


def test_cusum_run_length_agrees_with_streams_played_one_by_one() -> None:
    detector = cusum(0.1, 0.3, run_length=300)
    generator = np.random.default_rng(6)
    lengths: list[int] = []
    for _ in range(400):
        state = detector.start()
        while not state.alarm:
            state = detector.update(state, int(generator.random() < 0.1))
        lengths.append(state.n)
    assert np.mean(lengths) == pytest.approx(detector.run_length, abs=3 * float(np.std(lengths)) / 20)


def test_cusum_steps_keep_the_ratio_of_the_log_likelihood_ratios() -> None:
    detector = cusum(0.3, 0.4)
    ratio = math.log(0.4 / 0.3) / math.log(0.6 / 0.7)
    assert detector.event_step / detector.other_step == pytest.approx(ratio, rel=0.05)


def test_cusum_stops_at_the_alarm() -> None:
    detector = cusum(0.05, 0.2)
    state = detector.start()
    while not state.alarm:
        state = detector.update(state, 1)
    assert state.n == math.ceil(detector.limit / detector.event_step)
    with pytest.raises(ValueError, match="the alarm was raised"):
        detector.update(state, 1)


def test_cusum_never_alarms_where_the_event_never_happens() -> None:
    assert math.isinf(cusum(0.05, 0.2).mean_run_length(0.0))
    assert math.isinf(cusum(0.2, 0.05).mean_run_length(1.0))
