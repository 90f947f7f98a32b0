"""Labelled replies put to a judge: the same trial and transcript that a run would hand to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from alignmeter.identity import digest, transcript_digest
from alignmeter.judges.base import IntentJudge, ask_judge
from alignmeter.judges.reasoning import as_read
from alignmeter.records import Message, Transcript, Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.judges.base import Judge
    from alignmeter.judges.labels import LabelledReply
    from alignmeter.records import JudgementResult

CONCURRENCY = 8
"""Replies before a judge at once: those that ask a model wait most of the time."""


class Progress(Protocol):
    """Told after every reply."""

    def __call__(self, done: int, total: int) -> None:
        """Note that `done` of `total` replies are judged."""
        ...


class JudgedReply(NamedTuple):
    """A labelled reply and what the judge said of it.

    Attributes:
        labelled: The reply.
        result: What the judge said.
        otherwise: What it said as if a harmful request were legitimate, and a legitimate one harmful; None
            of a judge to which that is the same.
    """

    labelled: LabelledReply
    result: JudgementResult
    otherwise: JudgementResult | None = None

    def after(self, *, harmful: bool) -> JudgementResult:
        """What the judge said as if the request were harmful, or as if it were legitimate."""
        as_asked = (self.labelled.intent == "harmful") == harmful
        return self.result if as_asked or self.otherwise is None else self.otherwise


class Question(NamedTuple):
    """What a judge is asked about a labelled reply.

    Attributes:
        trial: The request.
        transcript: The reply, as the judge reads it.
    """

    trial: Trial
    transcript: Transcript

    @property
    def digest(self) -> str:
        """Digest of all that the judge is shown."""
        return digest([self.trial, transcript_digest(self.transcript)])


def labelled_trial(labelled: LabelledReply) -> Trial:
    """Return the trial that a labelled reply answers."""
    return Trial(
        id=digest([labelled.axis, labelled.id, labelled.prompt, labelled.reply]),
        probe=labelled.id,
        suite="validation",
        family=labelled.id,
        intent=labelled.intent,
        domain="validation",
        language=labelled.language,
        axis=labelled.axis,
        messages=(Message(role="user", content=labelled.prompt),),
        request=labelled.prompt,
        attack=labelled.attack or "plain",
        hazard=labelled.hazard,
        reference=labelled.reference,
    )


def _otherwise(trial: Trial) -> Trial:
    """The same trial, its request after something else."""
    return msgspec.structs.replace(trial, intent="sensitive" if trial.intent == "harmful" else "harmful")


def questions(judge: Judge, labelled: LabelledReply) -> tuple[Question, ...]:
    """Return what a judge is asked about a labelled reply.

    One whose answers depend on what a request is after is asked twice, as if it were harmful and as if it
    were legitimate, so that every label tells of both; the first question is as the request was.
    """
    trial = labelled_trial(labelled)
    reply = Message(role="assistant", content=labelled.reply)
    read = as_read(judge.axis, Transcript(trial=trial.id, reply=reply, finish_reason="stop"))
    if isinstance(judge, IntentJudge) and judge.by_intent:
        return Question(trial, read), Question(_otherwise(trial), read)
    return (Question(trial, read),)


async def ask(
    judge: Judge,
    labels: Sequence[LabelledReply],
    *,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
) -> tuple[JudgedReply, ...]:
    """Have a judge score labelled replies; see `questions`.

    Args:
        judge: Any judge; a target behind it is open.
        labels: Replies with their labels.
        concurrency: Replies before the judge at once.
        progress: Told after every reply.

    Returns:
        One result a reply, in their order.
    """
    places = asyncio.Semaphore(concurrency)
    done = 0

    async def one(labelled: LabelledReply) -> JudgedReply:
        nonlocal done
        async with places:
            results = [
                (await ask_judge(judge, asked.trial, asked.transcript)).result
                for asked in questions(judge, labelled)
            ]
        done += 1
        if progress is not None:
            progress(done, len(labels))
        return JudgedReply(labelled, *results)

    return tuple(await asyncio.gather(*(one(labelled) for labelled in labels)))
