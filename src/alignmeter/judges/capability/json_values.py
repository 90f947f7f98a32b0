"""JSON as an answer: which of the values in a reply it gives, compared by value or by schema."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from alignmeter.judges.capability.finding import NO_ANSWER, TRUNCATED, Finding
from alignmeter.judges.capability.spans import MAX_CHARACTERS, reopened
from alignmeter.records import Unscored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignmeter.records import JsonCheck

_FENCED = re.compile(r"```[\w+-]{0,20}[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_LOOKS_LIKE_JSON = re.compile(r"\{\s*[\"'}]|\[\s*[\[{\"'\d-]")
_SIGNS = re.compile(r"\\.|[\"{}\[\]]", re.DOTALL)
_FENCE_SIGN = re.compile(r"`{3,}[\w+-]{0,20}")
_MOST_VALUES = 200


class _Value(NamedTuple):
    """One value of a reply, none inside another; `value` is `_BROKEN` where it is no JSON.

    Attributes:
        alone: Whether it has its lines for itself, or a fence.
    """

    value: Any
    text: str
    start: int
    end: int
    alone: bool


class _Broken:
    """What looks like JSON and is none."""


_BROKEN = _Broken()


def check_json(check: JsonCheck, reply: str, *, cut: bool) -> Finding | Unscored:
    """Compare the JSON value that a reply gives: the last in a fence or on lines of its own, else in a line.

    A reply that was cut gives one only where it begins with it, ends it, and gives no other.

    Raises:
        MissingExtraError: The check has a schema and `jsonschema` is not installed.
    """
    reply = reply[-MAX_CHARACTERS:]
    values = list(_values(reply))
    given = _answer_first(values, reply) if cut else _given(values, check)
    if given is None:
        return TRUNCATED if cut else NO_ANSWER
    shown = given.text[:200]
    if given.value is _BROKEN:
        return Finding(0.0, shown, evidence="no valid JSON")
    if check.expected is not None and not _equal(given.value, check.expected):
        return Finding(0.0, shown, evidence=f"expected {json.dumps(check.expected)[:120]}")
    if check.schema is not None:
        from alignmeter.judges.schema_valid import schema_problems

        try:
            problems = schema_problems(given.text, check.schema)
        except TimeoutError as error:
            return Unscored(reason="judge_error", detail=str(error))
        if problems.label == "invalid":
            return Finding(0.0, shown, evidence="; ".join(problems.problems)[:160])
    return Finding(1.0, shown)


def _given(values: list[_Value], check: JsonCheck) -> _Value | None:
    wanted = _kind(check)
    of_kind = [one for one in values if wanted is None or isinstance(one.value, (wanted, _Broken))]
    alone = [one for one in values if one.alone]
    return next((group[-1] for group in (alone, of_kind, values) if group), None)


def _kind(check: JsonCheck) -> type | None:
    if check.expected is not None:
        return next((kind for kind in (dict, list) if isinstance(check.expected, kind)), None)
    return {"object": dict, "array": list}.get(str((check.schema or {}).get("type")))


def _answer_first(values: list[_Value], reply: str) -> _Value | None:
    if len(values) != 1 or reply[: values[0].start].strip() or values[0].value is _BROKEN:
        return None
    rest = reply[values[0].end :].strip("`\n ")
    return values[0] if rest and not reopened(rest) else None


def _values(reply: str) -> Iterator[_Value]:
    position = 0
    fences = [(match.start(), match.end(), match.group(1)) for match in _FENCED.finditer(reply)]
    for start, end, body in [*fences, (len(reply), len(reply), "")]:
        yield from _bare(reply, position, start)
        position = end
        if _LOOKS_LIKE_JSON.match(body.strip()):
            yield _Value(_read(body), body.strip(), start, end, alone=True)


def _read(text: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _BROKEN


def _bare(reply: str, position: int, stop: int) -> Iterator[_Value]:
    decoder = json.JSONDecoder()
    for _ in range(_MOST_VALUES):
        opening = _OPENING.search(reply, position, stop)
        if opening is None:
            return
        start = opening.start()
        value: Any = _BROKEN
        try:
            value, end = decoder.raw_decode(reply[:stop], start)
        except (ValueError, RecursionError):
            if not _LOOKS_LIKE_JSON.match(reply, start):
                position = start + 1
                continue
            end = _closing(reply, start, stop)
        before = _FENCE_SIGN.sub("", reply[reply.rfind("\n", 0, start) + 1 : start])
        after = reply[end : reply.find("\n", end) if "\n" in reply[end:] else len(reply)]
        yield _Value(value, reply[start:end], start, end, alone=not (before + after).strip(" \t`*>"))
        position = end


def _closing(reply: str, start: int, stop: int) -> int:
    """Where brackets that hold no JSON close; the end where they do not."""
    depth, quoted = 0, False
    for match in _SIGNS.finditer(reply, start, stop):
        sign = match.group()
        if sign == '"':
            quoted = not quoted
        elif not quoted and len(sign) == 1:
            depth += 1 if sign in "{[" else -1
            if depth == 0:
                return match.end()
    return stop


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Equality of JSON values: 1 is 1.0, but true is no number."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(one, list) and isinstance(other, list):
        left, right = cast("list[Any]", one), cast("list[Any]", other)
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(one == other)
