"""A judge against labels: the whole, and by split, model, language and attack family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - msgspec reads it
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np

from alignmeter.judges.validation.axes import AXES, OF_HARMFUL, label_of, labelled_so, score_of, seen
from alignmeter.judges.validation.calibration import Calibration, calibration
from alignmeter.judges.validation.events import (
    LEVEL,
    Estimate,
    EventAccuracy,
    clustered_share,
    event_accuracy,
)
from alignmeter.judges.validation.units import chained, units_of
from alignmeter.records import Record, Unscored, UnscoredReason
from alignmeter.stats import cohen_kappa, confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from alignmeter.judges.base import Judge
    from alignmeter.judges.validation.asking import JudgedReply
    from alignmeter.judges.validation.axes import AxisSpec
    from alignmeter.records import CardEvent

    IntArray = NDArray[np.int64]

RESAMPLES = 2_000

Grouping = Literal["model", "language", "attack"]
_GROUPINGS: tuple[Grouping, ...] = ("model", "language", "attack")


class Agreement(Record, frozen=True):
    """A judge against human labels on one part of the data.

    Attributes:
        split: `all`, `development` or `held_out`.
        model: One model's replies, or None for all of them.
        n: Replies.
        prompts: Different prompts, the units of all intervals: replies that share a prompt or an id are one.
        confusion: A row a class by people, in the order of the report's `classes`, of counts by the
            judge in the same order and, last, unscored.
        abstention: Share of unscored replies.
        kappa: Cohen's kappa over the classes; bounds by bootstrap over prompts, -1 and 1 of one prompt.
        kappa_refused: The same for "any" (refused at all; any harm; not correct) against none.
        accuracy, sensitivity, specificity: With Clopper-Pearson bounds at the effective number of replies,
            those to one prompt being one cluster; the last two of "any", an unscored reply being wrong.
        partial_f1: F1 of the class between, partial; None on an axis without one.
        events: Accuracy for the events that claims count, over scored replies.
        language, attack: One language's or attack family's replies, or None for all.
        calibration: Scores against labels, None where the judge gives no scores.
        unscored: Replies without a score by reason, the commonest first; also those that lack one only as
            if their request had been after something else, where the judge's answers depend on that.
        chained: Units of `prompts` that hold several prompts and several ids, joined by what they share.

    A figure that nothing defines is None: all of them where the judge scored nothing, kappa where
    everything has one label, a share of no replies, F1 where neither people nor judge found a partial one.
    """

    split: str
    model: str | None
    n: int
    prompts: int
    confusion: tuple[tuple[int, ...], ...]
    abstention: float
    kappa: Estimate | None
    kappa_refused: Estimate | None
    accuracy: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None
    partial_f1: float | None
    events: tuple[EventAccuracy, ...] = ()
    language: str | None = None
    attack: str | None = None
    calibration: Calibration | None = None
    unscored: Mapping[UnscoredReason, int] = msgspec.field(default_factory=dict[UnscoredReason, int])
    chained: int = 0

    @property
    def whole(self) -> bool:
        """Whether it is a split in full, not one model's, language's or attack's replies."""
        return self.model is None and self.language is None and self.attack is None


class ValidationReport(Record, frozen=True):
    """A judge against labels, whole and in parts.

    Attributes:
        axis, classes: What was labelled.
        parts: Every split in full first, then its parts by model, language and attack family.
    """

    judge: str
    judge_hash: str
    parts: tuple[Agreement, ...]
    axis: Literal["refusal", "harm", "factuality"]
    classes: tuple[str, ...]

    def part(
        self,
        split: str = "all",
        model: str | None = None,
        *,
        language: str | None = None,
        attack: str | None = None,
    ) -> Agreement:
        """Return the figures of one split, of all its replies or of one model, language or attack.

        Raises:
            KeyError: The labels hold no such part.
        """
        wanted = (split, model, language, attack)
        for part in self.parts:
            if (part.split, part.model, part.language, part.attack) == wanted:
                return part
        raise KeyError(wanted)


class _Labelled(NamedTuple):
    """What people and the judge said; arrays of shape (n,).

    Attributes:
        truth, predicted: Classes; `predicted` is the number of classes where unscored.
        prompts: The prompt of each reply, as a unit of the intervals.
        scores: The judge's scores, NaN where it gave none.
    """

    spec: AxisSpec
    judged: Sequence[JudgedReply]
    truth: IntArray
    predicted: IntArray
    prompts: IntArray
    scores: NDArray[np.float64]

    def subset(self, chosen: NDArray[np.bool_]) -> _Labelled:
        """Return the chosen replies."""
        kept = [each for each, keep in zip(self.judged, chosen.tolist(), strict=True) if keep]
        return _Labelled(
            self.spec,
            kept,
            self.truth[chosen],
            self.predicted[chosen],
            np.unique(self.prompts[chosen], return_inverse=True)[1],
            self.scores[chosen],
        )


def measure(judge: Judge, judged: Sequence[JudgedReply], *, seed: int = 0) -> ValidationReport:
    """Compare what a judge said with labels.

    Args:
        judge: Who said it; only its name and hash are looked at.
        judged: Labelled replies of one axis with its results, at least one.
        seed: Seed of the bootstrap (2,000 resamples of prompts).

    Returns:
        Figures for all replies, for every split that the labels name, and within each by model, and
        by language and attack family where there are several.

    Raises:
        ValueError: There are no labels, or they are of several axes.
    """
    if not judged:
        raise ValueError("labels must hold at least one reply, got none")
    axes = sorted({each.labelled.axis for each in judged})
    if len(axes) != 1:
        raise ValueError(f"labels must be of one axis, got {axes!r}")
    spec = AXES[judged[0].labelled.axis]
    labelled = _labelled(spec, judged)
    parts = tuple(_parts(labelled, seed))
    return ValidationReport(
        judge=judge.name, judge_hash=judge.judge_hash, parts=parts, axis=spec.axis, classes=spec.classes
    )


def _labelled(spec: AxisSpec, judged: Sequence[JudgedReply]) -> _Labelled:
    unscored = len(spec.classes)
    labels = [label_of(each.result, spec.axis) for each in judged]
    scores = [score_of(each.result) for each in judged]
    return _Labelled(
        spec,
        judged,
        truth=np.array([spec.classes.index(each.labelled.label) for each in judged]),
        predicted=np.array([unscored if label is None else spec.classes.index(label) for label in labels]),
        prompts=units_of([each.labelled for each in judged]),
        scores=np.array([np.nan if score is None else score for score in scores]),
    )


def _parts(labelled: _Labelled, seed: int) -> Iterator[Agreement]:
    splits = np.array([each.labelled.split for each in labelled.judged])
    for split in dict.fromkeys(("all", *sorted(set(splits.tolist())))):
        in_split = np.full(splits.size, True) if split == "all" else splits == split
        yield _agreement(split, labelled.subset(in_split), seed)
        for grouping in _GROUPINGS:
            values = np.array([getattr(each.labelled, grouping) for each in labelled.judged])
            present = sorted(set(values[in_split].tolist()))
            if grouping != "model" and len(present) == 1:
                continue  # the split in full already says it
            for value in present:
                part = labelled.subset(in_split & (values == value))
                yield _agreement(split, part, seed, grouping, value)


def _agreement(
    split: str, labelled: _Labelled, seed: int, grouping: Grouping | None = None, value: str | None = None
) -> Agreement:
    spec, truth, predicted = labelled.spec, labelled.truth, labelled.predicted
    k = len(spec.classes)
    clean = spec.classes.index(spec.clean)
    weights = _resamples(int(labelled.prompts.max()) + 1, seed)
    graded = confusion_matrix(truth, predicted, k + 1)
    any_truth = (truth != clean).astype(np.int64)
    any_predicted = np.where(predicted == k, 2, (predicted != clean).astype(np.int64))
    reasons: Counter[UnscoredReason] = Counter(
        missing.reason for each in labelled.judged if (missing := _missing(each)) is not None
    )
    nothing = bool((predicted == k).all())

    def share(right: NDArray[np.bool_], among: NDArray[np.bool_]) -> Estimate | None:
        return None if nothing else clustered_share(right[among], labelled.prompts[among])

    return Agreement(
        split=split,
        model=value if grouping == "model" else None,
        language=value if grouping == "language" else None,
        attack=value if grouping == "attack" else None,
        n=truth.size,
        prompts=weights.shape[1],
        confusion=tuple(tuple(int(count) for count in row) for row in graded[:k]),
        abstention=float((predicted == k).mean()),
        kappa=None if nothing else _kappa(truth, predicted, labelled.prompts, weights, k + 1),
        kappa_refused=None if nothing else _kappa(any_truth, any_predicted, labelled.prompts, weights, 3),
        accuracy=share(predicted == truth, np.full(truth.size, True)),
        sensitivity=share(any_predicted == 1, any_truth == 1),
        specificity=share(any_predicted == 0, any_truth == 0),
        partial_f1=_f1(graded, spec),
        events=tuple(_events(labelled)),
        calibration=_calibration(labelled),
        unscored=dict(reasons.most_common()),
        chained=chained([each.labelled for each in labelled.judged], labelled.prompts),
    )


def _missing(judged: JudgedReply) -> Unscored | None:
    """The answer that is no score, if one of the judge's is none."""
    answers = judged.result, judged.otherwise
    return next((answer for answer in answers if isinstance(answer, Unscored)), None)


def _told(
    labelled: _Labelled, event: CardEvent
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Return truth, the judge's word and prompts of the replies where both tell of an event."""
    rows: list[tuple[bool, bool, int]] = []
    for each, prompt in zip(labelled.judged, labelled.prompts.tolist(), strict=True):
        result = each.after(harmful=OF_HARMFUL[event]) if event in OF_HARMFUL else each.result
        truth, said = labelled_so(event, each.labelled), seen(event, result, labelled.spec.axis)
        if truth is not None and said is not None:
            rows.append((truth, said, prompt))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return columns[:, 0] == 1, columns[:, 1] == 1, columns[:, 2]


def _events(labelled: _Labelled) -> Iterator[EventAccuracy]:
    events = labelled.spec.events
    if any(each.otherwise is not None for each in labelled.judged):
        events = (*events, *labelled.spec.by_intent)
    found = {event: event_accuracy(event, *_told(labelled, event)) for event in events}
    if not all(found[event] for event in events if event in labelled.spec.by_intent):
        found.pop("not_full_refusal")  # alone it would stand for legitimate requests as well
    yield from (one for one in found.values() if one is not None)


def _calibration(labelled: _Labelled) -> Calibration | None:
    event = labelled.spec.scored
    known = ~np.isnan(labelled.scores)
    if event is None or not known.any():
        return None
    truth = np.array([labelled_so(event, each.labelled) is True for each in labelled.judged])
    return calibration(labelled.scores[known], truth[known])


def _f1(graded: IntArray, spec: AxisSpec) -> float | None:
    if spec.graded is None:
        return None
    index = spec.classes.index(spec.graded)
    found = graded[index].sum() + graded[:, index].sum()
    return float(2 * graded[index, index] / found) if found else None


def _resamples(n_units: int, seed: int) -> IntArray:
    """Return how often each unit is drawn in each resample, shape (RESAMPLES, n_units)."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=RESAMPLES)


def _kappa(
    truth: IntArray, predicted: IntArray, unit: IntArray, weights: IntArray, k: int
) -> Estimate | None:
    """Return kappa with percentile bounds of the bootstrap over units, as in Efron and Tibshirani.

    One unit can only be drawn again, and tells nothing of how kappa varies: its bounds are -1 and 1.
    """
    cells = np.zeros((weights.shape[1], k * k), dtype=np.int64)
    np.add.at(cells, (unit, truth * k + predicted), 1)
    resampled = np.asarray(cohen_kappa((weights @ cells).reshape(-1, k, k)))
    defined = resampled[~np.isnan(resampled)]
    point = float(cohen_kappa(cells.sum(axis=0).reshape(k, k)))
    if np.isnan(point) or defined.size == 0:
        return None
    if weights.shape[1] == 1:
        return point, -1.0, 1.0
    lower, upper = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return point, float(lower), float(upper)
