"""Many cycles of fine-tuning on a control chart: steps against a reference, and slow drift.

A step is a paired difference outside three-sigma limits. Drift is many small rises of which none is
outside: an e-detector over the replies of all cycles finds it.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.records import Interval
from alignmeter.stats import clopper_pearson, shiryaev_roberts, tango
from alignmeter.stats.sequential.paired_bets import bet_on_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alignmeter.analysis.run_pairs import RunPairs
    from alignmeter.stats import DetectorState, EDetector

SIGMAS = 3.0
TAIL = 1 - NormalDist().cdf(SIGMAS)
"""Chance that a cycle without a change is above the limits; as large below."""

CYCLES = 100
"""Cycles to a false alarm of drift, on average, at least."""

_REFERENCE_LEVEL = 0.90
_METHODS = ("Tango at three sigma", "betting confidence sequence at the level of three sigma")


class Control(NamedTuple):
    """Where one cycle lies; `signal` is None without a scored pair."""

    signal: Literal["none", "rise", "fall"] | None
    interval: Interval | None


def control_signal(pairs: RunPairs, *, stopped: bool) -> Control:
    """Say whether the rate of bad replies moved from a reference, beyond three sigma of a paired difference.

    Args:
        pairs: Units that both runs were asked.
        stopped: Whether a run stopped early, so that the pairs are tested by betting.
    """
    if not pairs.counts().n:
        return Control(None, None)
    best, worst = pairs.best, pairs.worst
    if stopped:
        found = bet_on_pairs(best, worst, pass_margin=0.0, alpha=TAIL)
        lower, upper = found.lower, found.upper
    else:
        low, high = (
            tango(int((part > 0).sum()), int((part < 0).sum()), len(part), level=1 - 2 * TAIL)
            for part in (best, worst)
        )
        lower, upper = low.lower, high.upper
    interval = Interval(lower=lower, upper=upper, level=round(1 - 2 * TAIL, 5), method=_METHODS[stopped])
    if lower > 0:
        return Control("rise", interval)
    return Control("fall" if upper < 0 else "none", interval)


class DriftChart:
    """An e-detector that takes the replies of one cycle after another.

    The rate that it tolerates is the upper confidence bound (one-sided 95%) of the first run's. Each
    cycle's replies come in an order that does not depend on them, drawn anew for each cycle: the same
    requests come back in every cycle, and an order that stays would let them come in clusters again
    and again. After an alarm it starts anew.

    Args:
        bad: Bad replies of the first run.
        n: Scored replies of the first run; at least 1.

    Attributes:
        limit: The rate that it tolerates; None where the first run was bad throughout, and nothing can
            be seen.
    """

    def __init__(self, bad: int, n: int) -> None:
        upper = float(clopper_pearson(bad, n, _REFERENCE_LEVEL).upper)
        self.limit: float | None = upper if upper < 1 else None
        self._detector: EDetector | None = None
        self._state: DetectorState | None = None
        if self.limit is not None:
            self._detector = shiryaev_roberts(upper=self.limit, run_length=float(CYCLES * n))
            self._state = self._detector.start()

    def take(self, outcomes: Iterable[int]) -> bool:
        """Take the replies of a cycle, 1 for a bad one, and say whether there was an alarm."""
        alarm = False
        if self._detector is None or self._state is None:
            return alarm
        for outcome in outcomes:
            self._state = self._detector.update(self._state, outcome)
            if self._state.alarm is not None:
                alarm, self._state = True, self._detector.start()
        return alarm

    @property
    def evidence(self) -> float | None:
        """The level now, as a share of the one that raises the alarm."""
        if self._detector is None or self._state is None:
            return None
        return sum(self._state.up) / len(self._state.up) / self._detector.threshold
