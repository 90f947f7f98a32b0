"""A comparison, or a history of cycles, as one HTML file that loads nothing and obeys no name in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from alignmeter.report.comparison import (
    arms_line,
    categories_grid,
    deltas_grid,
    flips_grid,
    flips_words,
    headline,
    outcome,
    outcome_words,
    overall_lines,
    remarks,
    rest_words,
)
from alignmeter.report.comparison_charts import control_charts, delta_chart
from alignmeter.report.history import history_grids, history_outcome, history_remarks, history_words
from alignmeter.report.html import render_page
from alignmeter.report.summary import MARKS
from alignmeter.visible import visible

if TYPE_CHECKING:
    from alignmeter.records import Comparison, History, VerdictName
    from alignmeter.report.charts import Chart
    from alignmeter.report.grid import Grid

_FLIPS = 500


class _Page(NamedTuple):
    """What the template shows."""

    eyebrow: str
    heading: str
    lines: tuple[str, ...]
    name: VerdictName
    sentence: str
    exit_code: int
    charts: tuple[Chart, ...]
    caption: str
    grids: tuple[Grid, ...]
    notes: tuple[str, ...]


def comparison_html(comparison: Comparison) -> str:
    """Render a comparison as one HTML document; the same for the same comparison."""
    parts = [one for one in comparison.deltas if one.by != "overall"]
    cut = len(comparison.flips) - _FLIPS
    more = f" The first {_FLIPS} are listed; --json has them all." if cut > 0 else ""
    flipped = flips_grid(comparison.flips[:_FLIPS])._replace(lead=flips_words(comparison) + more)
    return _render(
        _Page(
            eyebrow="Alignmeter comparison",
            heading=headline(comparison),
            lines=(arms_line(comparison.base), arms_line(comparison.tuned)),
            name=outcome(comparison.claim, comparison.categories),
            sentence=outcome_words(comparison.claim, comparison.categories),
            exit_code=comparison.exit_code,
            charts=tuple(chart for chart in (delta_chart(comparison),) if chart is not None),
            caption="Dot: tuned minus base. Line: its interval. Upright mark: the margin. Right of the line "
            "at zero is worse.",
            grids=(
                categories_grid(comparison),
                deltas_grid(overall_lines(comparison), "Changes, in points"),
                deltas_grid(parts, "Parts", rest_words(comparison)),
                flipped,
            ),
            notes=remarks(comparison),
        )
    )


def history_html(history: History) -> str:
    """Render a control chart as one HTML document; the same for the same history."""
    return _render(
        _Page(
            eyebrow="Alignmeter history",
            heading=visible(history.first.target),
            lines=(),
            name=history_outcome(history),
            sentence=history_words(history),
            exit_code=history.exit_code,
            charts=control_charts(history),
            caption="Dot: change of the rate in a cycle. Line: its control limits; an alarm where all of it "
            "lies above zero. Cycle 1 is the second run in the tables below.",
            grids=history_grids(history),
            notes=history_remarks(history),
        )
    )


def _render(page: _Page) -> str:
    shown: dict[str, Any] = page._asdict()
    return render_page("comparison.html.j2", mark=MARKS[page.name], **shown)
