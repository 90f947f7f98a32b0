"""Tests of a paired difference against a margin: once, at looks fixed beforehand, or by betting.

Differences come as tuned minus base in {-1, 0, 1}, twice: `best` with what has no score at its best for
the tuned arm, which is used for failing, and `worst`, which is used for passing.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.stats.paired import tango
from alignmeter.stats.sequential.one_look import one_look_boundary
from alignmeter.stats.sequential.paired_bets import bet_on_pairs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alignmeter.records import ComparisonDesign

METHODS = {
    "complete": "Tango's score interval, calibrated by enumeration",
    "betting": "betting confidence sequence",
    "ten_looks": "repeated score intervals, dual of the looks",
}


class Margins(NamedTuple):
    """What passing and failing have to show, and how often each may err.

    Attributes:
        p_pass: Passing shows a smaller difference; `p_fail`: failing shows a larger one.
    """

    p_pass: float
    p_fail: float
    alpha: float
    alpha_fail: float


class Tested(NamedTuple):
    """What the pairs show.

    Attributes:
        state: `continue`: neither, and more pairs could decide.
        used: Pairs that counted.
        lower, upper: Bounds of the difference, dual to the tests.
    """

    state: Literal["pass", "fail", "undecided", "continue"]
    used: int
    lower: float
    upper: float


class _Counts(NamedTuple):
    plus: int
    minus: int
    n: int


def _count(differences: NDArray[np.int8], n: int) -> _Counts:
    part = differences[:n]
    return _Counts(int((part > 0).sum()), int((part < 0).sum()), n)


def tested_once(best: NDArray[np.int8], worst: NDArray[np.int8], margins: Margins) -> Tested:
    """Test complete arms once, by Tango's score at a boundary that keeps its level at this size.

    As tabulated the score errs up to .087 for .05 (30 pairs that rarely differ); hence the level is
    lowered until the enumerated error rate at the margin holds (`critical_score`).
    """
    n = len(best)
    at_pass = critical_score(n, margins.p_pass, margins.alpha)
    at_fail = critical_score(n, margins.p_fail, margins.alpha_fail)
    low, high = _count(best, n), _count(worst, n)
    state = "undecided"
    if _score(high, margins.p_pass) <= -at_pass:
        state = "pass"
    elif _score(low, margins.p_fail) >= at_fail:
        state = "fail"
    return Tested(state, n, *_bounds(low, high, at_pass, at_fail))


def tested_at_looks(best: NDArray[np.int8], worst: NDArray[np.int8], design: ComparisonDesign) -> Tested:
    """Test pairs of the committed order at each look of a design, until one decides."""
    lower, upper, used = -1.0, 1.0, 0
    for n, at_pass, at_fail in zip(design.looks, design.pass_at, design.fail_at, strict=True):
        if n > len(best):
            return Tested("continue", len(best), lower, upper)
        low, high = _count(best, n), _count(worst, n)
        ends = _bounds(low, high, at_pass, at_fail)
        lower, upper, used = max(lower, ends[0]), min(upper, ends[1]), n
        if _score(high, design.p_pass) <= -at_pass:
            return Tested("pass", n, lower, upper)
        if _score(low, design.p_fail) >= at_fail:
            return Tested("fail", n, lower, upper)
    return Tested("undecided", used, lower, upper)


def tested_by_betting(best: NDArray[np.int8], worst: NDArray[np.int8], margins: Margins) -> Tested:
    """Test pairs of the committed order whenever and why ever they stopped."""
    found = bet_on_pairs(
        best,
        worst,
        pass_margin=margins.p_pass,
        fail_margin=margins.p_fail,
        alpha=margins.alpha,
        alpha_fail=margins.alpha_fail,
    )
    state = "undecided" if found.decision == "continue" else found.decision
    return Tested(state, len(best), found.lower, found.upper)


def once_floor(margin: float, alpha: float) -> int:
    """Return pairs without a difference that are enough for passing in complete arms."""
    n, z = 1, NormalDist().inv_cdf(1 - alpha)
    # Without a difference the score is -sqrt(n margin / (1 - margin)).
    while True:
        wanted = max(1, math.ceil(z * z * (1 - margin) / margin))
        if wanted <= n:
            return n
        n, z = wanted, critical_score(wanted, margin, alpha)


def looks_floor(design: ComparisonDesign) -> int:
    """Return the pairs without a difference that passing takes at looks; n_max + 1 where none suffice."""
    reached = (
        n
        for n, at_pass in zip(design.looks, design.pass_at, strict=True)
        if _score(_Counts(0, 0, n), design.p_pass) <= -at_pass
    )
    return next(reached, design.n_max + 1)


@lru_cache(maxsize=1024)
def critical_score(n: int, margin: float, alpha: float) -> float:
    """Return the score at or above which n pairs are at odds with the margin, erring at most alpha."""
    return one_look_boundary(n, margin=margin, alpha=alpha)


def _score(counts: _Counts, margin: float) -> float:
    return tango(*counts, margin=margin).statistic


def _bounds(low: _Counts, high: _Counts, at_pass: float, at_fail: float) -> tuple[float, float]:
    """The differences that neither test rejects."""
    lower = tango(*low, level=math.erf(at_fail / math.sqrt(2))).lower
    upper = tango(*high, level=math.erf(at_pass / math.sqrt(2))).upper
    return lower, upper
