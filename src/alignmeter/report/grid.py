"""Tables of texts: the same rows in a terminal, as Markdown and on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.report.summary import STYLES
from alignmeter.report.text import folded, markdown, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from alignmeter.report.summary import Tone


class Grid(NamedTuple):
    """A table for people; every text may come from outside and is made safe when it is rendered.

    Attributes:
        names: Leading columns that hold words; the others hold numbers.
        detail: Too long for a terminal.
        tones: Of the last cell of each row, which then holds a word; empty where it has none.
    """

    title: str
    lead: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1
    detail: bool = False
    tones: tuple[Tone, ...] = ()

    def holds_words(self, place: int) -> bool:
        """Whether a column holds words."""
        return place < self.names or (bool(self.tones) and place == len(self.headings) - 1)


def render_grid(
    grid: Grid, *, narrow: int | None = None, whole_numbers: bool = False
) -> list[RenderableType]:
    """Render for the terminal: title, lead and table.

    Args:
        grid: The table.
        narrow: Characters at which a name of one word is folded at its underscores.
        whole_numbers: Never break a number over lines.
    """
    from rich.table import Table
    from rich.text import Text

    def shown(cell: str) -> str:
        return visible(cell) if narrow is None or " " in cell else folded(cell, narrow)

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for place, heading in enumerate(grid.headings):
        words = grid.holds_words(place)
        # A heading or a cell may hold what Rich would read as markup, so all of them are `Text`.
        table.add_column(
            Text(visible(heading)),
            overflow="fold",
            justify="left" if words else "right",
            no_wrap=whole_numbers and not words,
        )
    for place, row in enumerate(grid.rows):
        *cells, last = (Text(shown(cell)) for cell in row)
        if grid.tones:
            last.stylize(STYLES[grid.tones[place]])
        table.add_row(*cells, last)
    lead = [Text(visible(grid.lead), "dim")] if grid.lead else []
    return [Text(visible(grid.title), "bold"), *lead, table]


def grid_markdown(grid: Grid) -> tuple[str, ...]:
    """Render as Markdown, with an empty line after it; nothing for a table without rows."""
    if not grid.rows:
        return ()
    headings = " | ".join(map(markdown, grid.headings))
    rule = "".join("---|" if grid.holds_words(place) else "--:|" for place in range(len(grid.headings)))
    rows = (" | ".join("<br>".join(map(markdown, cell.split("\n"))) for cell in row) for row in grid.rows)
    lead = (markdown(grid.lead), "") if grid.lead else ()
    return (
        *(f"#### {markdown(grid.title)}", "", *lead, f"| {headings} |", f"|{rule}"),
        *(f"| {row} |" for row in rows),
        "",
    )
