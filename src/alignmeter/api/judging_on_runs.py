"""Measure judges on what people said of the replies of runs, and make their cards of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.api.judging import Calibrated
from alignmeter.api.run_labels import RunLabels, find_judge, run_labels
from alignmeter.errors import InputError
from alignmeter.judges import cards_for, cards_of, keeping_languages, user_cards_path, write_cards
from alignmeter.judges.validation import ValidationReport, measure
from alignmeter.judges.validation.axes import AXES, seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.judges import Judge, LabelAxis
    from alignmeter.records import CardEvent, JudgeCard

_FEW = 0.5
"""Share of the replies that a judge says one thing of, above which none of them may be without a draw."""


class ValidatedOnRuns(ValidationReport, frozen=True):
    """A judge against labels of runs.

    Attributes:
        disputed, unsure, unseen, elsewhere: Labelled replies that are left out: people disagree and nobody
            settled it, people could not say, the judge has not judged them, or no claim holds them.
    """

    disputed: int = 0
    unsure: int = 0
    unseen: int = 0
    elsewhere: int = 0


class CalibratedOnRuns(Calibrated, frozen=True):
    """A judge with cards made of labels of runs.

    Attributes:
        before: The cards that were used until now, one an event.
    """

    before: tuple[JudgeCard, ...] = ()


def validate_on_runs(
    runs: Path | str | Sequence[Path | str],
    *,
    judge: str | Judge | None = None,
    axis: LabelAxis | None = None,
) -> ValidatedOnRuns:
    """Compare a judge with what people said of the replies of runs, each label by what it was drawn from.

    Nobody is asked: the judge has judged the replies, in the run itself or again (`rejudge`).

    Args:
        runs: Run folders with labels (`label_queue`, `import_labels`).
        judge: As the run calls it, the beginning of its hash, its spec or itself; None for the run's own.
        axis: What the labels are about; None for the judge's, or refusal.

    Raises:
        InputError: The judge has not judged the replies, or there are no labels that are settled.
        RunFolderError: A run cannot be read.
    """
    paths = _paths(runs)
    labels = run_labels(paths, find_judge(paths, judge, axis))
    return _measured(labels)


def calibrate_on_runs(
    runs: Path | str | Sequence[Path | str],
    *,
    judge: str | Judge | None = None,
    axis: LabelAxis | None = None,
    out: Path | str | None = None,
) -> CalibratedOnRuns:
    """Make a card for a judge of what people said of the replies of runs, which later runs find.

    Of an earlier card it keeps the languages in which nobody labelled anything here.

    Args:
        runs: Run folders with labels.
        judge: As of `validate_on_runs`; None for the run's own.
        axis: What the labels are about; None for the judge's, or refusal.
        out: File of the cards; None for `$ALIGNMETER_CARDS`, else `alignmeter-cards.json` here.

    Raises:
        InputError: As of `validate_on_runs`; or a label is disputed, nobody labelled replies of one of the
            kinds that the judge tells apart, or the labels are of one kind alone.
        RunFolderError: A run cannot be read.
        StorageError: The file cannot be written.
    """
    paths = _paths(runs)
    labels = run_labels(paths, find_judge(paths, judge, axis))
    named = ", ".join(map(str, paths))
    if labels.disputed:
        raise InputError(
            f"{named}: no card is written: people disagree on {labels.disputed} replies, which are not the "
            f"easy ones; settle them first: `alignmeter label RUN --adjudicate`"
        )
    _check_drawn(labels, named)
    report = _measured(labels)
    path = user_cards_path() if out is None else Path(out)
    before: dict[CardEvent, JudgeCard] = {card.event: card for card in cards_for(report.judge_hash, path)}
    try:
        made = cards_of(report, data=f"run {', '.join(each.resolve().name for each in paths)}")
    except ValueError as error:
        raise InputError(f"{report.judge}: no card can be made of {named}: {error}") from None
    cards = keeping_languages(made, before)
    write_cards(path, cards)
    return CalibratedOnRuns(judge=report.judge, cards=cards, path=str(path), before=tuple(before.values()))


def _paths(runs: Path | str | Sequence[Path | str]) -> list[Path]:
    paths = [Path(run) for run in ([runs] if isinstance(runs, Path | str) else runs)]
    if not paths:
        raise InputError("expected at least one run, got none")
    twice = next(
        (path for path in paths if [each.resolve() for each in paths].count(path.resolve()) > 1), None
    )
    if twice is not None:
        raise InputError(f"expected each run once, got {twice} twice; leave one out")
    return paths


def _measured(labels: RunLabels) -> ValidatedOnRuns:
    report = measure(labels.judge, labels.replies, draws=labels.draws)
    return ValidatedOnRuns(
        **msgspec.structs.asdict(report),
        disputed=labels.disputed,
        unsure=labels.unsure,
        unseen=labels.unseen,
        elsewhere=labels.elsewhere,
    )


def _check_drawn(labels: RunLabels, named: str) -> None:
    """Refuse labels of what a judge flagged alone, and of what it let through alone.

    What a judge misses is only seen where it saw nothing, and its false alarms only where it did.

    Raises:
        InputError: In some language most replies of one kind cannot have been drawn.
    """
    axis = labels.judge.axis
    event = AXES[axis].events[0]
    draws = labels.draws
    counted: dict[tuple[str, bool], list[int]] = {}
    for replies, given in zip(draws.replies, draws.labels, strict=True):
        for reply in replies:
            said = seen(event, reply.result, axis)
            if said is not None:
                both = counted.setdefault((reply.language, said), [0, 0])
                both[0] += 1
                both[1] += not given
    for (language, said), (total, blank) in sorted(counted.items()):
        if blank > _FEW * total:
            kind = event.replace("_", " ")
            raise InputError(
                f"{named}: no card is written: of {total} replies in {language} that {labels.judge.name} "
                f"{'calls' if said else 'does not call'} {kind}, {blank} are of a kind of which nobody "
                f"labelled any, so how often it errs there is not known; `alignmeter label RUN` goes on "
                f"with them"
            )
