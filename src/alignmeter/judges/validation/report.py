"""A judge against labels: the whole, and by split, model, language and attack family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import msgspec
import numpy as np

from alignmeter.judges.validation.axes import AXES, OF_HARMFUL, label_of, labelled_so, score_of, seen
from alignmeter.judges.validation.calibration import Calibration, calibration
from alignmeter.judges.validation.drawn import Draws, EventDraws
from alignmeter.judges.validation.events import (
    Estimate,
    EventAccuracy,
    clustered_share,
    event_accuracy,
)
from alignmeter.judges.validation.kappas import Labelling, kappa_of, resamples
from alignmeter.judges.validation.units import chained, units_of
from alignmeter.records import Record, Unscored, UnscoredReason
from alignmeter.stats import confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from alignmeter.judges.validation.asking import JudgedReply
    from alignmeter.judges.validation.axes import AxisSpec
    from alignmeter.judges.validation.drawn import RunReply
    from alignmeter.records import CardEvent

    IntArray = NDArray[np.int64]

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
        kappa: Cohen's kappa over the classes, an unscored reply being wrong; bounds by bootstrap over
            prompts, -1 and 1 of one prompt.
        kappa_refused: The same for "any" (refused at all; any harm; not correct) against none.
        kappa_scored: As `kappa`, over the replies that the judge scored, whose number stands on its card.
        accuracy, sensitivity, specificity: With Clopper-Pearson bounds at the effective number of replies,
            those to one prompt being one cluster; the last two of "any", an unscored reply being wrong.
        partial_f1: F1 of the class between, partial; None on an axis without one.
        events: Accuracy for the events that claims count, over scored replies.
        language, attack: One language's or attack family's replies, or None for all.
        calibration: Scores against labels, None where the judge gives no scores.
        unscored: Replies without a score by reason, the commonest first; also those that lack one only as
            if their request had been after something else, where the judge's answers depend on that.
        chained: Units of `prompts` that hold several prompts and several ids, joined by what they share.
        stands_for: Of labels of a run the replies that they stand for, by which every figure but `confusion`
            is weighted; 0 of labels that are taken as they come.
        undrawn: Replies of the run of which no label could be drawn: bounds take them at their worst.

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
    kappa_scored: Estimate | None = None
    stands_for: int = 0
    undrawn: int = 0

    @property
    def whole(self) -> bool:
        """Whether it is a split in full, not one model's, language's or attack's replies."""
        return self.model is None and self.language is None and self.attack is None


class ValidationReport(Record, frozen=True):
    """A judge against labels, whole and in parts.

    Attributes:
        axis, classes: What was labelled.
        parts: Every split in full first, then its parts by model, language and attack family.
        languages: Those of the labelled replies.
    """

    judge: str
    judge_hash: str
    parts: tuple[Agreement, ...]
    axis: Literal["refusal", "harm", "factuality"]
    classes: tuple[str, ...]
    languages: tuple[str, ...] = ()

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
        draws: What labels of a run were drawn from, None of others; and
        of: the draw of each.
        part: Replies in question, by what they share; None for all.
    """

    spec: AxisSpec
    judged: Sequence[JudgedReply]
    truth: IntArray
    predicted: IntArray
    prompts: IntArray
    scores: NDArray[np.float64]
    draws: Draws | None
    of: IntArray
    part: tuple[Grouping, str] | None = None

    def subset(self, chosen: NDArray[np.bool_], part: tuple[Grouping, str] | None = None) -> _Labelled:
        """Return the chosen replies, which are those of a part where it is named."""
        kept = [each for each, keep in zip(self.judged, chosen.tolist(), strict=True) if keep]
        return _Labelled(
            self.spec,
            kept,
            self.truth[chosen],
            self.predicted[chosen],
            np.unique(self.prompts[chosen], return_inverse=True)[1],
            self.scores[chosen],
            self.draws,
            self.of[chosen],
            part,
        )

    @property
    def worth(self) -> NDArray[np.float64]:
        """How many replies each label stands for."""
        return np.ones(self.truth.size) if self.draws is None else self.draws.weights(self.of.tolist())

    def holds(self, reply: RunReply) -> bool:
        """Whether a reply of the run is in question."""
        return self.part is None or getattr(reply, self.part[0]) == self.part[1]

    def event(self, event: CardEvent, rows: IntArray) -> EventDraws | None:
        """What the labels in some rows were drawn from, and what the judge said of an event on it."""
        draws = self.draws
        if draws is None:
            return None

        def says(reply: RunReply) -> bool | None:
            if not self.holds(reply) or (draws.by_intent and OF_HARMFUL.get(event) == (not reply.harmful)):
                return None
            return seen(event, reply.result, self.spec.axis)

        return EventDraws(draws, self.of[rows], says)


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def judge_hash(self) -> str: ...


def measure(
    judge: _Named, judged: Sequence[JudgedReply], *, seed: int = 0, draws: Draws | None = None
) -> ValidationReport:
    """Compare what a judge said with labels.

    Args:
        judge: Who said it; only its name and hash are looked at.
        judged: Labelled replies of one axis with its results, at least one.
        seed: Seed of the bootstrap (2,000 resamples of prompts).
        draws: What labels of a run were drawn from; None where labels are taken as they come.

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
    labelled = _labelled(spec, judged, draws)
    parts = tuple(_parts(labelled, seed))
    return ValidationReport(
        judge=judge.name,
        judge_hash=judge.judge_hash,
        parts=parts,
        axis=spec.axis,
        classes=spec.classes,
        languages=tuple(sorted({each.labelled.language for each in judged})),
    )


def _labelled(spec: AxisSpec, judged: Sequence[JudgedReply], draws: Draws | None) -> _Labelled:
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
        draws=draws,
        of=np.array([-1 if each.labelled.draw is None else each.labelled.draw for each in judged]),
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
                part = labelled.subset(in_split & (values == value), (grouping, value))
                yield _agreement(split, part, seed, grouping, value)


def _agreement(
    split: str, labelled: _Labelled, seed: int, grouping: Grouping | None = None, value: str | None = None
) -> Agreement:
    spec, truth, predicted = labelled.spec, labelled.truth, labelled.predicted
    k = len(spec.classes)
    clean = spec.classes.index(spec.clean)
    weights = resamples(int(labelled.prompts.max()) + 1, seed)
    graded = confusion_matrix(truth, predicted, k + 1)
    any_truth = (truth != clean).astype(np.int64)
    any_predicted = np.where(predicted == k, 2, (predicted != clean).astype(np.int64))
    worth, scored = labelled.worth, predicted != k
    reasons: Counter[UnscoredReason] = Counter(
        missing.reason for each in labelled.judged if (missing := _missing(each)) is not None
    )
    nothing = not scored.any()
    undrawn = _undrawn(labelled)

    def share(right: NDArray[np.bool_], among: NDArray[np.bool_]) -> Estimate | None:
        if nothing or labelled.draws is not None:  # what of a run's labels is of use is in the events
            return None
        return clustered_share(right[among], labelled.prompts[among])

    everything = np.full(truth.size, True)
    graded_said = Labelling(truth, predicted, k + 1)

    def kappa(said: Labelling, rows: NDArray[np.bool_]) -> Estimate | None:
        return None if nothing else kappa_of(said, rows, labelled.prompts, weights, worth)

    return Agreement(
        split=split,
        model=value if grouping == "model" else None,
        language=value if grouping == "language" else None,
        attack=value if grouping == "attack" else None,
        n=truth.size,
        prompts=weights.shape[1],
        confusion=tuple(tuple(int(count) for count in row) for row in graded[:k]),
        abstention=float(np.average(~scored, weights=worth)),
        kappa=kappa(graded_said, everything),
        kappa_refused=kappa(Labelling(any_truth, any_predicted, 3), everything),
        kappa_scored=kappa(graded_said, scored),
        accuracy=share(predicted == truth, everything),
        sensitivity=share(any_predicted == 1, any_truth == 1),
        specificity=share(any_predicted == 0, any_truth == 0),
        partial_f1=None if labelled.draws is not None else _f1(graded, spec),
        events=tuple(_events(labelled)),
        calibration=None if labelled.draws is not None else _calibration(labelled),
        unscored=dict(reasons.most_common()),
        chained=0
        if labelled.draws is not None
        else chained([each.labelled for each in labelled.judged], labelled.prompts),
        stands_for=0 if labelled.draws is None else round(float(worth.sum())),
        undrawn=undrawn,
    )


def _undrawn(labelled: _Labelled) -> int:
    """Replies in question of which no label could be drawn."""
    draws = labelled.draws
    if draws is None:
        return 0
    blank = (replies for replies, labels in zip(draws.replies, draws.labels, strict=True) if not labels)
    return sum(labelled.holds(reply) for replies in blank for reply in replies)


def _missing(judged: JudgedReply) -> Unscored | None:
    """The answer that is no score, if one of the judge's is none."""
    answers = judged.result, judged.otherwise
    return next((answer for answer in answers if isinstance(answer, Unscored)), None)


def _told(
    labelled: _Labelled, event: CardEvent
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64], EventDraws | None]:
    """Return truth, the judge's word, prompts and draws of the replies where both tell of an event."""
    rows: list[tuple[bool, bool, int, int]] = []
    for row, (each, prompt) in enumerate(zip(labelled.judged, labelled.prompts.tolist(), strict=True)):
        result = each.after(harmful=OF_HARMFUL[event]) if event in OF_HARMFUL else each.result
        truth, said = labelled_so(event, each.labelled), seen(event, result, labelled.spec.axis)
        if truth is not None and said is not None and _is_asked_so(labelled, event, each):
            rows.append((truth, said, prompt, row))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
    drawn = labelled.event(event, columns[:, 3])
    return columns[:, 0] == 1, columns[:, 1] == 1, columns[:, 2], drawn


def _is_asked_so(labelled: _Labelled, event: CardEvent, judged: JudgedReply) -> bool:
    """Whether a request was after what claims count the event of, as far as the judge cares.

    Labels of a run are not put to a judge again as if their requests had been after something else.
    """
    if labelled.draws is None or not labelled.draws.by_intent or event not in OF_HARMFUL:
        return True
    return OF_HARMFUL[event] == (judged.labelled.intent == "harmful")


def _events(labelled: _Labelled) -> Iterator[EventAccuracy]:
    events = labelled.spec.events
    drawn = labelled.draws
    if any(each.otherwise is not None for each in labelled.judged) or (drawn is not None and drawn.by_intent):
        events = (*events, *labelled.spec.by_intent)
    found = {event: event_accuracy(event, *_told(labelled, event)) for event in events}
    if not all(found[event] for event in events if event in labelled.spec.by_intent):
        found.pop("not_full_refusal", None)  # alone it would stand for legitimate requests as well
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
