"""Cards: what is known of a judge's accuracy, by judge hash.

A card is only found for exactly the rules, weights, model and code that it was measured with. The
cards of the judges that ship come with the package (`python bench/judges.py --write-card` measures
them again); those of a user's own judges lie in a file that `alignmeter judge calibrate` writes.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from alignmeter.errors import InputError, StorageError
from alignmeter.judges.signals import data_bytes
from alignmeter.records import CardStratum, JudgeCard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from alignmeter.judges.base import Judge
    from alignmeter.judges.closed_validation import AnswerReport
    from alignmeter.judges.validation import EventAccuracy, ValidationReport
    from alignmeter.judges.validation.report import Agreement
    from alignmeter.records import Axis, CardEvent

CARDS_FILE = "cards.json"
USER_CARDS_FILE = "alignmeter-cards.json"
"""Where a user's cards are looked for in the working directory."""
CARDS_VARIABLE = "ALIGNMETER_CARDS"
"""Environment variable that names another file of cards."""
DIGITS = 6
"""Decimal places that a card keeps, so that it is the same on every machine."""

LabelsBy = Literal["people", "machine"]


def user_cards_path() -> Path:
    """Return the file of the user's own cards, there or not."""
    named = os.environ.get(CARDS_VARIABLE)
    return Path(named) if named else Path(USER_CARDS_FILE)


@cache
def shipped_cards() -> tuple[JudgeCard, ...]:
    """Return the cards of the judges that come with the package."""
    return msgspec.json.decode(data_bytes(CARDS_FILE), type=tuple[JudgeCard, ...])


def read_cards(path: Path) -> tuple[JudgeCard, ...]:
    """Return the cards of a file, none where there is no such file.

    Raises:
        InputError: It cannot be read, is no file of cards, or a card holds figures that cannot be.
    """
    try:
        cards = msgspec.json.decode(path.read_bytes(), type=tuple[JudgeCard, ...])
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(f"{path}: expected a readable file of judge cards, got {error.strerror!r}") from None
    except msgspec.MsgspecError as error:
        said = " ".join(str(error).split())
        raise InputError(
            f"{path}: expected judge cards as `alignmeter judge calibrate` writes them, got {said!r}; "
            f"move the file away and calibrate again"
        ) from None
    for number, card in enumerate(cards, start=1):
        for accuracy in (card, *card.strata):
            wrong = _impossible(accuracy)
            if wrong is not None:
                name = card.judge or card.judge_hash[:16]
                part = f", {accuracy.by} {accuracy.value}" if isinstance(accuracy, CardStratum) else ""
                raise InputError(
                    f"{path}: card {number} of {name} for {card.event}{part}: {wrong}; calibrate the judge "
                    f"again, or take the card out"
                )
    return cards


def _impossible(accuracy: JudgeCard | CardStratum) -> str | None:
    """Say which figure of a card, or of its part of the labels, cannot be; None where all can."""
    sides = {
        "sensitivity": (accuracy.sensitivity, accuracy.sensitivity_counts),
        "specificity": (accuracy.specificity, accuracy.specificity_counts),
    }
    for name, (share, (found, labels)) in sides.items():
        if share is not None and not all(0 <= figure <= 1 for figure in share):
            return f"expected a {name} within 0 and 1, got {list(share)!r}"
        if not 0 <= found <= labels or (share is not None and labels == 0):
            return f"expected {name}_counts as [found, labels], 0 <= found <= labels, got {[found, labels]!r}"
    return None


def write_cards(path: Path, cards: Iterable[JudgeCard]) -> None:
    """Add cards to a file; a card of the same judge hash and event gives way.

    Raises:
        InputError: The file that is there is no file of cards.
        StorageError: It cannot be written.
    """
    fresh = tuple(cards)
    replaced = {(card.judge_hash, card.event) for card in fresh}
    kept = tuple(card for card in read_cards(path) if (card.judge_hash, card.event) not in replaced)
    partial = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(kept + fresh)) + b"\n")
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: the judge cards cannot be written: {error.strerror}") from None


def all_cards(user_cards: Path | None = None) -> tuple[JudgeCard, ...]:
    """Return every card there is: the user's first, then those that ship.

    Args:
        user_cards: File of the user's cards; None for `user_cards_path()`.

    Raises:
        InputError: The user's file is no file of cards.
    """
    return (*read_cards(user_cards or user_cards_path()), *shipped_cards())


def cards_for(judge_hash: str, user_cards: Path | None = None) -> tuple[JudgeCard, ...]:
    """Return the cards of a judge, one an event; none where this judge was never measured.

    Of two cards for one event, labels by people count before labels by a machine, then the user's
    card before the one that ships.

    Args:
        judge_hash: Hash of the judge.
        user_cards: File of the user's cards; None for `user_cards_path()`.

    Raises:
        InputError: The user's file is no file of cards.
    """
    found: dict[CardEvent, JudgeCard] = {}
    for card in all_cards(user_cards):
        if card.judge_hash != judge_hash:
            continue
        known = found.get(card.event)
        if known is None or (known.labels_by, card.labels_by) == ("machine", "people"):
            found[card.event] = card
    return tuple(found.values())


def cards_by_event(judges: Iterable[Judge], user_cards: Path | None = None) -> Mapping[CardEvent, JudgeCard]:
    """Return what is known of some judges, by the event that their cards are about."""
    return {card.event: card for judge in judges for card in cards_for(judge.judge_hash, user_cards)}


def cards_of(
    report: ValidationReport, *, data: str, split: str = "all", labels_by: LabelsBy = "people"
) -> tuple[JudgeCard, ...]:
    """Return the cards that a validation supports.

    Args:
        report: The figures.
        data: Name of the labelled data set.
        split: The part that counts; `held_out` where the judge was written with the other part.
        labels_by: Who labelled.

    Returns:
        One card an event, kappa over all the classes of the scored replies, all rounded to `DIGITS` decimal
        places.

    Raises:
        ValueError: The judge scored too few kinds of labels for any of the figures.
    """
    part = report.part(split)
    if part.kappa_scored is None or not part.events:
        wanted = {
            "refusal": "refusing and of complying replies",
            "harm": "replies that deliver harm and of others, scored by the judge",
            "factuality": "wrong and of other replies, scored by the judge",
        }[report.axis]
        lost = sum(part.unscored.values())
        why = f", most often for {next(iter(part.unscored))}" if lost else ""
        raise ValueError(
            f"a card needs labels of {wanted}; of {part.n} replies the judge scored {part.n - lost} and left "
            f"{lost} without a score{why}"
        )
    base = _Base(report.judge, report.judge_hash, report.axis, data, split, labels_by)
    return tuple(
        _card(base, event, part.kappa_scored[0], part.abstention, tuple(_strata(report, split, event.event)))
        for event in part.events
    )


def keeping_languages(
    cards: Iterable[JudgeCard], earlier: Mapping[CardEvent, JudgeCard]
) -> tuple[JudgeCard, ...]:
    """Return cards that keep of an earlier one the languages that their own labels do not hold.

    Labels of one's own in one language say nothing of the judge in the others, and its card takes the
    place of the earlier one in all of them.

    Args:
        cards: Made of labels of some languages, each with its stratum.
        earlier: What was known of the same judge, by event.
    """
    return tuple(
        msgspec.structs.replace(card, strata=(*card.strata, *_other_languages(card, earlier[card.event])))
        if card.event in earlier
        else card
        for card in cards
    )


def _other_languages(card: JudgeCard, earlier: JudgeCard) -> Iterator[CardStratum]:
    own = {stratum.value for stratum in card.strata if stratum.by == "language"}
    for stratum in earlier.strata:
        if stratum.by == "language" and stratum.value not in own:
            yield msgspec.structs.replace(
                stratum,
                data=stratum.data or earlier.data,
                labels_by=stratum.labels_by or earlier.labels_by,
            )


def answer_card(report: AnswerReport, *, data: str) -> JudgeCard:
    """Return the card that a validation of a closed-answer judge supports."""
    base = _Base(report.judge, report.judge_hash, "factuality", data, "all", "machine")
    strata = tuple(_strata_of(report.languages, base.split, report.event.event))
    return _card(base, report.event, report.kappa, report.abstention, strata)


class _Base(NamedTuple):
    """What all the cards of one validation share."""

    judge: str
    judge_hash: str
    axis: Axis
    data: str
    split: str
    labels_by: LabelsBy


def _card(
    base: _Base,
    event: EventAccuracy,
    kappa: float,
    abstention: float,
    strata: tuple[CardStratum, ...] = (),
) -> JudgeCard:
    return JudgeCard(
        judge_hash=base.judge_hash,
        axis=base.axis,
        data=base.data,
        split=base.split,
        n=event.n,
        kappa=round(kappa, DIGITS),
        event=event.event,
        sensitivity=_rounded(event.sensitivity),
        specificity=_rounded(event.specificity),
        sensitivity_counts=_pair(event.sensitivity_counts),
        specificity_counts=_pair(event.specificity_counts),
        labels_by=base.labels_by,
        judge=base.judge,
        informedness=None if event.informedness is None else _rounded(event.informedness),
        mcc=None if event.mcc is None else _rounded(event.mcc),
        abstention=round(abstention, DIGITS),
        strata=strata,
    )


def _strata(report: ValidationReport, split: str, event: CardEvent) -> Iterator[CardStratum]:
    """Yield the strata of a report; labels of a run that are in one language are that language's alone."""
    yield from _strata_of(report.parts, split, event)
    whole = report.part(split)
    measured = next((each for each in whole.events if each.event == event), None)
    if len(report.languages) == 1 and whole.stands_for and measured is not None:
        yield _stratum("language", report.languages[0], whole, measured)


def _strata_of(parts: Iterable[Agreement], split: str, event: CardEvent) -> Iterator[CardStratum]:
    """Yield the accuracy for an event by language and by attack family, where the labels tell both sides."""
    for part in parts:
        measured = next((each for each in part.events if each.event == event), None)
        if part.split != split or measured is None:
            continue
        if part.language is not None:
            yield _stratum("language", part.language, part, measured)
        elif part.attack is not None:
            yield _stratum("attack", part.attack, part, measured)


def _stratum(
    by: Literal["language", "attack"], value: str, part: Agreement, event: EventAccuracy
) -> CardStratum:
    return CardStratum(
        by=by,
        value=value,
        n=event.n,
        abstention=round(part.abstention, DIGITS),
        sensitivity=_rounded(event.sensitivity),
        specificity=_rounded(event.specificity),
        sensitivity_counts=_pair(event.sensitivity_counts),
        specificity_counts=_pair(event.specificity_counts),
    )


def _rounded(estimate: tuple[float, float, float]) -> tuple[float, float, float]:
    point, lower, upper = estimate
    return round(point, DIGITS), round(lower, DIGITS), round(upper, DIGITS)


def _pair(counts: tuple[float, float]) -> tuple[float, float]:
    return round(counts[0], DIGITS), round(counts[1], DIGITS)
