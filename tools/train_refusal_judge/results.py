"""What the training writes beside the weights: predictions, figures and cards."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from figures import OUT_OF_FOLD, agreement, balanced, by_language, calibrated, cards, figures, not_full

from alignmeter.judges.cards import CARDS_FILE, read_cards
from alignmeter.judges.refusal_embedded import RefusalEmbedded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitting import Arrays
    from numpy.typing import NDArray
    from passages import Passage
    from replies import Reply

    from alignmeter.judges.refusal_embedded import RefusalEstimate

    Answered = tuple[Sequence[Reply], list[RefusalEstimate]]

DATA = Path(__file__).parents[2] / "src" / "alignmeter" / "judges" / "data"
PREDICTIONS = Path(__file__).parent / "out_of_fold.csv"
FIGURES = "refusal_embedded.figures.json"


class Outcome(NamedTuple):
    """What the judge says of replies that it was not fitted on.

    Attributes:
        passages: What the encoder was trained on.
        unseen: What an encoder says of those that it had not seen, shape (n, 3); nan for the others.
        apart: XSTest's replies, model family and prompts left out.
        one_model: The same, one model left out.
        hands_out: Our replies, their hands left out.
    """

    passages: list[Passage]
    unseen: NDArray[np.float64]
    apart: Answered
    one_model: Answered
    hands_out: Answered


def print_training(outcome: Outcome, hand: NDArray[np.str_]) -> None:
    """Print what may be looked at while choosing: hands left out, XSTest's odd-numbered prompts.

    Args:
        outcome: What the judge says.
        hand: Who wrote each of our replies that were left out.
    """
    judge = RefusalEmbedded()
    replies, said = outcome.hands_out[0], _labels(outcome.hands_out)
    for group in (hand, np.array([reply.labelled.language for reply in replies])):
        for each in np.unique(group):
            rows = np.flatnonzero(group == each)
            mine, given = [replies[row] for row in rows], [said[row] for row in rows]
            print(each, balanced(mine, given), figures(agreement(judge, mine, given))["kappa"])
    for name, answered in (("apart", outcome.apart), ("one model", outcome.one_model)):
        part = agreement(judge, answered[0], _labels(answered), "development")
        print(f"{name}, development", figures(part))
    print(not_full(outcome.passages, outcome.unseen))


def write_predictions(outcome: Outcome) -> None:
    """Write what the judge said of every reply without having been fitted on it; no texts."""
    with PREDICTIONS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("set", "id", "model", "half", "label", "family_and_prompts_out", "probability", "model_out")
        )
        for reply, first, second in zip(*outcome.apart, outcome.one_model[1], strict=True):
            known = reply.labelled
            probability = f"{first.probability:.4f}"
            told = (known.id, known.model, known.split, known.label)
            writer.writerow(("xstest", *told, first.label, probability, second.label))


def write_results(outcome: Outcome, second_hand: Answered, arrays: Arrays) -> None:
    """Write figures and cards, and print the figures.

    Args:
        outcome: What the judge says.
        second_hand: The second hand's replies, and what the judge that ships says of them.
        arrays: The weights that ship.
    """
    judge, fallback = RefusalEmbedded(embeddings=True), RefusalEmbedded(embeddings=False)
    people, apart = outcome.apart
    labels, other = _labels(outcome.apart), _labels(outcome.one_model)
    alone = [
        None if estimate is None else estimate.label
        for estimate in (reply.answer_without_embeddings(arrays) for reply in people)
    ]
    test, said = second_hand[0], _labels(second_hand)
    results: dict[str, Any] = {
        "judge_hash": judge.judge_hash,
        "fallback_hash": fallback.judge_hash,
        "xstest": {
            "family_and_prompts_out": {
                part: figures(agreement(judge, people, labels, part)) for part in ("held_out", "all")
            },
            "model_out": {
                part: figures(agreement(judge, people, other, part)) for part in ("held_out", "all")
            },
            "fallback": figures(agreement(fallback, people, alone, "held_out")),
            "decided_by_rules_alone": round(
                float(np.mean([each.decided_by == "rules" for each in apart])), 4
            ),
            "calibration": calibrated(people, [each.probability for each in apart]),
        },
        "second_hand": by_language(judge, test, said),
        "hands_out": by_language(judge, outcome.hands_out[0], _labels(outcome.hands_out)),
        "not_full": not_full(outcome.passages, outcome.unseen),
    }
    (DATA / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    fresh = [
        *cards(judge, (people, labels), (test, said), OUT_OF_FOLD),
        *cards(fallback, (people, alone), None, "held_out"),
    ]
    kept = [card for card in read_cards(DATA / CARDS_FILE) if card.judge != judge.name]
    (DATA / CARDS_FILE).write_bytes(msgspec.json.format(msgspec.json.encode([*kept, *fresh])) + b"\n")
    print(msgspec.json.format(msgspec.json.encode(results)).decode())


def _labels(answered: Answered) -> list[str]:
    return [each.label for each in answered[1]]
