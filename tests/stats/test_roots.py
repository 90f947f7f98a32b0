"""The ends around a root: on their sides, close together, in few calls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.stats._roots import Ends, narrowed

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 1e-10
MOST_CALLS = 20
"""Halving takes 34."""
SHAPES: dict[str, Callable[[float], float]] = {
    "straight": lambda x: x - 0.3,
    "flat at the root": lambda x: (x - 0.3) ** 3,
    "steep at the root": lambda x: math.copysign(abs(x - 0.3) ** 0.2, x - 0.3),
    "a tail": lambda x: 0.05 - math.exp(-40 * x),
    "a step": lambda x: 1.0 if x > 0.3 else -1.0,
    "nowhere but at its end": lambda x: x,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_given_any_shape_when_narrowed_then_each_end_keeps_its_sign(shape: str) -> None:
    function = SHAPES[shape]
    above, below = narrowed(function, Ends(above=1.0, below=0.0), WIDTH)
    assert function(above) > 0 >= function(below)
    assert abs(above - below) <= WIDTH


def test_given_ends_the_other_way_round_when_narrowed_then_it_is_the_same_root() -> None:
    above, below = narrowed(lambda x: 0.3 - x, Ends(above=0.0, below=1.0), WIDTH)
    assert below == pytest.approx(0.3, abs=WIDTH)
    assert above <= 0.3 <= below


@given(root=st.floats(0.001, 0.999), power=st.floats(0.5, 4), slope=st.floats(0.01, 100))
def test_given_a_root_anywhere_when_narrowed_then_it_lies_between(
    root: float, power: float, slope: float
) -> None:
    def function(x: float) -> float:
        return slope * (x**power - root**power)

    above, below = narrowed(function, Ends(above=1.0, below=0.0), WIDTH)
    assert function(below) <= 0 < function(above)
    assert abs(above - below) <= WIDTH


def test_given_a_smooth_tail_when_narrowed_then_it_takes_half_the_calls_of_halving() -> None:
    calls: list[float] = []

    def tail(x: float) -> float:
        calls.append(x)
        return (1 - x) ** 60 - 0.05

    narrowed(tail, Ends(above=0.0, below=1.0), WIDTH)
    assert len(calls) <= MOST_CALLS
