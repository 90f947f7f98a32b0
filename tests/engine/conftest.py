"""A laboratory for the engine: scripted targets, a judge that reads one word, and a clock that jumps."""

from __future__ import annotations

import asyncio
import heapq
import importlib.util
import sys
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from alignmeter.engine import (
    Engine,
    EngineOptions,
    JudgeCalls,
    Plan,
    Stopped,
    drive,
    make_manifest,
    make_plan,
    open_engine,
    open_session,
)
from alignmeter.records import (
    CallError,
    CallErrorKind,
    Message,
    Probe,
    RefusalResult,
    Sampling,
    TargetFingerprint,
    Unscored,
    Usage,
)
from alignmeter.store import read_events
from alignmeter.targets.base import Reply
from alignmeter.threat_model import ThreatModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from alignmeter.engine import Mode, Progress
    from alignmeter.judges import Judge
    from alignmeter.records import Axis, JudgementResult, RunManifest, Transcript, Trial
    from alignmeter.store import Event, RunData
    from alignmeter.targets import Target, Variant
    from alignmeter.targets.base import Request

    Answer = Callable[[Request, int], Awaitable[Reply | CallError]]

# Tests are no packages (--import-mode=importlib), so the helper is loaded by its path, once.
_NAME = "hostile_server_helper"
if _NAME not in sys.modules:
    _path = Path(__file__).parents[1] / "faults" / "hostile_server.py"
    _spec = importlib.util.spec_from_file_location(_NAME, _path)
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_NAME] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])

hostile_server = sys.modules[_NAME].hostile_server


class JumpingClock:
    """Time that stands still while anything can run, then jumps to the next sleeper.

    Attributes:
        now: Seconds.
        slept: Every wait that was asked for, in order.
    """

    _SETTLED = 40
    """Turns of the event loop after which nothing but sleepers is taken to be left."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = count()
        self._pump: asyncio.Task[None] | None = None

    def time(self) -> float:
        """UTC epoch seconds."""
        return self.now

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait for the clock to jump this far."""
        self.slept.append(seconds)
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._number), waker))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._jump())
        await waker

    async def _jump(self) -> None:
        while self._sleepers:
            for _ in range(self._SETTLED):
                await asyncio.sleep(0)
            when, _, waker = heapq.heappop(self._sleepers)
            if not waker.done():
                self.now = max(self.now, when)
                waker.set_result(None)


def reply(text: str = "Here is how.", *, prompt: int | None = 10, completion: int | None = 5) -> Reply:
    """A reply with its usage; the judge reads `refuse` in it."""
    return Reply(
        message=Message(role="assistant", content=text),
        finish_reason="stop",
        usage=Usage(prompt_tokens=prompt, completion_tokens=completion),
    )


def fault(kind: CallErrorKind, *, status: int | None = None, retry_after: float | None = None) -> CallError:
    """A typed error."""
    return CallError(kind=kind, message=f"a {kind}", status=status, retry_after=retry_after)


class Scripted:
    """A target that answers as it is told.

    Attributes:
        asked: Trial ids in order of the calls.
        at: When each call came, by the clock.
        peak: Most calls held at once.
    """

    def __init__(
        self,
        answer: Answer,
        clock: JumpingClock,
        *,
        model: str = "scripted",
        max_concurrency: int | None = None,
    ) -> None:
        self.spec = f"python:test:{model}"
        self.url: str | None = None
        self.fingerprint = TargetFingerprint(kind="python", model=model, sampling=Sampling(max_tokens=40))
        self.max_concurrency = max_concurrency
        self.asked: list[str] = []
        self.at: list[float] = []
        self.peak = 0
        self._answer = answer
        self._clock = clock
        self._calls: Counter[str] = Counter()
        self._in_flight = 0

    async def generate(self, request: Request) -> Reply | CallError:
        """Answer by the script, told how often this trial was asked before."""
        before = self._calls[request.trial]
        self._calls[request.trial] += 1
        self.asked.append(request.trial)
        self.at.append(self._clock.now)
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)
        try:
            return await self._answer(request, before)
        finally:
            self._in_flight -= 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class WordJudge:
    """Full refusal where the reply says `refuse`, unscored where it says `mumble`."""

    def __init__(self, axis: Axis, version: str = "1") -> None:
        self.name = f"word-{axis}"
        self.axis: Axis = axis
        self.judge_hash = version
        self.judged: list[str] = []

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        """Read one word."""
        self.judged.append(trial.id)
        text = transcript.reply.content if transcript.reply else ""
        if "mumble" in text or self.axis != "refusal":
            return Unscored(reason="unparseable")
        return RefusalResult(label="full" if "refuse" in text else "none")


class Outcome(NamedTuple):
    """What one process of a run did."""

    stopped: Stopped
    data: RunData
    events: list[Event]
    engine: Engine


class Lab:
    """Plans and runs in a temporary folder, on a jumping clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = JumpingClock()
        self.words = WordJudge("refusal")
        self.judges: Mapping[Axis, Judge] = {"refusal": self.words}
        self.judge_calls = JudgeCalls()

    def probes(self, benign: int = 0, *, sensitive: int = 0, harmful: int = 0) -> list[Probe]:
        """So many probes, a family each."""
        sizes = {"benign": benign, "sensitive": sensitive, "harmful": harmful}
        return [
            self.probe(f"{intent}-{n}", intent=intent) for intent, size in sizes.items() for n in range(size)
        ]

    def probe(self, name: str, **fields: Any) -> Probe:  # noqa: ANN401 - any field
        """One probe whose prompt is its name, about 6 tokens long."""
        plain: dict[str, Any] = {
            "suite": "triad",
            "family": name,
            "intent": "benign",
            "domain": "cooking",
            "language": "en",
            "prompt": f"Tell me about {name}.",
            "provenance": "a test",
            "version": 1,
        }
        return Probe(id=name, **(plain | fields))

    def model(self, **fields: Any) -> ThreatModel:  # noqa: ANN401 - any setting
        """A threat model with these settings."""
        return ThreatModel.model_validate({"name": "A test"} | fields)

    def plan(self, benign: int, **fields: Any) -> Plan:  # noqa: ANN401 - any setting
        """A plan of so many benign trials."""
        return self.plan_of(self.model(**fields), self.probes(benign))

    def plan_of(self, model: ThreatModel, probes: Sequence[Probe], *, mode: Mode = "fixed") -> Plan:
        """A plan of these probes under a judge without a card; everything is asked unless told otherwise."""
        return make_plan(model, probes, cards={}, mode=mode, axes=self.judges)

    def target(
        self, answer: Answer | None = None, *, model: str = "scripted", max_concurrency: int | None = None
    ) -> Scripted:
        """A scripted target; without a script it replies after a second."""

        async def after_a_second(_request: Request, _before: int) -> Reply:
            await self.clock.sleep(1.0)
            return reply()

        return Scripted(answer or after_a_second, self.clock, model=model, max_concurrency=max_concurrency)

    def manifest(self, target: Target, plan: Plan, model: ThreatModel | None = None) -> RunManifest:
        """The manifest of a run of a plan against a target."""
        return make_manifest(
            "run",
            target=target,
            name="bot",
            model=model or self.model(),
            model_source="a test",
            suites={},
            judges=self.judges,
            plan=plan,
        )

    async def go(
        self,
        target: Target,
        plan: Plan,
        *,
        progress: Progress | None = None,
        watch: Callable[[Engine], None] | None = None,
        variant: Variant | None = None,
        **options: Any,  # noqa: ANN401 - any option
    ) -> Outcome:
        """Begin the run, or go on with it."""
        session = open_session(self.path, self.manifest(target, plan), plan)
        engine = open_engine(
            session, target, self.judges, variant=variant, judge_calls=self.judge_calls,
            options=EngineOptions(**options), progress=progress, clock=self.clock,
        )  # fmt: skip
        if watch is not None:
            watch(engine)
        try:
            async with target:
                stopped = await drive(session, plan, engine)
        finally:
            session.journal.close()
        events, _ = read_events(self.path / "journal.jsonl")
        return Outcome(stopped, session.folder.read(), events, engine)


class Kit(NamedTuple):
    """Builders of what a target says."""

    reply: Callable[..., Reply]
    fault: Callable[..., CallError]
    judge: type[WordJudge]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A laboratory with an empty run folder."""
    return Lab(tmp_path / "run")


@pytest.fixture
def kit() -> Kit:
    """Builders of replies and faults."""
    return Kit(reply, fault, WordJudge)
