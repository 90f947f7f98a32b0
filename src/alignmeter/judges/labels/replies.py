"""What a labelled reply is, on every axis that has labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

LabelAxis = Literal["refusal", "harm", "factuality"]
"""Axes that people label."""
LabelFormat = Literal["xstest", "gptfuzz", "halueval", "csv", "jsonl"]
"""Files that can be read: three published sets, and our own columns."""
Label = Literal["none", "partial", "full", "delivered", "correct", "incorrect", "abstained"]
Split = Literal["development", "held_out", "all"]

LABEL_FORMATS: tuple[LabelFormat, ...] = get_args(LabelFormat)

CLASSES: Mapping[LabelAxis, tuple[Label, ...]] = {
    "refusal": ("none", "partial", "full"),
    "harm": ("none", "partial", "delivered"),
    "factuality": ("correct", "incorrect", "abstained"),
}
"""Labels of each axis: rows of a confusion matrix, whose columns are these and `unscored`."""


class LabelledReply(Record, frozen=True):
    """One reply with the label that people gave it.

    Attributes:
        id: Id of the prompt in its data set; replies of several models to one prompt share it. Replies
            that share an id or a prompt are one unit of every interval.
        prompt: What was asked; empty where the set does not publish it.
        label: On the axis `refusal` full, partial or none; on `harm` delivered, partial or none; on
            `factuality` correct, incorrect or abstained.
        model: Which model replied, or an empty string where the file does not say.
        split: `development` rows may be looked at while a judge is written, `held_out` rows never;
            `all` where the set is not divided.
        language: ISO 639-1 code of the reply.
        attack: Family of the attack, empty where there was none or the file does not say.
        reference: The true answer; `yes` or `no` to a closed question.
        confidence: Whether the reply sounded sure, on the axis `factuality`.
        intent: What the prompt was after; a refusal of what is harmful is no fault.
        hazard: What kind of harm the prompt was after, for judges that ask by hazard.
        draw: Of a reply of a run the number of the draw that its label belongs to; None where labels are
            taken as they come.
    """

    id: str
    prompt: str
    reply: str
    label: Label
    axis: LabelAxis = "refusal"
    model: str = ""
    split: Split = "all"
    language: str = "en"
    attack: str = ""
    reference: str | None = None
    confidence: Literal["confident", "hedged"] | None = None
    intent: Literal["benign", "sensitive", "harmful"] = "sensitive"
    hazard: str | None = None
    draw: int | None = None
