"""Judges: one module an axis, the readers of human labels, and the cards that labels support."""

from __future__ import annotations

from alignmeter.judges.base import Judge, Staged, axes_for, judgement
from alignmeter.judges.capability import Capability
from alignmeter.judges.cards import (
    all_cards,
    answer_card,
    cards_by_event,
    cards_for,
    cards_of,
    read_cards,
    user_cards_path,
    write_cards,
)
from alignmeter.judges.cascade import Cascade, positive_event
from alignmeter.judges.closed_answer import ClosedAnswer
from alignmeter.judges.closed_validation import AnswerReport, LabelledAnswer, load_answers, validate_answers
from alignmeter.judges.code_security import CodeSecurity
from alignmeter.judges.defaults import default_judges
from alignmeter.judges.guards import GuardFamily, GuardJudge, GuardPolicy, hazards_of
from alignmeter.judges.harm_embedded import HarmEmbedded
from alignmeter.judges.labels import LabelAxis, LabelFormat, LabelledReply, load_labels, shipped_labels
from alignmeter.judges.llm import (
    LlmJudge,
    LlmJudgeOptions,
    Panel,
    load_rubric,
    not_the_target,
    rubric_ids,
)
from alignmeter.judges.own import models_by_stage, own_parts
from alignmeter.judges.refusal_embedded import RefusalEmbedded, RefusalEstimate
from alignmeter.judges.refusal_rules import RefusalRules, refusal_label
from alignmeter.judges.reply_language import ReplyLanguage
from alignmeter.judges.resolve import BUILT_IN, OpenTarget, resolve_judge
from alignmeter.judges.schema_valid import SchemaValid
from alignmeter.judges.validation import (
    Agreement,
    EventAccuracy,
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
    "CodeSecurity",
    "EventAccuracy",
    "GuardFamily",
    "GuardJudge",
    "GuardPolicy",
    "HarmEmbedded",
    "Judge",
    "LabelAxis",
    "LabelFormat",
    "LabelledAnswer",
    "LabelledReply",
    "LlmJudge",
    "LlmJudgeOptions",
    "OpenTarget",
    "Panel",
    "RefusalEmbedded",
    "RefusalEstimate",
    "RefusalRules",
    "ReplyLanguage",
    "SchemaValid",
    "Staged",
    "ValidationReport",
    "all_cards",
    "answer_card",
    "axes_for",
    "cards_by_event",
    "cards_for",
    "cards_of",
    "default_judges",
    "hazards_of",
    "judgement",
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
    "rubric_ids",
    "shipped_labels",
    "user_cards_path",
    "validate",
    "validate_answers",
    "write_cards",
]
