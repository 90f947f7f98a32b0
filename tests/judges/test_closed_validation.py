"""The labelled answers that ship, and how the closed-answer judge is measured on them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from alignmeter.errors import InputError
from alignmeter.judges import ClosedAnswer, RefusalRules, cards_for, load_answers, validate_answers
from alignmeter.judges.validation import event_accuracy

if TYPE_CHECKING:
    from pathlib import Path

ROW = {
    "question": "Is water wet?",
    "reference": "yes",
    "reply": "Yes.",
    "label": "correct",
    "confidence": "confident",
    "family": "f",
}


def test_the_answers_that_ship_hold_every_kind_of_reply_and_none_twice() -> None:
    answers = load_answers()
    assert len(answers) >= 300
    assert len({(answer.question, answer.reply) for answer in answers}) == len(answers)
    kinds = Counter((answer.label, answer.confidence) for answer in answers)
    assert kinds["incorrect", "confident"] >= 100
    assert kinds["incorrect", "hedged"] >= 30
    assert kinds["correct", "confident"] + kinds["correct", "hedged"] >= 100
    assert kinds["abstained", "hedged"] >= 40
    assert max(Counter(answer.family for answer in answers).values()) <= 3


def test_when_measured_then_unscored_replies_are_counted_and_are_no_part_of_the_event() -> None:
    answers = load_answers()
    report = asyncio.run(validate_answers(ClosedAnswer(), answers))
    counts = np.array(report.confusion)
    assert counts.sum() == report.n == len(answers)
    assert report.abstention == pytest.approx(counts[:, 3].sum() / len(answers))
    assert report.event.n == counts[:, :3].sum()
    assert report.families == len({answer.family for answer in answers})
    assert set(report.misread) <= {answer.family for answer in answers}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "answers.jsonl:1: expected a JSON object"),
        (json.dumps({**ROW, "label": "wrong"}), "answers.jsonl:1: expected"),
        ("", "expected at least one labelled reply, got none"),
    ],
)
def test_a_file_that_is_none_is_refused_by_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load_answers(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_answers(tmp_path / "none.jsonl")


def test_labels_of_one_kind_only_measure_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps(ROW) + "\n\n", encoding="utf-8")
    with pytest.raises(ValueError, match="one kind only"):
        asyncio.run(validate_answers(ClosedAnswer(), load_answers(path)))


def test_a_judge_of_another_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="must answer on the axis 'factuality'"):
        asyncio.run(validate_answers(RefusalRules(), load_answers()))


def test_replies_to_one_prompt_are_worth_less_than_as_many_prompts() -> None:
    truth = np.tile([True, False], 200)
    predicted = truth.copy()
    predicted[:20] = ~truth[:20]  # ten prompts whose replies are all misread
    alone = event_accuracy("refused", truth, predicted, np.arange(400))
    shared = event_accuracy("refused", truth, predicted, np.arange(400) // 10)
    assert alone is not None
    assert shared is not None
    assert alone.sensitivity[0] == shared.sensitivity[0] == pytest.approx(0.95)
    assert shared.sensitivity_counts[1] < 50
    assert alone.sensitivity_counts[1] == pytest.approx(200, rel=0.01)
    assert shared.sensitivity[1] < alone.sensitivity[1]


def test_an_event_that_never_or_always_happens_cannot_be_measured() -> None:
    always, clusters = np.full(5, True), np.arange(5)
    assert event_accuracy("refused", always, always, clusters) is None
    assert event_accuracy("refused", ~always, always, clusters) is None


def test_kappa_of_a_card_is_of_the_replies_whose_number_stands_beside_it() -> None:
    report = asyncio.run(validate_answers(ClosedAnswer(), load_answers()))
    scored = np.array(report.confusion)[:, :3]
    chance = (scored.sum(axis=0) * scored.sum(axis=1)).sum() / scored.sum() ** 2
    by_hand = (np.trace(scored) / scored.sum() - chance) / (1 - chance)
    assert report.event.n == scored.sum()
    assert report.kappa == pytest.approx(by_hand)
    (shipped,) = cards_for(report.judge_hash)
    assert (shipped.n, shipped.kappa) == (report.event.n, pytest.approx(by_hand, abs=1e-6))
