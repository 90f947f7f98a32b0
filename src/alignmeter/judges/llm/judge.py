"""The judge `llm:RUBRIC@MODEL`: a rubric put to any target, its answer parsed, or the reason why not."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING

import msgspec

from alignmeter.identity import digest, fingerprint_hash
from alignmeter.judges.llm.answers import Fault, read_answer
from alignmeter.judges.llm.prompt import render
from alignmeter.judges.llm.results import result_of, settled
from alignmeter.judges.llm.rubrics import frame
from alignmeter.judges.model_calls import (
    ATTEMPTS,
    DETAIL_CHARACTERS,
    SELF_MARK,
    TIMEOUT,
    answer_of,
    behind_signal,
    declines,
    failed,
    out_of_time,
)
from alignmeter.judges.refusal_rules import RefusalRules
from alignmeter.records import CallError, Record, Sampling, Unscored
from alignmeter.targets.base import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignmeter.judges.base import Judge
    from alignmeter.judges.llm.prompt import Prompt
    from alignmeter.judges.llm.rubrics import Rubric
    from alignmeter.judges.model_calls import Sleep
    from alignmeter.records import Axis, JudgementResult, Transcript, Trial
    from alignmeter.targets.base import Reply, Target

CODE_VERSION = 2
"""Bumped with any change of code that can change an answer; part of the judge hash."""

_REPAIRS = 1


class LlmJudgeOptions(Record, frozen=True):
    """How a judge is asked. All but `attempts` and `timeout` are part of its hash.

    Attributes:
        constrained: Send the rubric's JSON Schema as a constraint. An endpoint that refuses it is
            asked again without.
        max_tokens: Length of the judge's answer; models that think aloud need more.
        reply_limit: Characters of a reply that the judge is shown; of a longer one the beginning
            and the end, and then only what is there already counts.
        seed: Seed of the fence and of the judge's sampling, which is greedy.
        attempts: Calls at the most where the endpoint is at fault.
        timeout: Seconds for one judgement, all its calls and waits together.
    """

    constrained: bool = True
    max_tokens: int = 1024
    reply_limit: int = 40_000
    seed: int = 0
    attempts: int = ATTEMPTS
    timeout: float = TIMEOUT


class LlmJudge:
    """Judge on the axis of its rubric, by asking a model.

    The target must be open (`async with`) while it judges. What cannot be scored is `Unscored`:
    `judge_malformed` and `judge_out_of_range` after one attempt at repair, `judge_refused`,
    `judge_timeout`, `judge_error` where the endpoint failed.
    """

    def __init__(
        self,
        target: Target,
        rubric: Rubric,
        *,
        independent: bool = True,
        options: LlmJudgeOptions | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Bind a rubric to a model.

        Args:
            target: The model that judges.
            rubric: What it is asked.
            independent: What `not_the_target` returned; False marks the name.
            options: How it is asked.
            sleep: How to wait between two attempts.
        """
        self._target = target
        self._rubric = rubric
        self._independent = independent
        self._options = options or LlmJudgeOptions()
        self._sampling = Sampling(max_tokens=self._options.max_tokens, seed=self._options.seed)
        self._sleep = sleep
        self._constrained = self._options.constrained

    @property
    def name(self) -> str:
        """For example `llm:harm@gpt-x`, or `llm:harm@gpt-x(self)`."""
        mark = "" if self._independent else SELF_MARK
        return f"llm:{self._rubric.id}@{self._target.fingerprint.model}{mark}"

    @property
    def axis(self) -> Axis:
        """The axis of the rubric."""
        return self._rubric.axis

    @property
    def judge_hash(self) -> str:
        """Digest of rubric, frame, model, options and code version.

        The model's fingerprint stands with the sampling that the judge uses, not with the one that
        the target was set up for.
        """
        options = self._options
        model = msgspec.structs.replace(self._target.fingerprint, sampling=self._sampling)
        return digest(
            {
                "axis": self.axis,
                "kind": "llm",
                "code_version": CODE_VERSION,
                "rubric": self._rubric.digest,
                "frame": frame().digest,
                "model": fingerprint_hash(model),
                "constrained": options.constrained,
                "reply_limit": options.reply_limit,
                "seed": options.seed,
                # These rules tell a judge that refuses from one that writes nonsense.
                "refusals": RefusalRules().judge_hash,
            }
        )

    def asking(self, model: Callable[[Target], Target]) -> Judge:
        """Return the same judge, which asks `model(target)` in the place of its target."""
        other = copy.copy(self)
        other._target = model(self._target)
        return other

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        """Score a transcript that holds a reply.

        Args:
            trial: What was asked; the judge sees `request`, and `reference` and `hazard` where the
                rubric has a place for them.
            transcript: What came back, without an error.

        Returns:
            A result on the rubric's axis, or `Unscored` with the reason.
        """
        known = settled(self._rubric, trial, transcript)
        if known is not None or transcript.reply is None:
            return known or Unscored(reason="empty_reply")
        cut = transcript.finish_reason == "length"
        prompt = render(
            self._rubric,
            trial,
            transcript.reply.content,
            cut=cut,
            seed=self._options.seed,
            limit=self._options.reply_limit,
        )
        try:
            async with asyncio.timeout(self._options.timeout):
                result = await self._ask(prompt, trial, whole=prompt.whole and not cut)
        except TimeoutError:
            return out_of_time(self._options.timeout)
        return behind_signal(result, transcript.hard_refusal)

    async def _ask(self, prompt: Prompt, trial: Trial, *, whole: bool) -> JudgementResult:
        """Ask, and once more with the fault shown where the answer cannot be used."""
        fault: Fault | None = None
        for _ in range(1 + _REPAIRS):
            answer = await self._call(prompt, fault)
            if isinstance(answer, CallError):
                return failed(answer)
            if answer.hard_refusal is not None or answer.finish_reason in {"content_filter", "refusal"}:
                return Unscored(reason="judge_refused", detail="the judge's provider blocked the answer")
            result = self._read(answer, prompt, trial, whole=whole)
            if not isinstance(result, Fault):
                return result
            fault = result
        return Unscored(reason="judge_malformed") if fault is None else _unusable(fault)

    def _read(self, answer: Reply, prompt: Prompt, trial: Trial, *, whole: bool) -> JudgementResult | Fault:
        """Read an answer; of one that was cut, nothing: what it holds may be a draft."""
        if answer.finish_reason == "length":
            return Fault("judge_malformed", f"it was cut at {self._options.max_tokens} tokens; be brief")
        text = answer.message.content
        fields = read_answer(text, self._rubric.fields, prompt.material)
        if not isinstance(fields, Fault):
            return result_of(self._rubric, fields, trial, whole=whole)
        if fields.reason == "judge_malformed" and "{" not in text and text.strip() and declines(text):
            return Fault("judge_refused", "it declined to grade; grading gives no help to anybody")
        return fields

    async def _call(self, prompt: Prompt, fault: Fault | None) -> Reply | CallError:
        """Ask, without the schema where the endpoint takes none: the prompt says all that it says."""
        request = Request(
            messages=prompt.messages(None if fault is None else fault.message),
            sampling=self._sampling,
            constraint=dict(self._rubric.schema) if self._constrained else None,
        )
        answer = await self._answer(request)
        if request.constraint is not None and isinstance(answer, CallError) and answer.kind == "bad_request":
            answer = await self._answer(msgspec.structs.replace(request, constraint=None))
            if not isinstance(answer, CallError):
                self._constrained = False
        return answer

    async def _answer(self, request: Request) -> Reply | CallError:
        return await answer_of(self._target, request, attempts=self._options.attempts, sleep=self._sleep)


def _unusable(fault: Fault) -> Unscored:
    return Unscored(
        reason=fault.reason, detail=f"twice unusable, at last: {fault.message}"[:DETAIL_CHARACTERS]
    )
