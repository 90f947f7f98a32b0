"""LLM judges: versioned rubrics put to any target, panels of them, and the rule against self-judging."""

from __future__ import annotations

from alignmeter.judges.llm.independence import is_same_model, not_the_target
from alignmeter.judges.llm.judge import LlmJudge, LlmJudgeOptions
from alignmeter.judges.llm.panel import Panel, TieRule
from alignmeter.judges.llm.rubrics import load_rubric, rubric_ids

__all__ = [
    "LlmJudge",
    "LlmJudgeOptions",
    "Panel",
    "TieRule",
    "is_same_model",
    "load_rubric",
    "not_the_target",
    "rubric_ids",
]
