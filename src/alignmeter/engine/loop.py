"""The one loop of the house: next trial, dispatch, judge, tell the design, again."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, assert_never

import msgspec

from alignmeter.engine.budget import Budget, most_tokens
from alignmeter.engine.caller import Caller
from alignmeter.engine.clock import SystemClock
from alignmeter.engine.concurrency import AdaptiveConcurrency
from alignmeter.engine.judge_calls import DEFAULT_CONCURRENCY, counting, shown_to_judge
from alignmeter.engine.options import EngineOptions
from alignmeter.engine.patience import Patience
from alignmeter.engine.progress import Snapshot
from alignmeter.engine.rate_limit import TokenBucket
from alignmeter.engine.spending import Before
from alignmeter.errors import INTERRUPTED, RUNTIME_FAILURE, BudgetSpentError, StorageError
from alignmeter.judges import axes_for
from alignmeter.judges import judgement as judge_one
from alignmeter.records import HELD_OUT, Judgement, Record, Transcript, Trial, Unscored
from alignmeter.store import Answered, Asked, Charged, Judged, StopReason
from alignmeter.targets import Variant

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Coroutine, Mapping

    from alignmeter.engine.caller import Place
    from alignmeter.engine.clock import Clock
    from alignmeter.engine.judge_calls import JudgeCalls
    from alignmeter.engine.progress import Progress
    from alignmeter.engine.schedule import Schedule
    from alignmeter.engine.spending import Viewer
    from alignmeter.judges import Judge
    from alignmeter.records import Axis, Usage
    from alignmeter.store import Checked, Heard, JournalWriter
    from alignmeter.targets import Target

DEFAULT_START = 8
DEFAULT_MAXIMUM = 64
_SYNC_SECONDS = 0.5
_TICK_SECONDS = 0.25
_RETRYING = 4
"""Trials that may wait for another attempt, however narrow the window, before new ones are begun."""

_Role = Literal["target", "judge"]


class Stopped(Record, frozen=True):
    """Why the loop ended."""

    reason: StopReason
    detail: str = ""

    @property
    def exit_code(self) -> int | None:
        """130 interrupted, 5 failed; None where the verdicts on what was asked decide."""
        match self.reason:
            case "interrupted":
                return INTERRUPTED
            case "target_unavailable" | "judge_unavailable" | "storage":
                return RUNTIME_FAILURE
            case "complete" | "budget":
                return None
            case _:
                assert_never(self.reason)


class Engine:
    """Asks the trials that a schedule hands out and journals what comes back.

    Results are journalled as they come; whatever is counted is counted in dispatch order later, so
    that quick refusals do not go first.

    Args:
        target: Who is asked.
        judges: Who judges the replies, by axis.
        journal: Where both are written.
        variant: What the target puts before every prompt.
        judge_calls: The judges' models, to which the engine lends its budget.
        options: How hard it may press, and how much it may spend.
        progress: Told how far it is.
        clock: Time.
        beside: An engine that is at work meanwhile, whose limits hold over both together.

    Attributes:
        budget: What it spends, earlier processes of the run included.
        judgements: By axis and trial id, likewise.
        heard: By trial id, what judges' models answered an earlier process that did not finish judging it.
    """

    def __init__(  # noqa: PLR0913 - all that it works with
        self,
        target: Target,
        judges: Mapping[Axis, Judge],
        journal: JournalWriter,
        *,
        variant: Variant | None = None,
        judge_calls: JudgeCalls | None = None,
        options: EngineOptions | None = None,
        progress: Progress | None = None,
        clock: Clock | None = None,
        beside: Engine | None = None,
    ) -> None:
        options = options or EngineOptions()
        self._judges = judges
        self._journal = journal
        self._progress = progress
        self._clock = clock or SystemClock()
        self._sampling = target.fingerprint.sampling
        prefix = most_tokens((variant or Variant()).apply(()))
        self.budget = Budget(
            options.limits,
            options.prices,
            options.judge_prices,
            prefix=prefix,
            beside=None if beside is None else beside.budget,
        )
        if judge_calls is not None:
            judge_calls.budget = self.budget
        maximum = options.concurrency or target.max_concurrency or DEFAULT_MAXIMUM
        if target.max_concurrency is not None:
            maximum = min(maximum, target.max_concurrency)
        known = options.concurrency is not None or target.max_concurrency is not None
        self._concurrency = AdaptiveConcurrency(
            start=maximum if known else DEFAULT_START, maximum=maximum, clock=self._clock
        )
        self._caller = Caller(
            target,
            concurrency=self._concurrency,
            budget=self.budget,
            requests=TokenBucket(options.requests_per_minute, self._clock),
            tokens=TokenBucket(options.tokens_per_minute, self._clock),
            policy=options.retry,
            clock=self._clock,
        )
        self._patience = Patience(options.retry.trial_timeout, self._clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop: asyncio.Future[Stopped] | None = None
        self._finish: asyncio.Future[Stopped] | None = None
        self._schedule: Schedule | None = None
        self.judgements: dict[Axis, dict[str, Judgement]] = {}
        self.heard: dict[str, tuple[Heard, ...]] = {}
        self._answered = 0
        self._began = 0.0

    @property
    def errors(self) -> Counter[str]:
        """Trials that ended in an error of the target, by kind."""
        return self._patience.errors

    def stop(self, reason: StopReason, detail: str = "") -> None:
        """Stop soon: calls in flight are given up and asked again when the run is resumed."""
        if self._stop is not None and not self._stop.done():
            self._stop.set_result(Stopped(reason=reason, detail=detail))

    def finish(self, reason: StopReason, detail: str = "") -> None:
        """Begin nothing more, and stop when what is in flight is in the journal."""
        if self._finish is not None and not self._finish.done():
            self._finish.set_result(Stopped(reason=reason, detail=detail))

    async def run(self, schedule: Schedule, *, unjudged: Mapping[str, tuple[Trial, Transcript]]) -> Stopped:
        """Work until the schedule hands out nothing more, or something stops the run.

        Args:
            schedule: Hands out trials.
            unjudged: Journalled transcripts that not every judge has seen yet, by trial id.

        Returns:
            Why it ended; the journal holds everything that was finished.
        """
        self._stop = asyncio.get_running_loop().create_future()
        self._finish = asyncio.get_running_loop().create_future()
        self._schedule = schedule
        self._began = self._clock.monotonic()
        background = [asyncio.create_task(self._keep_synced()), asyncio.create_task(self._tick())]
        dispatcher = asyncio.create_task(self._dispatch(schedule, unjudged))
        try:
            await _first(self._stop, self._finish, dispatcher)
            if self._finish.done() and not dispatcher.done():
                await _cancel([dispatcher])
                while self._tasks and not self._stop.done():
                    await _first(self._stop, *self._tasks)
            if self._stop.done():
                return self._stop.result()
            return self._finish.result() if self._finish.done() else dispatcher.result()
        except StorageError as error:
            return Stopped(reason="storage", detail=str(error))
        finally:
            await _cancel([dispatcher, *self._tasks, *background])
            if self._progress is not None:
                self._progress.update(self.snapshot())

    async def _dispatch(
        self, schedule: Schedule, unjudged: Mapping[str, tuple[Trial, Transcript]]
    ) -> Stopped:
        for trial, transcript in unjudged.values():
            # More would only wait for a place, with half of their calls made where the budget ends.
            await self._fewer_tasks_than(DEFAULT_CONCURRENCY)
            self._begin(self._judge(schedule, trial, transcript))
        await self._fewer_tasks_than(1)  # what they say may decide what is asked
        while (trial := schedule.next_trial()) is not None or self._tasks or await schedule.more():
            if trial is None:
                if self._tasks:
                    await _first(*self._tasks)
                continue
            place = await self._place(trial)
            if not schedule.wanted(trial):  # decided while it waited for its place
                if place is not None:
                    self._caller.give_back(place)
                continue
            if place is None:
                return Stopped(reason="budget", detail=self.budget.describe(self._caller.wanted(trial)))
            self._begin(self._one(schedule, trial, place))
        return Stopped(reason="complete")

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def _fewer_tasks_than(self, number: int) -> None:
        while len(self._tasks) >= number:
            await _first(*self._tasks)

    async def _place(self, trial: Trial) -> Place | None:
        """A place and a share of the budget, after calls in flight have settled if need be."""
        # Trials between two attempts hold no place. Without this, an endpoint that fails quickly would
        # be sent the first attempt of every trial while they wait, and a rate limit would be hammered.
        while self._tasks and self._caller.retrying >= max(_RETRYING, self._concurrency.limit):
            await _first(*self._tasks)
        while (place := await self._caller.place(trial)) is None:
            if self._tasks:
                await _first(*self._tasks)
            elif not await self.budget.purse.settlement():  # of an engine beside this one
                return None
        return place

    def opened(self, checked: Checked) -> None:
        """Count the calls that this process made before the run began, in the rates too."""
        self.budget.carry_checked(checked)
        self._caller.charge(checked)

    def carry(self, trial: Trial, transcript: Transcript) -> None:
        """Count against the budget what an earlier process of this run spent on a trial."""
        self.budget.carry(trial, transcript, self._sampling)
        self._patience.carry(transcript)

    def carry_judgement(self, judged: Judgement) -> None:
        """Count against the budget what an earlier process of this run spent on judging."""
        self.budget.judges.carry(judged.calls, judged.usage)
        self._patience.carry_judgement(judged)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, StorageError):
            self.stop("storage", str(error))
        elif error is not None and self._stop is not None and not self._stop.done():
            self._stop.set_exception(error)

    async def _one(self, schedule: Schedule, trial: Trial, place: Place) -> None:
        if trial.pool in HELD_OUT:
            self._journal.append(Asked(trial=trial.id, at=self._clock.time()))
        transcript = await self._caller.ask(trial, place, partial(self._charged, trial, "target"))
        if transcript is None:
            self.finish("budget", self.budget.describe(self._caller.wanted(trial)))
            return
        self._journal.append(Answered(transcript=transcript))
        self._answered += 1
        if (why := self._patience.after_trial(transcript)) is not None:
            self.stop("target_unavailable", why)
        for on_axis in self.judgements.values():
            on_axis.pop(trial.id, None)  # what was said of an earlier transcript of this trial
        await self._judge(schedule, trial, transcript)

    def _showing(self, trial: Trial, model: Viewer) -> None:
        if trial.pool in HELD_OUT:
            self._journal.append(shown_to_judge(trial, model, at=self._clock.time()))

    def _charged(self, trial: Trial, role: _Role, calls: int, most: Usage, heard: tuple[Heard, ...]) -> None:
        self._journal.append(Charged(trial=trial.id, calls=calls, tokens=most, role=role, heard=heard))

    async def _judge(self, schedule: Schedule, trial: Trial, transcript: Transcript) -> None:
        try:
            for axis in self._missing(trial):
                before = Before(heard=self.heard.get(trial.id, ()))
                told = partial(self._charged, trial, "judge")
                with counting(partial(self._showing, trial), told, before) as spent:
                    judged = await judge_one(self._judges.get(axis), axis, trial, transcript)
                judged = msgspec.structs.replace(
                    judged, calls=spent.calls, usage=spent.usage, refused=spent.refused
                )
                self._journal.append(Judged(judgement=judged))
                self.judgements.setdefault(axis, {})[trial.id] = judged
                if (why := self._patience.after_judging(judged)) is not None:
                    self.stop("judge_unavailable", why)
                schedule.judged(judged)
        except BudgetSpentError as error:  # the reply is kept; a judge that may call again judges it
            self.finish("budget", str(error))

    def lacks_judgements(self, trial: Trial) -> bool:
        """Whether a judge has still to see the transcript of a trial."""
        return bool(self._missing(trial))

    def _missing(self, trial: Trial) -> list[Axis]:
        return [
            axis for axis in axes_for(trial, self._judges) if trial.id not in self.judgements.get(axis, {})
        ]

    async def _keep_synced(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_SECONDS)
            if self._journal.unsynced:
                try:
                    await asyncio.to_thread(self._journal.sync)
                except StorageError as error:
                    self.stop("storage", str(error))

    async def _tick(self) -> None:
        while self._progress is not None:
            self._progress.update(self.snapshot())
            await asyncio.sleep(_TICK_SECONDS)

    def snapshot(self) -> Snapshot:
        """How far the run is, for a display."""
        unscored = {
            trial
            for on_axis in self.judgements.values()
            for trial, judged in on_axis.items()
            if isinstance(judged.result, Unscored)
        }
        return Snapshot(
            seconds=self._clock.monotonic() - self._began,
            answered=self._answered,
            in_flight=self._concurrency.in_flight,
            limit=self._concurrency.limit,
            retrying=self._caller.retrying,
            unscored=len(unscored),
            errors=dict(self.errors),
            last_error=self._patience.last_error,
            calls=self.budget.calls,
            tokens=self.budget.tokens,
            money=self.budget.money,
            judgements=self.judgements,
            claims=self._schedule.state() if self._schedule is not None else {},
        )


async def _first(*tasks: asyncio.Future[Any]) -> None:
    """Wait until one of these is done."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
