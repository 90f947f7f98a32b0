"""A sheet: headline, chart, tables and notes of one analysis, for the terminal, as Markdown and as HTML."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Group, RenderableType

    from alignmeter.report.charts import Chart
    from alignmeter.report.summary import Tone
    from alignmeter.report.tax_outcomes import Grid
    from alignmeter.report.transcripts import Fact

_STYLES: dict[Tone, str] = {
    "pass": "bold green",
    "fail": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
    "unmeasured": "bold",
    "neutral": "bold blue",
}
_MARKDOWN = str.maketrans(
    {char: f"\\{char}" for char in "\\`*_[]|~"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "\n": " ", "\r": " "}
)

FORMATS = (".md", ".html")
"""What `write_sheet` can write."""


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
            shown += [*_table(grid), ""]
    for finding in sheet.findings:
        style = _STYLES[finding.tone]
        shown.append(
            Text.assemble((f"{finding.symbol} {finding.word}", style), f"  {visible(finding.title)}")
        )
        shown.extend(Padding(Text(visible(line)), (0, 0, 0, 2)) for line in finding.lines)
    if sheet.findings:
        shown.append("")
    shown += [Text(f"- {visible(note)}", "dim") for note in sheet.notes]
    last = Text.assemble((visible(sheet.headline), _STYLES[sheet.tone]))
    if sheet.exit_code is not None:
        last.append(f"  exit code {sheet.exit_code}")
    return Group(*shown, "", last)


def _table(grid: Grid) -> Sequence[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for number, heading in enumerate(grid.headings):
        # A heading or a cell may hold what Rich would read as markup.
        table.add_column(
            Text(visible(heading)), overflow="fold", justify="right" if number >= grid.names else "left"
        )
    for row in grid.rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    lead = [Text(visible(grid.lead), "dim")] if grid.lead else []
    return [Text(visible(grid.title), "bold"), *lead, table]


def sheet_markdown(sheet: Sheet) -> str:
    """Render as Markdown, safe whatever names it holds."""
    code = "" if sheet.exit_code is None else f" Exit code {sheet.exit_code}."
    lines = [f"### {sheet.kind}: {_escape(sheet.heading)}", "", f"{_escape(sheet.headline)}{code}", ""]
    lines += [
        line
        for one in sheet.findings
        for line in (
            f"**{one.symbol} {one.word}** {_escape(one.title)} {' '.join(map(_escape, one.lines))}".rstrip(),
            "",
        )
    ]
    lines += [line for grid in sheet.grids if grid.rows for line in _markdown_grid(grid)]
    lines += [f"- {_escape(note)}" for note in sheet.notes]
    return "\n".join(lines) + "\n"


def _markdown_grid(grid: Grid) -> tuple[str, ...]:
    headings = " | ".join(_escape(heading) for heading in grid.headings)
    rule = "".join("---|" if number < grid.names else "--:|" for number in range(len(grid.headings)))
    rows = [
        f"| {' | '.join('<br>'.join(map(_escape, cell.splitlines())) for cell in row)} |" for row in grid.rows
    ]
    lead = (_escape(grid.lead), "") if grid.lead else ()
    return (f"#### {_escape(grid.title)}", "", *lead, f"| {headings} |", f"|{rule}", *rows, "")


def sheet_html(sheet: Sheet) -> str:
    """Render as one HTML document that loads nothing; the same for the same sheet."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("alignmeter.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    style = files("alignmeter.report").joinpath("assets", "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("sheet.html.j2").render(
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'",
        style=style,
        sheet=_seen(sheet),
    )


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


def check_sheet_path(path: Path) -> None:
    """Refuse a file name whose ending says no format, before anything is computed.

    Raises:
        InputError: It ends in neither .md nor .html.
    """
    from alignmeter.errors import InputError

    if path.suffix.lower() not in FORMATS:
        raise InputError(f"expected --out to name a file that ends in .md or .html, got {str(path)!r}")


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write Markdown or HTML, as the file's name ends.

    Raises:
        StorageError: It cannot be written.
    """
    from alignmeter.errors import StorageError

    text = sheet_markdown(sheet) if path.suffix.lower() == ".md" else sheet_html(sheet)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {str(path)!r}: {error.strerror}; name another file") from None


def _escape(text: str) -> str:
    return visible(text).translate(_MARKDOWN)
