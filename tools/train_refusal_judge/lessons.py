"""The lessons of the encoder: our hands first, then what people call a refusal, some left out in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from passages import ALWAYS, LEFT_OUT, Passage, only
from replies import classes_of
from weighing import families_and_halves

from alignmeter.judges.refusal_units import units_of
from alignmeter.judges.reply_encoder import softmax
from train_encoder.upper import Lesson, School, Start, processes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray
    from replies import Reply

    from alignmeter.judges.labels import LabelledReply
    from train_encoder.upper import Arrays

    Floats = NDArray[np.float64]

HANDS, HANDS_BUT_A_THIRD = "hands", "hands_but_a_third"
PEOPLE, PEOPLE_AFTER_A_THIRD = "people", "people_after_a_third"
APART = "apart"
REPLAYED = 1_500
"""Passages of ours that are read again beside the codebook's and XSTest's, so that they are not forgotten."""
GONE = 0.6
"""The share of the way from the hands' lessons to where people's come that the weights go: so what was learnt
before is not forgotten (Wortsman et al. 2022)."""
_NOTHING = np.empty(0, dtype=np.int64)


class Taught(NamedTuple):
    """What came of all lessons.

    Attributes:
        tensors: The layers that ship, and their head.
        apart: What layers say of XSTest's replies that have learnt from no reply of its model family and none
            to its half of the prompts, shape (people, 3).
        left_out: Which of our passages other layers have not seen, shape (ours,).
        unseen: What these say of them, shape (ours, 3); nan for those that they have seen.
    """

    tensors: Arrays
    apart: Floats
    left_out: NDArray[np.bool_]
    unseen: Floats


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


def teach(ours: list[Passage], codebook: list[Passage], people: Sequence[Reply], folder: Path) -> Taught:
    """Do all lessons; those that were done already in the folder are read.

    Args:
        ours: Passages of our hands, of models and jailbreaks.
        codebook: Passages labelled by the codebook.
        people: XSTest's replies.
        folder: What keeps what was computed.
    """
    counts = np.array([row.weight > 0 for row in ours])
    left_out = np.array([row.fold == LEFT_OUT for row in ours])
    then = [*codebook, *people_passages(people)]
    folds = list(families_and_halves(people))
    with processes() as pool:
        first = School(ours, folder)
        of_hands = [
            Lesson(HANDS, np.flatnonzero(counts), _NOTHING),
            Lesson(HANDS_BUT_A_THIRD, np.flatnonzero(counts & ~left_out), _NOTHING),
        ]
        _finish(first.begin(of_hands, pool))

        seen = [*_some(ours, counts & ~left_out), *then]
        heard = [ours[place] for place in np.flatnonzero(left_out)]
        learnt, new = np.split(np.arange(len(seen) + len(heard)), [len(seen)])
        third = School([*seen, *heard], folder, Start(first.layers(HANDS_BUT_A_THIRD), GONE))
        begun = third.begin([Lesson(PEOPLE_AFTER_A_THIRD, learnt, new)], pool)

        everything = [*_some(ours, counts), *then]
        others, everyone = np.split(np.arange(len(everything)), [-len(people)])
        apart = [
            Lesson(f"{APART}_{place}", np.concatenate((others, everyone[train])), everyone[test])
            for place, (train, test) in enumerate(folds)
        ]
        school = School(everything, folder, Start(first.layers(HANDS), GONE))
        of_people = Lesson(PEOPLE, np.arange(len(everything)), _NOTHING)
        _finish([*begun, *school.begin([of_people, *apart], pool)])

    unseen = np.full((len(ours), 3), np.nan)
    unseen[left_out] = softmax(third.scores(PEOPLE_AFTER_A_THIRD))
    said = np.full((len(people), 3), np.nan)
    for lesson, (_, test) in zip(apart, folds, strict=True):
        said[test] = softmax(school.scores(lesson.name))
    return Taught(school.tensors(PEOPLE), said, left_out, unseen)


def _finish(begun: Sequence[Future[None]]) -> None:
    for each in begun:
        each.result()


def _some(ours: list[Passage], rows: NDArray[np.bool_]) -> list[Passage]:
    """Return `REPLAYED` of some of our passages, evenly spread."""
    places = np.flatnonzero(rows)
    return [ours[place] for place in places[np.linspace(0, len(places) - 1, REPLAYED).astype(np.int64)]]
