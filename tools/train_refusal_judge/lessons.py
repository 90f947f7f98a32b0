"""The lessons of the encoder: our hands first, then XSTest's people with some of them left out in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from passages import ALWAYS, LEFT_OUT, Passage, only
from replies import classes_of
from upper import Lesson
from weighing import families_and_halves, models

from alignmeter.judges.refusal_heads import softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from replies import Reply
    from upper import School
    from weighing import Folds

    Floats = NDArray[np.float64]

HANDS, HANDS_BUT_A_THIRD = "hands", "hands_but_a_third"
PEOPLE, PEOPLE_AFTER_A_THIRD = "people", "people_after_a_third"
APART, MODEL = "apart", "model"
REPLAYED = 1_500
"""Passages of ours that are read again beside XSTest's, so that they are not forgotten."""


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
        rows: Our passages, and then XSTest's.
        people: XSTest's replies.
    """

    rows: list[Passage]
    people: Sequence[Reply]

    def teach(self, school: School) -> None:
        """Do all lessons."""
        school.teach(self._first())
        school.teach(self._second())

    def left_out(self) -> NDArray[np.bool_]:
        """Return which of the passages `PEOPLE_AFTER_A_THIRD` has not seen, shape (rows,)."""
        return np.array([row.fold == LEFT_OUT for row in self.rows])

    def unseen(self, school: School, name: str, folds: Folds) -> Floats:
        """Return what layers say of XSTest's replies that had not seen them, shape (people, 3)."""
        found = np.full((len(self.people), 3), np.nan)
        for place, (_, test) in enumerate(folds):
            found[test] = softmax(school.scores(f"{name}_{place}"))
        return found

    def _ours(self) -> NDArray[np.bool_]:
        """Return which passages count and are not XSTest's."""
        weights = np.array([row.weight for row in self.rows])
        return (weights > 0) & (np.arange(len(self.rows)) < len(self.rows) - len(self.people))

    def _first(self) -> list[Lesson]:
        nothing = np.empty(0, dtype=np.int64)
        left = self._ours() & ~self.left_out()
        return [
            Lesson(HANDS, np.flatnonzero(self._ours()), nothing),
            Lesson(HANDS_BUT_A_THIRD, np.flatnonzero(left), nothing),
        ]

    def _second(self) -> list[Lesson]:
        first = len(self.rows) - len(self.people)
        everyone = first + np.arange(len(self.people))
        nothing = np.empty(0, dtype=np.int64)
        ours, left_out = self._ours(), self.left_out()
        again, again_but_a_third = _some(ours), _some(ours & ~left_out)
        found = [
            Lesson(PEOPLE, np.concatenate((again, everyone)), nothing, HANDS),
            Lesson(
                PEOPLE_AFTER_A_THIRD,
                np.concatenate((again_but_a_third, everyone)),
                np.flatnonzero(left_out),
                HANDS_BUT_A_THIRD,
            ),
        ]
        for name, folds in ((APART, families_and_halves(self.people)), (MODEL, models(self.people))):
            found += [
                Lesson(f"{name}_{place}", np.concatenate((again, everyone[train])), everyone[test], HANDS)
                for place, (train, test) in enumerate(folds)
            ]
        return found


def _some(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return places of `REPLAYED` of these passages, evenly spread."""
    places = np.flatnonzero(rows)
    return places[np.linspace(0, len(places) - 1, REPLAYED).astype(np.int64)]
