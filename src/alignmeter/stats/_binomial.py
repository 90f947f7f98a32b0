"""The few special functions that the package rests on, typed, and total where SciPy's are not.

SciPy ships no type stubs, so it is met here once, at the first call: `scipy.special` takes a
moment to load (`scipy.stats` over a second, so it is never used).
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def scipy_special() -> Any:  # noqa: ANN401 - SciPy has no types
    return importlib.import_module("scipy.special")


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    return float(scipy_special().ndtri(probability))


def student_tail(t: float, degrees_of_freedom: float) -> float:
    """Return P(T >= t) for Student's t."""
    return float(scipy_special().stdtr(degrees_of_freedom, -t))


def student_quantile(probability: float, degrees_of_freedom: float) -> float:
    """Return the quantile of Student's t."""
    return float(scipy_special().stdtrit(degrees_of_freedom, probability))


def beta_quantile(a: ArrayLike, b: ArrayLike, probability: ArrayLike) -> FloatArray:
    """Return x with P(Beta(a, b) <= x) = probability; `a` and `b` positive."""
    return np.asarray(scipy_special().betaincinv(a, b, probability), dtype=np.float64)


def beta_upper_quantile(a: ArrayLike, b: ArrayLike, probability: ArrayLike) -> FloatArray:
    """Return x with P(Beta(a, b) > x) = probability; keeps its digits where that is small."""
    return np.asarray(scipy_special().betainccinv(a, b, probability), dtype=np.float64)


def binomial_cdf(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> FloatArray:
    """Return P(X <= k) for X ~ Binomial(n, p): 0 below the support, 1 from k = n on."""
    count, size, rate = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (k, n, p)))
    inside = (count >= 0) & (count < size)
    a, b = np.where(inside, count + 1, 1.0), np.where(inside, size - count, 1.0)
    return np.where(inside, scipy_special().betaincc(a, b, rate), (count >= size).astype(np.float64))


def binomial_tail(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> FloatArray:
    """Return P(X >= k) for X ~ Binomial(n, p): 1 up to k = 0, 0 above the support."""
    count, size, rate = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (k, n, p)))
    inside = (count > 0) & (count <= size)
    a, b = np.where(inside, count, 1.0), np.where(inside, size - count + 1, 1.0)
    return np.where(inside, scipy_special().betainc(a, b, rate), (count <= 0).astype(np.float64))


def binomial_pmf(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> FloatArray:
    """Return P(X = k) for X ~ Binomial(n, p), 0 <= k <= n, computed in logarithms."""
    count, size, rate = (np.asarray(x, dtype=np.float64) for x in (k, n, p))
    special = scipy_special()
    log_ways = special.gammaln(size + 1) - special.gammaln(count + 1) - special.gammaln(size - count + 1)
    log_pmf = log_ways + special.xlogy(count, rate) + special.xlog1py(size - count, -rate)
    return np.asarray(np.exp(log_pmf), dtype=np.float64)
