"""The mean of few differences that are mostly zero: Student's t with four pseudo-observations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats._binomial import student_quantile, student_tail
from alignmeter.stats._checks import checked_level
from alignmeter.stats._means import finite_vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class PlusFour(NamedTuple):
    """An interval for a mean difference, and the test at 0 that is dual to it.

    Attributes:
        lower: Lower end.
        upper: Upper end.
        p_above: Evidence that the mean is above 0; below (1 - level) / 2 exactly where `lower` > 0.
    """

    lower: float
    upper: float
    p_above: float


def plus_four(differences: ArrayLike, *, level: float = 0.90) -> PlusFour:
    """Return an interval for the mean of independent differences of scores in [0, 1].

    Args:
        differences: One a unit, shape (n,), n >= 1; differences of rates, so that one unit counts
            for about 1 at the most.
        level: Two-sided coverage, in (0, 1).

    Returns:
        `PlusFour`; never of width zero.

    Raises:
        ValueError: There is no difference, one is not finite, or level is out of range.

    Notes:
        mean +- t se over the differences with +1, +1, -1 and -1 added. Where most differences are 0,
        the t interval alone errs far above its rate on the side of the rare ones: with 60 pairs of
        which 10% differ by +1, it rules out a mean of 10 points 14% of the time instead of 5%, this one
        5.2%. For 10 to 300 units with differences on up to half of them each end errs at most 5.8%;
        6.8% where all differences go one way and there are 300.

    References:
        A. Agresti and B. Caffo, "Simple and effective confidence intervals for proportions and
        differences of proportions result from adding two successes and two failures", The American
        Statistician 54, 280-288, 2000.

    Examples:
        >>> from alignmeter.stats.plus_four import plus_four
        >>> found = plus_four([1, 1, 1, 1, 1] + [0] * 55)
        >>> round(found.lower, 3), round(found.upper, 3), round(found.p_above, 3)
        (0.001, 0.155, 0.048)
    """
    tail = (1 - checked_level(level)) / 2
    values = finite_vector("differences", differences)
    if not values.size:
        raise ValueError("differences must hold at least one unit, got none")
    values = np.concatenate([values, [1.0, 1.0, -1.0, -1.0]])
    freedom = values.size - 1
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(values.size)
    reach = student_quantile(1 - tail, freedom) * error
    return PlusFour(mean - reach, mean + reach, student_tail(mean / error, freedom))
