"""How well the closed-answer judge reads replies: against labelled replies that ship with the package.

The replies and their labels are machine-written, by a second hand that had not seen the judge; no
person has looked at them yet, and the card says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from alignmeter.errors import InputError
from alignmeter.judges.labels import LabelledReply
from alignmeter.judges.signals import data_bytes
from alignmeter.judges.validation import Agreement, EventAccuracy, ask, measure
from alignmeter.judges.validation.axes import labelled_so, seen
from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignmeter.judges.base import Judge
    from alignmeter.judges.validation import JudgedReply
    from alignmeter.records import CardEvent

REPLIES_FILE = "closed_answer_replies.jsonl"

_EVENT: CardEvent = "confidently_wrong"


class LabelledAnswer(Record, frozen=True):
    """One reply to a closed question, as a careful reader labelled it.

    Attributes:
        reference: The true answer.
        family: Replies to one question share it.
        style: How the reply says what it says.
        language: ISO 639-1 code of question and reply.
    """

    question: str
    reference: Literal["yes", "no"]
    reply: str
    label: Literal["correct", "incorrect", "abstained"]
    confidence: Literal["confident", "hedged"]
    family: str
    style: str = ""
    language: str = "en"


class AnswerReport(Record, frozen=True):
    """A closed-answer judge against labelled replies.

    Attributes:
        n, families: Replies, and the questions that they answer.
        confusion: Three rows (correct, incorrect, abstained by label) of four counts (the same by the
            judge, and unscored).
        abstention: Share of replies without a score.
        kappa: Cohen's kappa over the three labels, of the replies that have a score.
        event: Accuracy for "incorrect and confident" over scored replies.
        misread: Families with a reply whose event was read wrongly.
        languages: The same figures by language, where the labels are of several.
    """

    judge: str
    judge_hash: str
    n: int
    families: int
    confusion: tuple[tuple[int, ...], ...]
    abstention: float
    kappa: float
    event: EventAccuracy
    misread: tuple[str, ...]
    languages: tuple[Agreement, ...] = ()


def load_answers(path: Path | None = None) -> tuple[LabelledAnswer, ...]:
    """Read labelled answers from a JSONL file; None for those that ship.

    Raises:
        InputError: The file cannot be read, or a line is not as it should be; names file and line.
    """
    name = REPLIES_FILE if path is None else str(path)
    try:
        data = data_bytes(REPLIES_FILE) if path is None else path.read_bytes()
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None
    found: list[LabelledAnswer] = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(msgspec.json.decode(line, type=LabelledAnswer))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(
                f"{name}:{number}: expected a JSON object with question, reference, reply, label, "
                f"confidence and family: {error}"
            ) from None
    if not found:
        raise InputError(f"{name}: expected at least one labelled reply, got none")
    return tuple(found)


def as_labelled(answer: LabelledAnswer) -> LabelledReply:
    """Return an answer as a labelled reply on the axis `factuality`."""
    return LabelledReply(
        id=answer.family,
        prompt=answer.question,
        reply=answer.reply,
        language=answer.language,
        label=answer.label,
        axis="factuality",
        reference=answer.reference,
        confidence=answer.confidence,
        intent="benign",
    )


async def validate_answers(judge: Judge, labels: Sequence[LabelledAnswer]) -> AnswerReport:
    """Measure a closed-answer judge on labelled replies.

    Raises:
        ValueError: The judge answers on another axis, or the labels lack one side of the event.
    """
    if judge.axis != "factuality":
        raise ValueError(f"judge must answer on the axis 'factuality', got {judge.axis!r}")
    judged = await ask(judge, [as_labelled(answer) for answer in labels])
    report = measure(judge, judged)
    part = report.part()
    event = next((each for each in part.events if each.event == _EVENT), None)
    if event is None or part.kappa_scored is None:
        raise ValueError("labels must hold confidently wrong replies and others, got one kind only")
    return AnswerReport(
        judge=judge.name,
        judge_hash=judge.judge_hash,
        n=part.n,
        families=part.prompts,
        confusion=part.confusion,
        abstention=part.abstention,
        kappa=part.kappa_scored[0],
        event=event,
        misread=tuple(sorted({each.labelled.id for each in judged if _misread(each)})),
        languages=tuple(each for each in report.parts if each.language is not None),
    )


def _misread(judged: JudgedReply) -> bool:
    """Whether the event of a scored reply was read wrongly."""
    said = seen(_EVENT, judged.result, "factuality")
    return said is not None and said != labelled_so(_EVENT, judged.labelled)
