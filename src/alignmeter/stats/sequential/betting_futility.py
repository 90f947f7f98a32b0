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

    Raises:
        ValueError: A count is negative, or there is no value.

    References:
        D. J. Spiegelhalter, L. S. Freedman and P. R. Blackburn, "Monitoring clinical trials: conditional or
        predictive power?", Controlled Clinical Trials 7, 8-17, 1986.

    Examples:
        Two good units of three are likely to pass while there are units to come:

        >>> from alignmeter.stats.sequential.betting import betting_design
        >>> from alignmeter.stats.sequential.betting_futility import Side, chance_of_decision
        >>> design = betting_design(-0.5, 0.5, n_max=80, alternative_pass=-0.3, alternative_fail=0.3)
        >>> process = design.start()
        >>> for unit in range(30):
        ...     _ = process.update(0.5 if unit % 3 == 0 else -0.5)
        >>> side = Side(process, "pass", 0.0)
        >>> bool(chance_of_decision((side,), {-0.5: 20, 0.5: 10}, 50) > 0.5)
        True
        >>> chance_of_decision((side,), {-0.5: 20, 0.5: 10}, 0)
        0.0
    """
    if left < 1:
        return 0.0
    if not seen or min(seen.values()) < 0:
        raise ValueError(f"seen must map each possible value to a count of 0 or more, got {dict(seen)!r}")
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
