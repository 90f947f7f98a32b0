"""Judges: one module an axis, the readers of human labels, and the cards that labels support."""

from __future__ import annotations

from alignmeter.judges.base import Judge, axes_for, judgement
from alignmeter.judges.cards import answer_card, cards_by_event, cards_for, refusal_cards
from alignmeter.judges.closed_answer import ClosedAnswer
from alignmeter.judges.closed_validation import AnswerReport, LabelledAnswer, load_answers, validate_answers
from alignmeter.judges.defaults import default_judges
from alignmeter.judges.guards import GuardFamily, GuardJudge, GuardPolicy, hazards_of
from alignmeter.judges.labels import LabelFormat, LabelledReply, load_labels
from alignmeter.judges.llm import (
    LlmJudge,
    LlmJudgeOptions,
    Panel,
    load_rubric,
    not_the_target,
    rubric_ids,
)
from alignmeter.judges.refusal_rules import RefusalRules, refusal_label
from alignmeter.judges.validation import Agreement, EventAccuracy, ValidationReport, validate_refusal

__all__ = [
    "Agreement",
    "AnswerReport",
    "ClosedAnswer",
    "EventAccuracy",
    "GuardFamily",
    "GuardJudge",
    "GuardPolicy",
    "Judge",
    "LabelFormat",
    "LabelledAnswer",
    "LabelledReply",
    "LlmJudge",
    "LlmJudgeOptions",
    "Panel",
    "RefusalRules",
    "ValidationReport",
    "answer_card",
    "axes_for",
    "cards_by_event",
    "cards_for",
    "default_judges",
    "hazards_of",
    "judgement",
    "load_answers",
    "load_labels",
    "load_rubric",
    "not_the_target",
    "refusal_cards",
    "refusal_label",
    "rubric_ids",
    "validate_answers",
    "validate_refusal",
]
