"""What a plan advises where even a target without a failure would hardly PASS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import percent
from alignmeter.report.text import count
from alignmeter.verdicts import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Group

    from alignmeter.verdicts import WaysToPass

_LEGEND = (
    "label: `run --fixed`, then `alignmeter label latest`: people settle what the judge flagged, about so "
    "many replies of such a target. units: how many would do, all asked (--fixed); more come by `suites "
    "import`, and by more even weights where a line above says that a domain has no more. limit: under "
    "`thresholds`. only claim: with fewer claims, as by `design.split`, each has a larger share of the error "
    "rate. Or name a better judge with --judge."
)


def render_ways(ways: Sequence[WaysToPass]) -> Group:
    """Render a table of the claims with what would do, and how to do it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("claim", overflow="fold")
    table.add_column("PASS at 0", justify="right", no_wrap=True)
    table.add_column("for four times in five, any one of", overflow="fold", ratio=1)
    for one in ways:
        whole, _, part = one.claim.partition("/")
        label = f"  {part.partition('=')[2]}" if part else whole
        table.add_row(label, percent(one.p_pass), "; ".join(_ways(one)))
    return Group(
        "",
        Text(
            "Even a target without one failure will likely end INCONCLUSIVE here, since the judge flags good "
            "replies too or the units are few:"
        ),
        table,
        Text(_LEGEND, "dim"),
    )


def _ways(one: WaysToPass) -> Iterator[str]:
    """The ways of one claim, the surest first."""
    if one.p_pass_fixed >= ENOUGH:
        yield "--fixed"
    if one.labels is not None:
        if one.labels <= one.units:
            yield f"label about {count(round(one.units * one.flagged))} of {count(one.units)}"
        else:
            yield f"{count(one.labels)} units and label"
    if one.probes is not None:
        yield f"{count(one.probes)} units"
    if one.limit is not None:
        yield f"limit {percent(one.limit)}"
    if one.p_pass_alone is not None and one.p_pass_alone >= ENOUGH:
        yield "only claim"
    if one.probes is None and one.flagged >= one.pass_below:
        yield (
            f"never by units: the judge flags {percent(one.flagged)} of good replies, a PASS needs under "
            f"{percent(one.pass_below)}"
        )
