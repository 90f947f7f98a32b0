"""Rules of a JSON Schema as `jsonschema` checks them, where it is exact and ends; our own elsewhere.

Ours: `multipleOf` counts in decimals, `uniqueItems` is linear, patterns have a time limit, and the
formats are those that the standard library can check, so that they mean the same on every machine.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from datetime import date
from fractions import Fraction
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from alignmeter.errors import MissingExtraError
from alignmeter.judges.pattern_time import TimedPatterns
from alignmeter.judges.schema_words import Violation, plain_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LIBRARY_FORMATS = ("date", "email", "ipv4", "ipv6", "uuid")
_TIME = r"(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))"
_TIME_ALONE = re.compile(_TIME, re.ASCII)
_DATE_TIME = re.compile(rf"(\d{{4}}-\d\d-\d\d)[Tt]({_TIME})", re.ASCII)
_DATA_KEYWORDS = frozenset({"const", "enum", "default", "examples"})
_SHOWN = 60

_patterns: ContextVar[TimedPatterns] = ContextVar("patterns of the check that is under way")


class BadConstraintError(Exception):
    """A constraint is no JSON Schema that can be used."""


class Rules(NamedTuple):
    """A constraint, compiled.

    Attributes:
        unchecked_formats: Formats that it names and nothing here can check.
    """

    validator: Any
    unchecked_formats: tuple[str, ...]


@lru_cache(maxsize=256)
def rules_of(constraint: bytes) -> Rules:
    """Return the rules of a constraint, given as canonical JSON.

    Raises:
        BadConstraintError: It is no JSON Schema.
        MissingExtraError: `jsonschema` is not installed.
    """
    jsonschema = _library()
    schema = json.loads(constraint)
    cls = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        cls.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise BadConstraintError(f"{error.message[:200]}") from error
    from referencing.jsonschema import EMPTY_REGISTRY

    formats = jsonschema.FormatChecker(formats=_LIBRARY_FORMATS)
    formats.checks("time")(_is_time)
    formats.checks("date-time")(_is_date_time)
    validator = jsonschema.validators.extend(cls, _own_keywords(cls.VALIDATORS))(
        schema,
        registry=EMPTY_REGISTRY,  # the library's own default would fetch references from the network
        format_checker=formats,
    )
    return Rules(validator, tuple(sorted(set(_formats(schema)) - set(formats.checkers))))


def violations(rules: Rules, value: object, limit: int) -> list[str]:
    """Return where a JSON value breaks the rules, in plain words, at most `limit` times.

    Raises:
        BadConstraintError: A pattern or a reference of the constraint cannot be used.
        SlowPatternError: A pattern takes too long.
    """
    from referencing.exceptions import Unresolvable

    problems: list[str] = []
    with TimedPatterns() as patterns:
        token = _patterns.set(patterns)
        try:
            for error in islice(rules.validator.iter_errors(value), limit):
                path = tuple(error.absolute_path)
                violation = Violation(
                    path, error.validator, error.validator_value, error.instance, error.message
                )
                problems.append(plain_words(violation))
        except RecursionError:
            problems.append("the JSON is nested too deeply to be checked")
        except re.error as error:
            raise BadConstraintError(f"{error} in the pattern {str(error.pattern)[:_SHOWN]!r}") from error
        except Unresolvable as error:
            raise BadConstraintError(f"cannot resolve the reference {error.ref!r}") from error
        finally:
            _patterns.reset(token)
    return list(dict.fromkeys(problems))


def library_version() -> str | None:
    """Return the version of `jsonschema`, None where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version("jsonschema")
    except metadata.PackageNotFoundError:
        return None


def _own_keywords(known: dict[str, Any]) -> dict[str, Any]:
    searching = ("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties")
    exact = {"multipleOf": _multiple_of, "divisibleBy": _multiple_of, "uniqueItems": _unique_items}
    return {
        **{name: rule for name, rule in exact.items() if name in known},
        **{name: _timed(known[name]) for name in searching if name in known},
    }


def _timed(rule: Callable[..., Iterator[object] | None]) -> Callable[..., Iterator[object]]:
    """Return a rule that first sees whether the patterns beside it come to an end on the value."""

    def timed(validator: object, given: object, value: object, schema: dict[str, Any]) -> Iterator[object]:
        patterns = _patterns.get()
        if isinstance(value, str) and isinstance(schema.get("pattern"), str):
            patterns.search(schema["pattern"], [value])
        elif isinstance(value, dict):
            for pattern in cast("dict[str, object]", schema.get("patternProperties", {})):
                patterns.search(pattern, list(cast("dict[str, object]", value)))
        yield from rule(validator, given, value, schema) or ()

    return timed


def _multiple_of(_validator: object, rule: float, value: object, _schema: object) -> Iterator[object]:
    """`multipleOf` in decimals, as both numbers are written: 19.99 is a multiple of 0.01."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if (_exact(value) / _exact(rule)).denominator != 1:
        yield _library().ValidationError("not a multiple")


def _exact(number: float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _unique_items(_validator: object, rule: object, items: object, _schema: object) -> Iterator[object]:
    """`uniqueItems` in linear time; the library compares every pair of objects."""
    if rule is not True or not isinstance(items, list):
        return
    found = cast("list[object]", items)
    if len({_canonical(item) for item in found}) < len(found):
        yield _library().ValidationError("the items must all differ")


def _canonical(value: object) -> str:
    return json.dumps(_integral(value), sort_keys=True)


def _integral(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value with 1.0 written as 1: JSON Schema holds them equal."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_integral(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _integral(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _is_time(value: object) -> bool:
    """Whether a string is a time of RFC 3339, with its offset; a second 60 is one at the end of a UTC day."""
    if not isinstance(value, str):
        return True
    match = _TIME_ALONE.fullmatch(value)
    if match is None:
        return False
    hour, minute, second = (int(part) for part in match.group(1, 2, 3))
    away = int(match.group(5) or 0), int(match.group(6) or 0)
    if not (hour < 24 and minute < 60 and second <= 60 and away[0] < 24 and away[1] < 60):  # noqa: PLR2004
        return False
    east = away[0] * 60 + away[1]
    in_utc = hour * 60 + minute + (east if match.group(4) == "-" else -east)
    return second < 60 or in_utc % (24 * 60) == 24 * 60 - 1  # noqa: PLR2004


def _is_date_time(value: object) -> bool:
    """Whether a string is a date and a time of RFC 3339 with `T` between them."""
    if not isinstance(value, str):
        return True
    match = _DATE_TIME.fullmatch(value)
    if match is None or not _is_time(match.group(2)):
        return False
    try:
        date.fromisoformat(match.group(1))
    except ValueError:
        return False
    return True


def _formats(schema: object) -> Iterator[str]:
    """Yield the formats that a schema names."""
    if isinstance(schema, list):
        for part in cast("list[object]", schema):
            yield from _formats(part)
    elif isinstance(schema, dict):
        for key, part in cast("dict[str, object]", schema).items():
            if key == "format" and isinstance(part, str):
                yield part
            elif key not in _DATA_KEYWORDS:
                yield from _formats(part)


@cache
def _library() -> Any:  # noqa: ANN401 - the library has no types
    try:
        import jsonschema  # pyright: ignore[reportMissingImports, reportMissingModuleSource]
    except ImportError as error:
        raise MissingExtraError(
            "the judge 'schema-valid' needs the package jsonschema, which is not installed: "
            "run `pip install jsonschema`"
        ) from error
    return cast("Any", jsonschema)
