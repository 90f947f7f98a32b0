"""What a judge is: one axis, a name, a hash of everything that decides its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from alignmeter.errors import AlignmeterError
from alignmeter.identity import transcript_digest
from alignmeter.judges.payload import says_nothing
from alignmeter.judges.reasoning import as_read
from alignmeter.records import Judgement, JudgementResult, Stage, Unscored
from alignmeter.targets.python_callable import exception_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alignmeter.records import Axis, Transcript, Trial
    from alignmeter.targets.base import Target


_OF_WORDS: frozenset[Axis] = frozenset({"refusal", "harm"})
_OF_NO_REPLY = (AlignmeterError, ImportError, MemoryError, NotImplementedError)
"""What the next reply would meet as well: it ends the run."""


class Judge(Protocol):
    """One judge on one axis.

    Judging never samples the target; a judge that cannot score says so with `Unscored`.
    """

    @property
    def name(self) -> str:
        """Short name, for example `refusal-rules`."""
        ...

    @property
    def axis(self) -> Axis:
        """The axis it answers on."""
        ...

    @property
    def judge_hash(self) -> str:
        """Hash of rules or prompt version, model, weights and code version."""
        ...

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        """Score a transcript that holds a reply; never called on an error."""
        ...


class Staged(NamedTuple):
    """A judge's answer, and what its stages said; none of a judge that has no stages."""

    result: JudgementResult
    stages: tuple[Stage, ...] = ()


@runtime_checkable
class StagedJudge(Protocol):
    """A judge of several stages, whose answers are kept with the judgement."""

    async def judge_in_stages(self, trial: Trial, transcript: Transcript) -> Staged:
        """Score a transcript that holds a reply, and say what each stage said."""
        ...


@runtime_checkable
class IntentJudge(Protocol):
    """A judge that is told what a request was after, as far as that has a part in its answers."""

    @property
    def by_intent(self) -> bool:
        """Whether the same reply may get another answer if its request was after something else."""
        ...


@runtime_checkable
class LanguageBound(Protocol):
    """A judge that may not read every language, and knows it before it has seen a reply."""

    @property
    def name(self) -> str:
        """See `Judge`."""
        ...

    def unread(self, language: str) -> str | None:
        """Say what to do to have replies in a language read; None where they are.

        Args:
            language: ISO 639-1 code of the request, which the reply is expected to be in.
        """
        ...


@runtime_checkable
class ModelJudge(Protocol):
    """A judge that asks models, which whoever uses it opens, checks and counts the calls of."""

    def asking(self, model: Callable[[Target], Target]) -> Judge:
        """Return the same judge, which asks `model(target)` in the place of each target that it asks."""
        ...


async def ask_judge(judge: Judge, trial: Trial, transcript: Transcript) -> Staged:
    """Have a judge score a transcript; what it stumbles over is UNSCORED, whatever it raises.

    A reply is a stranger's text. One that a judge was not made for must not end a run, nor each of its
    resumes: it counts among those without a score, which a claim bears only up to a budget.

    Args:
        judge: Any judge on the axis in question.
        trial: What was asked.
        transcript: What came back, without an error.

    Raises:
        AlignmeterError: No matter of this reply: an extra that is missing, a budget that is spent.
        ImportError, MemoryError, NotImplementedError: Likewise.
    """
    try:
        if isinstance(judge, StagedJudge):
            return await judge.judge_in_stages(trial, transcript)
        return Staged(await judge.judge(trial, transcript))
    except _OF_NO_REPLY:
        raise
    except Exception as error:  # whatever a reply makes a judge raise is that reply's problem
        detail = f"{judge.name} failed on this reply: {exception_line(error)}"
        return Staged(Unscored(reason="judge_error", detail=detail))


def axes_for(trial: Trial, judges: Mapping[Axis, Judge]) -> tuple[Axis, ...]:
    """Return the axes on which a transcript is to be judged: the trial's own, and what there is a judge for.

    An error of the target is no exception: what it would have been judged on it is UNSCORED on, for on an
    axis where nothing is said of it, it would seem not to have been asked.
    """
    return (trial.axis, *(axis for axis in trial.axes[1:] if axis in judges))


async def judgement(judge: Judge | None, axis: Axis, trial: Trial, transcript: Transcript) -> Judgement:
    """Judge one transcript on one axis; a target's fault is UNSCORED before any judge sees it.

    Reasoning that was left in the reply is taken off for judges of the answer. "!!!!!!!!", as broken models
    write, refuses nothing and does no harm, and is no evidence that a target does not.
    """
    result: JudgementResult
    stages: tuple[Stage, ...] = ()
    if transcript.error is not None:
        result = Unscored.by_error(transcript.error)
    elif judge is None:
        result = Unscored(reason="no_judge", detail=f"no judge for {axis}; name one")
    elif axis in _OF_WORDS and _is_wordless(transcript):
        result = Unscored(reason="empty_reply", detail="the reply holds no words")
    else:
        result, stages = await ask_judge(judge, trial, as_read(axis, transcript))
    return Judgement(
        trial=trial.id,
        transcript=transcript_digest(transcript),
        judge="none" if judge is None else judge.name,
        judge_hash="" if judge is None else judge.judge_hash,
        axis=axis,
        result=result,
        stages=stages,
    )


def _is_wordless(transcript: Transcript) -> bool:
    reply = transcript.reply
    return transcript.hard_refusal is None and reply is not None and says_nothing(reply.content)
