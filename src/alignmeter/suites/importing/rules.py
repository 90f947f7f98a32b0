"""Rules at work: from a manifest's declarations to functions of a row.

A rule is compiled once a file and called once a row. A function returns the value, None where the row
has none, and raises `Skipped` where the row is to be dropped.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from alignmeter.suites.importing.manifest import Filter, Rule

FILE = "@file"
ROW = "@row"
"""Columns that every row has: the path of its file, and its number from 1."""

_SHOWN = 60
_KNOWN = 6


class Skipped(Exception):  # noqa: N818 - no error: the row is not wanted
    """The row is dropped."""


class BrokenCellError(Exception):
    """A cell does not fit its rule.

    Attributes:
        column: The column that is at fault, None where none is.
    """

    def __init__(self, column: str | None, expected: str, came: object) -> None:
        super().__init__(expected)
        self.column, self.expected, self.came = column, expected, came


class Compiled(NamedTuple):
    """A rule as a function, and the column that an error is about."""

    value: Callable[[Mapping[str, Any]], str | None]
    column: str | None


def text_of(cell: object) -> str:
    """Return a cell as text: JSON for what is not a text; nothing for null."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return msgspec.json.encode(cell, enc_hook=str).decode()


def columns_of(rules: Iterable[Rule]) -> set[str]:
    """Return the columns that rules name, `FILE` and `ROW` among them."""
    found: set[str] = set()
    for rule in rules:
        if rule.column is not None:
            found.add(rule.column)
        if rule.template is not None:
            found.update(_named(rule.template))
    return found


def lookup(column: str) -> Callable[[Mapping[str, Any]], object]:
    """Return a function that finds a cell: by its name, else by a path into nested objects."""
    parts = column.split(".")
    if len(parts) == 1:
        return lambda cells: cells.get(column)

    def nested(cells: Mapping[str, Any]) -> object:
        if column in cells:
            return cells[column]
        found: object = cells
        for part in parts:
            found = cast("dict[str, object]", found).get(part) if isinstance(found, dict) else None
        return found

    return nested


def compile_rule(
    rule: Rule, *, strip: bool = True, read: Callable[[object, str], str] | None = None
) -> Compiled:
    """Compile a rule.

    Args:
        rule: The rule.
        strip: Whether white space at the ends is taken away.
        read: Makes a text of a cell and its column; None: `text_of`.
    """
    source = _source(rule, strip=strip, read=read or _as_text)
    steps = _steps(rule)
    if not steps and rule.default is None:
        return Compiled(source, rule.column)
    default = rule.default

    def value(cells: Mapping[str, Any]) -> str | None:
        found = source(cells)
        if found is None:
            if default is not None or rule.map is None or "" not in rule.map:
                return default
            found = ""
        for step in steps:
            found = step(found)
        return found or None

    return Compiled(value, rule.column)


def _as_text(cell: object, _: str) -> str:
    return text_of(cell)


def _source(
    rule: Rule, *, strip: bool, read: Callable[[object, str], str]
) -> Callable[[Mapping[str, Any]], str | None]:
    if rule.value is not None:
        constant = rule.value or None
        return lambda _: constant
    if rule.template is not None:
        return _template(rule.template, strip=strip, read=read)
    column = rule.column or ""
    find = lookup(column)

    def cell(cells: Mapping[str, Any]) -> str | None:
        found = find(cells)
        text = found if isinstance(found, str) else read(found, column)
        return (text.strip() if strip else text) or None

    return cell


def _template(
    template: str, *, strip: bool, read: Callable[[object, str], str]
) -> Callable[[Mapping[str, Any]], str | None]:
    parts = [
        (before, name or "", lookup(name) if name else None)
        for before, name, _, _ in Formatter().parse(template)
    ]

    def filled(cells: Mapping[str, Any]) -> str | None:
        texts: list[str] = []
        for before, name, find in parts:
            texts.append(before)
            if find is not None:
                texts.append(read(find(cells), name))
        text = "".join(texts)
        return (text.strip() if strip else text) or None

    return filled


def _named(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def _steps(rule: Rule) -> list[Callable[[str], str]]:
    steps: list[Callable[[str], str]] = []
    if rule.every is not None:
        every = rule.every
        steps.append(lambda number: str((int(number) - 1) // every))
    if rule.pattern is not None:
        steps.append(_pattern(rule, re.compile(rule.pattern)))
    if rule.map is not None:
        steps.append(_map(rule, rule.map))
    return steps


def _pattern(rule: Rule, pattern: re.Pattern[str]) -> Callable[[str], str]:
    def found(text: str) -> str:
        match = pattern.search(text)
        if match is None:
            return _otherwise(rule, text, f"a text with {pattern.pattern!r} in it")
        return (match[1] if pattern.groups else match[0]) or ""

    return found


def _map(rule: Rule, mapping: Mapping[str, str]) -> Callable[[str], str]:
    folded = {key.casefold(): value for key, value in mapping.items()}
    known = ", ".join(list(mapping)[:_KNOWN]) + (" ..." if len(mapping) > _KNOWN else "")

    def exact(text: str) -> str:
        found = folded.get(text.casefold())
        return found if found is not None else _otherwise(rule, text, f"one of {known}")

    def contains(text: str) -> str:
        inside = text.casefold()
        found = next((value for key, value in folded.items() if key in inside), None)
        return found if found is not None else _otherwise(rule, text, f"a text with one of {known}")

    return exact if rule.match == "exact" else contains


def _otherwise(rule: Rule, text: str, expected: str) -> str:
    if rule.otherwise == "keep":
        return text
    if rule.otherwise == "drop":
        raise Skipped
    raise BrokenCellError(rule.column, expected, text[:_SHOWN])


def compile_filter(condition: Filter) -> Callable[[Mapping[str, Any]], bool]:
    """Compile a filter into a test of a row."""
    find = lookup(condition.column)

    def cell(cells: Mapping[str, Any]) -> str:
        return text_of(find(cells)).strip()

    if condition.matches is not None:
        wanted = re.compile(condition.matches)
        return lambda cells: wanted.search(cell(cells)) is not None
    if condition.lacks is not None:
        unwanted = re.compile(condition.lacks)
        return lambda cells: unwanted.search(cell(cells)) is None
    listed = {one.casefold() for one in condition.one_of or condition.none_of or ()}
    inside = condition.one_of is not None
    return lambda cells: (cell(cells).casefold() in listed) is inside
