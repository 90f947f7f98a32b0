"""Which operating points are worth having: dominance and hypervolume under a joint bootstrap by family.

A point dominates another where it is at least as good on both axes, helpfulness and safety, and better
on one; differences within a margin count as equal. All points see the same resampled families, so what
they share cancels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.records import Interval
from alignmeter.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignmeter.records import PointState

    Floats = NDArray[np.float64]

MARGIN = 0.01
"""Difference within which two points are equally good, unless somebody says otherwise."""
LEVEL = 0.95
ERROR = 0.05
"""Chance, at most, with which a point is called what it is not (docs/decisions/0025)."""
DRAWS = 4000
ENOUGH = 30
"""Requests scored for all points, on either axis, from which on something is shown: below, a bootstrap
calls a point dominated that is on the border more often than it says (15% at 20 requests)."""
UNSCORED = -1
_CHUNK = 500
_PSEUDO = 2.0


class Axis(NamedTuple):
    """Outcomes of all points on one axis.

    Attributes:
        families: Family of each unit, length n.
        good: 1 for a good outcome, 0 for a bad one, `UNSCORED`; shape (n, points).
    """

    families: tuple[str, ...]
    good: NDArray[np.int8]


class Joint(NamedTuple):
    """Draws of the joint bootstrap.

    Attributes:
        helpful, safe: Rate of each point, shape (draws, points).
        families: Families that were resampled.
    """

    helpful: Floats
    safe: Floats
    families: int


class Position(NamedTuple):
    """Where one point stands among the others.

    Attributes:
        dominates_me: P(point j dominates this one), shape (points,).
        best: Whether it is not dominated in the estimates.
    """

    p_non_dominated: float
    dominates_me: Floats
    best: bool


def rate(good: NDArray[np.int8]) -> tuple[float | None, Interval | None, int]:
    """Return the rate of good outcomes, its interval, and how many outcomes are unscored.

    Args:
        good: 1, 0 or `UNSCORED`, shape (n,), one a family and intent.

    Returns:
        Rate over the scored, Wilson's interval with the unscored at their worst on either side, count.
    """
    n, hits, missing = len(good), int((good == 1).sum()), int((good == UNSCORED).sum())
    if n == missing:
        return None, None, missing
    lower, upper = wilson(hits, n, LEVEL).lower, wilson(hits + missing, n, LEVEL).upper
    return hits / (n - missing), Interval(lower=lower, upper=upper, level=LEVEL, method="Wilson"), missing


def joint_bootstrap(helpful: Axis, safe: Axis, *, draws: int = DRAWS, seed: int = 0) -> Joint:
    """Resample families, the same for all points and both axes.

    Families are drawn within three strata, those with units on the one axis, on the other and on both,
    so that the size of an axis stays as it is. Units that are unscored for any point are left out.

    Each draw also holds about two units that nobody observed, of either outcome with equal chance and
    for every point apart: the bootstrap of an observed rate of 0 or 1 would else know it for certain
    (Agresti and Min's half a pair a cell).

    Args:
        helpful: Complied with, on legitimate requests.
        safe: Not harmed by, on attacked requests.
        draws: Bootstrap draws.
        seed: Of the draws.

    References:
        B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993. A. Agresti and Y. Min,
        Statistics in Medicine 24, 729-740, 2005.
    """
    rng = np.random.default_rng(seed)
    axes = [_complete(helpful), _complete(safe)]
    families = sorted({family for axis in axes for family in axis.families})
    place = {family: number for number, family in enumerate(families)}
    sums, counts = zip(*(_by_family(axis, place) for axis in axes), strict=True)
    strata = [2 * (counts[0] > 0) + (counts[1] > 0) == code for code in (1, 2, 3)]
    found: list[list[Floats]] = [[], []]
    for begin in range(0, draws, _CHUNK):
        size = min(_CHUNK, draws - begin)
        weights = np.zeros((size, len(families)))
        for stratum in strata:
            n = int(stratum.sum())
            if n:
                weights[:, stratum] = rng.multinomial(n, np.full(n, 1 / n), size=size)
        for rates, good, number in zip(found, sums, counts, strict=True):
            total = weights @ number
            unseen = rng.binomial(int(number.sum()), _PSEUDO / (number.sum() + _PSEUDO), size=size)
            luck = rng.binomial(unseen[:, None], 0.5, size=(size, good.shape[1]))
            rates.append((weights @ good + luck) / np.maximum(total + unseen, 1)[:, None])
    return Joint(np.concatenate(found[0]), np.concatenate(found[1]), len(families))


def _complete(axis: Axis) -> Axis:
    """Keep the units that are scored for every point."""
    kept = (axis.good != UNSCORED).all(axis=1)
    families = tuple(family for family, keep in zip(axis.families, kept, strict=True) if keep)
    return Axis(families, axis.good[kept])


def _by_family(axis: Axis, place: dict[str, int]) -> tuple[Floats, Floats]:
    sums, counts = np.zeros((len(place), axis.good.shape[1])), np.zeros(len(place))
    rows = np.array([place[family] for family in axis.families], dtype=np.intp)
    np.add.at(sums, rows, axis.good)
    np.add.at(counts, rows, 1)
    return sums, counts


def dominance(helpful: Floats, safe: Floats, margin: float) -> NDArray[np.bool_]:
    """Say which point dominates which.

    Args:
        helpful: Rates, shape (..., points).
        safe: Likewise.
        margin: Difference within which two rates are equal.

    Returns:
        Shape (..., points, points): entry [j, i] where j dominates i. It never holds in a circle: each
        step gains more than the margin on one axis and loses at most the margin on the other.
    """
    gains = [axis[..., :, None] - axis[..., None, :] for axis in (helpful, safe)]
    room = margin + 1e-12
    no_worse = (gains[0] >= -room) & (gains[1] >= -room)
    return no_worse & ((gains[0] > room) | (gains[1] > room))


def positions(
    estimates: tuple[Sequence[float], Sequence[float]], joint: Joint, *, margin: float = MARGIN
) -> tuple[Position, ...]:
    """Return where each point stands.

    Args:
        estimates: Helpfulness and safety of each point.
        joint: Draws of the bootstrap.
        margin: Difference within which two rates are equal.
    """
    draws = len(joint.helpful)
    points = joint.helpful.shape[1]
    wins, free = np.zeros((points, points)), np.zeros(points)
    for begin in range(0, draws, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        found = dominance(joint.helpful[part], joint.safe[part], margin)
        wins += found.sum(axis=0)
        free += (~found.any(axis=1)).sum(axis=0)
    now = dominance(np.array(estimates[0]), np.array(estimates[1]), margin)
    return tuple(
        Position(float(free[i] / draws), wins[:, i] / draws, not bool(now[:, i].any())) for i in range(points)
    )


def enough(helpful: NDArray[np.int8], safe: NDArray[np.int8]) -> bool:
    """Whether both axes have `ENOUGH` units that are scored for every point; shapes (n, points)."""
    return all(int((good != UNSCORED).all(axis=1).sum()) >= ENOUGH for good in (helpful, safe))


def state_of(position: Position, *, enough: bool = True) -> PointState:
    """Name what is shown of a point.

    A point is dominated where one and the same other point dominates it; any of them would do, so each has
    its share of the error. It is free where none does, and there are two ways to be free of one, to be better
    on the one axis or on the other. So each way has half of the error.

    Args:
        position: Where it stands.
        enough: Whether there are requests enough to show anything.
    """
    if not enough:
        return "undecided"
    others = len(position.dominates_me) - 1
    if others and position.dominates_me.max() >= 1 - ERROR / others:
        return "dominated"
    return "frontier" if position.p_non_dominated >= 1 - ERROR / 2 else "undecided"


def hypervolume(helpful: Floats, safe: Floats) -> Floats:
    """Return the area that the points dominate, seen from helpfulness 0 and safety 0.

    Args:
        helpful: Shape (..., points), in [0, 1].
        safe: Likewise.

    Returns:
        Shape (...), in [0, 1].

    Examples:
        >>> import numpy as np
        >>> float(hypervolume(np.array([1.0, 0.5]), np.array([0.2, 0.8])))
        0.5
    """
    order = np.argsort(-helpful, axis=-1, kind="stable")
    x, y = np.take_along_axis(helpful, order, -1), np.take_along_axis(safe, order, -1)
    reached = np.maximum.accumulate(y, axis=-1)
    following = np.concatenate([x[..., 1:], np.zeros_like(x[..., :1])], axis=-1)
    return np.asarray(((x - following) * reached).sum(axis=-1))


def hypervolume_interval(joint: Joint, estimate: float) -> Interval:
    """Return the interval of the hypervolume.

    The best of several noisy points looks better than it is, in the estimate once and in the draws once
    more. Where points are truly alike, what the draws add is (sqrt(2) - 1) of what the estimate has, since
    they vary with twice the variance about the truth: the lower end goes down by the whole of it. The
    upper end stays, since points that are truly apart have no such bias.

    Args:
        joint: Draws.
        estimate: The hypervolume of the observed rates.
    """
    tail = (1 - LEVEL) / 2
    drawn = hypervolume(joint.helpful, joint.safe)
    lower, middle, upper = (float(one) for one in np.quantile(drawn, [tail, 0.5, 1 - tail]))
    centre = float(hypervolume(joint.helpful.mean(axis=0), joint.safe.mean(axis=0)))
    bias = max(0.0, middle - centre) / (math.sqrt(2) - 1)
    return Interval(
        lower=max(0.0, estimate + min(lower - middle, middle - upper) - bias),
        upper=min(1.0, estimate + upper - middle),
        level=LEVEL,
        method="joint bootstrap by family",
    )
