"""Tasks whose right result is known: what a reply on the axis `capability` is checked against.

A check is data: the judge `capability` holds the code. In JSON the field `type` names the kind, for
example `{"type": "number", "answer": 42, "grade": "easy"}`.
"""

from __future__ import annotations

from typing import Any, Literal

from alignmeter.records.base import Record

Grade = Literal["easy", "medium", "hard"]
"""How hard a task is meant to be: `easy` a very small model does, `hard` does not saturate a large one."""

CodeLanguage = Literal["python"]
"""Languages of programming whose unit tests can be run."""

Relation = Literal["exactly", "at_least", "at_most"]
"""How a count is compared; "less than n" is `at_most` n - 1."""

ConstraintKind = Literal[
    "all_lower",
    "all_upper",
    "alphabetical_words",
    "bullet_count",
    "capital_word_count",
    "code_fenced",
    "different_words",
    "digit_count",
    "distinct_line_starts",
    "divider_count",
    "ends_with",
    "exclamation_count",
    "first_word",
    "forbidden_characters",
    "forbidden_words",
    "highlight_count",
    "json_only",
    "json_keys",
    "keyword_count",
    "keywords",
    "language",
    "last_word",
    "letter_count",
    "line_count",
    "line_ends_with",
    "longest_word",
    "nth_paragraph_first_word",
    "numbered_lines",
    "one_of",
    "palindrome_count",
    "paragraph_count",
    "placeholder_count",
    "postscript",
    "question_count",
    "quoted",
    "repeats_first",
    "section_count",
    "sentence_count",
    "sentence_length",
    "starts_with",
    "table_rows",
    "title",
    "two_answers",
    "unpunctuated",
    "word_count",
    "words_start_with",
]
"""What an instruction asks of the form of a reply; `alignmeter.judges.capability.instructions` says how
each is checked and which parameters it takes."""


class Constraint(Record, frozen=True):
    """One instruction that a program can check; unused parameters stay empty.

    Attributes:
        count: The number that `relation` compares with, for example words; a position for
            `nth_paragraph_first_word`, whose `total` is the number of paragraphs.
        words: Words, keys or options, where the kind takes several.
        text: A word, phrase, letter, divider or language code (ISO 639-1), where it takes one.
    """

    kind: ConstraintKind
    relation: Relation = "exactly"
    count: int | None = None
    total: int | None = None
    words: tuple[str, ...] = ()
    text: str = ""


class Task(Record, frozen=True, kw_only=True):
    """What every check has.

    Attributes:
        grade: None where the source has no grades.
        chance: Score that guessing reaches on average, in [0, 1].
    """

    grade: Grade | None = None
    chance: float = 0.0


class NumberCheck(Task, frozen=True, kw_only=True, tag="number"):
    """The final number of the reply, within an absolute tolerance."""

    answer: int | float
    tolerance: float = 0.0


class TextCheck(Task, frozen=True, kw_only=True, tag="text"):
    """A word or a short phrase; case, accents, full stops, quotes, articles and white space do not matter.

    The sign, decimals, percent and currency of a number do, as do comparisons (`>50`) and symbols that belong
    to a name (`C++`).

    Attributes:
        answers: Accepted spellings.
        rivals: Wrong answers: a reply that names one beside an accepted answer has not decided.
        exact: The answer must be the whole of what the reply gives, for example in copying.
    """

    answers: tuple[str, ...]
    rivals: tuple[str, ...] = ()
    exact: bool = False


class ChoiceCheck(Task, frozen=True, kw_only=True, tag="choice"):
    """A letter from A on, or the text of the option.

    Attributes:
        answer: The right letter, upper case.
        options: Texts of the options, A first; the prompt shows them. `chance` is 1 / len(options).
    """

    answer: str
    options: tuple[str, ...]


class SequenceCheck(Task, frozen=True, kw_only=True, tag="sequence"):
    """A list of words or numbers.

    Attributes:
        items: The right list; items compare as `TextCheck` does, numbers by value.
        ordered: Whether the order counts.
    """

    items: tuple[str, ...]
    ordered: bool = True


class JsonCheck(Task, frozen=True, kw_only=True, tag="json"):
    """A JSON value, alone or in a code fence.

    Attributes:
        expected: The value that is right as a whole; not compared where it is None.
        schema: A JSON Schema that it must satisfy; None for none.
    """

    expected: Any = None
    schema: dict[str, Any] | None = None


class CodeCheck(Task, frozen=True, kw_only=True, tag="code"):
    """A program that passes unit tests, run in a sandbox and nowhere else.

    Attributes:
        tests: Source that is run after the reply's code and raises where that is wrong.
        entry_point: Name of the function or class that the tests call.
        prelude: Source that stands before the reply's code, for example imports, or the head of the
            function where the task is to write its body.
        timeout: Seconds that all the tests together may take.
    """

    tests: str
    entry_point: str
    language: CodeLanguage = "python"
    prelude: str = ""
    timeout: float = 10.0


class InstructionsCheck(Task, frozen=True, kw_only=True, tag="instructions"):
    """Instructions about the form of the reply; the score is the share that is kept."""

    constraints: tuple[Constraint, ...]


TaskCheck = NumberCheck | TextCheck | ChoiceCheck | SequenceCheck | JsonCheck | CodeCheck | InstructionsCheck
