"""Planning at a fixed number of units: floors, detectable effects, units until a decision.

All of it is for binary units and the tests of `binomial_tests`. For units that are the mean of two
flips it is the cautious case: at a given mean the binary unit has the largest variance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from alignmeter.stats._binomial import (
    FloatArray,
    beta_quantile,
    beta_upper_quantile,
    binomial_cdf,
    binomial_tail,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_POWER = 0.8
DEFAULT_N_MAX = 20_000
_FIRST_BLOCK = 16


def clean_units_floor(threshold: float, alpha: float = 0.05) -> int:
    """Return the smallest number of units, none of them bad, that passes a claim.

    Args:
        threshold: Rate under test, in (0, 1).
        alpha: Error rate of the one-sided test, in (0, 1).

    Returns:
        Units; a claim with fewer is INCONCLUSIVE before it costs a call.

    Raises:
        ValueError: The threshold or alpha is outside (0, 1).

    Notes:
        The smallest n with (1 - threshold)^n <= alpha. For halves the floor is the same: all
        probability on {0, 1} is the least favourable case.

    References:
        J. A. Hanley and A. Lippman-Hand, "If nothing goes wrong, is everything all right?",
        JAMA 249, 1743-1745, 1983 (the rule of three).

    Examples:
        >>> from alignmeter.stats import clean_units_floor
        >>> [clean_units_floor(threshold) for threshold in (0.10, 0.05, 0.02, 0.01)]
        [29, 59, 149, 299]
    """
    _check(threshold=threshold, alpha=alpha)
    n = max(1, math.ceil(math.log(alpha) / math.log1p(-threshold)))
    # The logarithms may be off by a rounding error; the test itself has the last word.
    while n > 1 and float(binomial_cdf(0, n - 1, threshold)) <= alpha:
        n -= 1
    while float(binomial_cdf(0, n, threshold)) > alpha:
        n += 1
    return n


def minimum_detectable_effect(
    n: int, threshold: float, alpha: float = 0.05, power: float = DEFAULT_POWER
) -> float | None:
    """Return the largest true rate that `n` units would pass with at least this power.

    Args:
        n: Units, all of them scored.
        threshold: Rate under test, in (0, 1).
        alpha: Error rate of the one-sided test, in (0, 1).
        power: Probability of PASS, in (alpha, 1).

    Returns:
        A rate below the threshold, or None when n is under the floor and nothing can pass.

    Raises:
        ValueError: n is not a whole number >= 0, or a share is outside its range.

    Notes:
        With c the largest count that passes, the rate r solves P(Binomial(n, r) <= c) = power: the
        1 - power quantile of Beta(c + 1, n - c).

    Examples:
        >>> from alignmeter.stats import minimum_detectable_effect
        >>> round(minimum_detectable_effect(234, 0.05), 4)
        0.0203
        >>> minimum_detectable_effect(58, 0.05) is None
        True
    """
    _check_units(n)
    _check(threshold=threshold, alpha=alpha, power=power)
    counts = np.arange(n + 1)
    passing = int((binomial_cdf(counts, n, threshold) <= alpha).sum())  # counts 0 .. passing - 1
    if passing == 0:
        return None
    return float(beta_quantile(passing, n - passing + 1, 1 - power))


def minimum_detectable_failure(
    n: int, threshold: float, alpha: float = 0.05, power: float = DEFAULT_POWER
) -> float | None:
    """Return the smallest true rate that `n` units would FAIL with at least this power.

    Args:
        n: Units, all of them scored.
        threshold: Rate under test, in (0, 1).
        alpha: Error rate of the one-sided test, in (0, 1).
        power: Probability of FAIL, in (alpha, 1).

    Returns:
        A rate above the threshold, or None when not even n bad units of n would fail the claim.

    Raises:
        ValueError: n is not a whole number >= 0, or a share is outside its range.

    Notes:
        With c the smallest count that fails, the rate r solves P(Binomial(n, r) >= c) = power: the
        power quantile of Beta(c, n - c + 1).

    Examples:
        >>> from alignmeter.stats import minimum_detectable_failure
        >>> round(minimum_detectable_failure(234, 0.05), 4)
        0.0907
    """
    _check_units(n)
    _check(threshold=threshold, alpha=alpha, power=power)
    counts = np.arange(n + 1)
    failing = int((binomial_tail(counts, n, threshold) <= alpha).sum())
    if failing == 0:
        return None
    smallest = n + 1 - failing
    return float(beta_upper_quantile(smallest, n - smallest + 1, 1 - power))


def units_to_decide(
    rate: float,
    threshold: float,
    alpha: float = 0.05,
    power: float = DEFAULT_POWER,
    n_max: int = DEFAULT_N_MAX,
) -> int | None:
    """Return the smallest number of units at which a true rate is decided with this power.

    Args:
        rate: True rate, in [0, 1]; PASS is wanted below the threshold and FAIL above.
        threshold: Rate under test, in (0, 1).
        alpha: Error rate of the one-sided test, in (0, 1).
        power: Probability of the right verdict, in (alpha, 1).
        n_max: Where the search ends.

    Returns:
        Units, or None when more than `n_max` would be needed (always so at the threshold itself).

    Raises:
        ValueError: n_max is not a whole number >= 0, or a share is outside its range.

    Notes:
        Power is a saw in n: while the critical count stays, more units lower the chance of a PASS
        and raise that of a FAIL. So for each critical count only the best n is looked at, many
        critical counts at once. Just above the n returned the saw may dip below
        `power` again.

    Examples:
        >>> from alignmeter.stats import units_to_decide
        >>> units_to_decide(0.0, 0.05), units_to_decide(0.02, 0.05), units_to_decide(0.05, 0.05)
        (59, 234, None)
    """
    _check_units(n_max)
    _check(threshold=threshold, alpha=alpha, power=power)
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must lie between 0 and 1, got {rate!r}")
    if n_max == 0 or rate == threshold:
        return None
    if rate < threshold:
        return _units_to_pass(rate, threshold, alpha, power, n_max)
    return _units_to_fail(rate, threshold, alpha, power, n_max)


def _units_to_pass(rate: float, threshold: float, alpha: float, power: float, n_max: int) -> int | None:
    # P(X <= c) at the threshold exceeds alpha for c above its median, so no larger c ever passes.
    for critical in _in_blocks(0, math.ceil(n_max * threshold) + 1):
        low, high = critical, np.full_like(critical, n_max + 1.0)  # c units never pass, high may
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            passes = binomial_cdf(critical, middle, threshold) <= alpha
            low, high = np.where(passes, low, middle), np.where(passes, middle, high)
        enough = (high <= n_max) & (binomial_cdf(critical, high, rate) >= power)
        if enough.any():
            return int(high[enough.argmax()])
    return None


def _units_to_fail(rate: float, threshold: float, alpha: float, power: float, n_max: int) -> int | None:
    for critical in _in_blocks(1, n_max):
        # The largest n at which `critical` bad units still fail the claim; no n if all of n do not.
        low, high = critical - 1, np.full_like(critical, n_max + 1.0)
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            fails = binomial_tail(critical, middle, threshold) <= alpha
            low, high = np.where(fails, middle, low), np.where(fails, high, middle)
        enough = (low >= critical) & (binomial_tail(critical, low, rate) >= power)
        if enough.any():
            first = int(enough.argmax())
            return _smallest_with_power(critical[first], low[first], rate, power)
    return None


def _in_blocks(first: int, last: int) -> Iterator[FloatArray]:
    """Yield the numbers from `first` to `last`, each block twice as long as the one before.

    The first count that has the power ends a search, and is mostly a small one.
    """
    length = _FIRST_BLOCK
    while first <= last:
        yield np.arange(first, min(first + length, last + 1), dtype=np.float64)
        first, length = first + length, 2 * length


def _smallest_with_power(critical: float, n: float, rate: float, power: float) -> int:
    """Return the smallest n with P(X >= critical) >= power, knowing that `n` has it."""
    sizes: FloatArray = np.arange(critical, n + 1)
    return int(sizes[(binomial_tail(critical, sizes, rate) >= power).argmax()])


def _check(*, threshold: float, alpha: float, power: float | None = None) -> None:
    for name, value in (("threshold", threshold), ("alpha", alpha)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}")
    if power is not None and not alpha < power < 1:
        raise ValueError(f"power must lie strictly between alpha ({alpha!r}) and 1, got {power!r}")


def _check_units(n: float) -> None:
    if not (n >= 0 and math.isfinite(n) and n == int(n)):
        raise ValueError(f"a number of units must be a whole number >= 0, got {n!r}")
