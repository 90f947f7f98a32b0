"""Exact tests at a fixed number of units as a design: what decides, and how often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats._binomial import binomial_cdf, binomial_pmf, binomial_tail
from alignmeter.stats.exact import halves_at_least, halves_at_most
from alignmeter.stats.sequential.alpha_spending import OperatingCharacteristics, checked_both

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from alignmeter.stats._binomial import FloatArray


class FixedDesign(NamedTuple):
    """Counts that decide once every unit is in. Made by `fixed_design`.

    Attributes:
        n: Units.
        flips: Members of a unit, 1 or 2.
        pass_at: Passes with at most so many bad members; -1 where none is few enough.
        fail_at: Fails with at least so many; more than there are where none is enough.
    """

    n: int
    flips: int
    pass_at: int
    fail_at: int

    def operating_characteristics(
        self, rate: ArrayLike, both: ArrayLike | None = None
    ) -> OperatingCharacteristics:
        """Exact probabilities of the decisions, and the number of units.

        Args:
            rate: True rates in [0, 1], any shape.
            both: Probability that both flips of a unit are bad, of that shape; by default they are
                independent.

        Returns:
            Arrays of that shape.

        Raises:
            ValueError: `both` is none that two flips of that rate can have.
        """
        rates, members = np.asarray(rate, dtype=np.float64), self.flips * self.n
        units = np.full(rates.shape, float(self.n))
        if both is None or self.flips == 1:
            passed = binomial_cdf(self.pass_at, members, rates)
            return OperatingCharacteristics(passed, binomial_tail(self.fail_at, members, rates), units)
        twice = checked_both(both, rates)
        passed, failed = (
            np.asarray(_at_most(most, self.n, rates, twice)) for most in (self.pass_at, self.fail_at - 1)
        )
        return OperatingCharacteristics(passed, 1 - failed, units)


def _at_most(bad: int, n: int, rates: FloatArray, both: FloatArray) -> FloatArray:
    """P(at most so many bad flips) among n pairs of them; shape of `rates`."""
    pairs = np.arange(n + 1).reshape(-1, *(1,) * rates.ndim)
    single = np.clip(2 * (rates - both) / np.where(both < 1, 1 - both, 1.0), 0.0, 1.0)
    rest = bad - 2 * pairs
    left = np.where(rest >= 0, binomial_cdf(np.clip(rest, 0, n - pairs), n - pairs, single), 0.0)
    return (binomial_pmf(pairs, n, both) * left).sum(axis=0)


def fixed_design(  # noqa: PLR0917 - the parameters of a design
    n: int, p_pass: float, alpha: float, p_fail: float, alpha_fail: float, flips: int = 1
) -> FixedDesign:
    """Find the counts at which `binomial_tests`, for two flips `halves_tests`, decide.

    Args:
        n: Units, at least 1.
        p_pass: Passing shows a lower rate than this, in (0, 1).
        alpha: Error rate of passing, in (0, 1/2).
        p_fail: Failing shows a higher rate than this.
        alpha_fail: Error rate of failing.
        flips: 2 where a unit is the mean of two binary flips.

    Examples:
        >>> from alignmeter.stats.fixed_n import fixed_design
        >>> fixed_design(59, 0.05, 0.05, 0.05, 0.05)
        FixedDesign(n=59, flips=1, pass_at=0, fail_at=7)
    """
    members = flips * n

    def passes(bad: int) -> bool:
        found = binomial_cdf(bad, n, p_pass) if flips == 1 else halves_at_most(bad, n, p_pass)
        return float(found) <= alpha

    def does_not_fail(bad: int) -> bool:
        found = binomial_tail(bad, n, p_fail) if flips == 1 else halves_at_least(bad, n, p_fail)
        return float(found) > alpha_fail

    # A count over the mean never passes, one under it never fails.
    pass_at = _last(passes, -1, math.ceil(members * p_pass) + 1)
    fail_at = _last(does_not_fail, max(-1, math.floor(members * p_fail) - 2), members + 1) + 1
    return FixedDesign(n, flips, pass_at, fail_at)


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The largest count under `high` of which something holds that holds of all up to it; `low` at least."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
