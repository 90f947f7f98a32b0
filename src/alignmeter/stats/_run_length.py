"""Run lengths of a CUSUM of binary outcomes, exact, as a Markov chain on whole steps."""

from __future__ import annotations

import math

import numpy as np

_RESOLUTION = 20
_MAX_STATES = 3_000


def whole_steps(p0: float, p1: float) -> tuple[int, int, float]:
    """Round the two log likelihood ratios to whole multiples of a common unit.

    Returns:
        Steps of an event and of no event (opposite signs), and the unit.
    """
    event, other = math.log(p1 / p0), math.log1p(-p1) - math.log1p(-p0)
    small = min(abs(event), abs(other))
    per_step = math.ceil(_RESOLUTION * small / max(abs(event), abs(other)))
    unit = small / per_step
    return round(event / unit), round(other / unit), unit


def shortest_limit(p0: float, event_step: int, other_step: int, unit: float, run_length: float) -> int:
    """Return the smallest limit, in steps, whose average run length at p0 is at least `run_length`.

    Raises:
        ValueError: The chain would have more states than can be solved in reasonable time.
    """

    def long_enough(limit: int) -> bool:
        if limit > _MAX_STATES:
            raise ValueError(
                f"p0 and p1 must be further apart for a run length of {run_length!r}: a limit of {limit} "
                f"steps was needed and {_MAX_STATES} can be calibrated; use shiryaev_roberts"
            )
        return mean_run_length(p0, event_step, other_step, limit) >= run_length

    low, high = 0, max(1, round(math.log1p(run_length) / unit))
    while not long_enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if long_enough(middle) else (middle, high)
    return high


def mean_run_length(p: float, event_step: int, other_step: int, limit: int) -> float:
    """Return the expected number of outcomes until the level, from 0, first reaches the limit.

    Args:
        p: Rate of events, in [0, 1].
        event_step: What an event adds; one of the two steps is negative, one positive.
        other_step: What no event adds.
        limit: Level of the alarm, at least 1.

    Returns:
        Outcomes; infinite where the limit is never reached.

    Raises:
        ValueError: The rate is so near to 0 or 1 that double precision does not tell the run length.
    """
    if (event_step > 0 and p == 0) or (other_step > 0 and p == 1):
        return math.inf
    levels = np.arange(limit)
    system = np.eye(limit)
    for step, probability in ((event_step, p), (other_step, 1 - p)):
        target = np.maximum(levels + step, 0)
        stays = target < limit
        np.subtract.at(system, (levels[stays], target[stays]), probability)
    system[0, 0] = p if event_step > 0 else 1 - p  # 1 - (1 - p) would lose the digits of a small p
    try:
        return float(np.linalg.solve(system, np.ones(limit))[0])
    except np.linalg.LinAlgError:
        raise ValueError(
            f"rates must lie further from 0 and 1 for a run length that can be told, got {p!r}"
        ) from None
