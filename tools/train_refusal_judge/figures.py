"""The judge's figures: on XSTest out of fold, and by language on replies that a second hand wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from alignmeter.judges.cards import DIGITS, cards_of
from alignmeter.judges.refusal_embedded import HOLLOW
from alignmeter.judges.refusal_heads import CLASSES, FULL
from alignmeter.judges.validation import JudgedReply, calibration, measure
from alignmeter.judges.validation.units import units_of
from alignmeter.records import CardStratum, RefusalResult, Unscored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from passages import Passage
    from replies import Reply

    from alignmeter.judges import Judge
    from alignmeter.judges.validation import Agreement, Estimate
    from alignmeter.records import JudgeCard

    Labelled = tuple[Sequence[Reply], Sequence[str | None]]

OUT_OF_FOLD = "out_of_fold: model family and prompts left out"
SECOND_HAND = "refusal_replies"
RESAMPLES = 2_000


def agreement(
    judge: Judge, replies: Sequence[Reply], labels: Sequence[str | None], split: str = "all"
) -> Agreement:
    """Compare labels given by the judge with those of people."""
    return measure(judge, _judged(replies, labels)).part(split)


def cards(judge: Judge, people: Labelled, second_hand: Labelled | None, split: str) -> list[JudgeCard]:
    """Return the cards of the half of XSTest that no rule was written with.

    Their strata by language are this half for English, and the second-hand replies for the others.
    """
    made = cards_of(measure(judge, _judged(*people)), data="xstest", split="held_out")
    others = (
        {}
        if second_hand is None
        else {card.event: card for card in cards_of(measure(judge, _judged(*second_hand)), data=SECOND_HAND)}
    )
    data = (
        "xstest" if second_hand is None else f"xstest; languages but en: {SECOND_HAND}, labels by a machine"
    )
    return [
        msgspec.structs.replace(
            card, split=split, data=data, strata=(_english(card), *_other_languages(others.get(card.event)))
        )
        for card in made
    ]


def _english(card: JudgeCard) -> CardStratum:
    return CardStratum(
        by="language",
        value="en",
        n=card.n,
        abstention=card.abstention or 0.0,
        sensitivity=card.sensitivity,
        specificity=card.specificity,
        sensitivity_counts=card.sensitivity_counts,
        specificity_counts=card.specificity_counts,
        data=card.data,
    )


def _other_languages(card: JudgeCard | None) -> tuple[CardStratum, ...]:
    strata = () if card is None else card.strata
    return tuple(
        msgspec.structs.replace(each, data=SECOND_HAND, labels_by="machine")
        for each in strata
        if each.by == "language" and each.value != "en"
    )


def figures(part: Agreement) -> dict[str, Any]:
    """Return an agreement as the card prints it."""
    return {
        "n": part.n,
        "kappa": _rounded(part.kappa),
        "kappa_refused": _rounded(part.kappa_refused),
        "partial_f1": None if part.partial_f1 is None else round(part.partial_f1, DIGITS),
        "confusion": part.confusion,
    }


def by_language(judge: Judge, replies: Sequence[Reply], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return balanced accuracy of refused against not, and agreement, for each language."""
    found: dict[str, dict[str, Any]] = {}
    for language in sorted({reply.labelled.language for reply in replies}):
        rows = [row for row, reply in enumerate(replies) if reply.labelled.language == language]
        own, given = [replies[row] for row in rows], [labels[row] for row in rows]
        found[language] = {
            "balanced_accuracy": balanced(own, given),
            **figures(agreement(judge, own, given)),
        }
    return found


def not_full(rows: Sequence[Passage], unseen: NDArray[np.float64]) -> dict[str, dict[str, dict[str, float]]]:
    """Return of what share of passages an encoder that had not seen them is sure that they refuse in part.

    Args:
        rows: The passages.
        unseen: What it says of them, shape (n, 3); nan for those that it has seen.
    """
    new = ~np.isnan(unseen[:, FULL])
    jailbreaks = np.array(["" if row.reply is None else row.reply.label for row in rows])
    ours = np.array([CLASSES[row.allowed.index(True)] if row.source >= 0 else "" for row in rows])
    kinds = {
        "jailbreaks": {"harm_done": jailbreaks == "delivered", "no_harm_done": jailbreaks == "none"},
        "hands": {label: ours == label for label in CLASSES},
    }
    return {
        name: {
            kind: {
                "n": int((chosen & new).sum()),
                "share": round(float((unseen[chosen & new, FULL] < HOLLOW).mean()), DIGITS),
            }
            for kind, chosen in parts.items()
        }
        for name, parts in kinds.items()
    }


def calibrated(replies: Sequence[Reply], probabilities: list[float]) -> dict[str, float]:
    """Return Brier score, its reference and the expected calibration error."""
    truth = [reply.labelled.label != "none" for reply in replies]
    report = calibration(probabilities, truth)
    if report is None:
        raise ValueError("probabilities: expected at least one, got none")
    return {
        "brier": round(report.brier, DIGITS),
        "reference": round(report.reference, DIGITS),
        "error": round(report.error, DIGITS),
    }


def balanced(replies: Sequence[Reply], labels: Sequence[str]) -> list[float]:
    """Return mean of sensitivity and specificity with a 95% interval, bootstrap over prompts."""
    truth = np.array([reply.labelled.label != "none" for reply in replies])
    right = truth == np.array([label != "none" for label in labels])
    unit = np.unique(units_of([reply.labelled for reply in replies]), return_inverse=True)[1]
    cells = np.zeros((unit.max() + 1, 4))
    np.add.at(cells, (unit, 2 * truth + right), 1)
    generator = np.random.default_rng(0)
    weights = generator.multinomial(len(cells), np.full(len(cells), 1 / len(cells)), size=RESAMPLES)
    drawn = np.vstack((cells.sum(axis=0), weights @ cells))
    with np.errstate(invalid="ignore"):
        shares = (drawn[:, 1] / drawn[:, :2].sum(axis=1) + drawn[:, 3] / drawn[:, 2:].sum(axis=1)) / 2
    lower, upper = np.nanquantile(shares[1:], [0.025, 0.975])
    return [round(float(each), DIGITS) for each in (shares[0], lower, upper)]


def _judged(replies: Sequence[Reply], labels: Sequence[str | None]) -> list[JudgedReply]:
    return [
        JudgedReply(
            reply.labelled,
            Unscored(reason="wrong_language")
            if label is None
            else msgspec.convert({"type": "refusal", "label": label}, RefusalResult),
        )
        for reply, label in zip(replies, labels, strict=True)
    ]


def _rounded(estimate: Estimate | None) -> list[float] | None:
    return None if estimate is None else [round(each, DIGITS) for each in estimate]
