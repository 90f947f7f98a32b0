"""Which trial is worth the next call; the engine asks, the design answers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from alignmeter.verdicts import resumed_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alignmeter.engine.planning import Plan
    from alignmeter.records import Axis, Judgement, Trial
    from alignmeter.verdicts import State, Stream


class ClaimState(NamedTuple):
    """Where a claim stands.

    Attributes:
        used: Units that count so far; `bad` of them were bad, in halves for two flips.
        available: Units there are.
    """

    state: State
    used: int
    bad: float
    available: int


class Schedule(Protocol):
    """The design's side of the loop: hands out trials, hears of judgements."""

    def next_trial(self) -> Trial | None:
        """The next trial in dispatch order, None where no call is worth making now."""
        ...

    async def more(self) -> bool:
        """Asked with nothing in flight and no next trial: wait until there may be one, or say no."""
        ...

    def wanted(self, trial: Trial) -> bool:
        """Whether a trial that was handed out is still worth its call; it may have waited for a place."""
        ...

    def judged(self, judgement: Judgement) -> None:
        """Take note of a judgement; it may decide which trials are still wanted."""
        ...

    def state(self) -> Mapping[str, ClaimState]:
        """Where each claim stands, by its id."""
        ...


class FixedSchedule:
    """Fixed n: every planned trial once, in dispatch order, whatever the judgements say."""

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._pending = deque(trials)

    def next_trial(self) -> Trial | None:
        """The next planned trial."""
        return self._pending.popleft() if self._pending else None

    async def more(self) -> bool:
        """Never: all are handed out."""
        return False

    def wanted(self, trial: Trial) -> bool:  # noqa: ARG002 - the Protocol's
        """Always."""
        return True

    def judged(self, judgement: Judgement) -> None:
        """Nothing to learn: the number of trials is fixed."""

    def state(self) -> Mapping[str, ClaimState]:
        """Nothing is known before the end: a verdict on the way would be a peek."""
        return {}


class SequentialSchedule:
    """Asks what undecided claims still need, and stops when every claim is decided.

    Claims take turns, each in its own committed order. No claim runs further ahead of what it knows
    than it is likely to need: what is in flight when a claim is decided was paid for nothing. Tasks,
    which no claim needs, are all asked.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        pending: Iterable[Trial],
        judgements: Mapping[Axis, Mapping[str, Judgement]],
        people: Mapping[Axis, Mapping[str, Judgement]] | None = None,
    ) -> None:
        """Begin, or go on where the journal ends.

        Args:
            plan: Claims with their designs, and all trials.
            pending: Trials that have no reply yet.
            judgements: By axis and trial id, of the trials that have some.
            people: What people said of replies so far, likewise.
        """
        budget = plan.design.unscored_budget
        self._pending = {trial.id: trial for trial in pending}
        self._judgements: dict[Axis, dict[str, Judgement]] = {
            axis: {trial: judged for trial, judged in on_axis.items() if trial not in self._pending}
            for axis, on_axis in judgements.items()
        }
        self._tasks = deque(trial for trial in plan.tasks if trial in self._pending)
        beside = plan.beside
        said = people or {}
        self._lanes = [
            _Lane(
                resumed_stream(
                    claim, budget, self._judgements.setdefault(claim.axis, {}), said.get(claim.axis, {})
                ),
                beside,
            )
            for claim in plan.design.claims
            if claim.units
        ]
        self._claims_of: dict[str, list[_Lane]] = {}
        for lane in self._lanes:
            lane.stream.advance(self._judgements.setdefault(lane.stream.claim.axis, {}))
            for unit in lane.stream.claim.units:
                for trial in unit:
                    for asked in (trial, *beside.get(trial, ())):
                        self._claims_of.setdefault(asked, []).append(lane)

    def next_trial(self) -> Trial | None:
        """The next trial of the claim that has come least far, None where it is better to wait."""
        lanes = [lane for lane in self._lanes if lane.stream.state == "continue"]
        for lane in lanes:
            lane.skip(self._pending)
        for lane in sorted(lanes, key=lambda lane: lane.next):
            found = lane.take(self._pending)
            if found is not None:
                return self._pending.pop(found)
        # Tasks fill the time in which claims wait for judgements, and come last.
        return self._pending.pop(self._tasks.popleft()) if self._tasks else None

    async def more(self) -> bool:
        """Never: what this run has to know comes from its own calls."""
        return False

    def wanted(self, trial: Trial) -> bool:
        """Whether any of its claims is still undecided; a task has none and is always wanted."""
        claims = self._claims_of.get(trial.id)
        return claims is None or any(lane.stream.state == "continue" for lane in claims)

    def judged(self, judgement: Judgement) -> None:
        """Let the claims of this trial count what they now can."""
        on_axis = self._judgements.setdefault(judgement.axis, {})
        on_axis[judgement.trial] = judgement
        for lane in self._claims_of.get(judgement.trial, ()):
            if lane.stream.claim.axis == judgement.axis:
                lane.stream.advance(on_axis)

    def state(self) -> Mapping[str, ClaimState]:
        """Where each claim stands."""
        return {
            lane.stream.claim.id: ClaimState(
                state=lane.stream.state,
                used=lane.stream.taken,
                bad=lane.stream.bad,
                available=len(lane.stream.claim.units),
            )
            for lane in self._lanes
        }


class _Lane:
    """One claim's way through its units: what was handed out, what may be."""

    def __init__(self, stream: Stream, beside: Mapping[str, tuple[str, ...]]) -> None:
        self.stream = stream
        self.next = 0
        self._beside = beside

    def skip(self, pending: Mapping[str, Trial]) -> None:
        """Step over units of which nothing is left to ask."""
        while self.next < len(self.stream.claim.units) and self._first(pending) is None:
            self.next += 1

    def take(self, pending: Mapping[str, Trial]) -> str | None:
        """Id of the next pending trial, None where the claim does not want it yet."""
        left = self.next < len(self.stream.claim.units)
        return self._first(pending) if left and self.stream.wants(self.next) else None

    def _first(self, pending: Mapping[str, Trial]) -> str | None:
        """Id of the first trial of the next unit, or of those asked beside it, that is pending."""
        for trial in self.stream.claim.units[self.next]:
            for candidate in (trial, *self._beside.get(trial, ())):
                if candidate in pending:
                    return candidate
        return None
