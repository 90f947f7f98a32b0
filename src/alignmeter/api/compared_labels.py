"""What people said in a run of a comparison: does the judge err alike on both models?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.analysis import LabelledArm
from alignmeter.api.compared_runs import AXES
from alignmeter.api.drawing import drawers
from alignmeter.records import Claim
from alignmeter.verdicts import label_shares, people_answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.api.compared_runs import Arm
    from alignmeter.records import ComparedMeasure, Trial


def labelled(arm: Arm, measure: ComparedMeasure, units: Iterable[Sequence[Trial]]) -> LabelledArm:
    """Cross what the judge said with what people said, on these units; empty where nobody said anything.

    Each label counts for what it was drawn from, as in a rate from labels (docs/decisions/0057, 0063).
    """
    people = people_answers(arm.labels).get(AXES[measure], {}) if arm.labels else {}
    if not people:
        return LabelledArm()
    claims = arm.manifest.design.claims
    judgements = arm.on(AXES[measure])
    claim = Claim(
        id="",
        kind=measure,
        title="",
        threshold=0.0,
        alpha=0.0,
        axis=AXES[measure],
        units=tuple(tuple(trial.id for trial in unit) for unit in units),
    )
    found = label_shares(
        claim,
        judgements,
        people,
        seed=arm.manifest.design.seed,
        claims=claims,
        drawn_by=drawers(claim, judgements, arm.labels, arm.drawings),
    )
    positives, negatives = found["positive"], found["negative"]
    return LabelledArm(
        positives.size,
        negatives.size,
        positives.worth.labelled,
        positives.worth.events,
        negatives.worth.labelled,
        negatives.worth.events,
        seen=positives.labelled + negatives.labelled,
    )
