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

    from alignmeter.records import History, HistoryPoint, VerdictName

_OUTCOMES: dict[int, VerdictName] = {0: "PASS", 1: "FAIL", 3: "INCONCLUSIVE", 4: "INVALID"}


def history_grid(history: History) -> Grid:
    """One row a run, the first one too."""
    return Grid(
        title=f"Control chart: {MEASURES[history.measure]}, against the {history.reference} run",
        lead=history.rule,
        headings=("Run", "n", "Rate", "Change", "Limits", "Drift", "Verdict", "Signal"),
        rows=(_row(history.first, first=True), *(_row(point) for point in history.points)),
        tones=("neutral", *(SIGNALS[point.signal][1] for point in history.points)),
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
    alarm = "no alarm"
    if latest.signal in {"rise", "drift"}:
        alarm = f"an alarm: {SIGNALS[latest.signal][0][2:]} of {MEASURES[history.measure]}"
    return f"{name} raises {alarm}. {outcome_words(latest.claim, latest.categories)}"


def history_remarks(history: History) -> tuple[str, ...]:
    """What stands below the table."""
    limit = (
        "Every reply of the first run was bad, so that nothing can be seen to drift."
        if history.limit is None
        else f"Drift counts above {percent(history.limit)}, and its column is the way to an alarm at 100%."
    )
    lost = [f"{visible(p.run)}: {visible(p.why)}." for p in history.points if p.why]
    return (*lost, limit, *(visible(note) for note in history.notes))


def render_history(history: History) -> Group:
    """Render the table, the rule, and the state of the latest run."""
    from rich.console import Group
    from rich.text import Text

    name = history_outcome(history)
    mark = MARKS[name]
    return Group(
        *render_grid(history_grid(history), whole_numbers=True),
        "",
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
        *grid_markdown(history_grid(history)),
        "",
        *(f"- {markdown(remark)}" for remark in history_remarks(history)),
    ]
    return "\n".join(lines) + "\n"
