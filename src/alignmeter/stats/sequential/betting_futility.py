"""How likely betting processes still are to decide, which stops a hopeless stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.stats.sequential._bets import log_mixture_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.stats.sequential.betting import BettingProcess

_PRIOR = 0.5
"""Weight of each value beside what was seen: Jeffreys' prior."""
_FUTURES = 400
"""Futures that are drawn; the standard error of a probability near .1 is .015."""


class Side(NamedTuple):
    """One process of a claim and the end of it that decides.

    Attributes:
        process: The process so far.
        end: Which of its bets counts.
        margin: What is taken off a value before it is bet on.
    """

    process: BettingProcess
    end: Literal["pass", "fail"]
    margin: float


def chance_of_decision(sides: tuple[Side, ...], seen: Mapping[float, int], left: int) -> float:
    """Estimate the chance that any side decides within the units that are left.

    Args:
        sides: The processes, all of them over the same units.
        seen: How often each possible value came so far; values that never came are named with 0.
        left: Units to come.

    Returns:
        The posterior-predictive probability, in [0, 1]: laws are drawn from the Dirichlet posterior under
        Jeffreys' prior, and one future from each. The draws are the same whenever the same was seen, so a
        stream that is read again stops at the same unit. Stopping so never adds a wrong decision: an
        e-process is valid whatever stops it.
    """
    if left < 1:
        return 0.0
    values, counts = np.asarray(list(seen), np.float64), np.asarray(list(seen.values()), np.float64)
    generator = np.random.default_rng(int(counts.sum()))
    laws = np.cumsum(generator.dirichlet(counts + _PRIOR, size=_FUTURES), axis=1)
    drawn = (generator.random((_FUTURES, left, 1)) > laws[:, None, :-1]).sum(axis=2)
    futures = values[drawn]
    decided = np.zeros(_FUTURES, dtype=bool)
    for process, end, margin in sides:
        design = process.design
        passing = end == "pass"
        gains = margin - futures if passing else futures - margin
        bets = design.pass_bets if passing else design.fail_bets
        wealth = log_mixture_of(process.log_stakes(passing=passing), gains, bets)
        decided |= (wealth >= -math.log(design.alpha)).any(axis=1)
    return float(decided.mean())
