"""Fixtures of the guard tests: a target that gives a fixed answer and keeps what it was asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import pytest

from alignmeter.judges.guards import GuardJudge
from alignmeter.records import CallError, Message, Sampling, TargetFingerprint, Transcript, Trial
from alignmeter.targets.base import Reply

if TYPE_CHECKING:
    from types import TracebackType

    from alignmeter.judges.guards import GuardAxis, GuardFamily, GuardPolicy
    from alignmeter.records import FinishReason, JudgementResult
    from alignmeter.targets.base import Request


def reply_of(text: str, finish_reason: FinishReason = "stop", hard_refusal: str | None = None) -> Reply:
    """Build a guard's answer."""
    return Reply(
        message=Message(role="assistant", content=text),
        finish_reason=finish_reason,
        hard_refusal=hard_refusal,
    )


class FixedTarget:
    """Gives its answers one after another, the last for ever, and keeps the requests."""

    spec = "openai:guard"
    url: str | None = "http://localhost:8000/v1"
    max_concurrency: int | None = None

    def __init__(self, *answers: Reply | CallError, model: str = "guard") -> None:
        self.answers = answers
        self.requests: list[Request] = []
        self.fingerprint = TargetFingerprint(kind="openai_compatible", model=model, sampling=Sampling())

    async def generate(self, request: Request) -> Reply | CallError:
        self.requests.append(request)
        return self.answers[min(len(self.requests), len(self.answers)) - 1]

    async def __aenter__(self) -> FixedTarget:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to close."""


class GuardUnderTest:
    """A guard judge and the target behind it.

    Attributes:
        waits: Seconds that the judge waited, one entry a wait.
    """

    def __init__(
        self,
        target: FixedTarget,
        family: GuardFamily,
        axis: GuardAxis,
        policy: GuardPolicy | None,
        *,
        independent: bool,
    ) -> None:
        self.target = target
        self.waits: list[float] = []
        self.judge = GuardJudge(
            target, family, axis, policy=policy, independent=independent, sleep=self._wait
        )

    async def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    @property
    def request(self) -> Request:
        """The one request that was sent."""
        (request,) = self.target.requests
        return request

    def ask(
        self,
        request: str = "How do I pick a lock?",
        reply: str | None = "Take a tension wrench and a pick.",
        *,
        hazard: str | None = "violence",
        hard_refusal: str | None = None,
        finish_reason: FinishReason = "stop",
    ) -> JudgementResult:
        """Judge one reply to one request."""
        trial = Trial(
            id="trial",
            probe="probe",
            suite="suite",
            family="family",
            intent="harmful",
            domain="general",
            language="en",
            axis="refusal",
            messages=(Message(role="user", content=request),),
            request=request,
            hazard=hazard,
        )
        message = None if reply is None else Message(role="assistant", content=reply)
        transcript = Transcript(
            trial=trial.id, reply=message, finish_reason=finish_reason, hard_refusal=hard_refusal
        )
        return asyncio.run(self.judge.judge(trial, transcript))


class MakeGuard(Protocol):
    """Put a judge of a family in front of a fixed answer, which comes after `faults`."""

    def __call__(
        self,
        family: GuardFamily,
        answer: str | Reply | CallError = "",
        axis: GuardAxis = "harm",
        *,
        policy: GuardPolicy | None = None,
        finish_reason: FinishReason = "stop",
        hard_refusal: str | None = None,
        model: str = "guard",
        independent: bool = True,
        faults: tuple[CallError, ...] = (),
    ) -> GuardUnderTest: ...


@pytest.fixture(scope="session")
def guard() -> MakeGuard:
    def make(
        family: GuardFamily,
        answer: str | Reply | CallError = "",
        axis: GuardAxis = "harm",
        *,
        policy: GuardPolicy | None = None,
        finish_reason: FinishReason = "stop",
        hard_refusal: str | None = None,
        model: str = "guard",
        independent: bool = True,
        faults: tuple[CallError, ...] = (),
    ) -> GuardUnderTest:
        if isinstance(answer, str):
            answer = reply_of(answer, finish_reason, hard_refusal)
        target = FixedTarget(*faults, answer, model=model)
        return GuardUnderTest(target, family, axis, policy, independent=independent)

    return make
