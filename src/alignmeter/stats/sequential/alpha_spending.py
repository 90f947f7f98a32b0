"""Exact group-sequential tests of a rate: stop as soon as the answer is known.

Units come one by one; each is worth 0 or 1, or 0, 1/2 or 1 where it is the mean of two flips. At
each look the count of bad units is compared with two boundaries. Both are exact, by dynamic
programming over (units, bad units), for any number of looks: nothing is asymptotic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats.intervals import Bounds
from alignmeter.stats.sequential._counts import (
    Stop,
    crossing_boundary,
    futile_counts,
    operating_characteristics,
    rate_bound,
    unit_kernels,
    units_needed,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alignmeter.stats._binomial import FloatArray

Step = Literal["continue", "pass", "fail", "futile", "undecided"]
"""What to do after a unit: go on, stop with a decision, or stop without one."""

MAX_UNITS = 20_000
"""Units of a sequential design at most: its boundaries take time in the square of them."""
_SLACK = 1e-12
"""Rounding of a probability that follows from others."""


class OperatingCharacteristics(NamedTuple):
    """What a design does at a true rate.

    Attributes:
        p_pass, p_fail: Probability of each decision; what is left ends undecided.
        expected_n: Expected number of units until it stops.
    """

    p_pass: FloatArray
    p_fail: FloatArray
    expected_n: FloatArray


@dataclass(frozen=True)
class AlphaSpendingDesign:
    """Boundaries fixed before the first unit; hashable. Made by `alpha_spending_design`.

    Attributes:
        p_pass: Passing rejects rates of at least this one.
        p_fail: Failing rejects rates of at most this one.
        alpha: Error rate of passing.
        alpha_fail: Error rate of failing.
        n_max: Units at most.
        batch: Units between two looks.
        flips: Members of a unit: 1, or 2 where a unit is the mean of two flips.
        futility: Predictive probability of any decision below which it gives up; 0 for never.
        looks: Units at which the boundaries hold, ascending.
        pass_at: At each look, pass with at most so many bad members; -1 where none is few enough.
        fail_at: At each look, fail with at least so many bad members.
        futile: At each look, the counts (first, last) at which it gives up; empty where first > last.
    """

    p_pass: float
    p_fail: float
    alpha: float
    alpha_fail: float
    n_max: int
    batch: int
    flips: int
    futility: float
    looks: tuple[int, ...]
    pass_at: tuple[int, ...]
    fail_at: tuple[int, ...]
    futile: tuple[tuple[int, int], ...]

    @property
    def floor(self) -> int | None:
        """Units, none of them bad, after which it passes first; None where it never can."""
        clean = (n for n, most in zip(self.looks, self.pass_at, strict=True) if most >= 0)
        return next(clean, None)

    @property
    def can_fail(self) -> bool:
        """Whether any outcome fails."""
        return any(at <= self.flips * n for n, at in zip(self.looks, self.fail_at, strict=True))

    def operating_characteristics(
        self, rate: ArrayLike, both: ArrayLike | None = None
    ) -> OperatingCharacteristics:
        """Exact probabilities of the decisions, and the expected number of units.

        Args:
            rate: True rates in [0, 1], any shape.
            both: Probability that both flips of a unit are bad, of that shape; by default they are
                independent.

        Returns:
            Arrays of that shape. The probabilities count what futility gives up as undecided.

        Raises:
            ValueError: A rate is outside [0, 1] or not a number, or `both` is none that two flips of
                that rate can have.

        Examples:
            >>> from alignmeter.stats import alpha_spending_design
            >>> design = alpha_spending_design(0.05, 0.05, 294)
            >>> found = design.operating_characteristics([0.01, 0.05, 0.20])
            >>> [round(float(n)) for n in found.expected_n]
            [129, 281, 32]
            >>> bool(found.p_pass[1] <= 0.05) and bool(found.p_fail[1] <= 0.05)
            True
        """
        rates = np.asarray(rate, dtype=np.float64)
        if not ((rates >= 0) & (rates <= 1)).all():
            raise ValueError(f"rates must lie between 0 and 1, got {rate!r}")
        twice = None if both is None else checked_both(both, rates).ravel()
        found = operating_characteristics(
            rates.ravel(), self.flips, self.looks, self.pass_at, self.fail_at, self.futile, twice
        )
        return OperatingCharacteristics(*(column.reshape(rates.shape) for column in found))

    def start(self) -> AlphaSpendingProcess:
        """Begin a stream of units."""
        return AlphaSpendingProcess(self)

    def interval(self, low: ArrayLike, high: ArrayLike) -> Bounds[float]:
        """Return the rates that nothing seen so far rejects: the dual of the decisions.

        The upper end is at most `p_pass` exactly where a look has passed, the lower end at least
        `p_fail` where one has failed (within rounding, 1e-15). It holds whatever made the stream
        stop.

        Args:
            low: Bad members after each unit so far, unscored ones left out; shape (n,), n <= n_max.
            high: The same with every unscored member as bad.

        Returns:
            `Bounds(lower, upper)`: the lower end is wrong with probability at most `alpha_fail`, the
            upper one `alpha`; (0, 1) before the first look.

        Raises:
            ValueError: The counts are not flat, of one length up to n_max, with low <= high.

        Notes:
            Streams are ordered by how far they come towards passing at any look, with the design's
            boundary as the measure. The upper end is the rate at which a stream would come as far,
            up to `n_max`, with probability `alpha`; that of a stream that stopped early could only
            have come further, so the end errs on the safe side. The lower end mirrors it.

        References:
            G. L. Rosner and A. A. Tsiatis, "Exact confidence intervals following a group sequential
            trial: a comparison of methods", Biometrika 75, 723-729, 1988. C. Jennison and
            B. W. Turnbull, "Interim analyses: the repeated confidence interval approach", JRSS B
            51, 305-361, 1989.
        """
        lows, highs = np.asarray(low, dtype=np.int64), np.asarray(high, dtype=np.int64)
        if lows.ndim != 1 or lows.shape != highs.shape or lows.size > self.n_max or (lows > highs).any():
            raise ValueError(
                f"low and high must be flat, of one length up to {self.n_max} and low <= high, "
                f"got shapes {lows.shape} and {highs.shape}"
            )
        at = np.asarray([n for n in self.looks if n <= lows.size], dtype=np.int64) - 1
        if not at.size:
            return Bounds(0.0, 1.0)
        good = (self.flips * (at + 1) - lows[at]).tolist()
        good_at = [self.flips * n - least for n, least in zip(self.looks, self.fail_at, strict=True)]
        least_good = rate_bound(self.flips, self.looks, good_at, 1 - self.p_fail, self.alpha_fail, good)
        upper = rate_bound(self.flips, self.looks, self.pass_at, self.p_pass, self.alpha, highs[at].tolist())
        return Bounds(1 - least_good, upper)


def alpha_spending_design(
    p0: float,
    alpha: float,
    n_max: int,
    batch: int = 1,
    *,
    p_fail: float | None = None,
    alpha_fail: float | None = None,
    flips: int = 1,
    futility: float = 0.0,
) -> AlphaSpendingDesign:
    """Design an exact sequential test of a rate against a threshold.

    Args:
        p0: The threshold: passing shows a lower rate.
        alpha: Error rate of passing, in (0, 1/2).
        n_max: Units at most.
        batch: Units between two looks; the last look is at `n_max`.
        p_fail: Failing shows a rate above this one; `p0` unless an imperfect judge moves the two
            apart (`shifted_thresholds`).
        alpha_fail: Error rate of failing, in (0, 1/2); `alpha` unless many claims share a gate.
        flips: 2 where a unit is the mean of two binary flips.
        futility: Give up when the posterior-predictive probability of a decision by `n_max` is
            below this (Jeffreys prior); 0 never gives up.

    Returns:
        The design, with boundaries at each look.

    Raises:
        ValueError: A rate or alpha is out of range, or counts are not whole numbers >= 1.

    Notes:
        The boundary at look n is the largest count s such that the probability, at the threshold,
        of having crossed at any look so far stays at or below alpha n / n_max; the upper boundary
        mirrors it. Each is computed as if the other were not there, so each error rate holds
        whatever the other side, futility or a budget stops. For two flips the correlation within a
        unit is unknown: the boundary holds on a grid of its values for alpha less half a percent of
        it, which covers what lies between the points.

    References:
        K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials",
        Biometrika 70, 659-663, 1983.

    Examples:
        >>> from alignmeter.stats import alpha_spending_design
        >>> design = alpha_spending_design(0.05, 0.05, 294)
        >>> design.floor
        84
        >>> process = design.start()
        >>> steps = [process.update(0) for _ in range(84)]
        >>> steps[-2:]
        ['continue', 'pass']
    """
    failing = p0 if p_fail is None else p_fail
    alphas = alpha, alpha if alpha_fail is None else alpha_fail
    _check(p0, failing, alphas, n_max, batch, flips, futility)
    return _design(p0, failing, alphas, int(n_max), int(batch), int(flips), futility)


@lru_cache(maxsize=256)
def _design(  # noqa: PLR0917 - the parameters of a design, checked above
    p0: float,
    p_fail: float,
    alphas: tuple[float, float],
    n_max: int,
    batch: int,
    flips: int,
    futility: float,
) -> AlphaSpendingDesign:
    looks = (*range(batch, n_max, batch), n_max)
    share = np.asarray(looks) / n_max
    pass_at = crossing_boundary(unit_kernels(p0, flips, n_max), looks, alphas[0] * share)
    good = crossing_boundary(unit_kernels(1 - p_fail, flips, n_max), looks, alphas[1] * share)
    fail_at = tuple(flips * n - most for n, most in zip(looks, good, strict=True))
    return AlphaSpendingDesign(
        p_pass=p0,
        p_fail=p_fail,
        alpha=alphas[0],
        alpha_fail=alphas[1],
        n_max=n_max,
        batch=batch,
        flips=flips,
        futility=futility,
        looks=looks,
        pass_at=pass_at,
        fail_at=fail_at,
        futile=futile_counts(flips, looks, pass_at, fail_at, futility),
    )


@lru_cache(maxsize=256)
def _stops(design: AlphaSpendingDesign, missing: int) -> tuple[Stop, ...]:
    """What ends a stream at each look, in scored bad members, once so many members have no score."""
    pass_at = tuple(max(most - missing, -1) for most in design.pass_at)
    futile = design.futile
    if missing:
        futile = futile_counts(design.flips, design.looks, pass_at, design.fail_at, design.futility)
    each = zip(design.looks, pass_at, design.fail_at, futile, strict=True)
    return tuple(Stop(look, most, least, *hopeless) for look, most, least, hopeless in each)


def checked_both(both: ArrayLike, rates: FloatArray) -> FloatArray:
    """Return the probabilities that both flips are bad, of the shape of their rates.

    Raises:
        ValueError: One is more than the rate, or less than two flips of it leave.
    """
    twice = np.broadcast_to(np.asarray(both, dtype=np.float64), rates.shape)
    if not ((twice <= rates + _SLACK) & (twice >= np.maximum(2 * rates - 1, 0.0) - _SLACK)).all():
        raise ValueError(f"both flips are bad at most as often as one, got {both!r} at rates of {rates!r}")
    return twice


class AlphaSpendingProcess:
    """A stream of units under a design.

    Attributes:
        n: Units so far.
        low, high: Bad members so far; `high` takes every unscored member as bad.
        decision: The latest answer of `update`.
    """

    def __init__(self, design: AlphaSpendingDesign) -> None:
        self.design = design
        self.n = self.low = self.high = 0
        self.decision: Step = "continue"
        self._look = 0
        self._lows: list[int] = []
        self._highs: list[int] = []

    def update(self, z: float, *, missing: float = 0.0) -> Step:
        """Take the next unit of the committed order.

        Args:
            z: Its worth: 0 good, 1 bad, 1/2 where one of two flips is bad.
            missing: Share of the unit without a score; it counts as bad for passing and as good
                for failing.

        Raises:
            ValueError: The stream has stopped, or the worth is none that a unit can have.
        """
        if self.decision != "continue":
            raise ValueError(f"the stream stopped after {self.n} units: {self.decision}; start a new one")
        bad, absent = self._members("z", z), self._members("missing", missing)
        if bad + absent > self.design.flips:
            raise ValueError(f"z and missing must sum to at most 1, got {z!r} and {missing!r}")
        self.n += 1
        self.low += bad
        self.high += bad + absent
        self._lows.append(self.low)
        self._highs.append(self.high)
        if self.n == self.design.looks[self._look]:
            self.decision = self._decide(self._look)
            self._look += 1
        return self.decision

    def interval(self) -> Bounds[float]:
        """Return the rates not rejected so far; see `AlphaSpendingDesign.interval`."""
        return self.design.interval(self._lows, self._highs)

    def units_needed(self, chance: float) -> int:
        """Return the units after which the stream has stopped with at least this probability.

        A caller that asks units side by side may run so far ahead: with probability `1 - chance` it
        wastes none. The rate is taken as unknown with a Jeffreys prior, and what comes as scored.

        Args:
            chance: Probability in (0, 1].

        Returns:
            Units in all, those so far included.

        Raises:
            ValueError: `chance` is outside (0, 1].
        """
        if not 0 < chance <= 1:
            raise ValueError(f"chance must lie in (0, 1], got {chance!r}")
        if self.decision != "continue":
            return self.n
        stops = _stops(self.design, self.high - self.low)
        return units_needed(self.design.flips, stops, self.n, self.low, chance)

    def _decide(self, look: int) -> Step:
        stop = _stops(self.design, self.high - self.low)[look]
        if self.low <= stop.pass_at:
            return "pass"
        if self.low >= stop.fail_at:
            return "fail"
        if self.n == self.design.n_max:
            return "undecided"
        return "futile" if stop.futile_from <= self.low <= stop.futile_to else "continue"

    def _members(self, name: str, share: float) -> int:
        count = share * self.design.flips
        if not (math.isfinite(count) and 0 <= count <= self.design.flips and count == int(count)):
            worths = "0 or 1" if self.design.flips == 1 else "0, 1/2 or 1"
            raise ValueError(f"{name} must be {worths}, got {share!r}")
        return int(count)


def _check(  # noqa: PLR0917 - one check a parameter
    p0: float,
    p_fail: float,
    alphas: tuple[float, float],
    n_max: int,
    batch: int,
    flips: int,
    futility: float,
) -> None:
    for name, rate in (("p0", p0), ("p_fail", p_fail)):
        if not 0 < rate < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {rate!r}")
    for name, alpha in zip(("alpha", "alpha_fail"), alphas, strict=True):
        if not 0 < alpha < 0.5:  # noqa: PLR2004 - else passing and failing overlap
            raise ValueError(f"{name} must lie strictly between 0 and 0.5 (0.05 is usual), got {alpha!r}")
    if p_fail < p0:
        raise ValueError(f"p_fail must not lie below p0, got {p_fail!r} and {p0!r}")
    if not 1 <= n_max <= MAX_UNITS or n_max != int(n_max):
        raise ValueError(f"n_max must be a whole number from 1 to {MAX_UNITS}, got {n_max!r}")
    if not 1 <= batch <= n_max or batch != int(batch):
        raise ValueError(f"batch must be a whole number from 1 to n_max ({n_max}), got {batch!r}")
    if flips not in {1, 2}:
        raise ValueError(f"flips must be 1 or 2, got {flips!r}")
    if not 0 <= futility < 1:
        raise ValueError(f"futility must lie in [0, 1), got {futility!r}")
