"""Tango's score at a margin, looked at once: the boundary that keeps its error rate at a size."""

from __future__ import annotations

from alignmeter.stats._binomial import normal_quantile
from alignmeter.stats.sequential._pairs import one_look_errors
from alignmeter.stats.sequential.gaussian_looks import NUISANCE, SHRINK

_DISCORDANT = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Expected pairs with D = -1 at which the error rate is looked at beside fixed shares of the pairs."""


def one_look_boundary(n: int, *, margin: float, alpha: float) -> float:
    """Return the score at or above which n pairs are at odds with a margin; mirrored, it passes.

    Args:
        n: Pairs, at least 1.
        margin: Difference under test, in (-1, 1).
        alpha: Error rate of each side, in (0, 1/2).

    Raises:
        ValueError: A parameter is out of range.

    Notes:
        The normal quantile errs where pairs rarely differ: at 1,500 pairs, margin 1 point and alpha
        .001, failing errs three times as often. The level is lowered until the chance of a wrong
        verdict at the margin is at most alpha at each of a grid of values of P(D = -1).

    Examples:
        >>> from alignmeter.stats.sequential.one_look import one_look_boundary
        >>> round(one_look_boundary(1_500, margin=0.01, alpha=0.001), 2)
        3.42
    """
    if n < 1 or n != int(n):
        raise ValueError(f"n must be a whole number >= 1, got {n!r}")
    if not -1 < margin < 1:
        raise ValueError(f"margin must lie strictly between -1 and 1, got {margin!r}")
    if not 0 < alpha < 0.5:  # noqa: PLR2004 - else passing and failing overlap
        raise ValueError(f"alpha must lie strictly between 0 and 0.5 (0.05 is usual), got {alpha!r}")
    least, room = max(0.0, -margin), (1 - abs(margin)) / 2
    shares = {*NUISANCE, *(expected / (n * room) for expected in _DISCORDANT if expected < n * room)}
    rates = [least + share * room for share in sorted(shares)]
    level = alpha
    while True:
        boundary = normal_quantile(1 - level)
        worst = max(max(one_look_errors(n, boundary, margin, rate)) for rate in rates)
        if worst <= alpha:
            return boundary
        level *= SHRINK * alpha / worst
