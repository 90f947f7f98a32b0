"""A sheet: headline, chart, tables and notes of one analysis, for the terminal, as Markdown and as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.report.grid import grid_markdown, render_grid
from alignmeter.report.html import render_page
from alignmeter.report.summary import STYLES
from alignmeter.report.text import markdown, visible

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

    from alignmeter.report.charts import Chart
    from alignmeter.report.grid import Grid
    from alignmeter.report.summary import Tone
    from alignmeter.report.transcripts import Fact


class Finding(NamedTuple):
    """One thing that was found, with a word and a symbol that tell it without colour."""

    word: str
    symbol: str
    tone: Tone
    title: str
    lines: tuple[str, ...] = ()


class Figure(NamedTuple):
    """A chart and what its marks mean."""

    chart: Chart
    caption: str


class Sheet(NamedTuple):
    """What is shown; every text may come from outside and is made safe when it is rendered.

    Attributes:
        kind: What it is, for example `Frontier`.
        headline: The result in one sentence, with its tone.
        exit_code: None where the command gives no verdict.
        grids: Tables; the first also stands in the terminal before the findings.
    """

    kind: str
    heading: str
    header: tuple[Fact, ...]
    headline: str
    tone: Tone
    exit_code: int | None
    findings: tuple[Finding, ...]
    grids: tuple[Grid, ...]
    notes: tuple[str, ...]
    figures: tuple[Figure, ...] = ()


def render_sheet(sheet: Sheet) -> Group:
    """Render for the terminal; charts are left out."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    shown: list[RenderableType] = [Text.assemble((sheet.kind, "bold"), f"  {visible(sheet.heading)}"), ""]
    for grid in sheet.grids:
        if grid.rows:
            shown += [*render_grid(grid), ""]
    for finding in sheet.findings:
        style = STYLES[finding.tone]
        shown.append(
            Text.assemble((f"{finding.symbol} {finding.word}", style), f"  {visible(finding.title)}")
        )
        shown.extend(Padding(Text(visible(line)), (0, 0, 0, 2)) for line in finding.lines)
    if sheet.findings:
        shown.append("")
    shown += [Text(f"- {visible(note)}", "dim") for note in sheet.notes]
    last = Text.assemble((visible(sheet.headline), STYLES[sheet.tone]))
    if sheet.exit_code is not None:
        last.append(f"  exit code {sheet.exit_code}")
    return Group(*shown, "", last)


def sheet_markdown(sheet: Sheet) -> str:
    """Render as Markdown, safe whatever names it holds."""
    code = "" if sheet.exit_code is None else f" Exit code {sheet.exit_code}."
    lines = [f"### {sheet.kind}: {markdown(sheet.heading)}", "", f"{markdown(sheet.headline)}{code}", ""]
    lines += [
        line
        for one in sheet.findings
        for line in (f"**{one.symbol} {one.word}** {markdown(' '.join((one.title, *one.lines)))}", "")
    ]
    lines += [line for grid in sheet.grids for line in grid_markdown(grid)]
    lines += [f"- {markdown(note)}" for note in sheet.notes]
    return "\n".join(lines) + "\n"


def sheet_html(sheet: Sheet) -> str:
    """Render as one HTML document that loads nothing; the same for the same sheet."""
    return render_page("sheet.html.j2", sheet=_seen(sheet))


def _seen(sheet: Sheet) -> Sheet:
    """Make every character that would act visible."""
    return sheet._replace(
        heading=visible(sheet.heading),
        header=tuple(fact._replace(value=visible(fact.value)) for fact in sheet.header),
        headline=visible(sheet.headline),
        findings=tuple(
            one._replace(title=visible(one.title), lines=tuple(map(visible, one.lines)))
            for one in sheet.findings
        ),
        grids=tuple(
            grid._replace(
                title=visible(grid.title),
                lead=visible(grid.lead),
                headings=tuple(map(visible, grid.headings)),
                rows=tuple(tuple(map(visible, row)) for row in grid.rows),
            )
            for grid in sheet.grids
        ),
        notes=tuple(map(visible, sheet.notes)),
    )
