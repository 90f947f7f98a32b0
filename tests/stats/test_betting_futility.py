"""When a betting stream is given up: the predictive chance of a decision, on which no error rate rests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alignmeter.stats.sequential.betting import betting_design
from alignmeter.stats.sequential.betting_futility import Side, chance_of_decision

DESIGN = betting_design(
    -1.1,
    0.9,
    n_max=100,
    alternative_pass={0.9: 0.03, -0.1: 0.94, -1.1: 0.03},
    alternative_fail={0.9: 0.3, -0.1: 0.65, -1.1: 0.05},
)


def sides(differences: list[float]) -> tuple[tuple[Side, ...], dict[float, int]]:
    process = DESIGN.start()
    for difference in differences:
        process.update(difference - 0.1)
    seen = {value: differences.count(value) for value in (-1.0, 0.0, 1.0)}
    return (Side(process, "pass", 0.1), Side(process, "fail", 0.1)), seen


def test_a_stream_on_its_way_is_likely_to_decide_and_one_at_the_margin_is_not() -> None:
    one_sided = [1.0, 0.0, 0.0] * 7
    at_the_margin = ([1.0] * 3 + [-1.0] + [0.0] * 16) * 2

    assert chance_of_decision(*sides(one_sided), left=60) > 0.9
    assert chance_of_decision(*sides(at_the_margin), left=20) < 0.1


def test_without_units_to_come_nothing_will_be_decided() -> None:
    assert chance_of_decision(*sides([0.0] * 20), left=0) == 0


def test_the_same_units_give_the_same_chance() -> None:
    assert chance_of_decision(*sides([1.0, 0.0, 0.0] * 8), left=40) == chance_of_decision(
        *sides([1.0, 0.0, 0.0] * 8), left=40
    )


def test_the_chance_is_that_of_streams_that_really_go_on() -> None:
    # The predictive law is played out by hand: a law from the posterior, then the process itself.
    start = [1.0] * 6 + [0.0] * 20
    found = chance_of_decision(*sides(start), left=40)
    generator = np.random.default_rng(7)
    decided = 0
    rounds = 400
    for _ in range(rounds):
        law = generator.dirichlet([0.5, 20.5, 6.5])
        process = DESIGN.start()
        for difference in start:
            process.update(difference - 0.1)
        while process.decision == "continue" and process.n < len(start) + 40:
            process.update(float(generator.choice([-1.0, 0.0, 1.0], p=law)) - 0.1)
        decided += process.decision in {"pass", "fail"}

    error = math.sqrt(found * (1 - found) * 2 / rounds)
    assert found == pytest.approx(decided / rounds, abs=4 * error)
