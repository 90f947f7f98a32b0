"""Out of what a judge wrote, the one JSON object that it was asked for, checked.

Lenient about what stands around the object (prose, code fences, thinking aloud), strict about the
object. A message about a fault never repeats what the judge wrote, only what kind of thing it was:
the judge may have quoted the reply, and messages go back to the judge and into the journal.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

from alignmeter.judges.llm.prompt import allowed
from alignmeter.judges.model_calls import encodable
from alignmeter.judges.reasoning import THINKING, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.judges.llm.rubrics import Field

AnswerValue = bool | int | float | str
FaultReason = Literal["judge_malformed", "judge_out_of_range", "judge_refused"]

MAX_CHARACTERS = 50_000
"""A longer answer is not read."""

_SHOWN_DIGITS = 12
_OBJECT_START = re.compile(r"\{(?=\s*[\"}])")
_CODE_FENCE = re.compile(r"```\w*")
_WORD = re.compile(r"\w")
_SPACED_OR_ESCAPED = re.compile(r"[\s\\]+")


class Fault(NamedTuple):
    """Why an answer cannot be used."""

    reason: FaultReason
    message: str


class _Object(NamedTuple):
    """A JSON object of an answer: what it holds, and where it stands."""

    value: dict[str, Any]
    start: int
    end: int


class _NotJsonError(ValueError):
    """JSON that Python would read and the standard does not know."""


def _constant(_name: str) -> NoReturn:
    raise _NotJsonError


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotJsonError
    return found


_DECODER = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=_unique)


def read_answer(
    text: str, fields: Sequence[Field], material: Sequence[str]
) -> dict[str, AnswerValue] | Fault:
    """Return the fields of the judge's answer, or why there are none.

    Args:
        text: What the judge wrote.
        fields: What was asked for.
        material: What the judge was shown between the markers. An object that stands there too is a
            quotation, no grade, where the judge writes about it.
    """
    if not text.strip():
        return Fault("judge_malformed", "the answer was empty")
    if len(text) > MAX_CHARACTERS:
        return Fault("judge_malformed", f"the answer was longer than {MAX_CHARACTERS} characters")
    said = THINKING.sub("", text)
    if UNFINISHED.match(said):
        return Fault("judge_malformed", "its thinking did not come to an end")
    answer = _the_answer(said, {field.name for field in fields}, material)
    return answer if isinstance(answer, Fault) else _checked(answer, fields)


def _the_answer(said: str, names: set[str], material: Sequence[str]) -> dict[str, Any] | Fault:
    """Return the one object that has any of the fields and is the judge's own."""
    found = _objects(said)
    if isinstance(found, Fault):
        return found
    answers = [each for each in found if names & each.value.keys()]
    if not answers:
        return Fault("judge_malformed", "it held no JSON object with the fields asked for")
    if _has_prose(said, found):
        answers = [each for each in answers if not _is_quoted(said[each.start : each.end], material)]
        if not answers:
            return Fault("judge_malformed", "its JSON object was quoted from the material; grade in your own")
    if any(each.value != answers[0].value for each in answers):
        return Fault("judge_malformed", "it held several JSON objects that differ; one was asked for")
    return answers[0].value


def _has_prose(text: str, objects: Sequence[_Object]) -> bool:
    """Whether words stand beside the objects, marks of a code fence aside."""
    beside: list[str] = []
    position = 0
    for each in objects:
        beside.append(text[position : each.start])
        position = each.end
    beside.append(text[position:])
    return any(_WORD.search(_CODE_FENCE.sub("", part)) for part in beside)


def _is_quoted(written: str, material: Sequence[str]) -> bool:
    """Whether what a judge wrote stands in the material, however that breaks its lines or escapes it."""
    bare = _SPACED_OR_ESCAPED.sub("", written)
    return any(bare in _SPACED_OR_ESCAPED.sub("", text) for text in material)


def _objects(text: str) -> list[_Object] | Fault:
    """Return all JSON objects of a text, outermost ones only, in order.

    An object that cannot be read ends the search: what follows its opening brace may be a part of it.
    """
    found: list[_Object] = []
    position = 0
    while (start := _OBJECT_START.search(text, position)) is not None:
        try:
            value, position = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            return Fault("judge_malformed", "its JSON object could not be read")
        found.append(_Object(value, start.start(), position))
    return found


def _checked(answer: dict[str, Any], fields: Sequence[Field]) -> dict[str, AnswerValue] | Fault:
    missing = [field.name for field in fields if field.name not in answer]
    if missing:
        return Fault("judge_malformed", f"the fields {', '.join(missing)} were missing")
    unknown = len(answer.keys() - {field.name for field in fields})
    if unknown:
        return Fault("judge_malformed", f"it had {unknown} fields that were not asked for")
    values: dict[str, AnswerValue] = {}
    for field in fields:
        value = _value(answer[field.name], field)
        if isinstance(value, Fault):
            return value
        values[field.name] = value
    return values


def _value(value: object, field: Field) -> AnswerValue | Fault:
    if field.kind == "boolean":
        return value if isinstance(value, bool) else _wrong_kind(value, field)
    if field.kind == "string":
        if not isinstance(value, str):
            return _wrong_kind(value, field)
        if field.values and value not in field.values:
            return Fault("judge_out_of_range", f'"{field.name}" must be {allowed(field)}, another text came')
        return encodable(value)
    return _number(value, field)


def _number(value: object, field: Field) -> AnswerValue | Fault:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _wrong_kind(value, field)
    low, high = field.minimum, field.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return Fault(
            "judge_out_of_range",
            f'"{field.name}" must be {allowed(field)}, {str(value)[:_SHOWN_DIGITS]} came',
        )
    if field.kind == "number":
        return value
    # JSON knows one kind of number: 3.0 is the whole number 3.
    return int(value) if value == int(value) else _wrong_kind(value, field)


def _wrong_kind(value: object, field: Field) -> Fault:
    match value:
        case bool():
            came = "true or false"
        case int() | float():
            came = "another number"
        case str():
            came = "a text"
        case None:
            came = "null"
        case _:
            came = "a list or an object"
    return Fault("judge_malformed", f'"{field.name}" must be {allowed(field)}, {came} came')
