"""By whose verdicts the labels of a run were drawn: each label says so, as far as anybody knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from alignmeter.records import Axis, Judgement
from alignmeter.verdicts import standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alignmeter.records import Claim, HumanLabel
    from alignmeter.store import RunData, RunFolder

OnAxes: TypeAlias = Mapping[Axis, Mapping[str, Judgement]]
Drawings: TypeAlias = Mapping[str, OnAxes]
"""The answers of judges by their hash, then by axis and trial id."""


def judge_of(judgements: Mapping[str, Judgement]) -> str:
    """Hash of the judge that gave the answers on an axis; empty where there is none, or several."""
    hashes = {judged.judge_hash for judged in judgements.values() if judged.judge_hash}
    return hashes.pop() if len(hashes) == 1 else ""


def drawings(folder: RunFolder, data: RunData, labels: Iterable[HumanLabel]) -> Drawings:
    """Return the answers of all judges of a run, where others than those that read it may have drawn labels.

    Args:
        folder: The run.
        data: The run as it is read.
        labels: Those of people that count.

    Raises:
        RunFolderError: The journal cannot be read.
    """
    marks: set[tuple[Axis, str]] = {(label.axis, label.drawn_by) for label in labels}
    if all(mark and mark == judge_of(data.on(axis)) for axis, mark in marks):
        return {}
    found: dict[str, dict[Axis, dict[str, Judgement]]] = defaultdict(lambda: defaultdict(dict))
    for judged in folder.all_judgements():
        found[judged.judge_hash][judged.axis][judged.trial] = judged
    return found


def drawers(
    claim: Claim, judgements: Mapping[str, Judgement], labels: Iterable[HumanLabel], known: Drawings
) -> tuple[Mapping[str, Judgement], ...]:
    """Return the answers of the judges by whose verdicts labels of a claim were drawn.

    Where a label does not say who drew it, or names a judge of which nothing is known, any judge of the
    run may have.

    Args:
        claim: The claim.
        judgements: Those of the judge that reads the run on the claim's axis, by trial id.
        labels: All that people said of the run.
        known: Those of other judges (`drawings`).

    Returns:
        First those of the judge that reads the run, if it drew any, then by how many each drew.
    """
    axis: Axis = claim.axis
    reader = judge_of(judgements)
    judges: dict[str, Mapping[str, Judgement]] = {
        name: on_axes[axis] for name, on_axes in known.items() if name and on_axes.get(axis)
    }
    judges[reader] = judgements  # with the errors of the target, on which no judge has said anything
    trials = {trial for unit in claim.units for trial in unit}
    marks = Counter(
        label.drawn_by
        for (trial, on_axis), said in standing(labels).items()
        if on_axis == axis and trial in trials
        for label in said
    )
    drew = set(marks) if marks and all(mark and mark in judges for mark in marks) else set(judges)
    order = sorted(drew, key=lambda name: (name != reader, -marks[name], name))
    return tuple(judges[name] for name in order)
