"""What is wrong with a manifest: each key, what was expected there and what came."""

from __future__ import annotations

import difflib
import re
from string import Formatter
from typing import TYPE_CHECKING, Any, cast

import msgspec.inspect as inspection

from alignmeter.suites.importing.manifest import REQUIRED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alignmeter.records import Record
    from alignmeter.suites.importing.manifest import Filter, Manifest, Rule, Table, TaskRule

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SOURCES = ("column", "value", "template")
_SHOWN = 60


def shape_problems(found: object, record: type[Record]) -> Iterator[tuple[str, str]]:
    """Yield each key that does not fit the types of a record, and what is wrong with it.

    Args:
        found: YAML as texts, lists and mappings.
        record: The record that it is to become.
    """
    for key, problem in _shape(found, inspection.type_info(record), ""):
        yield key or "top level", problem


def _shape(found: object, wanted: inspection.Type, at: str) -> Iterator[tuple[str, str]]:
    match wanted:
        case inspection.UnionType(types=types):
            yield from _shape(found, next(t for t in types if not isinstance(t, inspection.NoneType)), at)
        case inspection.StructType(fields=fields):
            yield from _struct_shape(found, fields, at)
        case inspection.DictType(key_type=key_type, value_type=value_type):
            for key, value in _items(found):
                yield from _shape(key, key_type, f"{at}.{key}")
                yield from _shape(value, value_type, f"{at}.{key}")
            if not isinstance(found, dict):
                yield at, f"expected a mapping, got {_short(found)}"
        case inspection.VarTupleType(item_type=item_type):
            if not isinstance(found, list):
                yield at, f"expected a list, got {_short(found)}"
                return
            for number, item in enumerate(cast("list[object]", found)):
                yield from _shape(item, item_type, f"{at}[{number}]")
        case _:
            problem = _scalar_problem(found, wanted)
            if problem is not None:
                yield at, problem


def _scalar_problem(found: object, wanted: inspection.Type) -> str | None:
    match wanted:
        case inspection.LiteralType(values=values):
            known = sorted(map(str, values))
            fits, expected = found in known, f"one of {', '.join(known)}"
            near = _nearest(found, known)
        case inspection.IntType():
            fits, expected, near = isinstance(found, str) and found.isdecimal(), "a whole number", ""
        case inspection.BoolType():
            fits, expected, near = found in {"true", "false"}, "true or false", ""
        case _:
            fits, expected, near = isinstance(found, str), "a text", ""
    return None if fits else f"expected {expected}, got {_short(found)}{near}"


def _struct_shape(found: object, fields: tuple[inspection.Field, ...], at: str) -> Iterator[tuple[str, str]]:
    if not isinstance(found, dict):
        yield at, f"expected a mapping with the keys {_listed(fields)}, got {_short(found)}"
        return
    types = {field.name: field.type for field in fields}
    for key, value in _items(cast("object", found)):
        if key not in types:
            yield at, f"expected keys from {', '.join(types)}, got {key!r}{_nearest(key, list(types))}"
        else:
            yield from _shape(value, types[key], f"{at}.{key}".lstrip("."))
    for field in fields:
        if field.required and field.name not in found:
            yield at, f"expected the key {field.name!r}, which is not there"


def _items(found: object) -> Iterator[tuple[str, object]]:
    if isinstance(found, dict):
        yield from cast("dict[str, object]", found).items()


def _listed(fields: tuple[inspection.Field, ...]) -> str:
    return ", ".join(field.name for field in fields)


def _nearest(came: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(came), known, n=1, cutoff=0.6)
    return f"; nearest: {near[0]!r}" if near else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def meaning_problems(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield each key and what is wrong with it, where the types alone do not say."""
    if not _NAME.fullmatch(manifest.name):
        yield "name", f"expected lower-case letters, digits and underscores, got {manifest.name!r}"
    for key in ("title", "licence", "citation"):
        if not getattr(manifest, key).strip():
            yield key, "expected a text, got an empty one"
    if not manifest.tables:
        yield "tables", "expected at least one table, got an empty list"
    yield from _rule_problems("derive", manifest.derive)
    yield from _rule_problems("fields", manifest.fields)
    for number, table in enumerate(manifest.tables):
        yield from _table_problems(f"tables[{number}]", manifest, table)


def _table_problems(key: str, manifest: Manifest, table: Table) -> Iterator[tuple[str, str]]:
    if not table.files:
        yield f"{key}.files", "expected at least one pattern such as '*.csv', got an empty list"
    if table.delimiter is not None and len(table.delimiter) != 1:
        yield f"{key}.delimiter", f"expected one character, got {table.delimiter!r}"
    yield from _rule_problems(f"{key}.derive", table.derive)
    yield from _rule_problems(f"{key}.fields", table.fields)
    for number, own in enumerate(table.each):
        yield from _rule_problems(f"{key}.each[{number}]", own)
    for rules in manifest.rules_of(table):
        missing = [field for field in REQUIRED if field not in rules]
        if missing:
            yield f"{key}.fields", f"expected a rule for {missing[0]!r}, which has none here or in fields"
    for column, pattern in table.first_row.items():
        yield from _pattern_problems(f"{key}.first_row.{column}", pattern)
    for number, condition in enumerate(table.filters):
        yield from _filter_problems(f"{key}.filters[{number}]", condition)
    if table.task is not None:
        yield from _task_problems(f"{key}.task", table.task)


def _rule_problems(key: str, rules: Mapping[Any, Rule]) -> Iterator[tuple[str, str]]:
    for name, rule in rules.items():
        at = f"{key}.{name}"
        given = [source for source in _SOURCES if getattr(rule, source) is not None]
        if len(given) != 1:
            came = " and ".join(given) or "none of them"
            yield at, f"expected exactly one of {', '.join(_SOURCES)}, got {came}"
        if rule.every is not None and (rule.column != "@row" or rule.every < 1):
            yield f"{at}.every", 'expected a number of 1 or more beside `column: "@row"`'
        if rule.match == "contains" and rule.map is None:
            yield f"{at}.match", "expected `map` beside it, which is not there"
        if rule.pattern is not None:
            yield from _pattern_problems(f"{at}.pattern", rule.pattern)
        if rule.template is not None and not _is_template(rule.template):
            yield f"{at}.template", f"expected columns in braces, got {rule.template!r}"


def _is_template(text: str) -> bool:
    try:
        return all(name is None or name for _, name, _, _ in Formatter().parse(text))
    except ValueError:
        return False


def _pattern_problems(key: str, pattern: str) -> Iterator[tuple[str, str]]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield key, f"expected a regular expression, got {pattern!r} ({error})"


def _filter_problems(key: str, condition: Filter) -> Iterator[tuple[str, str]]:
    names = ("one_of", "none_of", "matches", "lacks")
    given = [name for name in names if getattr(condition, name) is not None]
    if len(given) != 1:
        yield key, f"expected exactly one of {', '.join(names)}, got {' and '.join(given) or 'none of them'}"
    for name in ("matches", "lacks"):
        pattern: str | None = getattr(condition, name)
        if pattern is not None:
            yield from _pattern_problems(f"{key}.{name}", pattern)


_TASK_NEEDS: Mapping[str, tuple[str, ...]] = {
    "number": ("answer",),
    "text": ("answer",),
    "choice": ("answer", "wrong"),
    "code": ("tests", "entry_point"),
    "instructions": ("instructions", "arguments"),
}


def _task_problems(key: str, task: TaskRule) -> Iterator[tuple[str, str]]:
    for name in _TASK_NEEDS[task.kind]:
        if getattr(task, name) is None:
            yield f"{key}.{name}", f"expected a rule, which a task of kind {task.kind!r} needs"
    names = ("answer", "wrong", "tests", "entry_point", "prelude", "instructions", "arguments")
    yield from _rule_problems(
        key, {name: rule for name in names if (rule := getattr(task, name)) is not None}
    )
