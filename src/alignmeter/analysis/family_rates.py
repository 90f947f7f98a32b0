"""A rate over replies of which several may come from one family, with the interval that describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignmeter.records import Interval
from alignmeter.stats import cluster_mean, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

LEVEL = 0.95
BY_FAMILY = "by family"


def rate_interval(events: ArrayLike, families: Sequence[str]) -> Interval | None:
    """Return the interval at 95% of the mean of `events`, with the family as the unit.

    Args:
        events: Whether each reply shows the event, shape (n,).
        families: Family of each reply, shape (n,). Members of one are never independent.

    Returns:
        Wilson's interval where no two replies share a family, or all share one, which then counts as a
        single unit; else `cluster_mean`'s. None without replies.
    """
    values, distinct = np.asarray(events, dtype=np.float64), len(set(families))
    if not distinct:
        return None
    if distinct in {len(values), 1}:
        lower, upper = wilson(float(values.mean()) * distinct, distinct, LEVEL)
        return Interval(lower=lower, upper=upper, level=LEVEL, method="Wilson")
    found = cluster_mean(values, np.array(families), level=LEVEL)
    return Interval(lower=found.lower, upper=found.upper, level=LEVEL, method=BY_FAMILY)
