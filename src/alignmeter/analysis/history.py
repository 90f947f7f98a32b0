"""Many cycles of fine-tuning on a control chart: steps against a reference, and slow drift.

A step is a paired difference outside three-sigma limits. Drift is many small rises of which none is
outside: an e-detector over the replies of all cycles finds it. Where several measures are watched, each
chart gets its share of what one alone may err: together they raise no more false alarms than one would
(docs/decisions/0022).
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

_REFERENCE_ERROR = 0.05
"""Chance that a first run's rate is above the bound that its chart tolerates, over all charts."""


def sigmas(charts: int) -> float:
    """Limits of each of so many charts that are outside by chance as often, together, as one at `SIGMAS`."""
    return NormalDist().inv_cdf(1 - TAIL / charts)


class Control(NamedTuple):
    """Where one cycle lies; `signal` is None without a scored pair."""

    signal: Literal["none", "rise", "fall"] | None
    interval: Interval | None


def control_signal(pairs: RunPairs, *, stopped: bool, charts: int = 1) -> Control:
    """Say whether the rate of bad replies moved from a reference, beyond the limits of a paired difference.

    Args:
        pairs: Units that both runs were asked.
        stopped: Whether a run stopped early, so that the pairs are tested by betting.
        charts: Measures that are watched.
    """
    tail = TAIL / charts
    if not pairs.counts().n:
        return Control(None, None)
    best, worst = pairs.best, pairs.worst
    if stopped:
        found = bet_on_pairs(best, worst, pass_margin=0.0, alpha=tail)
        lower, upper = found.lower, found.upper
    else:
        low, high = (
            tango(int((part > 0).sum()), int((part < 0).sum()), len(part), level=1 - 2 * tail)
            for part in (best, worst)
        )
        lower, upper = low.lower, high.upper
    limits = f"{sigmas(charts):.3g} sigma"
    method = f"betting confidence sequence at the level of {limits}" if stopped else f"Tango at {limits}"
    interval = Interval(lower=lower, upper=upper, level=round(1 - 2 * tail, 5), method=method)
    if lower > 0:
        return Control("rise", interval)
    return Control("fall" if upper < 0 else "none", interval)


class DriftChart:
    """An e-detector that takes the replies of one cycle after another.

    The rate that it tolerates is the upper confidence bound (one-sided 95%, of all charts together) of the
    first run's. Levels over their run lengths add up, so charts of `CYCLES` times their number each raise a
    false alarm in `CYCLES` cycles at most, together. Each
    cycle's replies come in an order that does not depend on them, drawn anew for each cycle: the same
    requests come back in every cycle, and an order that stays would let them come in clusters again
    and again. After an alarm it starts anew.

    Args:
        bad: Bad replies of the first run.
        n: Scored replies of the first run; at least 1.
        charts: Measures that are watched.

    Attributes:
        limit: The rate that it tolerates; None where the first run was bad throughout, and nothing can
            be seen.
    """

    def __init__(self, bad: int, n: int, charts: int = 1) -> None:
        upper = float(clopper_pearson(bad, n, 1 - 2 * _REFERENCE_ERROR / charts).upper)
        self.limit: float | None = upper if upper < 1 else None
        self._detector: EDetector | None = None
        self._state: DetectorState | None = None
        if self.limit is not None:
            self._detector = shiryaev_roberts(upper=self.limit, run_length=float(CYCLES * charts * n))
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
