"""Exact tests at a fixed number of units as a design: what decides, and how often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats._binomial import binomial_cdf, binomial_tail
from alignmeter.stats.exact import halves_at_least, halves_at_most
from alignmeter.stats.sequential.alpha_spending import OperatingCharacteristics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike


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

    def operating_characteristics(self, rate: ArrayLike) -> OperatingCharacteristics:
        """Exact probabilities of the decisions, and the number of units.

        Args:
            rate: True rates in [0, 1], any shape; flips of one unit are taken as independent.

        Returns:
            Arrays of that shape.
        """
        rates, members = np.asarray(rate, dtype=np.float64), self.flips * self.n
        return OperatingCharacteristics(
            binomial_cdf(self.pass_at, members, rates),
            binomial_tail(self.fail_at, members, rates),
            np.full(rates.shape, float(self.n)),
        )


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
