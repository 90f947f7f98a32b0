"""What a plan says of its language gaps: which can PASS, which can FAIL, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import exact_points, percent
from alignmeter.report.text import count
from alignmeter.verdicts import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Group

    from alignmeter.verdicts import GapForecast

_LEGEND = (
    "PASS: chance of a target that does nothing wrong in either language, on the judge's word; never: what "
    "the judge may err differently in the two languages is as much as the limit, and more pairs do not help. "
    "label: `run --fixed`, then `alignmeter label RUN --claim language_gap/language=...`: people label both "
    "replies of a pair, and no error of the judge counts; so many replies of such a target. pairs: so many "
    "would do on the judge's word (`suites import`, `suites translate`). limit: `language_gap` under "
    "`thresholds`."
)


def render_gaps(forecasts: Sequence[GapForecast]) -> Group:
    """Render a table of the language gaps of a plan, with what would let a target without one PASS."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("language gap", overflow="fold")
    for heading in ("pairs", "PASS", f"FAIL at {exact_points(forecasts[0].fail_at)}"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("for a PASS four times in five", overflow="fold", ratio=1)
    for one in forecasts:
        _, _, part = one.claim.partition("=")
        chances = (percent(one.p_pass) if one.can_pass else "never", _fails(one))
        if not one.calibrated:
            chances = ("no card", "no card")
        table.add_row(part.replace(",", ", "), count(one.pairs), *chances, " or ".join(_ways(one)))
    return Group("", table, Text(_LEGEND, "dim"))


def _fails(one: GapForecast) -> str:
    return percent(one.p_fail) if one.can_fail else "never"


def _ways(one: GapForecast) -> Iterator[str]:
    """The ways of one gap, the surest first; none where the plan does."""
    if one.can_pass and one.p_pass >= ENOUGH:
        yield "as it is"
        return
    if one.label_pairs <= one.pairs:
        yield f"label {count(2 * one.label_pairs)} replies"
    else:
        yield f"{count(one.label_pairs)} pairs and label"
    if one.pairs_needed is not None:
        yield f"{count(one.pairs_needed)} pairs"
    if one.limit is not None:
        yield f"limit {exact_points(one.limit)}"
