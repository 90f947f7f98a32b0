"""Detectors of drift in a stream of conversations: an e-detector, and a CUSUM to compare it with.

A detector watches one stratum. It is fixed before the stream and holds no data: a state goes in with
an outcome, and a new state comes out. Nothing is kept between processes: `compare --history` plays its
charts anew from the run folders, which hold every reply.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from alignmeter.stats._run_length import mean_run_length, shortest_limit, whole_steps

Direction = Literal["up", "down"]
"""Which way a rate went: `up` is an alarm about more events, `down` about fewer."""

DEFAULT_RUN_LENGTH = 10_000.0
DEFAULT_ODDS_RATIOS = (1.5, 2.0, 4.0)
"""Changes of the odds that the e-detector bets on: around 7%, 10% and 17% for a reference of 5%."""


@dataclass(frozen=True)
class DetectorState:
    """Where an e-detector is in its stream.

    Attributes:
        n: Conversations so far.
        up: One Shiryaev-Roberts statistic a bet on more events; empty where that is not watched.
        down: The same for fewer events.
        alarm: The direction that raised the alarm, after which the state takes nothing more.
    """

    n: int = 0
    up: tuple[float, ...] = ()
    down: tuple[float, ...] = ()
    alarm: Direction | None = None


@dataclass(frozen=True)
class EDetector:
    """A Shiryaev-Roberts e-detector; hashable, made by `shiryaev_roberts`.

    Attributes:
        upper: Upper confidence bound of the reference rate: more than this is `up`; None: not watched.
        lower: Lower confidence bound: fewer than this is `down`; None: not watched.
        threshold: The alarm is raised where a mixture reaches this.
        up_bets: Stakes on Y - upper.
        down_bets: Stakes on lower - Y.
    """

    upper: float | None
    lower: float | None
    threshold: float
    up_bets: tuple[float, ...]
    down_bets: tuple[float, ...]

    @property
    def run_length(self) -> float:
        """What the average run length without a change is at least: half of it for two directions."""
        both = self.upper is not None and self.lower is not None
        return self.threshold / 2 if both else self.threshold

    def start(self) -> DetectorState:
        """Return the state before the first conversation, also the one after an alarm was handled."""
        return DetectorState(up=(0.0,) * len(self.up_bets), down=(0.0,) * len(self.down_bets))

    def update(self, state: DetectorState, y: float) -> DetectorState:
        """Return the state after one more conversation.

        Args:
            state: The state before it; of this detector.
            y: Its outcome in [0, 1], 1 for an event, 0 for none.

        Raises:
            ValueError: The outcome is outside [0, 1], the alarm was already raised, or the state is
                of another detector.
        """
        if not 0 <= y <= 1:
            raise ValueError(f"an outcome must lie between 0 and 1, got {y!r}")
        if state.alarm is not None:
            raise ValueError(f"the alarm ({state.alarm}) was raised at conversation {state.n}; start again")
        if (len(state.up), len(state.down)) != (len(self.up_bets), len(self.down_bets)):
            raise ValueError(
                f"the state must have {len(self.up_bets)} bets up and {len(self.down_bets)} down, as its "
                f"detector has, got {state!r}"
            )
        up = _advance(state.up, self.up_bets, 0.0 if self.upper is None else y - self.upper)
        down = _advance(state.down, self.down_bets, 0.0 if self.lower is None else self.lower - y)
        alarm: Direction | None = None
        if self._reached(up):
            alarm = "up"
        elif self._reached(down):
            alarm = "down"
        return DetectorState(state.n + 1, up, down, alarm)

    def _reached(self, levels: tuple[float, ...]) -> bool:
        return bool(levels) and math.fsum(levels) / len(levels) >= self.threshold


def shiryaev_roberts(
    *,
    upper: float | None = None,
    lower: float | None = None,
    run_length: float = DEFAULT_RUN_LENGTH,
    odds_ratios: tuple[float, ...] = DEFAULT_ODDS_RATIOS,
) -> EDetector:
    """Make a Shiryaev-Roberts e-detector for a rate, or for the mean of outcomes in [0, 1].

    Args:
        upper: Upper confidence bound of the reference rate, in (0, 1), to watch for more events.
        lower: Lower confidence bound, in (0, 1) and not above `upper`, to watch for fewer.
        run_length: Threshold A of the alarm, above 1: without a change the average number of
            conversations to an alarm is at least A, or A/2 where both directions are watched. With
            many strata it is the total over all of them, so A must grow with their number.
        odds_ratios: Changes to bet on, each above 1: the odds of an event times this (up) or
            divided by it (down). More ratios cost little; a change between them is found too.

    Returns:
        The detector.

    Raises:
        ValueError: No direction is watched, or a parameter is out of range.

    Notes:
        For each bet M_t = (M_{t-1} + 1)(1 + lambda Z_t), M_0 = 0, Z = Y - upper or lower - Y; the
        alarm is raised where the average of the M over the bets reaches A. As long as
        E[Z_t | past] <= 0, M_t - t is a supermartingale, whence the run length, without any
        assumption on dependence or on the law of Y. The stake that grows fastest when the odds are
        multiplied by r is lambda = (r - 1) / (1 + (r - 1) upper); going down, the same with
        1 - lower. M grows while nothing happens, so a change in a running stream is found sooner
        than one at its first conversation: by 16% from 5% to 8% at A = 10,000.

    References:
        J. Shin, A. Ramdas and A. Rinaldo, "E-detectors: a nonparametric framework for sequential
        change detection", New England Journal of Statistics in Data Science 2, 229-260, 2023.

    Examples:
        >>> from alignmeter.stats.detectors import shiryaev_roberts
        >>> detector = shiryaev_roberts(upper=0.05)
        >>> [round(bet, 2) for bet in detector.up_bets]
        [0.49, 0.95, 2.61]
        >>> state = detector.start()
        >>> while state.alarm is None:
        ...     state = detector.update(state, 1)
        >>> state.n, state.alarm
        (8, 'up')
    """
    if upper is None and lower is None:
        raise ValueError(
            "give upper to watch for more events, lower to watch for fewer, or both; got neither"
        )
    for name, bound in (("upper", upper), ("lower", lower)):
        if bound is not None and not 0 < bound < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {bound!r}")
    if upper is not None and lower is not None and lower > upper:
        raise ValueError(f"lower must not lie above upper, got {lower!r} and {upper!r}")
    if not 1 < run_length < math.inf:
        raise ValueError(f"run_length must be a finite number above 1, got {run_length!r}")
    if not odds_ratios or not all(1 < ratio < math.inf for ratio in odds_ratios):
        raise ValueError(f"odds_ratios must be finite numbers above 1, got {odds_ratios!r}")
    return EDetector(
        upper=upper,
        lower=lower,
        threshold=float(run_length),
        up_bets=() if upper is None else tuple(_stake(upper, ratio) for ratio in odds_ratios),
        down_bets=() if lower is None else tuple(_stake(1 - lower, ratio) for ratio in odds_ratios),
    )


@dataclass(frozen=True)
class CusumState:
    """Where a CUSUM is in its stream.

    Attributes:
        n: Conversations so far.
        level: The statistic in whole steps, 0 or more.
        alarm: Whether the limit was reached, after which the state takes nothing more.
    """

    n: int = 0
    level: int = 0
    alarm: bool = False


@dataclass(frozen=True)
class CusumDetector:
    """A CUSUM of binary outcomes; hashable, made by `cusum`.

    Attributes:
        p0: Reference rate.
        p1: Rate to be found soonest.
        event_step: Whole steps that an event adds.
        other_step: Whole steps that no event adds; of the opposite sign.
        limit: The alarm is raised at this level.
        run_length: Exact average run length at `p0`, in conversations.
    """

    p0: float
    p1: float
    event_step: int
    other_step: int
    limit: int
    run_length: float

    def start(self) -> CusumState:
        """Return the state before the first conversation."""
        return CusumState()

    def update(self, state: CusumState, y: int) -> CusumState:
        """Return the state after one more conversation.

        Args:
            state: The state before it.
            y: 1 for an event, 0 for none.

        Raises:
            ValueError: The outcome is neither 0 nor 1, or the alarm was already raised.
        """
        if y not in {0, 1}:
            raise ValueError(f"an outcome must be 0 or 1, got {y!r}")
        if state.alarm:
            raise ValueError(f"the alarm was raised at conversation {state.n}; start again")
        level = max(0, state.level + (self.event_step if y else self.other_step))
        return CusumState(state.n + 1, level, level >= self.limit)

    def mean_run_length(self, p: float) -> float:
        """Return the exact expected number of conversations to an alarm at a constant rate.

        Raises:
            ValueError: The rate is outside [0, 1], or too near to 0 or 1 for a run length to be told.
        """
        if not 0 <= p <= 1:
            raise ValueError(f"p must lie between 0 and 1, got {p!r}")
        return mean_run_length(p, self.event_step, self.other_step, self.limit)


def cusum(p0: float, p1: float, *, run_length: float = DEFAULT_RUN_LENGTH) -> CusumDetector:
    """Make a CUSUM of binary outcomes, calibrated to an average run length.

    Args:
        p0: Reference rate, in (0, 1), taken as known and outcomes as independent: where either is
            doubtful, `shiryaev_roberts` keeps its promise and this does not.
        p1: Rate to be found soonest, in (0, 1); below p0 to watch for fewer events.
        run_length: Conversations to a false alarm on average, at least, above 1.

    Returns:
        The detector with the lowest limit that has this run length; its own `run_length` is exact.

    Raises:
        ValueError: A rate or the run length is out of range, or the rates are too near to each other.

    Notes:
        S_t = max(0, S_{t-1} + log likelihood ratio of y_t), alarm at S >= h. The two log
        likelihood ratios are rounded to whole steps of a common unit (the larger to one part in
        twenty or better), which makes S a finite Markov chain: run lengths are solutions of a linear
        system, not approximations. The search for h starts at Siegmund's log(run_length + 1).

    References:
        M. R. Reynolds and Z. G. Stoumbos, "A CUSUM chart for monitoring a proportion when inspecting
        continuously", Journal of Quality Technology 31, 87-108, 1999. D. Brook and D. A. Evans,
        Biometrika 59, 539-549, 1972.

    Examples:
        >>> from alignmeter.stats.detectors import cusum
        >>> detector = cusum(0.05, 0.10)
        >>> round(detector.run_length), round(detector.mean_run_length(0.10))
        (10527, 205)
    """
    for name, rate in (("p0", p0), ("p1", p1)):
        if not 0 < rate < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {rate!r}")
    if p0 == p1:
        raise ValueError(f"p1 must differ from p0, got {p1!r} for both")
    if not 1 < run_length < math.inf:
        raise ValueError(f"run_length must be a finite number above 1, got {run_length!r}")
    event_step, other_step, unit = whole_steps(p0, p1)
    limit = shortest_limit(p0, event_step, other_step, unit, run_length)
    length = mean_run_length(p0, event_step, other_step, limit)
    return CusumDetector(p0, p1, event_step, other_step, limit, length)


def _stake(rate: float, odds_ratio: float) -> float:
    """Return the growth-optimal stake on Y - rate when the odds are multiplied; below 1 / rate."""
    return (odds_ratio - 1) / (1 + (odds_ratio - 1) * rate)


def _advance(levels: tuple[float, ...], bets: tuple[float, ...], z: float) -> tuple[float, ...]:
    return tuple((level + 1) * (1 + bet * z) for level, bet in zip(levels, bets, strict=True))
