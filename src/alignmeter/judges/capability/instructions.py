"""Instructions about the form of a reply, each checked by a few lines of code.

The kinds are those of IFEval (Zhou et al. 2023, arXiv 2311.07911), with the same meaning, and further
ones. `count` kinds compare what they count by the constraint's relation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.judges.capability import instruction_counts as counts
from alignmeter.judges.capability import instruction_forms as forms
from alignmeter.judges.capability.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alignmeter.records import Constraint, ConstraintKind, InstructionsCheck

_COUNTED: Mapping[ConstraintKind, Callable[[str, Constraint], int]] = {
    "bullet_count": counts.bullets,
    "capital_word_count": counts.capital_words,
    "digit_count": counts.digits,
    "divider_count": counts.dividers,
    "exclamation_count": counts.exclamations,
    "highlight_count": counts.highlights,
    "keyword_count": counts.keyword,
    "letter_count": counts.letter,
    "line_count": counts.filled_lines,
    "numbered_lines": counts.numbered_lines,
    "palindrome_count": counts.palindromes,
    "paragraph_count": counts.paragraph_number,
    "placeholder_count": counts.placeholders,
    "question_count": counts.questions,
    "section_count": counts.sections,
    "sentence_count": counts.sentence_number,
    "table_rows": counts.table_rows,
    "word_count": counts.word_number,
}
"""Kinds that count: how many there are of something, compared with `count`."""

_EACH: Mapping[ConstraintKind, Callable[[str, Constraint], list[int]]] = {
    "longest_word": counts.longest_word,
    "sentence_length": counts.sentence_lengths,
}
"""Kinds of which every number must compare with `count`, and there must be one."""

_FORMS: Mapping[ConstraintKind, Callable[[str, Constraint], bool]] = {
    "all_lower": forms.all_lower,
    "all_upper": forms.all_upper,
    "alphabetical_words": forms.alphabetical_words,
    "code_fenced": forms.code_fenced,
    "different_words": forms.different_words,
    "distinct_line_starts": forms.distinct_line_starts,
    "ends_with": forms.ends_with,
    "first_word": forms.first_word,
    "forbidden_characters": forms.forbidden_characters,
    "forbidden_words": forms.forbidden_words,
    "json_keys": forms.json_keys,
    "json_only": forms.json_only,
    "keywords": forms.keywords,
    "language": forms.language,
    "last_word": forms.last_word,
    "line_ends_with": forms.line_ends_with,
    "nth_paragraph_first_word": forms.nth_paragraph_first_word,
    "one_of": forms.one_of,
    "postscript": forms.postscript,
    "quoted": forms.quoted,
    "repeats_first": forms.repeats_first,
    "starts_with": forms.starts_with,
    "title": forms.title,
    "two_answers": forms.two_answers,
    "unpunctuated": forms.unpunctuated,
    "words_start_with": forms.words_start_with,
}


def kept(constraint: Constraint, reply: str) -> bool:
    """Whether a reply keeps an instruction, to the letter.

    Args:
        constraint: The instruction; what its kind takes must be there.
        reply: The reply as it came.

    Raises:
        ValueError: The constraint lacks a count that its kind needs.
        MissingExtraError: The kind is `language` and `py3langid` is not installed.
    """
    if not reply.strip():
        return False
    if constraint.kind in _COUNTED:
        return _compares(_COUNTED[constraint.kind](reply, constraint), constraint)
    if constraint.kind in _EACH:
        found = _EACH[constraint.kind](reply, constraint)
        return bool(found) and all(_compares(number, constraint) for number in found)
    return _FORMS[constraint.kind](reply, constraint)


def check_instructions(constraints: InstructionsCheck, reply: str) -> Finding:
    """Share of the instructions that a reply keeps; the evidence names those that it breaks.

    Raises:
        ValueError, MissingExtraError: As `kept`.
    """
    broken = [constraint for constraint in constraints.constraints if not kept(constraint, reply)]
    total = len(constraints.constraints)
    evidence = "broken: " + ", ".join(constraint.kind for constraint in broken) if broken else ""
    return Finding((total - len(broken)) / total, f"{total - len(broken)} of {total}", evidence=evidence)


def _compares(number: int, constraint: Constraint) -> bool:
    if constraint.count is None:
        raise ValueError(f"expected a count for the constraint {constraint.kind!r}, got none")
    match constraint.relation:
        case "exactly":
            return number == constraint.count
        case "at_least":
            return number >= constraint.count
        case "at_most":
            return number <= constraint.count
