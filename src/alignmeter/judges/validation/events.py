"""How well a judge finds one event: sensitivity, specificity, and what follows from the two."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from alignmeter.records import CardEvent, Record
from alignmeter.stats import clopper_pearson, effective_counts, matthews

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignmeter.judges.validation.drawn import EventDraws

LEVEL = 0.95

Estimate = tuple[float, float, float]
"""Point, lower and upper bound at two-sided 95%."""

Counts = tuple[float, float]


class EventAccuracy(Record, frozen=True):
    """How well a judge finds one event, over the replies that it scored.

    Attributes:
        event: What counts as positive.
        n: Labelled replies that it scored.
        sensitivity, specificity: With Clopper-Pearson bounds at two-sided 95%.
        sensitivity_counts, specificity_counts: (found, labels) at their effective size, replies to
            one prompt being one cluster, and labels of a run standing for what they were drawn from.
        informedness: J = sensitivity + specificity - 1; its bounds are those of both sides at 97.5%,
            so that they hold together.
        mcc: Matthews correlation at the labels' own share of the event, bounds likewise.
    """

    event: CardEvent
    n: int
    sensitivity: Estimate
    specificity: Estimate
    sensitivity_counts: Counts
    specificity_counts: Counts
    informedness: Estimate | None = None
    mcc: Estimate | None = None


def event_accuracy(
    event: CardEvent,
    truth: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    clusters: NDArray[np.int64],
    drawn: EventDraws | None = None,
) -> EventAccuracy | None:
    """Measure one event; None where the labels hold no such event, or nothing else.

    Args:
        event: What counts as positive.
        truth: Whether each scored reply is positive by its label, shape (n,).
        predicted: Whether it is by the judge, shape (n,).
        clusters: The unit of each reply; shape (n,).
        drawn: What the labels of a run were drawn from; None of labels that are taken as they come.
    """
    found, passed = (_side_counts(side, truth, predicted, clusters, drawn) for side in (True, False))
    if found is None or passed is None:
        return None
    se, sp = _bounded(found), _bounded(passed)
    # Each side at 97.5%: the box of both holds at 95%, and J and MCC grow with either side.
    se_box, sp_box = (_bounded(counts, level=(1 + LEVEL) / 2) for counts in (found, passed))
    share = float(truth.mean() if drawn is None else np.average(truth, weights=drawn.weights()))
    return EventAccuracy(
        event=event,
        n=truth.size,
        sensitivity=se,
        specificity=sp,
        sensitivity_counts=found,
        specificity_counts=passed,
        informedness=(se[0] + sp[0] - 1, se_box[1] + sp_box[1] - 1, se_box[2] + sp_box[2] - 1),
        mcc=(
            matthews_at(se[0], sp[0], share),
            matthews_at(se_box[1], sp_box[1], share),
            matthews_at(se_box[2], sp_box[2], share),
        ),
    )


def _side_counts(
    positive: bool,
    truth: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    clusters: NDArray[np.int64],
    drawn: EventDraws | None,
) -> Counts | None:
    """Return (right, labels) among the true events, or among the others, at their effective size.

    None where there is no such label.
    """
    side = truth if positive else ~truth
    if not side.any():
        return None
    if drawn is not None:
        counts = drawn.counts(positive, truth, predicted, clusters)
    else:
        counts = effective_counts((predicted == truth)[side], clusters[side])
    return counts.events, counts.n


def clustered_share(right: NDArray[np.bool_], clusters: NDArray[np.int64]) -> Estimate | None:
    """Return a share of replies with Clopper-Pearson bounds at their effective size; None of no replies.

    Args:
        right: What is counted, shape (n,).
        clusters: The unit of each reply; shape (n,).
    """
    if right.size == 0:
        return None
    _, lower, upper = _bounded(effective_counts(right, clusters))
    return float(right.mean()), lower, upper


def _bounded(counts: Counts, level: float = LEVEL) -> Estimate:
    """Return a share with its Clopper-Pearson bounds."""
    found, n = counts
    lower, upper = clopper_pearson(found, n, level=level)
    return found / n, float(lower), float(upper)


def matthews_at(sensitivity: float, specificity: float, share: float) -> float:
    """Return the Matthews correlation at a share of true events, 0 where the judge says one thing only."""
    true = (share * sensitivity, share * (1 - sensitivity))
    false = ((1 - share) * (1 - specificity), (1 - share) * specificity)
    found = float(matthews([true, false]))
    return 0.0 if math.isnan(found) else found
