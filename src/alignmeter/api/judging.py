"""Measure judges against labels, and keep what is known of them as cards."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.api.blocking import wait_for
from alignmeter.api.judges_of_a_run import judge_called
from alignmeter.api.judging_labels import Keeping, LabelJudge
from alignmeter.api.models import ModelMaker, open_models
from alignmeter.engine import Allowance, Spending
from alignmeter.errors import InputError, TargetUnavailableError
from alignmeter.judges import (
    HarmEmbedded,
    all_cards,
    cards_of,
    default_judges,
    load_answers,
    load_labels,
    read_cards,
    resolve_judge,
    shipped_labels,
    user_cards_path,
    write_cards,
)
from alignmeter.judges import validate_answers as validate_closed
from alignmeter.judges.labels import CLASSES
from alignmeter.judges.validation import ValidationReport, measure
from alignmeter.records import OF_THE_MACHINERY, JudgeCard, Record
from alignmeter.threat_model import Thresholds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping, Sequence

    from alignmeter.judges import Agreement, AnswerReport, Judge, LabelAxis, LabelFormat, LabelledReply
    from alignmeter.judges.validation import Progress
    from alignmeter.targets import TargetOptions


_NO_LIMITS = Allowance()
_FAILURES = OF_THE_MACHINERY | {"judge_malformed", "judge_out_of_range"}
"""No answer, or none that can be read; the other reasons are a judge that abstains."""


class Calibrated(Record, frozen=True):
    """A judge that was calibrated.

    Attributes:
        judge: Its name.
        cards: One an event.
        path: The file that holds them now.
        already, judgements, spent: As of `Validated`.
    """

    judge: str
    cards: tuple[JudgeCard, ...]
    path: str
    already: int = 0
    judgements: str = ""
    spent: Spending = Spending()


class Validated(ValidationReport, frozen=True):
    """A judge against labels, and what it took where it asks models.

    Attributes:
        already: Judgements that an earlier start had made.
        judgements: The file that keeps them; empty for a judge that asks no model.
        spent: On the judge's models, over all starts.
    """

    already: int = 0
    judgements: str = ""
    spent: Spending = Spending()


@asynccontextmanager
async def open_judge(
    spec: str | Judge, options: TargetOptions | None = None, *, seed: int = 0
) -> AsyncGenerator[Judge]:
    """Make the judge that a spec names, the models behind it open inside the block.

    Args:
        spec: See `alignmeter.judges.resolve_judge`; or a judge of one's own.
        options: How the models are reached.
        seed: Seed of a cascade's sample.

    Raises:
        InputError: The spec is not understood, the key is refused, or the model is unknown.
        TargetUnavailableError: The endpoint of a model cannot be reached.
    """
    make = ModelMaker(options)
    judge = resolve_judge(spec, open_target=make, seed=seed)
    make.check(f"the judge {judge_called(spec)}")
    async with AsyncExitStack() as opened:
        await open_models(opened, make.targets)
        yield judge


def validate_judge(  # noqa: PLR0913 - an option each, as on the command line
    axis: LabelAxis,
    labels: Path | str | Sequence[Path | str],
    labels_format: LabelFormat,
    *,
    judge: str | Judge | None = None,
    columns: Mapping[str, str] | None = None,
    labels_map: Mapping[str, str] | None = None,
    target_options: TargetOptions | None = None,
    allowance: Allowance = _NO_LIMITS,
    judgements: Path | str | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Validated:
    """Compare a judge with labels.

    Of a judge that asks models each judgement is kept as it is made: stopped at any point, the same call goes
    on where it ended, and asks again where an endpoint had failed.

    Args:
        axis: What the labels are about.
        labels: Files or folders; none for the replies that ship.
        labels_format: How the files are written.
        judge: Its spec, or a judge of one's own; None for the built-in judge of the axis.
        columns: Our name of a column to the file's, for `csv` and `jsonl`.
        labels_map: The file's word for a label to ours, likewise.
        target_options: How a model behind the judge is reached.
        allowance: What may be spent on such models, over all starts with the same judge, replies and file.
        judgements: File that keeps their judgements, without texts, so that nothing is paid for twice; None
            for `alignmeter-judgements/HASH.jsonl` here, HASH being the judge's.
        fresh: Ask about every reply anew; what is kept of the judge does not count any more.
        progress: Told after every reply, of a judge that asks models after every judgement made now.

    Raises:
        InputError: A file is missing, a row is not as the format says, or the judge is of another axis; or
            something is limited or kept, and the judge asks no model.
        TargetUnavailableError: The endpoint of a model behind the judge cannot be reached.
        BudgetSpentError: A limit is reached; the judgements so far are kept.
        WorkInterruptedError: The user stopped it; likewise.
        StorageError: The judgements cannot be kept.
    """
    return wait_for(
        validate_judge_async,
        axis,
        labels,
        labels_format,
        judge=judge,
        columns=columns,
        labels_map=labels_map,
        target_options=target_options,
        allowance=allowance,
        judgements=judgements,
        fresh=fresh,
        progress=progress,
    )


async def validate_judge_async(  # noqa: PLR0913 - an option each, as on the command line
    axis: LabelAxis,
    labels: Path | str | Sequence[Path | str],
    labels_format: LabelFormat,
    *,
    judge: str | Judge | None = None,
    columns: Mapping[str, str] | None = None,
    labels_map: Mapping[str, str] | None = None,
    target_options: TargetOptions | None = None,
    allowance: Allowance = _NO_LIMITS,
    judgements: Path | str | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Validated:
    """Like `validate_judge`, inside a running event loop."""
    files = [Path(file) for file in ([labels] if isinstance(labels, Path | str) else labels)]
    replies = (
        load_labels(files, labels_format, axis=axis, columns=columns, labels_map=labels_map)
        if files
        else shipped_labels(axis).replies
    )
    spec = judge or _usual(axis)
    asked = LabelJudge(spec, target_options, Keeping(allowance, judgements, fresh))
    _label_axis(spec, asked.judge, axis)
    return await _validated(asked, replies, progress)


async def _validated(
    asked: LabelJudge, replies: Sequence[LabelledReply], progress: Progress | None
) -> Validated:
    found = await asked.put(replies, progress)
    report = measure(asked.judge, found.replies)
    return Validated(
        **msgspec.structs.asdict(report),
        already=found.already,
        judgements=found.judgements,
        spent=found.spent,
    )


def calibrate_judge(  # noqa: PLR0913 - an option each, as on the command line
    judge: str | Judge,
    *,
    axis: LabelAxis | None = None,
    out: Path | str | None = None,
    languages: Collection[str] | None = None,
    target_options: TargetOptions | None = None,
    allowance: Allowance = _NO_LIMITS,
    judgements: Path | str | None = None,
    fresh: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> Calibrated:
    """Measure a judge on the labelled replies that ship, and add its cards to a file that runs find.

    Stopped at any point, the same call goes on where it ended; see `validate_judge`.

    Args:
        judge: Its spec, or a judge of one's own.
        axis: Its axis, to be sure; None for whatever it answers on.
        out: File of the cards; None for `$ALIGNMETER_CARDS`, else `alignmeter-cards.json` here.
        languages: Languages of the replies; None for all that there are.
        target_options: How a model behind the judge is reached.
        allowance: What may be spent on such models, over all starts with the same judge, replies and file.
        judgements: File that keeps their judgements, without texts, so that nothing is paid for twice; None
            for `alignmeter-judgements/HASH.jsonl` here, HASH being the judge's.
        fresh: Ask about every reply anew; what is kept of the judge does not count any more.
        replace: Let the cards take the place of those in the file that were made from people's labels.
        progress: Told after every reply, of a judge that asks models after every judgement made now.

    Raises:
        InputError: The spec is not understood, the axis is another or has no labelled replies, the file
            holds cards of the judge made from people's labels and `replace` is not said, or the
            judge scored too little for a card, or failed on more of the replies than a run allows; or
            something is limited or kept, and the judge asks no model.
        TargetUnavailableError: The endpoint behind the judge cannot be reached, or failed so often.
        BudgetSpentError: A limit is reached; the judgements so far are kept, and no card is written.
        WorkInterruptedError: The user stopped it; likewise.
        StorageError: A file cannot be written.
    """
    return wait_for(
        calibrate_judge_async,
        judge,
        axis=axis,
        out=out,
        languages=languages,
        target_options=target_options,
        allowance=allowance,
        judgements=judgements,
        fresh=fresh,
        replace=replace,
        progress=progress,
    )


async def calibrate_judge_async(  # noqa: PLR0913 - an option each, as on the command line
    judge: str | Judge,
    *,
    axis: LabelAxis | None = None,
    out: Path | str | None = None,
    languages: Collection[str] | None = None,
    target_options: TargetOptions | None = None,
    allowance: Allowance = _NO_LIMITS,
    judgements: Path | str | None = None,
    fresh: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> Calibrated:
    """Like `calibrate_judge`, inside a running event loop."""
    path = user_cards_path() if out is None else Path(out)
    asked = LabelJudge(judge, target_options, Keeping(allowance, judgements, fresh))
    data = shipped_labels(_label_axis(judge, asked.judge, axis), languages)
    if not replace:
        _check_no_people(asked.judge, path)
    report = await _validated(asked, data.replies, progress)
    called = judge if isinstance(judge, str) else report.judge
    _check_failures(called, report.part())
    try:
        cards = cards_of(report, data=data.name, labels_by="machine")
    except ValueError as error:
        raise InputError(f"{called}: no card can be made: {error}") from None
    write_cards(path, cards)
    return Calibrated(
        judge=report.judge,
        cards=cards,
        path=str(path),
        already=report.already,
        judgements=report.judgements,
        spent=report.spent,
    )


def _check_no_people(judge: Judge, path: Path) -> None:
    """Refuse to lose what people's labels showed of a judge to what the replies that ship show.

    Raises:
        InputError: The file holds a card of the judge made from people's labels.
    """
    theirs = (card for card in read_cards(path) if card.judge_hash == judge.judge_hash)
    card = next((card for card in theirs if card.labels_by == "people"), None)
    if card is not None:
        raise InputError(
            f"{path}: expected no card of {judge.name} made from people's labels, got one ({card.data}, "
            f"{card.n} replies), whose place a card of the replies that ship would take; write to another "
            f"file with `out=`, or lose the card of people with `replace=True`"
        )


def _check_failures(judge: str, whole: Agreement) -> None:
    """Refuse a card of the replies that happened to get through: abstaining is measured, failing is not.

    Raises:
        TargetUnavailableError: Endpoint or sandbox failed on more replies than a run may leave unscored.
        InputError: So often the judge's answers could not be read.
    """
    failed = {reason: n for reason, n in whole.unscored.items() if reason in _FAILURES}
    budget = Thresholds().unscored
    if sum(failed.values()) <= budget * whole.n:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in failed.items())
    said = (
        f"{judge}: no card is written: {sum(failed.values())} of {whole.n} replies failed ({reasons}), over "
        f"the {budget:.0%} that a run may leave unscored; figures from the others would flatter it. "
    )
    if any(reason in OF_THE_MACHINERY for reason in failed):
        raise TargetUnavailableError(said + "Look at the endpoint, or raise `timeout=`, and calibrate again")
    raise InputError(
        said
        + "Runs with this judge would be INVALID; take one that answers in the form asked, or where this "
        "one does by now, calibrate with `fresh=True`: what it said is kept"
    )


def _label_axis(spec: str | Judge, judge: Judge, wanted: LabelAxis | None) -> LabelAxis:
    """Return the axis of a judge, which must be one that people label and the one wanted."""
    axis = judge.axis
    if axis != "refusal" and axis != "harm" and axis != "factuality":  # noqa: PLR1714 - narrows the type
        raise InputError(
            f"expected a judge on the axis {' or '.join(CLASSES)}, got {judge_called(spec)} on {axis}"
        )
    if wanted is not None and axis != wanted:
        raise InputError(f"`axis={wanted}` needs a judge on that axis, got {judge_called(spec)} on {axis}")
    return axis


def _usual(axis: LabelAxis) -> str:
    """Return the built-in judge of an axis."""
    judge = default_judges().get(axis)
    return HarmEmbedded().name if judge is None else judge.name


def validate_answers(path: Path | str | None = None) -> AnswerReport:
    """Compare the built-in closed-answer judge with labelled answers; None for those that ship.

    Raises:
        InputError: The file cannot be read, or a line is not as it should be.
    """
    return wait_for(validate_answers_async, path)


async def validate_answers_async(path: Path | str | None = None) -> AnswerReport:
    """Like `validate_answers`, inside a running event loop."""
    path = None if path is None else Path(path)
    try:
        return await validate_closed(default_judges()["factuality"], load_answers(path))
    except ValueError as error:
        raise InputError(f"{path or 'the labelled answers'}: {error}") from None


def judge_cards(user_cards: Path | str | None = None) -> tuple[JudgeCard, ...]:
    """Return every card there is: the user's first, then those of the judges that ship.

    Raises:
        InputError: The user's file is no file of cards.
    """
    return all_cards(None if user_cards is None else Path(user_cards))
