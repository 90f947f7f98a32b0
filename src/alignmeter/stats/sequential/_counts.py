"""Dynamic programming over counts: the arithmetic behind the exact sequential designs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats._roots import Ends, narrowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignmeter.stats._binomial import FloatArray


class Stop(NamedTuple):
    """What ends a stream at one look.

    Attributes:
        look: Units.
        pass_at, fail_at: Passes with at most, fails with at least, so many bad members.
        futile_from, futile_to: Counts at which it gives up; none where the first is larger.
    """

    look: int
    pass_at: int
    fail_at: int
    futile_from: int
    futile_to: int


_NUISANCE_POINTS = 33
_NUISANCE_DENSITY = 8
_SHARE_ON_GRID = 0.995
"""Share of alpha that laws on the grid may spend; between its points up to .2% more is spent."""
_FUTILE_FROM = 16
"""Units before which nothing is given up: too few to tell a hopeless stream from bad luck."""
_PRECISION = 1e-6
"""How far a confidence bound may lie outside the exact one."""
_ROUNDING = 1e-12
"""Slack for sums of probabilities: far under any alpha, far over rounding errors."""


def unit_kernels(rate: float, flips: int, units: int) -> FloatArray:
    """Return the laws of a unit's bad members that have this mean rate.

    Args:
        rate: Mean share of bad members.
        flips: Members of a unit, 1 or 2.
        units: Units that will follow the law: the more there are, the finer the grid.

    Returns:
        Shape (g, flips + 1), rows are probabilities of 0 .. flips bad members: one row for binary
        units; for two flips a grid over the probability that both are bad.
    """
    if flips == 1:
        return np.array([[1 - rate, rate]])
    # Error rates change where the expected number of rare outcomes changes by about one. They are
    # rare at both ends of what is possible, so the grid is dense there.
    spread = math.sqrt(units * min(rate, 1 - rate))
    points = max(_NUISANCE_POINTS, math.ceil(_NUISANCE_DENSITY * spread))
    grid = (1 - np.cos(np.linspace(0, math.pi, points))) / 2
    least = max(0.0, 2 * rate - 1)
    both = least + (rate - least) * grid
    one = 2 * (rate - both)
    return np.stack([np.clip(1 - one - both, 0, 1), one, both], axis=1)


def crossing_boundary(kernels: FloatArray, looks: Sequence[int], spend: FloatArray) -> tuple[int, ...]:
    """Return at each look the largest count that may cross, -1 where none may.

    Args:
        kernels: Laws of one unit under the null, shape (g, m + 1).
        looks: Units at each look, ascending.
        spend: Probability of having crossed that is allowed by each look, shape (looks,); at most
            1/2, so that no count over the mean ever crosses.
    """
    members = kernels.shape[1] - 1
    mean = sum(bad * float(share) for bad, share in enumerate(kernels[0]))
    # Under the null half of the probability lies at or under ceil(mean): no more states are needed.
    states = math.ceil(looks[-1] * mean) + members + 1
    crossed = np.zeros(len(kernels))
    boundary: list[int] = []
    mass, most, units = np.ones((len(kernels), 1)), -1, 0  # mass of the counts from most + 1 on
    for look, allowed in zip(looks, _on_grid(kernels, spend).tolist(), strict=True):
        mass = _steps(mass, kernels, look - units, states - most - 1)
        units = look
        cumulative = crossed[:, None] + np.cumsum(mass, axis=1)
        fits = (cumulative <= allowed + _ROUNDING).all(axis=0)
        more = fits.size if fits.all() else int(np.argmin(fits))
        if more:
            crossed, mass = cumulative[:, more - 1], mass[:, more:]
        most += more
        boundary.append(most)
    return tuple(boundary)


def rate_bound(  # noqa: PLR0917 - a design and a stream
    flips: int,
    looks: Sequence[int],
    boundary: Sequence[int],
    threshold: float,
    alpha: float,
    counts: Sequence[int],
) -> float:
    """Return the upper confidence bound of the rate that belongs to a boundary.

    Args:
        flips: Members of a unit.
        looks: Units at each look, ascending.
        boundary: Count at or under which each look rejects `threshold`; -1 where none does.
        threshold: Rate under test.
        alpha: Error rate of the bound.
        counts: Bad members at the looks so far.

    Returns:
        At most `threshold` exactly where a look so far has rejected it.

    Notes:
        Which outcomes speak as much for a low rate as the one seen? The boundary answers at one
        rate. It is carried to others by Wilson's bound: z of each look is the one that puts the
        boundary's bound on the threshold (before the first clean pass: at least the largest z after
        it). The smallest bound so far, over the looks, orders all streams, whatever the true rate.
        Coming as far as the stream seen, at any look up to the last, has a probability that falls
        in the rate; the bound is where it falls to alpha. Without the order, by testing each rate
        with a boundary of its own, rejected rates need not be an upper set: the bound then errs up
        to .056 at alpha .05.
    """
    n, at = np.asarray(looks, np.float64), np.asarray(boundary)
    z = (threshold * n - (at + 0.5) / flips) / np.sqrt(threshold * (1 - threshold) * n)
    z = np.where(at >= 0, z, np.maximum(z, z[at >= 0].max(initial=-math.inf)))
    seen = slice(len(counts))
    least = float(_wilson(np.asarray(counts) / flips, n[seen], z[seen]).min())
    # The largest counts with a bound of at most `least`: a guess, one up or not.
    guess = np.floor(flips * (least * n - z * np.sqrt(least * (1 - least) * n)))
    higher = np.clip(guess + 1, 0, flips * n)
    as_far = np.where(_wilson(higher / flips, n, z) <= least, higher, higher - 1).astype(np.int64).tolist()
    rejected = any(count <= most for count, most in zip(counts, boundary, strict=False))

    def excess(rate: float) -> float:
        kernels = unit_kernels(rate, flips, looks[-1])
        spent = _crossing_probability(kernels, looks, as_far) - _on_grid(kernels, np.asarray(alpha))
        return float(spent.max()) - _ROUNDING

    ends = Ends(0.0, threshold) if rejected else Ends(threshold, 1.0)
    return narrowed(excess, ends, _PRECISION).below


def _wilson(bad: FloatArray, n: FloatArray, z: FloatArray) -> FloatArray:
    """Return the bound of the rate that lies z standard errors, at that rate, above bad / n."""
    spread = np.sqrt(np.maximum(bad * (1 - bad / n), 0.0) + z * z / 4)
    # Rounding must not carry it outside, where the largest count with this bound has no root.
    return np.clip((bad + z * z / 2 + z * spread) / (n + z * z), 0.0, 1.0)


def _crossing_probability(kernels: FloatArray, looks: Sequence[int], boundary: Sequence[int]) -> FloatArray:
    """Return the probability of a count at or under the boundary at any look, shape (g,)."""
    crossed = np.zeros(len(kernels))
    states = max(boundary) + 1
    mass, first, units = np.ones((len(kernels), 1)), 0, 0
    for look, most in zip(looks, boundary, strict=True):
        mass = _steps(mass, kernels, look - units, states - first)
        units = look
        if most >= first:
            crossed += mass[:, : most + 1 - first].sum(axis=1)
            mass, first = mass[:, most + 1 - first :], most + 1
    return crossed


def _on_grid(kernels: FloatArray, spend: FloatArray) -> FloatArray:
    """Return what laws on the grid may spend so that those between its points keep to `spend`."""
    return spend if len(kernels) == 1 else _SHARE_ON_GRID * spend


def _steps(mass: FloatArray, kernels: FloatArray, units: int, states: int) -> FloatArray:
    """Add units to the distribution of the count, at most so many states; what leaves the top is dropped."""
    members = kernels.shape[1] - 1
    for _ in range(units):
        width = mass.shape[1]
        after = np.zeros((len(mass), width + members))
        for bad in range(members + 1):
            after[:, bad : bad + width] += mass * kernels[:, bad : bad + 1]
        mass = after[:, : max(states, 0)]
    return mass


def operating_characteristics(  # noqa: PLR0917 - the parts of a design
    rates: FloatArray,
    flips: int,
    looks: Sequence[int],
    pass_at: Sequence[int],
    fail_at: Sequence[int],
    futile: Sequence[tuple[int, int]],
    both: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return P(pass), P(fail) and E[n] at each rate, shape (r,).

    `both` is the probability that both flips are bad, shape (r,); without it they are independent.
    """
    if flips == 1:
        kernels = np.stack([1 - rates, rates], axis=1)
    else:
        twice = rates**2 if both is None else both
        kernels = np.maximum(np.stack([1 - 2 * rates + twice, 2 * (rates - twice), twice], axis=1), 0.0)
    mass, lowest, units = np.ones((rates.size, 1)), 0, 0  # mass of the counts from the lowest on
    passed, failed, expected = np.zeros(rates.size), np.zeros(rates.size), np.zeros(rates.size)
    for look, most, least, (first, last) in zip(looks, pass_at, fail_at, futile, strict=True):
        mass = _steps(mass, kernels, look - units, flips * looks[-1] + 1 - lowest)
        units = look
        over, enough = (max(0, count - lowest) for count in (most + 1, least))
        passing, failing = mass[:, :over].sum(axis=1), mass[:, enough:].sum(axis=1)
        given_up = mass[:, max(0, first - lowest) : max(0, last + 1 - lowest)]
        passed, failed = passed + passing, failed + failing
        expected += look * (passing + failing + given_up.sum(axis=1))
        given_up[:] = 0.0
        mass, lowest = mass[:, over:enough], lowest + over
    return passed, failed, expected + looks[-1] * mass.sum(axis=1)


def decision_chances(
    flips: int, looks: Sequence[int], pass_at: Sequence[int], fail_at: Sequence[int]
) -> Iterator[FloatArray]:
    """Yield, from the last look to the first, the predictive probability of any decision at each count.

    Members are taken as draws at an unknown rate with a Jeffreys prior, so the next one is bad with
    probability (s + 1/2) / (m + 1) after s bad ones of m.

    Yields:
        One array a look, of shape (flips * look + 1,); 1 where the look itself decides.
    """
    members = flips * looks[-1]
    after = np.zeros(members + 1)
    for look, most, least in zip(reversed(looks), reversed(pass_at), reversed(fail_at), strict=True):
        for seen in range(members - 1, flips * look - 1, -1):
            counts = np.arange(seen + 1)
            bad = (counts + 0.5) / (seen + 1)
            after = bad * after[1:] + (1 - bad) * after[:-1]
        members = flips * look
        after = after.copy()
        after[: most + 1] = 1.0
        after[least:] = 1.0
        yield after


def futile_counts(
    flips: int, looks: Sequence[int], pass_at: Sequence[int], fail_at: Sequence[int], level: float
) -> tuple[tuple[int, int], ...]:
    """Return at each look the counts (first, last) from which a decision is less likely than `level`."""
    if level <= 0:
        return ((0, -1),) * len(looks)
    found: list[tuple[int, int]] = []
    for look, chance in zip(reversed(looks), decision_chances(flips, looks, pass_at, fail_at), strict=True):
        hopeless = np.flatnonzero(chance < level) if look >= _FUTILE_FROM else np.empty(0, dtype=np.int64)
        found.append((int(hopeless[0]), int(hopeless[-1])) if hopeless.size else (0, -1))
    return tuple(reversed(found))


def units_needed(flips: int, stops: Sequence[Stop], n: int, bad: int, chance: float) -> int:
    """Return the first look at which the stream has stopped with at least this predictive probability.

    Args:
        flips: Members of a unit.
        stops: Where each look stops.
        n: Units so far.
        bad: Bad members so far.
        chance: Probability in (0, 1].
    """
    members, stopped = flips * n, 0.0
    mass = np.ones(1)  # over the bad members still to come
    for stop in stops:
        if stop.look <= n:
            continue
        while members < flips * stop.look:
            next_bad = (bad + np.arange(mass.size) + 0.5) / (members + 1)
            mass = np.append(mass * (1 - next_bad), 0.0) + np.append(0.0, mass * next_bad)
            members += 1
        counts = bad + np.arange(mass.size)
        decided = (counts <= stop.pass_at) | (counts >= stop.fail_at)
        ended = decided | ((counts >= stop.futile_from) & (counts <= stop.futile_to))
        stopped += float(mass[ended].sum())
        if stopped >= chance - _ROUNDING:
            return stop.look
        mass = np.where(ended, 0.0, mass)
    return stops[-1].look
