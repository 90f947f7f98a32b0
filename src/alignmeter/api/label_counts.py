"""How far the labelling of a run is, and how well its annotators agree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from alignmeter.api.labelling import labelled_claims
from alignmeter.api.reading import Run, load_run
from alignmeter.records import LABELS, Axis, HumanLabel, Record
from alignmeter.stats import cohen_kappa, confusion_matrix
from alignmeter.verdicts import claim_queue, is_disputed, opinions, people_answers, standing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from alignmeter.records import Verdict

_PAIR = 2


class LabelAgreement(Record, frozen=True):
    """How well two annotators agree on the replies that both labelled.

    Attributes:
        pairs: Replies with labels of two annotators or more; the first two count.
        raw: Share of pairs with the same label.
        kappa: Cohen's kappa, None where it is not defined (one label only).
    """

    axis: Axis
    pairs: int
    raw: float
    kappa: float | None


class LabelStatus(Record, frozen=True):
    """How far the labelling of one claim is.

    Attributes:
        flagged: Flagged replies that the verdict still hangs on.
        estimate: Replies that would still narrow the estimate.
        labelled: Replies with a settled label; `disputed` without, because people disagree.
    """

    claim: str
    title: str
    verdict: str
    basis: str
    flagged: int
    estimate: int
    labelled: int
    disputed: int


def label_agreement(labels: Iterable[HumanLabel]) -> tuple[LabelAgreement, ...]:
    """Measure how well annotators agree, by axis, from their opinions; who settles one keeps theirs."""
    pairs: dict[Axis, list[tuple[int, int]]] = {}
    for (_, axis), said in standing(labels).items():
        each = sorted(opinions(said), key=lambda one: one.annotator)
        if len(each) >= _PAIR:
            first, other = (LABELS[axis].index(one.label) for one in each[:_PAIR] if one.label is not None)
            pairs.setdefault(axis, []).append((first, other))
    found: list[LabelAgreement] = []
    for axis, both in sorted(pairs.items()):
        matrix = confusion_matrix([a for a, _ in both], [b for _, b in both], len(LABELS[axis]))
        kappa = float(cohen_kappa(matrix))
        same = sum(a == b for a, b in both)
        found.append(
            LabelAgreement(
                axis=axis, pairs=len(both), raw=same / len(both), kappa=None if math.isnan(kappa) else kappa
            )
        )
    return tuple(found)


def label_status(run: Run | Path | str, claim: str | None = None) -> tuple[LabelStatus, ...]:
    """Say how far the labelling of each claim is.

    Args:
        run: A run as it was read, or its folder.
        claim: Only this claim.

    Raises:
        InputError: There is no such claim, or people cannot label it.
    """
    loaded = run if isinstance(run, Run) else load_run(run)
    people = people_answers(loaded.labels)
    verdicts: dict[str, Verdict] = {verdict.claim: verdict for verdict in loaded.results.verdicts}
    found: list[LabelStatus] = []
    for one in labelled_claims(loaded, claim):
        said = people.get(one.axis, {})
        queue = claim_queue(one, loaded.data.on(one.axis), said, seed=loaded.manifest.design.seed)
        mine = [said[trial] for unit in one.units for trial in unit if trial in said]
        disputed = sum(is_disputed(answer.result) for answer in mine)
        found.append(
            LabelStatus(
                claim=one.id,
                title=one.title,
                verdict=verdicts[one.id].verdict if one.id in verdicts else "NOT MEASURED",
                basis=verdicts[one.id].basis if one.id in verdicts else "judge",
                flagged=queue.flagged,
                estimate=len(queue.estimate),
                labelled=len(mine) - disputed,
                disputed=disputed,
            )
        )
    return tuple(found)
