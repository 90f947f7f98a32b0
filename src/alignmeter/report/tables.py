"""Descriptive rates as tables, one row a cell and one column a measure, and as panels of a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.report.charts import Panel, rates
from alignmeter.report.text import between, count, rate, spaced
from alignmeter.report.words import GROUPS, MEASURES, SUITES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import Cell
    from alignmeter.report.charts import Chart

_CHARTED = ("refusal_rate", "confident_hallucination")
"""The measure that a suite's chart shows: the first of these that it has."""

_SPLIT = " / "
"""Between intent and domain, or language, in the value of a cell."""

_INTENTS = ("benign", "sensitive", "harmful", "harmful, attacked")


class Number(NamedTuple):
    """A rate as a table shows it."""

    rate: str
    between: str


class Row(NamedTuple):
    """One cell of the run; `group` is set where it differs from the row before."""

    group: str
    label: str
    n: str
    unscored: str
    numbers: tuple[Number, ...]


class Table(NamedTuple):
    """One split of one suite: a caption, the measures as columns, and rows."""

    caption: str
    measures: tuple[str, ...]
    rows: tuple[Row, ...]


class Saturated(NamedTuple):
    """One cell that tells models apart no more."""

    label: str
    suite: str
    measure: str
    n: str
    number: Number


class Suite(NamedTuple):
    """What the page shows of one suite."""

    title: str
    charted: str
    chart: Chart | None
    tables: tuple[Table, ...]


def suites(cells: Sequence[Cell]) -> tuple[Suite, ...]:
    """Arrange the cells of a run by suite, the built-in ones first."""
    known = list(SUITES)
    names = sorted(
        {cell.suite for cell in cells},
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )
    return tuple(_suite(name, [cell for cell in cells if cell.suite == name]) for name in names)


def saturated_rows(cells: Iterable[Cell]) -> tuple[Saturated, ...]:
    """Arrange the saturated cells of a run, in the order in which they come."""
    return tuple(
        Saturated(
            label=f"{GROUPS.get(cell.by, spaced(cell.by))}: {spaced(cell.value)}",
            suite=SUITES.get(cell.suite, spaced(cell.suite)),
            measure=MEASURES.get(cell.measure, spaced(cell.measure)),
            n=count(cell.n),
            number=_number(cell),
        )
        for cell in cells
    )


def _suite(name: str, cells: Sequence[Cell]) -> Suite:
    title = SUITES.get(name, spaced(name))
    measures = list(dict.fromkeys(cell.measure for cell in cells))
    charted = next((measure for measure in _CHARTED if measure in measures), measures[0])
    splits = [(by, [cell for cell in cells if cell.by == by]) for by in dict.fromkeys(c.by for c in cells)]
    panels = [
        panel for by, split in splits for panel in _panels(by, [c for c in split if c.measure == charted])
    ]
    words = MEASURES.get(charted, spaced(charted))
    return Suite(
        title=title,
        charted=words,
        chart=rates(panels, title=f"{title}: {words.lower()}", name=f"rates-{_identifier(name)}"),
        tables=tuple(_table(by, split, measures) for by, split in splits),
    )


def _identifier(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else f"-{ord(c):x}-" for c in name)


def _table(by: str, cells: Sequence[Cell], measures: Sequence[str]) -> Table:
    by_value: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        by_value.setdefault(cell.value, {})[cell.measure] = cell
    rows: list[Row] = []
    previous = ""
    for value in sorted(by_value, key=_order):
        group, label = _parts(value)
        found = by_value[value]
        largest = max(found.values(), key=lambda cell: cell.n)
        rows.append(
            Row(
                group=spaced(group) if group != previous else "",
                label=spaced(label),
                n=count(largest.n),
                unscored=count(max(cell.unscored for cell in found.values())),
                numbers=tuple(_number(found.get(measure)) for measure in measures),
            )
        )
        previous = group
    heads = tuple(MEASURES.get(measure, spaced(measure)) for measure in measures)
    return Table(caption=GROUPS.get(by, f"By {spaced(by)}"), measures=heads, rows=tuple(rows))


def _number(cell: Cell | None) -> Number:
    if cell is None:
        return Number(rate(None), "")
    return Number(rate(cell.estimate), between(cell.interval) if cell.interval else "")


def _panels(by: str, cells: Iterable[Cell]) -> list[Panel]:
    """One panel a split, and one an intent where the split is by domain or language."""
    found: dict[str, list[tuple[str, Cell]]] = {}
    title = GROUPS.get(by, f"By {spaced(by)}")
    for cell in sorted(cells, key=lambda cell: _order(cell.value)):
        group, label = _parts(cell.value)
        found.setdefault(f"{group.capitalize()}, {title.lower()}" if group else title, []).append(
            (label, cell)
        )
    return [Panel(heading, tuple(rows)) for heading, rows in found.items()]


def _parts(value: str) -> tuple[str, str]:
    group, split, label = value.partition(_SPLIT)
    return (group, label) if split else ("", value)


def _order(value: str) -> tuple[int, str]:
    group, label = _parts(value)
    intent = group or label
    return (_INTENTS.index(intent) if intent in _INTENTS else len(_INTENTS), value)
