"""What a run's target scored in tasks and tax domains, for page and terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.report.text import between, count, rate, spaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from alignmeter.records import DomainMean


class CapabilityRow(NamedTuple):
    """One domain, or one grade of it, as a table shows it; `grade` is empty for the whole domain."""

    domain: str
    grade: str
    metric: str
    n: str
    unscored: str
    score: str
    between: str
    guessing: str
    refused: str


def capability_rows(means: Sequence[DomainMean]) -> tuple[CapabilityRow, ...]:
    """Arrange mean scores for a table, in the order in which they come."""
    return tuple(
        CapabilityRow(
            domain=spaced(mean.domain),
            grade=mean.grade or "",
            metric=spaced(mean.metric),
            n=count(mean.n),
            unscored=count(mean.unscored),
            score=rate(mean.mean),
            between=between(mean.interval),
            guessing=rate(mean.chance),
            refused=rate(None) if mean.refused is None else count(mean.refused),
        )
        for mean in means
    )


def capability_table(means: Sequence[DomainMean]) -> tuple[RenderableType, ...]:
    """Render mean scores for the terminal; nothing where there are none. Fits 80 columns."""
    from rich.table import Table
    from rich.text import Text

    if not means:
        return ()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("Capability", overflow="fold")
    for heading in ("n", "Unscored", "Score", "95% interval", "Guessing", "Refused"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in capability_rows(means):
        name = Text(f"  {row.grade}", "dim") if row.grade else Text(row.domain)
        numbers = (row.n, row.unscored, row.score, row.between, row.guessing, row.refused)
        table.add_row(name, *(Text(number) for number in numbers))
    return ("", table)
