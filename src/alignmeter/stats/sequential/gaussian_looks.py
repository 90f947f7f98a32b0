"""Sequential tests of a paired difference: ten looks at Tango's statistic, Gaussian boundaries.

A unit is a pair of binary outcomes, D in {-1, 0, 1} is bad in the first arm minus bad in the second,
and Z = D - margin. Boundaries come from the joint normal law of the statistic over the looks, error
rates and expected sizes from exact enumeration of the pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from alignmeter.stats._binomial import FloatArray, normal_quantile, scipy_special
from alignmeter.stats.sequential._pairs import margin_score, pair_characteristics
from alignmeter.stats.sequential.alpha_spending import MAX_UNITS, OperatingCharacteristics, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

CALIBRATED_ALPHA = 0.045
"""Level at which the boundaries are computed for an error rate of .05; scaled for another alpha."""

_NODES = 160
_REACH = 9.0
_BISECTIONS = 60
NUISANCE = (0.0, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Values of P(D = -1) at which error rates are enumerated, as shares of what the margin leaves room for."""
SHRINK = 0.998
"""By how much more than in proportion a level is lowered, so that few rounds are enough."""
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class GaussianLooksDesign:
    """Looks and boundaries fixed before the first pair; hashable. Made by `gaussian_looks_design`.

    Attributes:
        n_max: Pairs at most.
        alpha: Error rate of each side, which exact enumeration confirms.
        margin: Difference under test: passing shows a smaller one, failing a larger one.
        calibrated_alpha: Level at which the boundaries were computed.
        looks: Pairs at which the boundaries hold, ascending; the last is `n_max`.
        boundaries: At each look, the statistic at or above which it fails; mirrored, it passes.
    """

    n_max: int
    alpha: float
    margin: float
    calibrated_alpha: float
    looks: tuple[int, ...]
    boundaries: tuple[float, ...]

    def operating_characteristics(self, p_minus: ArrayLike, p_plus: ArrayLike) -> OperatingCharacteristics:
        """Exact probabilities of the decisions, and the expected number of pairs.

        Args:
            p_minus: P(D = -1), any shape.
            p_plus: P(D = 1), of a shape that broadcasts; the true difference is p_plus - p_minus.

        Returns:
            Arrays of the broadcast shape.

        Raises:
            ValueError: A probability is outside [0, 1] or not a number, or two sum to more than 1.

        Examples:
            >>> from alignmeter.stats.sequential.gaussian_looks import gaussian_looks_design
            >>> found = gaussian_looks_design(175, margin=0.10).operating_characteristics(0.03, [0.13, 0.53])
            >>> [round(float(n)) for n in found.expected_n]
            [170, 31]
        """
        minus, plus = np.broadcast_arrays(np.asarray(p_minus, np.float64), np.asarray(p_plus, np.float64))
        if not ((minus >= 0) & (plus >= 0) & (minus + plus <= 1 + _TOLERANCE)).all():
            raise ValueError(
                f"p_minus and p_plus must be >= 0 and sum to at most 1, got {p_minus!r} and {p_plus!r}"
            )
        rows = [
            pair_characteristics(self.looks, self.boundaries, self.margin, float(a), float(b))
            for a, b in zip(minus.ravel(), plus.ravel(), strict=True)
        ]
        table = np.asarray(rows, np.float64).reshape(-1, 3)
        return OperatingCharacteristics(*(column.reshape(minus.shape) for column in table.T))

    def start(self) -> GaussianLooksProcess:
        """Begin a stream of pairs."""
        return GaussianLooksProcess(self)


class GaussianLooksProcess:
    """A stream of pairs under a design.

    Attributes:
        n: Pairs so far.
        statistic: Score statistic of the scored pairs as they are, at the latest pair; 0 at first.
        decision: The latest answer of `update`.
    """

    def __init__(self, design: GaussianLooksDesign) -> None:
        self.design = design
        self.n = 0
        self.decision: Step = "continue"
        self._look = 0
        # (D = 1, D = -1) counts, with missing outcomes as good and as bad.
        self._best, self._worst = [0, 0], [0, 0]

    @property
    def statistic(self) -> float:
        """Score statistic at the margin, missing outcomes taken as good."""
        return self._score(self._best) if self.n else 0.0

    def update(self, z: float, *, worst: float | None = None) -> Step:
        """Take the next pair of the committed order.

        Args:
            z: D - margin; where an outcome has no score, its smallest possible value.
            worst: Where an outcome has no score, its largest possible value, which is used for
                passing; else `z`.

        Returns:
            `continue`, `pass`, `fail`, or `undecided` at `n_max`.

        Raises:
            ValueError: The stream has stopped, or a value is none that a pair can have.
        """
        if self.decision != "continue":
            raise ValueError(f"the stream stopped after {self.n} pairs: {self.decision}; start a new one")
        best, high = self._difference(z), self._difference(z if worst is None else worst)
        if high < best:
            raise ValueError(f"worst must not lie below z, got worst={worst!r}, z={z!r}")
        self.n += 1
        for counts, difference in ((self._best, best), (self._worst, high)):
            if difference:
                counts[0 if difference > 0 else 1] += 1
        if self.n == self.design.looks[self._look]:
            self.decision = self._decide(self.design.boundaries[self._look])
            self._look += 1
        return self.decision

    def _decide(self, boundary: float) -> Step:
        if self._score(self._worst) <= -boundary:
            return "pass"
        if self._score(self._best) >= boundary:
            return "fail"
        return "undecided" if self.n == self.design.n_max else "continue"

    def _score(self, counts: list[int]) -> float:
        return float(margin_score(counts[0], counts[1], self.n, self.design.margin))

    def _difference(self, z: float) -> int:
        difference = z + self.design.margin
        if not (math.isfinite(difference) and abs(difference - round(difference)) <= _TOLERANCE):
            raise ValueError(self._expected(z))
        if abs(round(difference)) > 1:
            raise ValueError(self._expected(z))
        return round(difference)

    def _expected(self, z: float) -> str:
        margin = self.design.margin
        return f"z must be D - {margin!r} with D in -1, 0, 1 (bad in one arm minus the other), got {z!r}"


def gaussian_looks_design(
    n_max: int,
    *,
    margin: float,
    alpha: float = 0.05,
    looks: int = 10,
    calibrated_alpha: float | None = None,
) -> GaussianLooksDesign:
    """Design a sequential test of a paired difference against a margin.

    Args:
        n_max: Pairs at most.
        margin: Difference under test, in (-1, 1).
        alpha: Error rate of each side, in (0, 1/2).
        looks: Equally spaced looks, at most `n_max`.
        calibrated_alpha: Level of the boundaries to start from, at most `alpha`; .9 alpha unless
            given (.045 at .05). Where the enumerated error rate exceeds `alpha` it is lowered.

    Returns:
        The design, with a boundary at each look.

    Raises:
        ValueError: A parameter is out of range.

    Notes:
        At look k, with b and c the counts of D = 1 and D = -1, the statistic is Tango's score

            S = (b - c - n margin) / sqrt(n (2 q + margin (1 - margin))),

        q being the most likely P(D = -1) if the difference were the margin. The variance is that of
        the null, not of the sample, so that a run of identical pairs has a finite statistic: after
        18 pairs without a discordant one at margin 10 points it is -1.41, where the sample's
        standard deviation would divide by zero. (At margin 0 no discordant pair gives 0.)

        Boundaries spend calibrated_alpha n / n_max by look n, as the exact design does. Each is the
        tail of a normal random walk that has not crossed before, by recursive integration; each
        side ignores the other, so an error rate holds whatever the other side stops. As the score
        is discrete, and skewed for rare events, boundaries computed at .05 err up to .06; hence
        .045, and even that errs up to .055 (margin 5 points, 300 pairs). So each side's error rate
        at the margin is enumerated over ten values of P(D = -1), from 0 to the largest possible,
        and the level lowered until all are at most alpha (to .0405 in that example).

    References:
        P. Armitage, C. K. McPherson and B. C. Rowe, JRSS A 132, 235-244, 1969. K. K. G. Lan and
        D. L. DeMets, Biometrika 70, 659-663, 1983. T. Tango, Statistics in Medicine 17, 891-908, 1998.

    Examples:
        >>> from alignmeter.stats.sequential.gaussian_looks import gaussian_looks_design
        >>> design = gaussian_looks_design(175, margin=0.10)
        >>> design.looks[0], [round(z, 2) for z in design.boundaries[::3]]
        (18, [2.6, 2.38, 2.22, 2.09])
        >>> process = design.start()
        >>> while process.update(-0.10) == "continue":
        ...     pass
        >>> process.n, process.decision
        (70, 'pass')
    """
    level = CALIBRATED_ALPHA / 0.05 * alpha if calibrated_alpha is None else calibrated_alpha
    _check(n_max, margin, alpha, looks, level)
    return _design(int(n_max), float(margin), alpha, int(looks), level)


def looks_n_max(
    p_minus: float,
    p_plus: float,
    *,
    margin: float,
    alpha: float = 0.05,
    looks: int = 10,
    power: float = 0.8,
) -> int | None:
    """Return the `n_max` at which a true difference is decided rightly with this power.

    Args:
        p_minus: P(D = -1) at the alternative.
        p_plus: P(D = 1) at the alternative; p_plus - p_minus below the margin should pass, above
            it should fail.
        margin: Difference under test, in (-1, 1).
        alpha: Error rate of each side, in (0, 1/2).
        looks: Equally spaced looks.
        power: Probability of the right verdict, in (alpha, 1).

    Returns:
        Pairs, or None where the difference is the margin or more than 20,000 would be needed. Power
        is a saw in n_max: the size has the power, one pair less has not, nearby sizes may differ.

    Raises:
        ValueError: A parameter is out of range.
    """
    _check(max(looks, 1), margin, alpha, looks, alpha)
    if not (p_minus >= 0 and p_plus >= 0 and p_minus + p_plus <= 1 + _TOLERANCE):
        raise ValueError(
            f"p_minus and p_plus must be >= 0 and sum to at most 1, got {p_minus!r} and {p_plus!r}"
        )
    if not alpha < power < 1:
        raise ValueError(f"power must lie strictly between alpha ({alpha!r}) and 1, got {power!r}")
    effect = p_plus - p_minus - margin
    if abs(effect) < _TOLERANCE:
        return None

    def enough(n_max: int) -> bool:
        design = gaussian_looks_design(n_max, margin=margin, alpha=alpha, looks=looks)
        found = design.operating_characteristics(p_minus, p_plus)
        return float(found.p_pass if effect < 0 else found.p_fail) >= power

    # The fixed test's size, from which the search goes out.
    variance = p_plus + p_minus - (p_plus - p_minus) ** 2
    z = normal_quantile(1 - alpha) + normal_quantile(power)
    low, high = looks - 1, max(looks, math.ceil(z * z * variance / effect**2))
    while high <= MAX_UNITS and not enough(high):
        low, high = high, math.ceil(1.3 * high) + 1
    if high > MAX_UNITS:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@lru_cache(maxsize=256)
def _design(n_max: int, margin: float, alpha: float, looks: int, level: float) -> GaussianLooksDesign:
    at = tuple(round(n_max * (k + 1) / looks) for k in range(looks))
    while True:
        boundaries = normal_boundaries([n / n_max for n in at], level)
        worst = _error_rate(at, boundaries, margin)
        if worst <= alpha:
            return GaussianLooksDesign(n_max, alpha, margin, level, at, boundaries)
        level *= SHRINK * alpha / worst


def _error_rate(looks: tuple[int, ...], boundaries: tuple[float, ...], margin: float) -> float:
    """Return the largest probability of a wrong verdict at the margin over P(D = -1)."""
    least, room = max(0.0, -margin), (1 - abs(margin)) / 2
    rates = [least + share * room for share in NUISANCE]
    return max(
        max(pair_characteristics(looks, boundaries, margin, p, max(0.0, p + margin), one_sided=side)[:2])
        for p in rates
        for side in ("pass", "fail")
    )


def normal_boundaries(times: Sequence[float], alpha: float) -> tuple[float, ...]:
    """Return the one-sided boundaries of a normal statistic that spend alpha t by time t.

    Args:
        times: Shares of the information at the looks, ascending, the last 1.
        alpha: Probability of ever crossing under the null, in (0, 1/2).

    Returns:
        At each look the standard normal value at or above which the statistic crosses.

    Notes:
        The density of a Brownian motion that has not crossed is carried from look to look by
        Gauss-Legendre quadrature below the boundary; each boundary solves for the tail.

    Examples:
        >>> from alignmeter.stats.sequential.gaussian_looks import normal_boundaries
        >>> [round(z, 3) for z in normal_boundaries([0.5, 1.0], 0.05)]
        [1.96, 1.807]
    """
    points, weights = _quadrature()
    nodes, mass = np.zeros(1), np.ones(1)
    boundaries: list[float] = []
    spent = previous = 0.0
    for time in times:
        step, reach = math.sqrt(time - previous), _REACH * math.sqrt(time)
        bound = _crossing(nodes, mass, step, alpha * time - spent, reach)
        boundaries.append(bound / math.sqrt(time))
        after = (bound + reach) * (points + 1) / 2 - reach
        moved = np.exp(-(((after[:, None] - nodes) / step) ** 2) / 2) @ mass / (step * math.sqrt(2 * math.pi))
        spent += _tail(nodes, mass, step, bound)
        nodes, mass, previous = after, moved * weights * (bound + reach) / 2, time
    return tuple(boundaries)


@lru_cache(maxsize=1)
def _quadrature() -> tuple[FloatArray, FloatArray]:
    """Return the nodes and weights of Gauss-Legendre quadrature on (-1, 1)."""
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(points, np.float64), np.asarray(weights, np.float64)


def _tail(nodes: FloatArray, mass: FloatArray, step: float, bound: float) -> float:
    """Return the probability of lying above the bound one step on."""
    return float((mass * scipy_special().ndtr((nodes - bound) / step)).sum())


def _crossing(nodes: FloatArray, mass: FloatArray, step: float, target: float, reach: float) -> float:
    """Return the smallest bound, to rounding, with at most the target above it one step on."""
    low, high = -reach, reach
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = _tail(nodes, mass, step, middle) > target
        low, high = (middle, high) if above else (low, middle)
    return high


def _check(n_max: int, margin: float, alpha: float, looks: int, level: float) -> None:
    if not -1 < margin < 1:
        raise ValueError(f"margin must lie strictly between -1 and 1, got {margin!r}")
    if not 0 < alpha < 0.5:  # noqa: PLR2004 - else passing and failing overlap
        raise ValueError(f"alpha must lie strictly between 0 and 0.5 (0.05 is usual), got {alpha!r}")
    if not 0 < level <= alpha:
        raise ValueError(f"calibrated_alpha must lie in (0, alpha], alpha being {alpha!r}, got {level!r}")
    if looks != int(looks) or looks < 1:
        raise ValueError(f"looks must be a whole number >= 1, got {looks!r}")
    if not looks <= n_max <= MAX_UNITS or n_max != int(n_max):
        raise ValueError(f"n_max must be a whole number from looks ({looks}) to {MAX_UNITS}, got {n_max!r}")
