"""What the check of a task must hold, so that every reply can be scored."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.records import (
    ChoiceCheck,
    CodeCheck,
    InstructionsCheck,
    JsonCheck,
    NumberCheck,
    SequenceCheck,
    TextCheck,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignmeter.records import Constraint, ConstraintKind, TaskCheck

_LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_MOST_OPTIONS = len(_LETTERS)
_FEWEST_OPTIONS = 2

NEEDS_COUNT: frozenset[ConstraintKind] = frozenset(
    {
        "bullet_count",
        "capital_word_count",
        "digit_count",
        "divider_count",
        "exclamation_count",
        "highlight_count",
        "keyword_count",
        "letter_count",
        "line_count",
        "longest_word",
        "nth_paragraph_first_word",
        "numbered_lines",
        "palindrome_count",
        "paragraph_count",
        "placeholder_count",
        "question_count",
        "section_count",
        "sentence_count",
        "sentence_length",
        "table_rows",
        "word_count",
    }
)
"""Kinds of instructions that compare, or point at, a number."""
NEEDS_TEXT: frozenset[ConstraintKind] = frozenset(
    {
        "divider_count",
        "ends_with",
        "first_word",
        "forbidden_characters",
        "keyword_count",
        "language",
        "last_word",
        "letter_count",
        "line_ends_with",
        "nth_paragraph_first_word",
        "repeats_first",
        "section_count",
        "starts_with",
        "words_start_with",
    }
)
"""Kinds that take a word, a phrase or a letter."""
NEEDS_WORDS: frozenset[ConstraintKind] = frozenset({"forbidden_words", "json_keys", "keywords", "one_of"})
"""Kinds that take several words."""


class CheckProblem(NamedTuple):
    """What is wrong with a check."""

    expected: str
    came: object


def check_problems(check: TaskCheck) -> Iterator[CheckProblem]:
    """Yield what keeps a check from scoring replies."""
    if not 0 <= check.chance < 1:
        yield CheckProblem("a chance of at least 0 and below 1", check.chance)
    if isinstance(check, InstructionsCheck):
        for constraint in check.constraints:
            yield from _constraint_problems(constraint)
    problem = _content_problem(check)
    if problem is not None:
        yield problem


def _content_problem(check: TaskCheck) -> CheckProblem | None:
    found: CheckProblem | None = None
    match check:
        case NumberCheck(answer=answer, tolerance=tolerance):
            if not math.isfinite(answer) or not 0 <= tolerance < math.inf:
                found = CheckProblem("a finite answer, and a tolerance of 0 or more", (answer, tolerance))
        case TextCheck(answers=items) | SequenceCheck(items=items):
            if not items or not all(item.strip() for item in items):
                found = CheckProblem("at least one answer or item, none of them empty", items)
        case ChoiceCheck(answer=letter, options=options):
            if not _FEWEST_OPTIONS <= len(options) <= _MOST_OPTIONS or letter not in _LETTERS[: len(options)]:
                found = CheckProblem("two to 26 options, and the letter of one as the answer", letter)
        case JsonCheck(expected=None, schema=None):
            found = CheckProblem("an expected value or a JSON Schema", None)
        case CodeCheck(entry_point=name, tests=tests, timeout=seconds):
            if not name.isidentifier() or not _parses(tests) or seconds <= 0:
                found = CheckProblem("tests in Python, the name that they call, and a time above 0", name)
        case InstructionsCheck(constraints=()):
            found = CheckProblem("at least one constraint", ())
        case _:
            pass
    return found


def _constraint_problems(constraint: Constraint) -> Iterator[CheckProblem]:
    kind = constraint.kind
    if kind in NEEDS_COUNT and (constraint.count is None or constraint.count < 0):
        yield CheckProblem(f"a `count` of 0 or more for {kind!r}", constraint.count)
    if kind in NEEDS_TEXT and not constraint.text:
        yield CheckProblem(f"a `text` for {kind!r}", constraint.text)
    if kind in NEEDS_WORDS and not constraint.words:
        yield CheckProblem(f"`words` for {kind!r}", constraint.words)


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return bool(source.strip())
