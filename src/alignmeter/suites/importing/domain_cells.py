"""What the cells of a prompt in a custom domain hold: texts, names, and answers that become checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from alignmeter.records.tasks import TextCheck
from alignmeter.suites.importing.manifest import Rule, TaskRule
from alignmeter.suites.importing.numbers import is_plain_number
from alignmeter.suites.importing.rules import BrokenCellError
from alignmeter.suites.importing.tasks import MadeTask, compile_task

if TYPE_CHECKING:
    from collections.abc import Mapping

Answers = Literal["auto", "number", "text"]

_SHOWN = 60
_VALUE = "a text or a number"


def text_cell(cells: Mapping[str, Any], column: str) -> str:
    """Return the text of a cell without space around it, "" where it is empty.

    Raises:
        BrokenCellError: It holds no text.
    """
    value = cells.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BrokenCellError(column, "a text", _shown(value))
    return value.strip()


def name_cell(cells: Mapping[str, Any], column: str) -> str:
    """Return a name, which may be a number; "" where the cell is empty.

    Raises:
        BrokenCellError: It is neither.
    """
    return _value(cells.get(column), column, _VALUE)


def task(cells: Mapping[str, Any], prompt: str, answers: Answers) -> MadeTask:
    """Make the check of a prompt with a known answer; one with wrong answers beside it is a choice.

    Args:
        cells: Of the prompt; without an answer there is no check.
        prompt: What is asked.
        answers: How the answer is compared; `auto` takes what reads as a number for one.

    Raises:
        BrokenCellError: An answer is neither text nor number, or cannot be compared.
    """
    answer, wrong = cells.get("answer"), _wrong(cells.get("wrong"))
    if isinstance(answer, list):
        given = cast("list[object]", answer)
        several = [_value(one, "answer", _VALUE) for one in given]
        if wrong or answers == "number":
            why = "`wrong` stands beside it" if wrong else "`answers` is number"
            raise BrokenCellError("answer", f"one answer, because {why}", _shown(given))
        if not all(several) or not several:
            raise BrokenCellError("answer", "a list of answers, none of them empty", _shown(given))
        return MadeTask(prompt, TextCheck(answers=tuple(_compared(one) for one in several)))
    text = _value(answer, "answer", f"{_VALUE}, or a list of these")
    if not text:
        return MadeTask(prompt, None)
    if wrong:
        rule = TaskRule(kind="choice", answer=Rule(column="answer"), wrong=Rule(column="wrong"))
        return compile_task(rule)({"answer": text, "wrong": wrong}, prompt)
    kind = ("number" if is_plain_number(text) else "text") if answers == "auto" else answers
    shown = _compared(text) if kind == "text" else text
    return compile_task(TaskRule(kind=kind, answer=Rule(column="answer")))({"answer": shown}, prompt)


def guide(reference: str, rubric: str) -> str:
    """Return what a judge is given to grade by."""
    parts = [("A good answer:", reference), ("What counts:", rubric)]
    return "\n\n".join(f"{title}\n{text}" for title, text in parts if text)


def _wrong(value: object) -> str:
    """Wrong answers as one cell: a JSON list, or texts between separators."""
    if isinstance(value, list):
        every = [_value(one, "wrong", _VALUE) for one in cast("list[object]", value)]
        return msgspec.json.encode(every).decode() if every else ""
    return _value(value, "wrong", f"{_VALUE}, or a list of these")


def _value(value: object, column: str, expected: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BrokenCellError(column, expected, _shown(value))
    return str(value).strip()


def _compared(text: str) -> str:
    """An answer that is compared as a phrase.

    Raises:
        BrokenCellError: Nothing of it is compared: signs alone, or a star that reads as emphasis.
    """
    if not any(character.isalnum() for character in text):
        raise BrokenCellError("answer", "an answer with a letter or a digit, or `wrong` ones beside it", text)
    if text.endswith("*") and not text.startswith("*"):
        raise BrokenCellError(
            "answer",
            "an answer without a star at its end, which reads as emphasis, or `wrong` ones beside it",
            text[:_SHOWN],
        )
    return text


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
