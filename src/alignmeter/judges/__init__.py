"""Judges: one module an axis, the readers of human labels, and the cards that labels support."""

from __future__ import annotations

from alignmeter.judges.base import Judge, LanguageBound, axes_for, judgement
from alignmeter.judges.capability import Capability
from alignmeter.judges.cards import (
    all_cards,
    answer_card,
    cards_by_event,
    cards_for,
    cards_of,
    keeping_languages,
    read_cards,
    user_cards_path,
    write_cards,
)
from alignmeter.judges.cascade import Cascade, positive_event
from alignmeter.judges.closed_answer import ClosedAnswer
from alignmeter.judges.closed_validation import AnswerReport, load_answers, validate_answers
from alignmeter.judges.defaults import default_judges
from alignmeter.judges.guards import GuardJudge, GuardPolicy
from alignmeter.judges.harm_embedded import HarmEmbedded
from alignmeter.judges.labels import LabelAxis, LabelFormat, LabelledReply, load_labels, shipped_labels
from alignmeter.judges.llm import (
    LlmJudge,
    LlmJudgeOptions,
    Panel,
    load_rubric,
    not_the_target,
)
from alignmeter.judges.own import models_by_stage, own_parts
from alignmeter.judges.refusal_embedded import RefusalEmbedded
from alignmeter.judges.refusal_rules import RefusalRules, refusal_label
from alignmeter.judges.resolve import BUILT_IN, resolve_judge
from alignmeter.judges.validation import (
    Agreement,
    ValidationReport,
    validate,
)

__all__ = [
    "BUILT_IN",
    "Agreement",
    "AnswerReport",
    "Capability",
    "Cascade",
    "ClosedAnswer",
    "GuardJudge",
    "GuardPolicy",
    "HarmEmbedded",
    "Judge",
    "LabelAxis",
    "LabelFormat",
    "LabelledReply",
    "LanguageBound",
    "LlmJudge",
    "LlmJudgeOptions",
    "Panel",
    "RefusalEmbedded",
    "RefusalRules",
    "ValidationReport",
    "all_cards",
    "answer_card",
    "axes_for",
    "cards_by_event",
    "cards_for",
    "cards_of",
    "default_judges",
    "judgement",
    "keeping_languages",
    "load_answers",
    "load_labels",
    "load_rubric",
    "models_by_stage",
    "not_the_target",
    "own_parts",
    "positive_event",
    "read_cards",
    "refusal_label",
    "resolve_judge",
    "shipped_labels",
    "user_cards_path",
    "validate",
    "validate_answers",
    "write_cards",
]
