"""Labelled replies before a judge that asks models: each judgement and its cost is kept."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.api.given import as_path
from alignmeter.api.judges_of_a_run import judge_called
from alignmeter.api.models import ModelMaker, open_models
from alignmeter.engine import Allowance, Before, Costs, Spending, Work
from alignmeter.errors import InputError
from alignmeter.judges import resolve_judge
from alignmeter.judges.base import ask_judge
from alignmeter.judges.validation import CONCURRENCY, JudgedReply, ask, questions
from alignmeter.store import KeptJudgements, kept_judgements_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from alignmeter.engine.spending import Spent
    from alignmeter.judges import Judge, LabelledReply
    from alignmeter.judges.validation import Progress, Question
    from alignmeter.records import JudgementResult
    from alignmeter.targets import TargetOptions


class Keeping(NamedTuple):
    """What is kept of judgements by models, and what they may cost.

    Attributes:
        allowance: What may be spent on the models, over all starts with the same judge, replies and file.
        judgements: File of the judgements; None for one of the judge's own in the working directory.
        fresh: Whether the judge is asked about everything anew.
    """

    allowance: Allowance = Allowance()
    judgements: Path | str | None = None
    fresh: bool = False


class JudgedLabels(NamedTuple):
    """Labelled replies with what a judge said of them.

    Attributes:
        replies: One a labelled reply, in their order.
        already: Judgements that were made before.
        judgements: The file that keeps them; empty for a judge that asks no model.
        spent: On the judge's models, over all starts.
    """

    replies: tuple[JudgedReply, ...]
    already: int = 0
    judgements: str = ""
    spent: Spending = Spending()


class LabelJudge:
    """A judge that is put to labelled replies; nothing is opened before it is.

    Attributes:
        judge: The judge.
    """

    def __init__(self, spec: str | Judge, options: TargetOptions | None, keeping: Keeping) -> None:
        """Make the judge that a spec names.

        Args:
            spec: See `alignmeter.judges.resolve_judge`; or a judge of one's own.
            options: How its models are reached.
            keeping: What is kept and may be spent; each part is refused where the judge asks no model.

        Raises:
            InputError: The spec is not understood, or something is said of models, and it asks none.
        """
        self._keeping = keeping
        self._work = Work(keeping.allowance)
        make = ModelMaker(options, self._work.calls.metered)
        self.judge = resolve_judge(spec, open_target=make)
        called = f"the judge {judge_called(spec)}"
        make.check(called)
        self._work.check(make.targets, called)
        self._models = make.targets
        if not self._models and (keeping.fresh or keeping.judgements is not None):
            said = "fresh=True" if keeping.judgements is None else "judgements="
            raise InputError(
                f"judgements of models are kept, and {called} asks none, so that it begins afresh each time; "
                f"leave `{said}` out"
            )

    async def put(self, labels: Sequence[LabelledReply], progress: Progress | None) -> JudgedLabels:
        """Have the judge score labelled replies; what it said of them before is not asked again.

        Args:
            labels: Replies with their labels, of the judge's axis.
            progress: Told after every judgement that is made now.

        Raises:
            InputError: Another process writes to the file of judgements, or it is none; or
                a model cannot be asked.
            TargetUnavailableError: An endpoint cannot be reached.
            BudgetSpentError: A limit is reached; the judgements so far are kept.
            WorkInterruptedError: The user stopped it; likewise.
            StorageError: The file cannot be written.
        """
        if not self._models:
            return JudgedLabels(await ask(self.judge, labels, progress=progress))
        asked = [questions(self.judge, labelled) for labelled in labels]
        given, judge = self._keeping, self.judge
        path = (
            kept_judgements_path(judge.judge_hash)
            if given.judgements is None
            else as_path("judgements", given.judgements)
        )
        with KeptJudgements(path, judge.judge_hash, judge.name, fresh=given.fresh) as kept:
            putting = _Putting(judge, kept, self._work, (one for each in asked for one in each))
            async with AsyncExitStack() as opened:
                with putting.counting():
                    await open_models(opened, self._models, self._work.asking())
                await putting.judge(progress)
        self._work.finish(
            len(putting.said),
            putting.total,
            "judgements",
            place=str(path),
            again="the same command without `fresh=True`" if given.fresh else "the same command",
        )
        return JudgedLabels(
            tuple(
                JudgedReply(labelled, *(putting.said[one.digest] for one in each))
                for labelled, each in zip(labels, asked, strict=True)
            ),
            already=putting.already,
            judgements=str(path),
            spent=self._work.spent,
        )


class _Putting:
    """Questions to a judge, each asked once.

    Attributes:
        said: What it said, by the digest of the question.
        total: Questions in all; `already` of them had their answer before.
    """

    def __init__(self, judge: Judge, kept: KeptJudgements, work: Work, asked: Iterable[Question]) -> None:
        self._judge, self._kept, self._work = judge, kept, work
        self._todo = {question.digest: question for question in asked}
        self.total = len(self._todo)
        before = {
            name: Before(line.calls, line.tokens, line.heard)
            for name in ("", *self._todo)
            if (line := kept.cost(name)) is not None
        }
        self._costs = Costs(work, before, kept.charge)
        self.said: dict[str, JudgementResult] = {
            name: result for name in self._todo if (result := kept.get(name)) is not None
        }
        self.already = len(self.said)

    def counting(self, asked: str = "") -> AbstractContextManager[Spent]:
        """Count the calls for one question, by its digest, or those before the first."""
        return self._costs.counting(asked)

    async def judge(self, progress: Progress | None) -> None:
        """Ask what is not answered, as far as the budget goes."""
        todo = [(name, question) for name, question in self._todo.items() if name not in self.said]

        async def one(item: tuple[str, Question]) -> None:
            name, question = item
            with self.counting(name) as spent:
                result = (await ask_judge(self._judge, question.trial, question.transcript)).result
            self._kept.keep(name, result, spent.calls, spent.usage)
            self.said[name] = result
            if progress is not None:
                progress(len(self.said) - self.already, len(todo))

        await self._work.each(todo, one, width=CONCURRENCY)
