"""Bets on a bounded variable: the optimal stake, the mixture around it, wealth in logarithms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from alignmeter.stats._binomial import FloatArray

Alternative: TypeAlias = float | Mapping[float, float]
"""A law of Z to bet on: its mean (Z on the two ends of its range), or probabilities by value."""

BET_WEIGHTS = (0.5, 0.25, 0.25)
"""Wealth put on the optimal stake, on half of it and on twice it."""

_LARGEST_SHARE = 0.9
_BISECTIONS = 60
_TOLERANCE = 1e-9


def growth_optimal_bet(
    lower: float, upper: float, alternative: Alternative, *, side: Literal["pass", "fail"]
) -> float:
    """Return the stake in (0, 1 / largest loss) with the largest expected log growth.

    Raises:
        ValueError: The alternative is no law on [lower, upper], or its mean is on the wrong side.
    """
    law = _as_law(lower, upper, alternative, side)
    sign = -1.0 if side == "pass" else 1.0
    gains = sign * np.asarray(list(law), np.float64)
    shares = np.asarray(list(law.values()), np.float64)
    mean = float(gains @ shares)
    if not mean > 0:
        wanted = "below 0" if side == "pass" else "above 0"
        raise ValueError(f"alternative_{side} must have a mean of Z {wanted}, got {alternative!r}")
    low, high = 0.0, 1 / (upper if side == "pass" else -lower)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        growing = float((shares * gains / (1 + middle * gains)).sum()) > 0
        low, high = (middle, high) if growing else (low, middle)
    return low


def spread_bets(stake: float, *, largest_loss: float) -> tuple[float, ...]:
    """Return the stake, half of it and twice it, cut below the stake that could lose everything."""
    most = _LARGEST_SHARE / largest_loss
    return min(stake, most), min(stake / 2, most), min(2 * stake, most)


def log_mixture(logs: FloatArray) -> float:
    """Return log sum_k w_k exp(logs_k), logs of shape (3,)."""
    peak = float(logs.max())
    return peak + math.log(
        sum(w * math.exp(v - peak) for w, v in zip(BET_WEIGHTS, logs.tolist(), strict=True))
    )


def log_wealth(gains: FloatArray, bets: tuple[float, ...]) -> FloatArray:
    """Return the log of the mixture's wealth after each unit, gains of shape (..., n)."""
    return log_mixture_of((0.0, 0.0, 0.0), gains, bets)


def log_mixture_of(before: tuple[float, ...], gains: FloatArray, bets: tuple[float, ...]) -> FloatArray:
    """Return `log_wealth` of a mixture whose components begin with the logarithms `before`."""
    parts = [
        math.log(weight) + log + np.cumsum(np.log1p(bet * gains), axis=-1)
        for weight, log, bet in zip(BET_WEIGHTS, before, bets, strict=True)
    ]
    return np.logaddexp(np.logaddexp(parts[0], parts[1]), parts[2])


def crossing_counts(
    n_max: int, loss: float, gain: float, bets: tuple[float, ...], need: float
) -> tuple[int, ...]:
    """Return, after each of 1 .. n_max units, the fewest wins at which log wealth reaches `need`.

    Args:
        n_max: Units at most.
        loss: What a unit that does not win is worth, below 0.
        gain: What a win is worth, above 0.
        bets: Stakes of the mixture.
        need: Log wealth asked for.

    Returns:
        Counts of shape (n_max,), n + 1 where not even n wins are enough.
    """
    n = np.arange(1.0, n_max + 1)
    low, high = np.full(n_max, -1.0), n + 1
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        parts = [
            math.log(weight) + middle * math.log1p(bet * gain) + (n - middle) * math.log1p(bet * loss)
            for weight, bet in zip(BET_WEIGHTS, bets, strict=True)
        ]
        enough = np.logaddexp(np.logaddexp(parts[0], parts[1]), parts[2]) >= need
        open_ = high - low > 1
        low, high = np.where(open_ & ~enough, middle, low), np.where(open_ & enough, middle, high)
    return tuple(int(count) for count in high)


def _as_law(
    lower: float, upper: float, alternative: Alternative, side: Literal["pass", "fail"]
) -> Mapping[float, float]:
    if not isinstance(alternative, Mapping):
        if not lower <= alternative <= upper:
            raise ValueError(
                f"alternative_{side} must be a mean of Z in [{lower!r}, {upper!r}], got {alternative!r}"
            )
        bad = (alternative - lower) / (upper - lower)
        return {lower: 1 - bad, upper: bad}
    inside = all(lower - _TOLERANCE <= z <= upper + _TOLERANCE for z in alternative)
    proper = all(share >= 0 for share in alternative.values())
    if not (inside and proper and abs(sum(alternative.values()) - 1) < _TOLERANCE):
        raise ValueError(
            f"alternative_{side} must map values in [{lower!r}, {upper!r}] to probabilities that sum to 1, "
            f"got {alternative!r}"
        )
    return alternative
