"""The judge's figures: on XSTest out of fold, and by language on replies that a second hand wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from replies import answer

from alignmeter.judges.cards import DIGITS, cards_of
from alignmeter.judges.validation import JudgedReply, calibration, measure
from alignmeter.records import RefusalResult, Unscored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitting import Arrays
    from replies import Reply
    from vectors import Vectors

    from alignmeter.judges import Judge
    from alignmeter.judges.refusal_embedded import RefusalEstimate
    from alignmeter.judges.validation import Agreement, Estimate
    from alignmeter.records import JudgeCard

OUT_OF_FOLD = "out_of_fold: model family and prompts left out"
RESAMPLES = 2_000


def agreement(
    judge: Judge, replies: list[Reply], labels: Sequence[str | None], split: str = "all"
) -> Agreement:
    """Compare labels given by the judge with those of people."""
    return measure(judge, _judged(replies, labels)).part(split)


def cards(judge: Judge, replies: list[Reply], labels: Sequence[str | None], split: str) -> list[JudgeCard]:
    """Return the cards of the half of XSTest that no rule was written with."""
    report = measure(judge, _judged(replies, labels))
    made = cards_of(report, data="xstest", split="held_out")
    return [msgspec.structs.replace(card, split=split) for card in made]


def figures(part: Agreement) -> dict[str, Any]:
    """Return an agreement as the card prints it."""
    return {
        "n": part.n,
        "kappa": _rounded(part.kappa),
        "kappa_refused": _rounded(part.kappa_refused),
        "partial_f1": None if part.partial_f1 is None else round(part.partial_f1, DIGITS),
        "confusion": part.confusion,
    }


def by_language(
    judge: Judge, arrays: Arrays, replies: list[Reply], vectors: Vectors
) -> dict[str, dict[str, Any]]:
    """Return balanced accuracy of refused against not, and agreement, for each language."""
    languages = sorted({reply.labelled.language for reply in replies})
    found: dict[str, dict[str, Any]] = {}
    for language in languages:
        own = [reply for reply in replies if reply.labelled.language == language]
        answers = [answer(arrays, reply, vectors) for reply in own]
        labels = [each.label for each in answers]
        found[language] = {
            "balanced_accuracy": _balanced_accuracy(own, answers),
            **figures(agreement(judge, own, labels)),
        }
    return found


def calibrated(replies: list[Reply], probabilities: list[float]) -> dict[str, float]:
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


def _balanced_accuracy(replies: list[Reply], answers: list[RefusalEstimate]) -> list[float]:
    """Return mean of sensitivity and specificity with a 95% interval, bootstrap over prompts."""
    truth = np.array([reply.labelled.label != "none" for reply in replies])
    right = truth == np.array([each.label != "none" for each in answers])
    unit = np.unique([reply.labelled.id for reply in replies], return_inverse=True)[1]
    cells = np.zeros((unit.max() + 1, 4))
    np.add.at(cells, (unit, 2 * truth + right), 1)
    generator = np.random.default_rng(0)
    weights = generator.multinomial(len(cells), np.full(len(cells), 1 / len(cells)), size=RESAMPLES)
    drawn = np.vstack((cells.sum(axis=0), weights @ cells))
    with np.errstate(invalid="ignore"):
        shares = (drawn[:, 1] / drawn[:, :2].sum(axis=1) + drawn[:, 3] / drawn[:, 2:].sum(axis=1)) / 2
    lower, upper = np.nanquantile(shares[1:], [0.025, 0.975])
    return [round(float(each), DIGITS) for each in (shares[0], lower, upper)]


def _judged(replies: list[Reply], labels: Sequence[str | None]) -> list[JudgedReply]:
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
