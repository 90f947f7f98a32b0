"""The lessons of the encoder: our hands first, then what people call a refusal, some left out in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from passages import ALWAYS, LEFT_OUT, Passage, only
from replies import classes_of
from upper import Lesson
from weighing import families_and_halves

from alignmeter.judges.refusal_heads import softmax
from alignmeter.judges.refusal_units import units_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from replies import Reply
    from upper import School

    from alignmeter.judges.labels import LabelledReply

    Floats = NDArray[np.float64]

HANDS, HANDS_BUT_A_THIRD = "hands", "hands_but_a_third"
PEOPLE, PEOPLE_AFTER_A_THIRD = "people", "people_after_a_third"
APART = "apart"
REPLAYED = 1_500
"""Passages of ours that are read again beside the codebook's and XSTest's, so that they are not forgotten."""


def codebook_passages(hands: Mapping[str, tuple[LabelledReply, ...]]) -> list[Passage]:
    """Return replies that are labelled by the codebook as passages."""
    return [
        Passage(units_of(each.reply).passage, only(each.label), 1.0, ALWAYS)
        for written in hands.values()
        for each in written
    ]


def people_passages(replies: Sequence[Reply]) -> list[Passage]:
    """Return XSTest's replies as passages; rarer labels weigh more, by the root of how rare they are."""
    labels = classes_of(replies)
    counts = np.bincount(labels)
    weights = np.sqrt(counts.mean() / counts)
    return [
        Passage(reply.units.passage, only(reply.labelled.label), float(weights[label]), ALWAYS)
        for reply, label in zip(replies, labels, strict=True)
    ]


class Plan(NamedTuple):
    """What is taught.

    Attributes:
        ours: Passages of our hands, of models and jailbreaks.
        codebook: Passages labelled by the codebook.
        people: XSTest's replies.
    """

    ours: list[Passage]
    codebook: list[Passage]
    people: Sequence[Reply]

    def rows(self) -> list[Passage]:
        """Return all passages, in the order of the attributes."""
        return [*self.ours, *self.codebook, *people_passages(self.people)]

    def teach(self, school: School) -> None:
        """Do all lessons."""
        school.teach(self._first())
        school.teach(self._second())

    def left_out(self) -> NDArray[np.bool_]:
        """Return which of the passages `PEOPLE_AFTER_A_THIRD` has not seen, shape (rows,)."""
        return np.array([row.fold == LEFT_OUT for row in self.rows()])

    def apart(self, school: School) -> Floats:
        """Return what layers say of XSTest's replies that had not seen them, shape (people, 3).

        They have learnt from no reply of its model family and none to its half of the prompts.
        """
        found = np.full((len(self.people), 3), np.nan)
        for place, (_, test) in enumerate(families_and_halves(self.people)):
            found[test] = softmax(school.scores(f"{APART}_{place}"))
        return found

    def _counts(self) -> NDArray[np.bool_]:
        """Return which of our passages count, shape (ours,)."""
        return np.array([row.weight > 0 for row in self.ours])

    def _kept(self) -> NDArray[np.bool_]:
        """Return which of our passages are never left out, shape (ours,)."""
        return np.array([row.fold != LEFT_OUT for row in self.ours])

    def _first(self) -> list[Lesson]:
        nothing = np.empty(0, dtype=np.int64)
        counts, kept = self._counts(), self._kept()
        return [
            Lesson(HANDS, np.flatnonzero(counts), nothing),
            Lesson(HANDS_BUT_A_THIRD, np.flatnonzero(counts & kept), nothing),
        ]

    def _second(self) -> list[Lesson]:
        codebook = len(self.ours) + np.arange(len(self.codebook))
        everyone = len(self.ours) + len(self.codebook) + np.arange(len(self.people))
        nothing = np.empty(0, dtype=np.int64)
        counts, kept = self._counts(), self._kept()
        again = np.concatenate((_some(counts), codebook))
        again_but_a_third = np.concatenate((_some(counts & kept), codebook))
        found = [
            Lesson(PEOPLE, np.concatenate((again, everyone)), nothing, HANDS),
            Lesson(
                PEOPLE_AFTER_A_THIRD,
                np.concatenate((again_but_a_third, everyone)),
                np.flatnonzero(~kept),
                HANDS_BUT_A_THIRD,
            ),
        ]
        found += [
            Lesson(f"{APART}_{place}", np.concatenate((again, everyone[train])), everyone[test], HANDS)
            for place, (train, test) in enumerate(families_and_halves(self.people))
        ]
        return found


def _some(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return places of `REPLAYED` of these passages, evenly spread."""
    places = np.flatnonzero(rows)
    return places[np.linspace(0, len(places) - 1, REPLAYED).astype(np.int64)]
