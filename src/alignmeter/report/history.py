"""The control chart of many cycles, for the terminal and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import percent
from alignmeter.report.comparison import (
    MEASURES,
    change,
    outcome,
    outcome_words,
    span,
)
from alignmeter.report.comparison_charts import SIGNALS
from alignmeter.report.grid import Grid, grid_markdown, render_grid
from alignmeter.report.summary import MARKS, STYLES
from alignmeter.report.text import NOTHING, markdown, rate, visible

if TYPE_CHECKING:
    from rich.console import Group

    from alignmeter.records import History, HistoryChart, HistoryPoint, VerdictName

_VERDICT = "Verdict"
_HEADINGS = ("Run", "n", "Rate", "Change", "Limits", "Drift", _VERDICT, "Signal")
_OUTCOMES: dict[int, VerdictName] = {0: "PASS", 1: "FAIL", 3: "INCONCLUSIVE", 4: "INVALID"}


def history_grid(history: History) -> Grid:
    """One row a run, the first one too."""
    return Grid(
        title=f"Control chart: {MEASURES[history.measure]}, against the {history.reference} run",
        lead=history.rule,
        headings=_HEADINGS,
        rows=(_row(history.first, first=True), *(_row(point) for point in history.points)),
        tones=("neutral", *(SIGNALS[point.signal][1] for point in history.points)),
    )


def history_grids(history: History) -> tuple[Grid, ...]:
    """The table of harm, then one for each other measure that is watched, which have no verdict."""
    return (history_grid(history), *(_other_grid(history, other) for other in history.others))


def _other_grid(history: History, other: HistoryChart) -> Grid:
    rows = (_row(other.first, first=True), *(_row(point) for point in other.points))
    return Grid(
        title=f"Control chart: {MEASURES[other.measure]}, against the {history.reference} run",
        lead="",
        headings=tuple(name for name in _HEADINGS if name != _VERDICT),
        rows=tuple((*row[:-2], row[-1]) for row in rows),
        tones=("neutral", *(SIGNALS[point.signal][1] for point in other.points)),
    )


def _row(point: HistoryPoint, *, first: bool = False) -> tuple[str, ...]:
    return (
        visible(point.run),
        f"{point.pairs:,}",
        rate(point.rate),
        NOTHING if first else change(point.difference),
        NOTHING if first else span(point.interval),
        NOTHING if point.evidence is None else percent(point.evidence),
        NOTHING if point.claim is None else outcome(point.claim, point.categories),
        "reference" if first else SIGNALS[point.signal][0],
    )


def history_outcome(history: History) -> VerdictName:
    """The state of the latest run."""
    return _OUTCOMES[history.exit_code]


def history_words(history: History) -> str:
    """What is to be said of the latest run: its alarm, then what its claim comes to."""
    latest = history.points[-1]
    name = visible(latest.run)
    if latest.claim is None:
        return f"{name} cannot be compared: {visible(latest.why)}."
    alarms = [
        f"{SIGNALS[chart.points[-1].signal][0][2:]} of {MEASURES[chart.measure]}"
        for chart in history.charts
        if chart.points[-1].signal in {"rise", "drift"}
    ]
    alarm = f"an alarm: {'; '.join(alarms)}" if alarms else "no alarm"
    lost = "".join(
        f" It cannot be charted for {MEASURES[chart.measure]}: {visible(chart.points[-1].why)}."
        for chart in history.others
        if chart.points[-1].signal == "not_comparable"
    )
    return f"{name} raises {alarm}.{lost} {outcome_words(latest.claim, latest.categories)}"


def history_remarks(history: History) -> tuple[str, ...]:
    """What stands below the table."""
    above = ", ".join(
        f"{percent(chart.limit)} ({MEASURES[chart.measure]})"
        for chart in history.charts
        if chart.limit is not None
    )
    limits = [f"Drift counts above {above}, and its column is the way to an alarm at 100%."] if above else []
    limits += [
        f"Every reply of the first run was bad ({MEASURES[chart.measure]}), so that nothing can be seen to "
        f"drift."
        for chart in history.charts
        if chart.limit is None
    ]
    lost = [f"{visible(p.run)}: {visible(p.why)}." for p in history.points if p.why]
    told = {p.run for p in history.points if p.why}
    lost += [
        f"{visible(p.run)}, {MEASURES[one.measure]}: {visible(p.why)}."
        for one in history.others
        for p in one.points
        if p.why and p.run not in told
    ]
    return (*lost, *limits, *(visible(note) for note in history.notes))


def render_history(history: History) -> Group:
    """Render the table, the rule, and the state of the latest run."""
    from rich.console import Group
    from rich.text import Text

    name = history_outcome(history)
    mark = MARKS[name]
    tables = (render_grid(grid, whole_numbers=True) for grid in history_grids(history))
    return Group(
        *(part for table in tables for part in (*table, "")),
        *(Text(f"- {remark}", "dim") for remark in history_remarks(history)),
        "",
        Text.assemble(
            (f"{mark.symbol} {name}", STYLES[mark.tone]),
            f"  {history_words(history)}  Exit code {history.exit_code}.",
        ),
    )


def history_markdown(history: History) -> str:
    """Render the same as Markdown, safe whatever names it holds."""
    name = history_outcome(history)
    lines = [
        f"### {MARKS[name].symbol} {name}: {markdown(history_words(history))}",
        "",
        f"Exit code {history.exit_code}.",
        "",
        *(line for grid in history_grids(history) for line in grid_markdown(grid)),
        "",
        *(f"- {markdown(remark)}" for remark in history_remarks(history)),
    ]
    return "\n".join(lines) + "\n"
