"""One-sided exact tests at a fixed number of units, and the intervals that are their duals.

A claim says that a rate is at most `threshold`. `p_pass` is the evidence that it is below,
`p_fail` that it is above; a claim passes when `p_pass <= alpha`, fails when `p_fail <= alpha`. The
two p-values are the probabilities, at a rate of exactly `threshold`, of an outcome at least as good
and at least as bad as the one observed.

A unit is binary (bad or not), or the mean of two binary flips and then worth 0, 1/2 or 1; such
units are counted in halves. Either way `n` counts every unit that was asked, and what could not be
scored is given as `unscored`: it counts as bad for the PASS side and as good for the FAIL side, so
that errors never help a claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats._binomial import (
    FloatArray,
    beta_quantile,
    beta_upper_quantile,
    binomial_cdf,
    binomial_pmf,
    binomial_tail,
)
from alignmeter.stats._roots import Ends, narrowed
from alignmeter.stats.intervals import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable

_GRID_POINTS = 129
_ZOOM_POINTS = 17
_ZOOM_ROUNDS = 5
_WIDTH = 1e-10


class ExactTests(NamedTuple):
    """The p-values of the two one-sided tests of one claim.

    Attributes:
        p_pass: At the threshold, the probability of so few bad units or fewer.
        p_fail: At the threshold, the probability of so many bad units or more.
    """

    p_pass: float
    p_fail: float


def binomial_tests(bad: int, n: int, threshold: float, *, unscored: int = 0) -> ExactTests:
    """Test a rate of binary units against a threshold, on both sides.

    Args:
        bad: Units scored as bad.
        n: Units asked, the unscored ones included.
        threshold: Rate under test, in (0, 1).
        unscored: Units without a score; `bad + unscored <= n`.

    Returns:
        `ExactTests(p_pass, p_fail)`; both 1 when n is 0.

    Raises:
        ValueError: Counts are not whole numbers with 0 <= bad + unscored <= n, or the threshold is
            outside (0, 1).

    Notes:
        With X ~ Binomial(n, threshold): p_pass = P(X <= bad + unscored), p_fail = P(X >= bad).

    References:
        C. J. Clopper and E. S. Pearson, Biometrika 26, 404-413, 1934.

    Examples:
        Of 59 units none was bad: enough to pass a threshold of 5%, until one has no score.

        >>> from alignmeter.stats import binomial_tests
        >>> round(binomial_tests(0, 59, 0.05).p_pass, 4)
        0.0485
        >>> round(binomial_tests(0, 59, 0.05, unscored=1).p_pass, 4)
        0.1991
    """
    low, high = _worst_cases(bad, n, unscored, most=n)
    _check_share("threshold", threshold)
    return ExactTests(
        float(binomial_cdf(high, n, threshold)),
        float(binomial_tail(low, n, threshold)),
    )


def halves_tests(halves: int, n: int, threshold: float, *, unscored: int = 0) -> ExactTests:
    """Test the mean of units Z in {0, 1/2, 1} against a threshold, on both sides.

    Args:
        halves: Sum of 2 Z over the scored flips: bad flips, 0 to 2n.
        n: Units asked, each of two flips, the unscored ones included.
        threshold: Mean under test, in (0, 1).
        unscored: Flips without a score (a unit that lost both counts 2); `halves + unscored <= 2n`.

    Returns:
        `ExactTests(p_pass, p_fail)`; both 1 when n is 0.

    Raises:
        ValueError: Counts are not whole numbers with 0 <= halves + unscored <= 2n, or the
            threshold is outside (0, 1).

    Notes:
        With P(Z = 1/2) = p1 and P(Z = 1) = p2, the null fixes only p1/2 + p2 = threshold; how often
        two flips fall together is a nuisance. Each p-value is the supremum over p2 in
        [max(0, 2 threshold - 1), threshold] of

            P(S <= s) = sum_j Binom(n, p2; j) P(Bin(n - j, p1 / (1 - p2)) <= s - 2j),

        with p1 = 2 (threshold - p2), so the test is valid whatever the correlation of the flips.
        The supremum is searched on a grid that is dense near both ends (the ends included), then by
        zooming into the best bracket.

    References:
        R. L. Berger and D. D. Boos, "P values maximized over a confidence set for the nuisance
        parameter", JASA 89, 1012-1016, 1994 (here with the whole feasible set).

    Examples:
        >>> from alignmeter.stats import halves_tests
        >>> round(halves_tests(0, 59, 0.05).p_pass, 4)
        0.0485
        >>> round(halves_tests(1, 93, 0.05).p_pass, 4)
        0.0103
    """
    low, high = _worst_cases(halves, n, unscored, most=2 * n)
    _check_share("threshold", threshold)
    return ExactTests(halves_at_most(high, n, threshold), halves_at_least(low, n, threshold))


def exact_interval(bad: int, n: int, alpha: float = 0.05, *, unscored: int = 0) -> Bounds[float]:
    """Return the dual of `binomial_tests`: the thresholds that neither test rejects at `alpha`.

    Args:
        bad: Units scored as bad.
        n: Units asked, the unscored ones included.
        alpha: Error rate of each side, in (0, 1/2); the interval covers at least 1 - 2 alpha.
        unscored: Units without a score, at their worst on either side.

    Returns:
        `Bounds(lower, upper)`: the claim passes a threshold at or above `upper` and fails one at or
        below `lower`. (0, 1) when n is 0.

    Raises:
        ValueError: Counts are not whole numbers with 0 <= bad + unscored <= n, or alpha is outside
            (0, 1/2).

    Notes:
        Clopper-Pearson at level 1 - 2 alpha, the lower end from `bad` and the upper from
        `bad + unscored`.

    References:
        C. J. Clopper and E. S. Pearson, Biometrika 26, 404-413, 1934.

    Examples:
        >>> from alignmeter.stats import exact_interval
        >>> lower, upper = exact_interval(0, 59)
        >>> lower, round(upper, 4)
        (0.0, 0.0495)
    """
    low, high = _worst_cases(bad, n, unscored, most=n)
    _check_alpha(alpha)
    lower = 0.0 if low == 0 else float(beta_quantile(low, n - low + 1, alpha))
    upper = 1.0 if high == n else float(beta_upper_quantile(high + 1, n - high, alpha))
    return Bounds(lower, upper)


def halves_interval(halves: int, n: int, alpha: float = 0.05, *, unscored: int = 0) -> Bounds[float]:
    """Return the dual of `halves_tests`: the thresholds that neither test rejects at `alpha`.

    Args:
        halves: Sum of 2 Z over the scored flips, 0 to 2n.
        n: Units asked, each of two flips, the unscored ones included.
        alpha: Error rate of each side, in (0, 1/2); the interval covers at least 1 - 2 alpha.
        unscored: Flips without a score, at their worst on either side.

    Returns:
        `Bounds(lower, upper)` for the mean of Z. (0, 1) when n is 0.

    Raises:
        ValueError: Counts are not whole numbers with 0 <= halves + unscored <= 2n, or alpha is
            outside (0, 1/2).

    Notes:
        The p-values of `halves_tests` are continuous and monotone in the threshold (a larger mean
        is reached by moving mass upwards), so each end is the one root of p = alpha, rounded outwards by
        less than 1e-10.

    References:
        G. Casella and R. L. Berger, Statistical Inference, 2nd ed., section 9.2.1, 2002.

    Examples:
        >>> from alignmeter.stats import halves_interval
        >>> lower, upper = halves_interval(6, 100)
        >>> round(lower, 4), round(upper, 4)
        (0.0082, 0.0757)
    """
    low, high = _worst_cases(halves, n, unscored, most=2 * n)
    _check_alpha(alpha)
    lower, upper = 0.0, 1.0
    if low > 0:
        lower = narrowed(
            lambda mean: halves_at_least(low, n, mean) - alpha, Ends(above=1.0, below=0.0), _WIDTH
        ).below
    if high < 2 * n:
        upper = narrowed(
            lambda mean: halves_at_most(high, n, mean) - alpha, Ends(above=0.0, below=1.0), _WIDTH
        ).below
    return Bounds(lower, upper)


def _worst_cases(bad: int, n: int, unscored: int, *, most: int) -> tuple[int, int]:
    """Return the counts of the two sides: unscored as good (for FAIL), as bad (for PASS)."""
    for name, value in (("bad", bad), ("n", n), ("unscored", unscored)):
        if value != value or value != int(value) or value < 0:  # noqa: PLR0124 - NaN is not itself
            raise ValueError(f"{name} must be a whole number >= 0, got {value!r}")
    if bad + unscored > most:
        raise ValueError(f"bad + unscored must be at most {most} for n={n}, got {bad!r} + {unscored!r}")
    return int(bad), int(bad) + int(unscored)


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}")


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 0.5:  # noqa: PLR2004 - two tests at one half are no test
        raise ValueError(f"alpha must lie strictly between 0 and 0.5, got {alpha!r}")


def halves_at_most(halves: int, n: int, mean: float) -> float:
    """Return the supremum of P(S <= halves) over all laws of Z with this mean."""
    if halves >= 2 * n:
        return 1.0
    both = np.arange(halves // 2 + 1, dtype=np.float64)

    def probability(p2: FloatArray) -> FloatArray:
        rest = binomial_cdf(halves - 2 * both, n - both, _one_given_not_both(p2, mean))
        return (binomial_pmf(both, n, p2[:, None]) * rest).sum(axis=1)

    return _supremum(probability, max(0.0, 2 * mean - 1), mean)


def halves_at_least(halves: int, n: int, mean: float) -> float:
    """Return the supremum of P(S >= halves) over all laws of Z with this mean."""
    if halves <= 0:
        return 1.0
    enough = (halves + 1) // 2  # so many units that are bad in both flips reach the count alone
    both = np.arange(max(0, halves - n), enough, dtype=np.float64)

    def probability(p2: FloatArray) -> FloatArray:
        rest = binomial_tail(halves - 2 * both, n - both, _one_given_not_both(p2, mean))
        return (binomial_pmf(both, n, p2[:, None]) * rest).sum(axis=1) + binomial_tail(enough, n, p2)

    return _supremum(probability, max(0.0, 2 * mean - 1), mean)


def _one_given_not_both(p2: FloatArray, mean: float) -> FloatArray:
    """Return P(Z = 1/2 | Z < 1) as a column, for each feasible p2."""
    others = 1 - p2
    share = np.divide(2 * (mean - p2), others, out=np.zeros_like(p2), where=others > 0)
    return np.clip(share, 0.0, 1.0)[:, None]


def _supremum(probability: Callable[[FloatArray], FloatArray], lower: float, upper: float) -> float:
    """Return the maximum of a smooth function on [lower, upper], the ends included."""
    # Cosine spacing: near an end the function changes over distances of 1/n, not of the range.
    steps = (1 - np.cos(np.linspace(0.0, np.pi, _GRID_POINTS))) / 2
    grid = np.asarray(lower + (upper - lower) * steps, dtype=np.float64)
    highest = 0.0
    for _ in range(_ZOOM_ROUNDS):
        values = probability(grid)
        best = int(values.argmax())
        highest = max(highest, float(values[best]))
        left, right = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
        grid = np.linspace(left, right, _ZOOM_POINTS)
    return min(highest, 1.0)
