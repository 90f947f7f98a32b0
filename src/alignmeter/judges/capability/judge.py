"""The judge `capability`: does the reply give the right result of its task?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alignmeter.identity import digest
from alignmeter.judges.capability.code import check_code, harness_digest
from alignmeter.judges.capability.finding import NO_ANSWER, TRUNCATED, Finding
from alignmeter.judges.capability.instructions import check_instructions
from alignmeter.judges.capability.json_values import check_json
from alignmeter.judges.capability.numbers import check_number
from alignmeter.judges.capability.options import check_choice
from alignmeter.judges.capability.phrases import check_text
from alignmeter.judges.capability.sequences import check_sequence
from alignmeter.judges.capability.spans import settled
from alignmeter.judges.closed_answer import ClosedAnswer
from alignmeter.records import (
    CapabilityResult,
    ChoiceCheck,
    CodeCheck,
    InstructionsCheck,
    JsonCheck,
    NumberCheck,
    SequenceCheck,
    TextCheck,
    Unscored,
)

if TYPE_CHECKING:
    from alignmeter.records import Axis, JudgementResult, TaskCheck, Transcript, Trial

CODE_VERSION = 5
"""Bumped with any change of code that can change an answer; part of the judge hash."""


class Capability:
    """Judge on the axis `capability` for trials that carry a check; no model, no network.

    A reply without an answer is wrong, as is one that the target left empty or that its provider
    refused. One cut at the token limit before it settled on an answer is `truncated_answer`, right or wrong.
    """

    name = "capability"
    axis: Axis = "capability"

    @property
    def judge_hash(self) -> str:
        """Digest of axis, name, code version, test harness, sandbox promises and the reader of yes and no."""
        return digest(
            {
                "axis": self.axis,
                "name": self.name,
                "code_version": CODE_VERSION,
                "harness": harness_digest(),
                "closed": ClosedAnswer().judge_hash,
            }
        )

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        """Read the answer of a reply and check it.

        Args:
            trial: What was asked; `check` is what is right.
            transcript: What came back, without an error.

        Returns:
            A `CapabilityResult`, or `Unscored`: `not_applicable` without a check, `empty_reply` where
            something other than the target ended it, `truncated_answer`, `unparseable` where it is open which
            of two answers it gives, `no_sandbox` and `judge_error` for code, `judge_error` where a schema's
            pattern takes too long.
        """
        if trial.check is None:
            return Unscored(reason="not_applicable", detail="the trial has no check")
        reply = "" if transcript.reply is None else transcript.reply.content
        cut = transcript.finish_reason == "length"
        if transcript.hard_refusal is not None:
            found = NO_ANSWER._replace(evidence="refused by the provider's own signal")
        elif reply.strip():
            found = await _checked(trial.check, reply, trial, cut=cut)
        elif transcript.finish_reason == "stop":
            found = NO_ANSWER._replace(evidence="the target left the reply empty")
        else:
            return Unscored(reason="empty_reply", detail="the reply holds no text")
        return found if isinstance(found, Unscored) else _result(found)


async def _checked(check: TaskCheck, reply: str, trial: Trial, *, cut: bool) -> Finding | Unscored:
    match check:
        case JsonCheck():
            # A pattern of its schema may take its time.
            return await asyncio.to_thread(check_json, check, reply, cut=cut)
        case CodeCheck():
            return await check_code(check, reply, cut=cut)
        case InstructionsCheck():
            # The language identifier loads a model the first time.
            return TRUNCATED if cut else await asyncio.to_thread(check_instructions, check, reply)
        case _ if cut:
            answer = settled(reply)
            found = TRUNCATED if answer is None else _answered(check, f"Answer: {answer}", trial)
            return TRUNCATED if isinstance(found, Finding) and found.answer is None else found
        case _:
            return _answered(check, reply, trial)


def _answered(
    check: NumberCheck | TextCheck | ChoiceCheck | SequenceCheck, reply: str, trial: Trial
) -> Finding | Unscored:
    match check:
        case NumberCheck():
            return check_number(check, reply)
        case TextCheck():
            return check_text(check, reply, trial.request, trial.language)
        case ChoiceCheck():
            return check_choice(check, reply)
        case SequenceCheck():
            return check_sequence(check, reply)


def _result(found: Finding) -> CapabilityResult:
    label = "right" if found.score >= 1 else "wrong" if found.score <= 0 else "partial"
    return CapabilityResult(score=found.score, label=label, answer=found.answer, evidence=found.evidence)
