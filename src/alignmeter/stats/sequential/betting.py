"""Betting e-processes for the mean of a bounded contrast: valid at any time, whatever stops them.

A gambler who starts with 1 bets against "E[Z] >= 0" (to pass) or against "E[Z] <= 0" (to fail). If
that is true, wealth is a supermartingale, even when units depend on the past, and ever reaching
1/alpha has probability at most alpha. So the budget may grow and runs that stopped at different
points may be compared; the price is a few more units than an exact design needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from alignmeter.stats.intervals import Bounds
from alignmeter.stats.sequential._bets import (
    BET_WEIGHTS,
    Alternative,
    crossing_counts,
    growth_optimal_bet,
    log_mixture,
    log_wealth,
    spread_bets,
)
from alignmeter.stats.sequential._counts import operating_characteristics
from alignmeter.stats.sequential.alpha_spending import MAX_UNITS, OperatingCharacteristics, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from alignmeter.stats._binomial import FloatArray

_BISECTIONS = 50
_CHUNK = 2_000
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class BettingDesign:
    """Bets fixed before the first unit; hashable. Made by `betting_design`.

    Attributes:
        lower, upper: Range of Z, with lower < 0 < upper.
        alpha: Error rate of each side; wealth of 1/alpha decides.
        n_max: Units at most; unlike other designs it may be raised later (`dataclasses.replace`).
        pass_bets: Stakes of the process that passes, one a component of the mixture.
        fail_bets: Stakes of the process that fails.
    """

    lower: float
    upper: float
    alpha: float
    n_max: int
    pass_bets: tuple[float, ...]
    fail_bets: tuple[float, ...]

    def operating_characteristics(self, rate: ArrayLike) -> OperatingCharacteristics:
        """Exact characteristics where Z is `upper` (bad) or `lower` (good) and nothing between.

        Args:
            rate: P(Z = upper), in [0, 1], any shape; the claim's boundary is
                -lower / (upper - lower), which is tau for Z = Y - tau.

        Returns:
            Arrays of that shape.

        Raises:
            ValueError: A rate is outside [0, 1] or not a number.

        Notes:
            Wealth then depends on the units and the bad ones only, so each side is a boundary on
            the count, and dynamic programming over (units, bad units) is exact.

        Examples:
            >>> from alignmeter.stats.sequential.betting import betting_design
            >>> design = betting_design(-0.05, 0.95, n_max=386, alternative_pass=-0.03, alternative_fail=0.07)
            >>> found = design.operating_characteristics([0.01, 0.05, 0.40])
            >>> [round(float(n)) for n in found.expected_n]
            [138, 369, 10]
        """
        rates = np.asarray(rate, dtype=np.float64)
        if not ((rates >= 0) & (rates <= 1)).all():
            raise ValueError(f"rates must lie between 0 and 1, got {rate!r}")
        need = -math.log(self.alpha)
        # The number of good units at which PASS decides mirrors the bad ones for FAIL.
        good = crossing_counts(self.n_max, -self.upper, -self.lower, self.pass_bets, need)
        fail_at = crossing_counts(self.n_max, self.lower, self.upper, self.fail_bets, need)
        looks = range(1, self.n_max + 1)
        pass_at = tuple(max(-1, n - least) for n, least in zip(looks, good, strict=True))
        never = ((1, 0),) * self.n_max
        found = operating_characteristics(rates.ravel(), 1, looks, pass_at, fail_at, never)
        return OperatingCharacteristics(*(column.reshape(rates.shape) for column in found))

    def simulated_characteristics(
        self, law: Mapping[float, float], *, seed: int, simulations: int = 20_000
    ) -> OperatingCharacteristics:
        """Simulated characteristics for independent units of any finite law.

        Args:
            law: Values of Z within the range and their probabilities, which sum to 1.
            seed: Seed of the random numbers.
            simulations: Streams; standard errors are those of a mean over so many.

        Returns:
            Arrays of shape ().

        Raises:
            ValueError: The law is none on the range, or there are no simulations.
        """
        values, shares = self._law(law)
        if simulations < 1:
            raise ValueError(f"simulations must be a whole number >= 1, got {simulations!r}")
        generator = np.random.default_rng(seed)
        totals = np.zeros(3)
        for first in range(0, simulations, _CHUNK):
            size = (min(_CHUNK, simulations - first), self.n_max)
            z = values[generator.choice(values.size, size=size, p=shares)]
            passing = self._crossing_times(-z, self.pass_bets)
            failing = self._crossing_times(z, self.fail_bets)
            passes = (passing <= failing) & (passing <= self.n_max)
            stop = np.minimum(np.minimum(passing, failing), self.n_max)
            totals += passes.sum(), (failing < passing).sum(), stop.sum()
        return OperatingCharacteristics(*(np.asarray(total / simulations) for total in totals))

    def crossing_times(
        self,
        law: Mapping[float, float],
        side: Literal["pass", "fail"],
        *,
        units: int,
        seed: int,
        simulations: int,
    ) -> FloatArray:
        """Units after which simulated streams first decide on one side, whatever the other one says.

        Args:
            law: Values of Z within the range and their probabilities, which sum to 1.
            side: The side.
            units: Units of each stream, which may be more than `n_max`.
            seed: Seed of the random numbers.
            simulations: Streams.

        Returns:
            Shape (simulations,); `units` + 1 for a stream that never does.

        Raises:
            ValueError: The law is none on the range, or there are no units or simulations.

        Examples:
            >>> from alignmeter.stats.sequential.betting import betting_design
            >>> design = betting_design(-0.05, 0.95, n_max=60, alternative_pass=-0.03, alternative_fail=0.07)
            >>> design.crossing_times({-0.05: 1.0}, "pass", units=100, seed=0, simulations=1).tolist()
            [85.0]
        """
        values, shares = self._law(law)
        if min(units, simulations) < 1:
            raise ValueError(f"units and simulations must be >= 1, got {units!r} and {simulations!r}")
        generator = np.random.default_rng(seed)
        sign, bets = (-1.0, self.pass_bets) if side == "pass" else (1.0, self.fail_bets)
        longer = replace(self, n_max=units)
        found: list[FloatArray] = []
        for first in range(0, simulations, _CHUNK):
            size = (min(_CHUNK, simulations - first), units)
            z = values[generator.choice(values.size, size=size, p=shares)]
            found.append(longer._crossing_times(sign * z, bets))
        return np.concatenate(found)

    def start(self) -> BettingProcess:
        """Begin a stream of units."""
        return BettingProcess(self)

    def _crossing_times(self, gains: FloatArray, bets: tuple[float, ...]) -> FloatArray:
        """Return the unit at which each row's wealth first reaches 1/alpha, n_max + 1 for never."""
        crossed = log_wealth(gains, bets) >= -math.log(self.alpha)
        return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, self.n_max + 1.0)

    def _law(self, law: Mapping[float, float]) -> tuple[FloatArray, FloatArray]:
        values, shares = np.asarray(list(law), np.float64), np.asarray(list(law.values()), np.float64)
        inside = (values >= self.lower - _TOLERANCE) & (values <= self.upper + _TOLERANCE)
        if not (values.size and inside.all() and (shares >= 0).all() and abs(shares.sum() - 1) < _TOLERANCE):
            raise ValueError(
                f"a law must map values in [{self.lower!r}, {self.upper!r}] to probabilities that sum to 1, "
                f"got {law!r}"
            )
        return values, shares / shares.sum()


class BettingProcess:
    """A stream of units under a design.

    Attributes:
        n: Units so far.
        decision: The latest answer of `update`.
    """

    def __init__(self, design: BettingDesign) -> None:
        self.design = design
        self.n = 0
        self.decision: Step = "continue"
        self._pass_logs, self._fail_logs = np.zeros(len(BET_WEIGHTS)), np.zeros(len(BET_WEIGHTS))
        self._sup_pass = self._sup_fail = 0.0
        self._best: list[float] = []
        self._worst: list[float] = []

    @property
    def e_pass(self) -> float:
        """Wealth of the bet against E[Z] >= 0: evidence for passing, now."""
        return math.exp(log_mixture(self._pass_logs))

    @property
    def e_fail(self) -> float:
        """Wealth of the bet against E[Z] <= 0: evidence for failing, now."""
        return math.exp(log_mixture(self._fail_logs))

    @property
    def sup_pass(self) -> float:
        """Largest `e_pass` so far, 1 at the start."""
        return math.exp(self._sup_pass)

    @property
    def sup_fail(self) -> float:
        """Largest `e_fail` so far, 1 at the start."""
        return math.exp(self._sup_fail)

    @property
    def p_pass(self) -> float:
        """Anytime p-value of passing, 1 / `sup_pass`; valid whenever one looks (Holm takes it)."""
        return math.exp(-self._sup_pass)

    @property
    def p_fail(self) -> float:
        """Anytime p-value of failing, 1 / `sup_fail`."""
        return math.exp(-self._sup_fail)

    def log_stakes(self, *, passing: bool) -> tuple[float, ...]:
        """Log wealth of each component of the mixture that passes, or of the one that fails; shape (3,)."""
        return tuple((self._pass_logs if passing else self._fail_logs).tolist())

    def update(self, z: float, *, worst: float | None = None) -> Step:
        """Take the next unit of the committed order.

        Args:
            z: The contrast, in [lower, upper]; where a part has no score, its smallest possible
                value, which is used for failing.
            worst: Where a part has no score, the largest possible value, which is used for passing;
                else `z`.

        Returns:
            `continue`, `pass`, `fail`, or `undecided` at `n_max`.

        Raises:
            ValueError: The stream has stopped, or a value is outside the range.
        """
        if self.decision != "continue":
            raise ValueError(f"the stream stopped after {self.n} units: {self.decision}; start a new one")
        best, high = self._inside("z", z), self._inside("worst", z if worst is None else worst)
        if high < best:
            raise ValueError(f"worst must not lie below z, got worst={worst!r}, z={z!r}")
        self.n += 1
        self._best.append(best)
        self._worst.append(high)
        self._pass_logs += np.log1p(-high * np.asarray(self.design.pass_bets))
        self._fail_logs += np.log1p(best * np.asarray(self.design.fail_bets))
        self._sup_pass = max(self._sup_pass, log_mixture(self._pass_logs))
        self._sup_fail = max(self._sup_fail, log_mixture(self._fail_logs))
        self.decision = self._decide()
        return self.decision

    def interval(self) -> Bounds[float]:
        """Return the means of Z that no unit so far has rejected: a confidence sequence.

        Add tau for the mean of a score Y = Z + tau. The upper end is below 0 when the stream passed
        and the lower end above 0 when it failed.

        Returns:
            `Bounds(lower, upper)`: at all times together each end is wrong with probability at most
            alpha; (lower, upper) of the design before there is a unit.

        Notes:
            The processes are run against every mean m: bets keep their share of the largest
            admissible stake, so wealth is prod (1 + share (m - Z) / (upper - m)), which grows in m
            whatever the units. Hence the rejected means are those above one point, which bisection
            finds; the lower end mirrors it.

        References:
            I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by
            betting", JRSS B 86, 1-27, 2024.
        """
        design = self.design
        top = _smallest_rejected(
            np.asarray(self._worst), design.lower, design.upper, design.pass_bets, design
        )
        bottom = -_smallest_rejected(
            -np.asarray(self._best), -design.upper, -design.lower, design.fail_bets, design
        )
        return Bounds(bottom, top)

    def _decide(self) -> Step:
        need = -math.log(self.design.alpha)
        if self._sup_pass >= need:
            return "pass"
        if self._sup_fail >= need:
            return "fail"
        return "undecided" if self.n == self.design.n_max else "continue"

    def _inside(self, name: str, z: float) -> float:
        lower, upper = self.design.lower, self.design.upper
        if not lower - _TOLERANCE <= z <= upper + _TOLERANCE:
            raise ValueError(f"{name} must lie between {lower!r} and {upper!r}, got {z!r}")
        return min(max(float(z), lower), upper)


def betting_design(
    lower: float,
    upper: float,
    *,
    n_max: int,
    alternative_pass: Alternative,
    alternative_fail: Alternative,
    alpha: float = 0.05,
) -> BettingDesign:
    """Design a betting e-process for the sign of E[Z], Z in [lower, upper].

    Args:
        lower: Smallest possible Z, below 0; for Z = Y - tau it is -tau.
        upper: Largest possible Z, above 0; for Z = Y - tau it is 1 - tau.
        n_max: Units at most.
        alternative_pass: What a claim that should pass looks like, to bet on: a mean of Z below 0
            (Z then takes `lower` or `upper`), or a mapping of values of Z to probabilities, which
            suits pairs and graded scores, whose spread is far smaller.
        alternative_fail: The same for a claim that should fail, with a mean above 0.
        alpha: Error rate of each side, in (0, 1).

    Returns:
        The design. The alternatives decide how fast it stops, never how often it errs.

    Raises:
        ValueError: A parameter is out of range, or an alternative lies on the wrong side.

    Notes:
        E_t = sum_k w_k prod_{i <= t} (1 + lambda_k Z~_i), with Z~ = -Z to pass and Z to fail. The
        optimal stake lambda* maximises E[log(1 + lambda Z~)] under the alternative (Kelly; for
        Y in {0, 1} at rate p it is |p - tau| / (tau (1 - tau))). Half the wealth is bet at lambda*,
        a quarter at lambda*/2 and a quarter at 2 lambda*, all cut at nine tenths of the stake that
        could lose everything, so that no single unit ruins the mixture.

    References:
        I. Waudby-Smith and A. Ramdas, JRSS B 86, 1-27, 2024. J. L. Kelly, "A new interpretation of
        information rate", Bell System Technical Journal 35, 917-926, 1956.

    Examples:
        Attack success at most 5%, bets placed on 2% and 12%:

        >>> from alignmeter.stats.sequential.betting import betting_design
        >>> design = betting_design(-0.05, 0.95, n_max=386, alternative_pass=-0.03, alternative_fail=0.07)
        >>> [round(bet, 3) for bet in design.pass_bets]
        [0.632, 0.316, 0.947]
        >>> process = design.start()
        >>> while process.update(-0.05) == "continue":
        ...     pass
        >>> process.n, process.decision, round(process.e_pass, 1)
        (85, 'pass', 20.7)
        >>> round(process.interval().upper + 0.05, 3)
        0.049
    """
    if not -math.inf < lower < 0 < upper < math.inf:
        raise ValueError(f"the range of Z must satisfy lower < 0 < upper, got {lower!r} and {upper!r}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1 (0.05 is usual), got {alpha!r}")
    if n_max != int(n_max) or not 1 <= n_max <= MAX_UNITS:
        raise ValueError(f"n_max must be a whole number from 1 to {MAX_UNITS}, got {n_max!r}")
    passing = growth_optimal_bet(lower, upper, alternative_pass, side="pass")
    failing = growth_optimal_bet(lower, upper, alternative_fail, side="fail")
    return BettingDesign(
        lower=float(lower),
        upper=float(upper),
        alpha=alpha,
        n_max=int(n_max),
        pass_bets=spread_bets(passing, largest_loss=upper),
        fail_bets=spread_bets(failing, largest_loss=-lower),
    )


def _smallest_rejected(
    z: FloatArray, lower: float, upper: float, bets: tuple[float, ...], design: BettingDesign
) -> float:
    """Return the smallest mean that the bets for a lower one have rejected, or `upper` for none."""
    if not z.size:
        return upper
    shares = tuple(bet * upper for bet in bets)
    need = -math.log(design.alpha)

    def rejected(mean: float) -> bool:
        return bool((log_wealth((mean - z) / (upper - mean), shares) >= need).any())

    # Starting at 0 makes the end agree with the decision to the last digit.
    kept, gone = (lower, 0.0) if rejected(0.0) else (0.0, upper)
    for _ in range(_BISECTIONS):
        middle = (kept + gone) / 2
        if middle in {kept, gone}:
            break
        kept, gone = (kept, middle) if rejected(middle) else (middle, gone)
    return gone
