"""Checks of capability tasks, made of the columns of public files."""

from __future__ import annotations

import hashlib
import string
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from alignmeter.records.tasks import ChoiceCheck, CodeCheck, InstructionsCheck, NumberCheck, TextCheck
from alignmeter.suites.importing.ifeval import constraint_of
from alignmeter.suites.importing.numbers import TOLERANCE, number_of
from alignmeter.suites.importing.rules import BrokenCellError, Compiled, compile_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alignmeter.records.tasks import TaskCheck
    from alignmeter.suites.importing.manifest import Rule, TaskRule

_FEWEST = 2
_SHOWN = 60


class MadeTask(NamedTuple):
    """A prompt, which for a choice lists the options, and what the reply is checked against, if anything."""

    prompt: str
    check: TaskCheck | None


def compile_task(task: TaskRule) -> Callable[[Mapping[str, Any], str], MadeTask]:
    """Compile a task rule into a function of a row and its prompt.

    Raises:
        BrokenCellError: When called: a cell is empty or not what the kind of task needs.
    """
    return _KINDS[task.kind](task)


def _number(task: TaskRule) -> Callable[[Mapping[str, Any], str], MadeTask]:
    answer = _compiled(task.answer)

    def make(cells: Mapping[str, Any], prompt: str) -> MadeTask:
        text = _given(answer, cells, "a number")
        value = number_of(text)
        if value is None:
            raise BrokenCellError(answer.column, "a number such as 1234, 1,234 or 0.5", text[:_SHOWN])
        return MadeTask(
            prompt, NumberCheck(answer=value, tolerance=0.0 if isinstance(value, int) else TOLERANCE)
        )

    return make


def _text(task: TaskRule) -> Callable[[Mapping[str, Any], str], MadeTask]:
    answer = _compiled(task.answer)

    def make(cells: Mapping[str, Any], prompt: str) -> MadeTask:
        return MadeTask(prompt, TextCheck(answers=(_given(answer, cells, "an answer"),)))

    return make


def _choice(task: TaskRule) -> Callable[[Mapping[str, Any], str], MadeTask]:
    answer, wrong = _compiled(task.answer), _compiled(task.wrong)

    def make(cells: Mapping[str, Any], prompt: str) -> MadeTask:
        right = _given(answer, cells, "the right answer")
        others = _split(_given(wrong, cells, "wrong answers"), task.separator)
        options = list(dict.fromkeys([right, *(other for other in others if other != right)]))
        if len(options) < _FEWEST or len(options) > len(string.ascii_uppercase):
            raise BrokenCellError(wrong.column, "1 to 25 wrong answers", len(options) - 1)
        # An order of their own, so that the right one is not always A.
        options.sort(key=lambda option: hashlib.sha256(f"{prompt}\x1f{option}".encode()).digest())
        letters = string.ascii_uppercase[: len(options)]
        listed = "\n".join(f"{letter}. {option}" for letter, option in zip(letters, options, strict=True))
        check = ChoiceCheck(
            answer=letters[options.index(right)], options=tuple(options), chance=1 / len(options)
        )
        return MadeTask(f"{prompt}\n\n{listed}\n\nAnswer with the letter of the right option.", check)

    return make


def _code(task: TaskRule) -> Callable[[Mapping[str, Any], str], MadeTask]:
    tests, entry_point = _compiled(task.tests, strip=False), _compiled(task.entry_point)
    prelude = _compiled(task.prelude, strip=False) if task.prelude is not None else None

    def make(cells: Mapping[str, Any], prompt: str) -> MadeTask:
        name = _given(entry_point, cells, "the name of a function")
        if not name.isidentifier():
            raise BrokenCellError(entry_point.column, "the name of a function", name[:_SHOWN])
        before = (prelude.value(cells) if prelude is not None else None) or ""
        check = CodeCheck(tests=_given(tests, cells, "unit tests"), entry_point=name, prelude=before)
        return MadeTask(prompt, check)

    return make


def _instructions(task: TaskRule) -> Callable[[Mapping[str, Any], str], MadeTask]:
    names, arguments = _compiled(task.instructions), _compiled(task.arguments)

    def make(cells: Mapping[str, Any], prompt: str) -> MadeTask:
        found = _json(names, cells, list[str], "a list of instruction ids")
        given: list[dict[str, Any]] = _json(arguments, cells, list[dict[str, Any]], "a list of arguments")
        if not found or len(found) != len(given):
            raise BrokenCellError(arguments.column, f"arguments for each of {len(found)} ids", len(given))
        constraints = [
            constraint_of(name, {key: value for key, value in one.items() if value is not None})
            for name, one in zip(found, given, strict=True)
        ]
        for name, constraint in zip(found, constraints, strict=True):
            if constraint is None:
                raise BrokenCellError(names.column, "an instruction of IFEval", name)
        kept = tuple(constraint for constraint in constraints if constraint is not None)
        return MadeTask(prompt, InstructionsCheck(constraints=kept))

    return make


_KINDS: Mapping[str, Callable[[TaskRule], Callable[[Mapping[str, Any], str], MadeTask]]] = {
    "number": _number,
    "text": _text,
    "choice": _choice,
    "code": _code,
    "instructions": _instructions,
}


def _compiled(rule: Rule | None, *, strip: bool = True) -> Compiled:
    assert rule is not None, "the manifest was checked"  # noqa: S101
    return compile_rule(rule, strip=strip)


def _given(compiled: Compiled, cells: Mapping[str, Any], expected: str) -> str:
    found = compiled.value(cells)
    if not found:
        raise BrokenCellError(compiled.column, expected, "")
    return found


def _json(compiled: Compiled, cells: Mapping[str, Any], kind: Any, expected: str) -> list[Any]:  # noqa: ANN401
    text = _given(compiled, cells, expected)
    try:
        return cast("list[Any]", msgspec.json.decode(text, type=kind))
    except msgspec.MsgspecError:
        raise BrokenCellError(compiled.column, expected, text[:_SHOWN]) from None


def _split(text: str, separator: str) -> list[str]:
    """Several answers in one cell: a JSON list, or texts between separators."""
    if text.startswith("["):
        try:
            return msgspec.json.decode(text, type=list[str])
        except msgspec.MsgspecError:
            pass
    return [part.strip() for part in text.split(separator) if part.strip()]
