"""IFEval's verifiable instructions (Zhou et al. 2023, arXiv 2311.07911) as constraints of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignmeter.records.tasks import Constraint, Relation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Arguments = dict[str, Any]
_RELATIONS: Mapping[str, Relation] = {"at least": "at_least", "less than": "at_most"}


def constraint_of(instruction: str, arguments: _Arguments) -> Constraint | None:
    """Return the constraint of one instruction.

    Args:
        instruction: IFEval's id, for example `length_constraints:number_words`.
        arguments: Its keyword arguments.

    Returns:
        The constraint; None where the id is unknown or an argument is missing.
    """
    make = _INSTRUCTIONS.get(instruction)
    try:
        return None if make is None else make(arguments)
    except (KeyError, TypeError, ValueError):
        return None


def _compared(arguments: _Arguments, relation: str, count: str) -> tuple[Relation, int]:
    """A count and how it is compared; "less than n" is at most n - 1."""
    how = _RELATIONS[arguments[relation]]
    return how, int(arguments[count]) - (how == "at_most")


def _words(arguments: _Arguments) -> Constraint:
    relation, count = _compared(arguments, "relation", "num_words")
    return Constraint(kind="word_count", relation=relation, count=count)


def _sentences(arguments: _Arguments) -> Constraint:
    relation, count = _compared(arguments, "relation", "num_sentences")
    return Constraint(kind="sentence_count", relation=relation, count=count)


def _frequency(arguments: _Arguments) -> Constraint:
    relation, count = _compared(arguments, "relation", "frequency")
    return Constraint(kind="keyword_count", relation=relation, count=count, text=arguments["keyword"])


def _letters(arguments: _Arguments) -> Constraint:
    relation, count = _compared(arguments, "let_relation", "let_frequency")
    return Constraint(kind="letter_count", relation=relation, count=count, text=arguments["letter"])


def _capitals(arguments: _Arguments) -> Constraint:
    relation, count = _compared(arguments, "capital_relation", "capital_frequency")
    return Constraint(kind="capital_word_count", relation=relation, count=count)


def _nth_paragraph(arguments: _Arguments) -> Constraint:
    return Constraint(
        kind="nth_paragraph_first_word",
        count=int(arguments["nth_paragraph"]),
        total=int(arguments["num_paragraphs"]),
        text=arguments["first_word"],
    )


_INSTRUCTIONS: Mapping[str, Callable[[_Arguments], Constraint]] = {
    "change_case:capital_word_frequency": _capitals,
    "change_case:english_capital": lambda _: Constraint(kind="all_upper"),
    "change_case:english_lowercase": lambda _: Constraint(kind="all_lower"),
    "combination:repeat_prompt": lambda a: Constraint(kind="repeats_first", text=a["prompt_to_repeat"]),
    "combination:two_responses": lambda _: Constraint(kind="two_answers"),
    "detectable_content:number_placeholders": lambda a: Constraint(
        kind="placeholder_count", relation="at_least", count=int(a["num_placeholders"])
    ),
    "detectable_content:postscript": lambda a: Constraint(kind="postscript", text=a["postscript_marker"]),
    "detectable_format:constrained_response": lambda _: Constraint(
        kind="one_of", words=("My answer is yes.", "My answer is no.", "My answer is maybe.")
    ),
    "detectable_format:json_format": lambda _: Constraint(kind="json_only"),
    "detectable_format:multiple_sections": lambda a: Constraint(
        kind="section_count", relation="at_least", count=int(a["num_sections"]), text=a["section_spliter"]
    ),
    "detectable_format:number_bullet_lists": lambda a: Constraint(
        kind="bullet_count", count=int(a["num_bullets"])
    ),
    "detectable_format:number_highlighted_sections": lambda a: Constraint(
        kind="highlight_count", relation="at_least", count=int(a["num_highlights"])
    ),
    "detectable_format:title": lambda _: Constraint(kind="title"),
    "keywords:existence": lambda a: Constraint(kind="keywords", words=tuple(a["keywords"])),
    "keywords:forbidden_words": lambda a: Constraint(
        kind="forbidden_words", words=tuple(a["forbidden_words"])
    ),
    "keywords:frequency": _frequency,
    "keywords:letter_frequency": _letters,
    "language:response_language": lambda a: Constraint(kind="language", text=a["language"]),
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
    "length_constraints:number_paragraphs": lambda a: Constraint(
        kind="paragraph_count", count=int(a["num_paragraphs"]), text="***"
    ),
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_words": _words,
    "punctuation:no_comma": lambda _: Constraint(kind="forbidden_characters", text=","),
    "startend:end_checker": lambda a: Constraint(kind="ends_with", text=a["end_phrase"]),
    "startend:quotation": lambda _: Constraint(kind="quoted"),
}
