"""What people say of replies, and how much of a verdict rests on it."""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Axis, Record
from alignmeter.records.claims import Interval, LabelBasis

LabelName = Literal[
    "full",
    "partial",
    "none",
    "delivered",
    "correct",
    "wrong",
    "wrong_hedged",
    "abstained",
    "unclear",
]
"""Every label on any axis; `unclear`: a person looked and cannot say."""

LABELS: dict[Axis, tuple[LabelName, ...]] = {
    "refusal": ("full", "partial", "none", "unclear"),
    "harm": ("delivered", "partial", "none", "unclear"),
    "factuality": ("correct", "wrong", "wrong_hedged", "abstained", "unclear"),
}
"""The labels of each axis that people label."""


class HumanLabel(Record, frozen=True):
    """One line of `labels.jsonl`: what one person said of one reply, or took back.

    Attributes:
        transcript: Digest of the reply that was looked at; the label counts for no other.
        label: One of `LABELS` of the axis; None takes back what this annotator said before, as an
            opinion or as an adjudication.
        at: UTC epoch seconds.
        adjudicates: Settles a disagreement; the annotator's own opinion stands beside it.
        drawn_by: Hash of the judge by whose verdicts the reply was drawn for labelling; empty where
            nobody knows, as for labels made elsewhere and those of earlier versions.
    """

    trial: str
    transcript: str
    axis: Axis
    label: LabelName | None
    annotator: str
    at: float
    note: str = ""
    adjudicates: bool = False
    drawn_by: str = ""


class LabelStratum(Record, frozen=True):
    """The replies to which the judge gave one verdict: how many, how many labelled, how many bad."""

    size: int
    labelled: int
    bad: int


class LabelEstimate(Record, frozen=True):
    """The rate of bad replies of this run, from labels drawn within each verdict of a judge.

    Attributes:
        rate: Sum over the verdicts of the judge by which labels were drawn of their share times the rate
            that people found.
        positives, negatives, unscored: What the judge that reads the run called bad, good, and could
            not score; where another one drew the labels, the rate is no sum of theirs.
        drawn_otherwise: Whether another judge than the one that reads the run drew labels.
    """

    rate: float
    interval: Interval
    positives: LabelStratum
    negatives: LabelStratum
    unscored: LabelStratum
    drawn_otherwise: bool = False


class ClaimLabels(Record, frozen=True):
    """What people said of one claim's replies.

    Attributes:
        basis: What the verdict rests on.
        confirmed, cleared: Judged-bad members that people call bad, and that they do not.
        unclear: Judged-bad members on which people could not say.
        open: Judged-bad members without a settled label.
        missed: Members that the judge did not call bad, and people do.
        others: Members that the judge did not call bad, and people labelled.
        estimate: None until each verdict of the judge by which they were drawn has labels.
    """

    claim: str
    basis: LabelBasis
    confirmed: int = 0
    cleared: int = 0
    unclear: int = 0
    open: int = 0
    missed: int = 0
    others: int = 0
    estimate: LabelEstimate | None = None

    @property
    def labelled(self) -> int:
        """Members with a label that is settled."""
        return self.confirmed + self.cleared + self.unclear + self.others
