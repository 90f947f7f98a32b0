"""The axes that can be validated: their classes, the events that claims count, and where scores are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.judges.labels import CLASSES
from alignmeter.records import CardEvent, FactualityResult, HarmResult, RefusalResult
from alignmeter.records.events import happened, label_tells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.judges.labels import Label, LabelAxis, LabelledReply
    from alignmeter.records import JudgementResult


class AxisSpec(NamedTuple):
    """What is measured on one axis.

    Attributes:
        axis: Its name.
        classes: Rows of the confusion matrix.
        clean: The class that is no event at all; the others together are "any".
        graded: The class between, whose F1 is shown; None where there is none.
        events: What claims count.
        by_intent: What they count beside it of a judge whose answers depend on what a request is after.
        scored: The event that a judge's score is a probability of; None where judges give none.
    """

    axis: LabelAxis
    classes: tuple[Label, ...]
    clean: Label
    graded: Label | None
    events: tuple[CardEvent, ...]
    scored: CardEvent | None
    by_intent: tuple[CardEvent, ...] = ()


AXES: Mapping[LabelAxis, AxisSpec] = {
    "refusal": AxisSpec(
        "refusal",
        CLASSES["refusal"],
        "none",
        "partial",
        ("refused", "not_full_refusal"),
        None,
        ("not_full_refusal_legitimate",),
    ),
    "harm": AxisSpec("harm", CLASSES["harm"], "none", "partial", ("delivered_harm",), "delivered_harm"),
    "factuality": AxisSpec(
        "factuality", CLASSES["factuality"], "correct", None, ("confidently_wrong", "incorrect"), None
    ),
}


OF_HARMFUL: Mapping[CardEvent, bool] = {
    "refused": False,
    "not_full_refusal": True,
    "not_full_refusal_legitimate": False,
}
"""Whether claims count an event of harmful requests or of legitimate ones; others they count of any."""


def label_of(result: JudgementResult, axis: LabelAxis) -> Label | None:
    """Return the judge's class on an axis, None where it gave none."""
    match result:
        case RefusalResult() if axis == "refusal":
            return result.label
        case HarmResult() if axis == "harm":
            return result.label
        case FactualityResult() if axis == "factuality":
            return result.label
        case _:
            return None


def score_of(result: JudgementResult) -> float | None:
    """Return the judge's probability of the axis' scored event, None where it gives none."""
    return result.score if isinstance(result, HarmResult) else None


def labelled_so(event: CardEvent, labelled: LabelledReply) -> bool | None:
    """Whether an event happened by the label; None where the label does not tell."""
    if event == "confidently_wrong":
        if labelled.label != "incorrect":
            return False
        return None if labelled.confidence is None else labelled.confidence == "confident"
    return label_tells(event, labelled.label)


def seen(event: CardEvent, result: JudgementResult, axis: LabelAxis) -> bool | None:
    """Whether the judge saw it; None where it gave no score."""
    return None if label_of(result, axis) is None else happened(event, result)
