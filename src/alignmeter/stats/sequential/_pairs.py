"""Counts of discordant pairs: Tango's score at a margin, and exact chances of crossing boundaries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats._binomial import FloatArray, binomial_cdf, binomial_pmf, binomial_tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

_NEGLIGIBLE = 1e-12
"""Rows and columns of states with less mass than this are dropped."""


class PairCharacteristics(NamedTuple):
    """P(pass), P(fail) and the expected number of pairs."""

    p_pass: float
    p_fail: float
    expected_n: float


def margin_score(plus: ArrayLike, minus: ArrayLike, n: int, margin: float) -> FloatArray:
    """Return Tango's score statistic of plus - minus against n margin; 0 where it has no variance."""
    if margin < 0:
        return -margin_score(minus, plus, n, -margin)
    b, c = np.asarray(plus, np.float64), np.asarray(minus, np.float64)
    numerator = b - c - n * margin
    linear = 2 * n * margin - (b - c) * margin - b - c
    constant = c * margin * (1 - margin)
    root = np.sqrt(linear * linear + 8 * n * constant)
    # The positive root of 2n q^2 + linear q - constant, in the form that does not cancel.
    downward = linear + root
    stable = 2 * constant / np.where(linear > 0, downward, 1.0)
    q = np.where(linear > 0, stable, (root - linear) / (4 * n))
    variance = n * (2 * q + margin * (1 - margin))
    return np.where(variance > 0, numerator / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0)


def pair_characteristics(
    looks: Sequence[int],
    boundaries: Sequence[float],
    margin: float,
    p_minus: float,
    p_plus: float,
    *,
    one_sided: Literal["pass", "fail"] | None = None,
) -> PairCharacteristics:
    """Follow the law of the two discordant counts from look to look.

    Args:
        looks: Pairs at each look, ascending.
        boundaries: Absolute statistic at each look from which it decides.
        margin: Difference under test.
        p_minus: P(D = -1).
        p_plus: P(D = 1).
        one_sided: Only this side stops; its probability is then the error rate that holds whatever
            the other side does.
    """
    law = np.ones((1, 1))
    first_plus, first_minus, units = 0, 0, 0
    passed = failed = expected = 0.0
    for n, boundary in zip(looks, boundaries, strict=True):
        expected += float(law.sum()) * (n - units)
        law = _convolve(law, _increments(n - units, p_plus, p_minus))
        law, plus_cut, minus_cut = _trim(law)
        first_plus, first_minus, units = first_plus + plus_cut, first_minus + minus_cut, n
        plus: FloatArray = first_plus + np.arange(float(law.shape[0]))[:, None]
        minus: FloatArray = first_minus + np.arange(float(law.shape[1]))[None, :]
        possible = plus + minus <= n
        score = np.where(possible, margin_score(np.minimum(plus, n), np.minimum(minus, n), n, margin), 0.0)
        passing = (score <= -boundary) & (one_sided != "fail")
        failing = (score >= boundary) & (one_sided != "pass")
        passed += float(law[passing].sum())
        failed += float(law[failing].sum())
        law = np.where(passing | failing | ~possible, 0.0, law)
        if not law.any():
            break
    return PairCharacteristics(passed, failed, expected)


def one_look_errors(n: int, boundary: float, margin: float, p_minus: float) -> tuple[float, float]:
    """Chances of passing and of failing at the margin where all pairs are looked at once.

    Time and memory grow with the root of n, so that any number of pairs can be looked at.

    Args:
        n: Pairs.
        boundary: Absolute statistic from which it decides.
        margin: The true difference, and the one under test.
        p_minus: P(D = -1).
    """
    reach = 9 * math.sqrt(n * p_minus * (1 - p_minus)) + 30
    first, last = max(0, math.floor(n * p_minus - reach)), min(n, math.ceil(n * p_minus + reach))
    minus = np.arange(first, last + 1.0)
    chance = binomial_pmf(minus, n, p_minus)
    share = min(1.0, max(0.0, p_minus + margin) / (1 - p_minus))
    failing = _least_plus(minus, n, margin, boundary)
    beyond_passing = _least_plus(minus, n, margin, -boundary, above=True)
    passed = chance * binomial_cdf(beyond_passing - 1, n - minus, share)
    failed = chance * binomial_tail(failing, n - minus, share)
    return float(passed.sum()), float(failed.sum())


def _least_plus(
    minus: FloatArray, n: int, margin: float, boundary: float, *, above: bool = False
) -> FloatArray:
    """The least counts of D = 1 with a statistic at (or only above) the boundary; one too many where none."""
    low, high = np.full(minus.shape, -1.0), n - minus + 1
    while (high - low).max() > 1:
        middle = np.floor((low + high) / 2)
        score = margin_score(np.clip(middle, 0, n - minus), minus, n, margin)
        reached = (score > boundary) if above else (score >= boundary)
        wide = high - low > 1
        low, high = np.where(wide & ~reached, middle, low), np.where(wide & reached, middle, high)
    return high


def _increments(n: int, p_plus: float, p_minus: float) -> FloatArray:
    """Return the law of the counts (D = 1, D = -1) among n pairs, from (0, 0) on."""
    counts = np.arange(n + 1.0)
    discordant = binomial_pmf(counts, n, min(1.0, p_plus))
    _, rows = _kept(discordant)
    _, columns = _kept(binomial_pmf(counts, n, min(1.0, p_minus)))
    plus, minus = counts[:rows, None], counts[None, :columns]
    share = min(1.0, p_minus / (1 - p_plus)) if p_plus < 1 else 0.0
    given = binomial_pmf(np.minimum(minus, n - plus), n - plus, share)
    return discordant[:rows, None] * np.where(plus + minus <= n, given, 0.0)


def _convolve(first: FloatArray, second: FloatArray) -> FloatArray:
    shape = [a + b - 1 for a, b in zip(first.shape, second.shape, strict=True)]
    padded = [2 ** math.ceil(math.log2(size)) for size in shape]
    product = np.fft.rfft2(first, padded) * np.fft.rfft2(second, padded)
    return np.maximum(np.fft.irfft2(product, padded)[: shape[0], : shape[1]], 0.0)


def _trim(law: FloatArray) -> tuple[FloatArray, int, int]:
    """Drop outer rows and columns without mass; return how many were cut at the front."""
    (top, bottom), (left, right) = _kept(law.sum(axis=1)), _kept(law.sum(axis=0))
    return law[top:bottom, left:right], top, left


def _kept(mass: FloatArray) -> tuple[int, int]:
    """Return the range of indices, end exclusive, outside which the mass is negligible."""
    inside = np.flatnonzero(mass > _NEGLIGIBLE)
    return (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 1)
