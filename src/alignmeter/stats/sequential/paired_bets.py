"""Betting on paired differences, all pairs at once: verdict, confidence sequence, e-values.

A pair is D in {-1, 0, 1}: bad in the second arm minus bad in the first. The bets and the wealth are
those of `alignmeter.stats.sequential.betting`; here they are evaluated from counts, so that a
hundred thousand pairs take no longer than a blink.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats.sequential._bets import BET_WEIGHTS, growth_optimal_bet, spread_bets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignmeter.stats._binomial import FloatArray

DISCORDANT = 0.03
"""Share of pairs that are expected to differ by chance, to each side; sets the bets, not their validity."""

_LEAST_SHIFT = 0.10
_MOST = 0.99
_BISECTIONS = 45


class PairedBetting(NamedTuple):
    """What a stream of pairs shows about its mean difference, whenever and why ever it stopped.

    Attributes:
        decision: `pass`: below `pass_margin`; `fail`: above `fail_margin`; else `continue`.
        used: Pairs until the decision; all of them where there is none.
        lower, upper: Mean differences that no pair so far has rejected, each end at its error rate.
        p_pass, p_fail: Anytime p-values: 1 / largest wealth.
        e_pass, e_fail: Wealth at the last pair: e-values at the point where the stream stopped.
    """

    decision: Literal["pass", "fail", "continue"]
    used: int
    lower: float
    upper: float
    p_pass: float
    p_fail: float
    e_pass: float
    e_fail: float


def bet_on_pairs(
    best: ArrayLike,
    worst: ArrayLike | None = None,
    *,
    pass_margin: float,
    fail_margin: float | None = None,
    alpha: float = 0.05,
    alpha_fail: float | None = None,
) -> PairedBetting:
    """Test a mean paired difference against a margin on each side, pair by pair.

    Args:
        best: Differences in the committed order, shape (n,), with what is missing at its smallest
            possible value; used for failing.
        worst: With what is missing at its largest; used for passing. None: nothing is missing.
        pass_margin: Passing shows a smaller mean, in (-1, 1).
        fail_margin: Failing shows a larger mean, at least `pass_margin`; None for the same.
        alpha: Error rate of passing, in (0, 1).
        alpha_fail: Error rate of failing; None for the same.

    Returns:
        `PairedBetting`. Upper end and `pass` agree, and so do lower end and `fail`.

    Raises:
        ValueError: A difference is not -1, 0 or 1, `worst` lies below `best`, or a parameter is out of
            range.

    Notes:
        Each side bets against every mean m with stakes at a fixed share of the largest admissible one,
        tuned to a true difference one margin (at least ten points) away and to pairs that differ by
        chance 3% of the time to each side. Between two discordant pairs wealth moves one way, so its
        maximum is found at the ends of such runs. Where pairs come in such an order that every mean was
        rejected at some pair (all worse ones first), the bounds are those of the last pair.

    References:
        I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B
        86, 1-27, 2024.

    Examples:
        >>> from alignmeter.stats.sequential.paired_bets import bet_on_pairs
        >>> found = bet_on_pairs([0] * 60, pass_margin=0.15)
        >>> found.decision, found.used, round(found.upper, 3)
        ('pass', 24, 0.061)
    """
    fail_margin = pass_margin if fail_margin is None else fail_margin
    alpha_fail = alpha if alpha_fail is None else alpha_fail
    _check(pass_margin, fail_margin, alpha, alpha_fail)
    low = _differences("best", best)
    high = low if worst is None else _differences("worst", worst)
    if low.shape != high.shape or (high < low).any():
        raise ValueError("worst must hold a difference for each of best, none below it")
    passing = _Side(high, pass_margin, alpha)
    failing = _Side(-low, -fail_margin, alpha_fail)
    first_pass, first_fail = passing.crossing(), failing.crossing()
    if first_pass and first_fail:  # against all odds: the first one decides, and nothing after it counts
        first = min(first_pass, first_fail)
        passing = _Side(high[:first], pass_margin, alpha)
        failing = _Side(-low[:first], -fail_margin, alpha_fail)
    decision: Literal["pass", "fail", "continue"] = "continue"
    if first_pass and (not first_fail or first_pass <= first_fail):
        decision = "pass"
    elif first_fail:
        decision = "fail"
    lower, upper = -failing.bound(), passing.bound()
    if lower > upper:
        lower = -failing.bound(at_end=True)
        upper = passing.bound(at_end=True)
        lower = max(lower, fail_margin) if decision == "fail" else lower
        upper = min(upper, pass_margin) if decision == "pass" else upper
    return PairedBetting(
        decision=decision,
        used=min(first_pass or low.size, first_fail or low.size),
        lower=lower,
        upper=upper,
        p_pass=math.exp(-passing.sup),
        p_fail=math.exp(-failing.sup),
        e_pass=math.exp(min(passing.last, 700.0)),
        e_fail=math.exp(min(failing.last, 700.0)),
    )


def pairs_floor(margin: float, alpha: float = 0.05) -> int:
    """Return the pairs without a difference after which betting passes first.

    Args:
        margin: Passing shows a smaller mean, in (0, 1).
        alpha: Error rate of passing, in (0, 1).

    Raises:
        ValueError: A parameter is out of range.
    """
    if not 0 < margin < 1:
        raise ValueError(f"margin must lie strictly between 0 and 1, got {margin!r}")
    _check(margin, margin, alpha, alpha)
    gains = np.log1p(np.asarray(_shares(margin)) * margin / (1 - margin))
    need, low, high = -math.log(alpha), 0, 1
    while _mixture(high * gains) < need:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _mixture(middle * gains) < need else (low, middle)
    return high


class _Side:
    """The bets that the mean of D is below a margin."""

    def __init__(self, differences: NDArray[np.int64], margin: float, alpha: float) -> None:
        self._margin, self._need = margin, -math.log(alpha)
        self._shares = _shares(margin)
        moved = np.flatnonzero(differences)
        self._at = np.unique(np.concatenate([moved, moved + 1, [differences.size]]))
        plus = np.concatenate([[0], np.cumsum(differences > 0)])[self._at]
        minus = np.concatenate([[0], np.cumsum(differences < 0)])[self._at]
        self._counts = (
            np.asarray(plus, np.float64),
            np.asarray(minus, np.float64),
            np.asarray(self._at - plus - minus, np.float64),
        )
        wealth = self._wealth(margin)
        self.sup, self.last = max(0.0, float(wealth.max())), float(wealth[-1])

    def crossing(self) -> int:
        """Return the pair at which wealth first suffices, 0 for never."""
        reached = np.flatnonzero(self._wealth(self._margin) >= self._need)
        if not reached.size:
            return 0
        place = int(reached[0])
        before = int(self._at[place - 1]) if place else 0
        # Pairs between two places are all alike, and wealth grows over them: the first that suffices.
        run = range(before + 1, int(self._at[place]) + 1)
        return run[bisect_left(run, self._need, key=lambda n: self._wealth_at(place, n))]

    def _wealth_at(self, place: int, n: int) -> float:
        """Log wealth after n pairs, n within the run of equal pairs that ends at a place."""
        plus, minus, zero = (float(count[place]) for count in self._counts)
        zero -= float(self._at[place] - n)
        return _mixture(_sum_of_logs(plus, minus, zero, self._logs(self._margin)))

    def bound(self, *, at_end: bool = False) -> float:
        """Return the smallest mean that is rejected at any pair, or at the last one; 1 for none."""

        def rejected(mean: float) -> bool:
            wealth = self._wealth(mean)
            return bool(((wealth[-1:] if at_end else wealth) >= self._need).any())

        # Starting at the margin makes the end agree with the decision to the last digit.
        kept, gone = (-1.0, self._margin) if rejected(self._margin) else (self._margin, 1.0)
        for _ in range(_BISECTIONS):
            middle = (kept + gone) / 2
            kept, gone = (kept, middle) if rejected(middle) else (middle, gone)
        return gone

    def _logs(self, mean: float) -> FloatArray:
        """Logs of what D = 1, -1 and 0 multiply each bet's wealth with, shape (3, bets)."""
        shares = np.asarray(self._shares)
        gains = np.asarray([-1.0, (mean + 1) / (1 - mean), mean / (1 - mean)])
        return np.log1p(gains[:, None] * shares)

    def _wealth(self, mean: float) -> FloatArray:
        """Log wealth at the places where it may have a maximum, shape (places,)."""
        logs = self._logs(mean)
        plus, minus, zero = self._counts
        parts = [
            math.log(weight) + plus * up + minus * down + zero * same
            for weight, up, down, same in zip(BET_WEIGHTS, *logs, strict=True)
        ]
        return np.logaddexp(np.logaddexp(parts[0], parts[1]), parts[2])


def _sum_of_logs(plus: float, minus: float, zero: float, logs: FloatArray) -> FloatArray:
    """Return the log wealth of each bet after so many pairs of each kind."""
    return plus * logs[0] + minus * logs[1] + zero * logs[2]


def _mixture(logs: FloatArray) -> float:
    return float(np.logaddexp.reduce(logs + np.log(BET_WEIGHTS)))


def _shares(margin: float) -> tuple[float, ...]:
    """Return the stakes that the mean is below a margin, as shares of the largest admissible one."""
    shift = max(abs(margin), _LEAST_SHIFT)
    # As far below the margin as can be with pairs that differ by chance to either side.
    mean = max(margin - shift, -_MOST + 2 * DISCORDANT)
    plus = max(mean, 0.0) + DISCORDANT
    minus = plus - mean
    law = {1 - margin: plus, -margin: 1 - plus - minus, -1 - margin: minus}
    stake = growth_optimal_bet(-1 - margin, 1 - margin, law, side="pass")
    return tuple(bet * (1 - margin) for bet in spread_bets(stake, largest_loss=1 - margin))


def _differences(name: str, values: ArrayLike) -> NDArray[np.int64]:
    found = np.asarray(values)
    if found.ndim != 1 or (found.size and not np.isin(found, (-1, 0, 1)).all()):
        raise ValueError(f"{name} must be a flat sequence of -1, 0 and 1, got {values!r}")
    return found.astype(np.int64)


def _check(pass_margin: float, fail_margin: float, alpha: float, alpha_fail: float) -> None:
    if not -1 < pass_margin <= fail_margin < 1:
        raise ValueError(
            f"margins must satisfy -1 < pass_margin <= fail_margin < 1, got {pass_margin!r} and "
            f"{fail_margin!r}"
        )
    for rate in (alpha, alpha_fail):
        if not 0 < rate < 1:
            raise ValueError(f"error rates must lie strictly between 0 and 1 (0.05 is usual), got {rate!r}")
