"""The judge `schema-valid`: is a structured reply JSON, and within the trial's constraint?

The constraint is a JSON Schema (draft 2020-12 unless it names another), checked by `schema_rules`.
What a program that reads the reply would stumble over is a problem as well: text before or after
the JSON, duplicate keys, NaN and infinities. A code fence around the JSON is accepted and noted, and
so are formats of the constraint that are not checked.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from alignmeter.identity import canonical_json, digest
from alignmeter.judges.pattern_time import SlowPatternError
from alignmeter.judges.schema_rules import BadConstraintError, library_version, rules_of, violations
from alignmeter.records import SchemaResult, Unscored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignmeter.records import Axis, JudgementResult, Transcript, Trial

CODE_VERSION = 2
"""Bumped with any change of code that can change an answer; part of the judge hash."""
MAX_CHARACTERS = 500_000
"""A longer reply is a problem of its own and not parsed."""
MAX_PROBLEMS = 20
"""Problems that are listed; the last line says when there are more."""
NOTE_FENCED = "note: the JSON stands in a code fence"

_FENCED = re.compile(r"[ \t]*(```+|~~~+)[ \t]*[\w+-]{0,20}[ \t]*\n")
_STARTS_JSON = re.compile(r"[\[{]")
_JSON_LINE = re.compile(r"[ \t]*[\[{]")
_SPACE = re.compile(r"\s*")
_SHOWN = 60


class _Parsed(NamedTuple):
    """What was read of a reply.

    Attributes:
        state: `read`; `unreadable`: complete, but more than a reader can hold; `missing`: there is
            no complete JSON value.
    """

    value: Any
    state: Literal["read", "unreadable", "missing"]
    problems: tuple[str, ...]
    fenced: bool


class SchemaValid:
    """Judge on the axis `schema` for trials that carry a constraint; no model, no network."""

    name = "schema-valid"
    axis: Axis = "schema"

    @property
    def judge_hash(self) -> str:
        """Digest of axis, name, code version and the version of the validator."""
        return digest(
            {
                "axis": self.axis,
                "name": self.name,
                "code_version": CODE_VERSION,
                "jsonschema": library_version(),
            }
        )

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        """Check a reply against the constraint of its trial.

        Args:
            trial: What was asked; `constraint` is the JSON Schema.
            transcript: What came back, without an error.

        Returns:
            A `SchemaResult`, or `Unscored`: `not_applicable` without a constraint, `empty_reply`,
            `truncated_answer` where the token limit cut the JSON, `judge_error` for a constraint
            that is no JSON Schema, or whose pattern takes too long on the reply.

        Raises:
            MissingExtraError: `jsonschema` is not installed.
        """
        if trial.constraint is None:
            return Unscored(reason="not_applicable", detail="the trial has no constraint")
        reply = "" if transcript.reply is None else transcript.reply.content
        if not reply.strip():
            return Unscored(reason="empty_reply", detail="the reply holds no text")
        try:
            result, complete = await asyncio.to_thread(_check, reply, trial.constraint)
        except (BadConstraintError, SlowPatternError) as error:
            return Unscored(reason="judge_error", detail=f"the constraint is no usable JSON Schema: {error}")
        if transcript.finish_reason == "length" and not complete:
            return Unscored(reason="truncated_answer", detail="cut at the limit before the JSON was complete")
        return result


def schema_problems(reply: str, constraint: dict[str, Any]) -> SchemaResult:
    """Say whether a reply is JSON within a JSON Schema.

    Args:
        reply: The reply as it came.
        constraint: A JSON Schema; references to other documents are not followed.

    Returns:
        `valid`, with a note among the problems where the JSON was fenced, or `invalid`.

    Raises:
        ValueError: The constraint is no JSON Schema.
        TimeoutError: A pattern of the constraint takes too long on the reply.
        MissingExtraError: `jsonschema` is not installed.
    """
    try:
        return _check(reply, constraint)[0]
    except BadConstraintError as error:
        raise ValueError(f"expected a JSON Schema as constraint: {error}") from error
    except SlowPatternError as error:
        raise TimeoutError(str(error)) from error


def _check(reply: str, constraint: dict[str, Any]) -> tuple[SchemaResult, bool]:
    """Return the result, and whether a complete JSON value was found."""
    rules = rules_of(canonical_json(constraint))
    parsed = _parse(reply)
    problems = list(parsed.problems)
    if parsed.state == "read":
        problems.extend(violations(rules, parsed.value, MAX_PROBLEMS + 1))
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = ["and more"]
    label = "invalid" if problems else "valid"
    if parsed.fenced:
        problems.append(NOTE_FENCED)
    if rules.unchecked_formats and parsed.state == "read":
        named = ", ".join(repr(name[:_SHOWN]) for name in rules.unchecked_formats)
        problems.append(f"note: not checked: format {named}")
    return SchemaResult(label=label, problems=tuple(problems)), parsed.state != "missing"


def _parse(reply: str) -> _Parsed:
    """Read the one JSON value of a reply, with everything that is wrong around it."""
    if len(reply) > MAX_CHARACTERS:
        problem = f"the reply is longer than {MAX_CHARACTERS:,} characters, got {len(reply):,}"
        return _Parsed(None, "unreadable", (problem,), False)
    text, problems, fenced = _unfenced(reply.replace("\r\n", "\n").replace("\r", "\n"))
    first = _skip_space(text, 0)
    start = _start(text, first)
    if start > first:
        problems.append(f"text before the JSON: {text[first:start].strip()[:_SHOWN]!r}")
    duplicates: list[str] = []
    constants: list[str] = []
    try:
        value, end = _decoder(duplicates, constants).raw_decode(text, start)
    except json.JSONDecodeError as error:
        return _Parsed(None, "missing", (*problems, _no_json(error)), fenced)
    except (RecursionError, ValueError) as error:
        return _Parsed(None, "unreadable", (*problems, _unreadable(error)), fenced)
    problems.extend(f"duplicate key {key[:_SHOWN]!r}" for key in dict.fromkeys(duplicates))
    problems.extend(f"{name} is no JSON number" for name in dict.fromkeys(constants))
    after = _skip_space(text, end)
    if after < len(text):
        problems.append(f"text after the JSON: {text[after : after + _SHOWN].strip()!r}")
    return _Parsed(value, "read", tuple(problems), fenced)


def _start(text: str, first: int) -> int:
    """Return where the JSON begins: at the first object or array, unless a string comes first."""
    opening = None if text.startswith('"', first) else _STARTS_JSON.search(text, first)
    return first if opening is None else opening.start()


def _unfenced(reply: str) -> tuple[str, list[str], bool]:
    """Return what stands in the first code fence, or the reply; and the problems around a fence."""
    opening = next(_openings(reply), None)
    if opening is None:
        return reply, [], False
    mark = opening.group(1)
    closing = re.compile(rf"\n[ \t]*{mark}").search(reply, opening.end() - 1)
    problems: list[str] = []
    before = reply[: opening.start()].strip()
    if before:
        problems.append(f"text before the JSON: {before[:_SHOWN]!r}")
    if closing is None:
        problems.append("the code fence is not closed")
        return reply[opening.end() :], problems, True
    after = reply[closing.end() :].strip()
    if after:
        problems.append(f"text after the JSON: {after[:_SHOWN]!r}")
    return reply[opening.end() : closing.start()], problems, True


def _openings(reply: str) -> Iterator[re.Match[str]]:
    """Yield fences that open a line before any JSON does: a fence inside a string is none."""
    start = 0
    while start < len(reply):
        match = _FENCED.match(reply, start)
        if match is not None:
            yield match
        if _JSON_LINE.match(reply, start):
            return
        end = reply.find("\n", start)
        if end < 0:
            return
        start = end + 1


def _skip_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return start if match is None else match.end()


def _decoder(duplicates: list[str], constants: list[str]) -> json.JSONDecoder:
    """Return a decoder that notes duplicate keys and what is no number of JSON."""

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    duplicates.append(key)
                seen.add(key)
        return found

    def constant(name: str) -> float:
        constants.append(name)
        return 0.0

    def number(digits: str) -> float:
        value = float(digits)
        if math.isfinite(value):
            return value
        return constant(digits[:_SHOWN])

    return json.JSONDecoder(object_pairs_hook=keep, parse_constant=constant, parse_float=number)


def _no_json(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "no JSON: there is no text where it should be"
    came = error.doc[error.pos : error.pos + _SHOWN // 2]
    where = f"line {error.lineno}, column {error.colno}"
    if not came:
        return f"no valid JSON: it ends too early at {where}"
    return f"no valid JSON: {error.msg.lower().removesuffix(' at')} at {where}, got {came!r}"


def _unreadable(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply to be read"
    return "the JSON holds a number with too many digits"
