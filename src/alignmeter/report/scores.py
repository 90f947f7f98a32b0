"""Scores of one model, or two models' paired, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import ends, one_decimal, signed_number
from alignmeter.report.text import NOTHING, count, plural, rate, visible

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text

    from alignmeter.records import DomainDifference, DomainMean, Interval, ScoresComparison, ScoresSummary

_VALUE_LIMIT = 300
"""Characters of one statement of provenance that are shown."""


def render_scores(summary: ScoresSummary) -> Group:
    """Render the mean of each domain beside the printed one, the provenance and the notes."""
    from rich.console import Group
    from rich.text import Text

    table = _table("Domain, metric", "Items", "Mean", "95% interval", "Printed")
    for domain in summary.domains:
        items = count(domain.n)
        if domain.families < domain.n:
            items += f"\n{plural(domain.families, 'family', 'families')}"
        if domain.unscored:
            items += f"\n+{count(domain.unscored)} unscored"
        table.add_row(
            _named(domain.domain, _about(domain)),
            items,
            _share(domain.mean),
            _between(domain.interval),
            NOTHING if domain.reported is None else f"{domain.reported:.6g}",
        )
    return Group(
        Text.assemble((visible(summary.model), "bold"), f"  {summary.source}: {visible(summary.origin)}"),
        "",
        table,
        "",
        *_provenance(summary),
        *_notes(summary.notes),
    )


def render_comparison(found: ScoresComparison) -> Group:
    """Render the paired difference of each domain, what was not paired, and the notes."""
    from rich.console import Group
    from rich.text import Text

    table = _table("Domain, metric", "Pairs", "A", "B", "B - A", "95% interval")
    for domain in found.domains:
        pairs = count(domain.pairs)
        if domain.families < domain.pairs:
            pairs += f"\n{plural(domain.families, 'family', 'families')}"
        table.add_row(
            _named(domain.domain, visible(domain.metric)),
            pairs,
            _share(domain.base),
            _share(domain.other),
            _difference(domain),
            _points_between(domain.interval),
        )
    left = [
        Text(f"Only in {side}: {', '.join(map(visible, names))}.", "dim")
        for side, names in (("A", found.only_base), ("B", found.only_other))
        if names
    ]
    invalid = [
        Text(f"⊘ INVALID  {visible(domain.domain)}: {visible(domain.invalid)}", "bold red")
        for domain in found.domains
        if domain.invalid
    ]
    return Group(
        *(_side(name, one) for name, one in (("A", found.base), ("B", found.other))),
        "",
        table,
        "",
        Text(
            f"{plural(found.shared, 'item')} shared; of {count(found.versioned)} the content is known to be "
            "the same."
        ),
        *left,
        *invalid,
        *_notes((*found.base.notes, *found.other.notes, *found.notes)),
    )


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for number, heading in enumerate(headings):
        table.add_column(
            heading, justify="right" if number else "left", overflow="fold", no_wrap=bool(number)
        )
    return table


def _named(domain: str, about: str) -> Text:
    from rich.text import Text

    return Text.assemble(visible(domain), (f"\n  {about}" if about else "", "dim"))


def _about(domain: DomainMean) -> str:
    parts = [visible(domain.metric)] if domain.metric else []
    if domain.chance:
        parts.append(f"guessing {rate(domain.chance)}")
    if domain.refused is not None:
        parts.append(f"{count(domain.refused)} refused")
    return "; ".join(parts)


def _side(name: str, summary: ScoresSummary) -> Text:
    from rich.text import Text

    return Text.assemble(
        f"{name}  ", (visible(summary.model), "bold"), f"  {summary.source}: {visible(summary.origin)}"
    )


def _share(value: float | None) -> str:
    """A mean with a decimal, because the printed score stands beside it."""
    return NOTHING if value is None else f"{100 * value:.1f}%"


def _between(interval: Interval | None) -> str:
    return NOTHING if interval is None else ends(interval, None, one_decimal)


def _difference(domain: DomainDifference) -> str:
    return NOTHING if domain.difference is None else signed_number(domain.difference)


def _points_between(interval: Interval | None) -> str:
    return NOTHING if interval is None else ends(interval, None, signed_number)


def _provenance(summary: ScoresSummary) -> list[RenderableType]:
    from rich.text import Text

    lines = [
        Text.assemble((f"{visible(name)}: ", "dim"), visible(value[:_VALUE_LIMIT]))
        for name, value in summary.provenance.items()
    ]
    return [*lines, ""] if lines and summary.notes else list(lines)


def _notes(notes: tuple[str, ...]) -> list[Text]:
    from rich.text import Text

    return [Text(f"- {visible(note)}", "dim") for note in dict.fromkeys(notes)]
