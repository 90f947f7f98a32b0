"""Labelled replies put to a judge: the same trial and transcript that a run would hand to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

from alignmeter.identity import digest
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
    """A labelled reply and what the judge said of it."""

    labelled: LabelledReply
    result: JudgementResult


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


async def ask(
    judge: Judge,
    labels: Sequence[LabelledReply],
    *,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
) -> tuple[JudgedReply, ...]:
    """Have a judge score labelled replies.

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
            trial = labelled_trial(labelled)
            reply = Message(role="assistant", content=labelled.reply)
            transcript = Transcript(trial=trial.id, reply=reply, finish_reason="stop")
            result = await judge.judge(trial, as_read(judge.axis, transcript))
        done += 1
        if progress is not None:
            progress(done, len(labels))
        return JudgedReply(labelled, result)

    return tuple(await asyncio.gather(*(one(labelled) for labelled in labels)))
