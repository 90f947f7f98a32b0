"""A tax report for the terminal and as Markdown: words and symbols first, colour second."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from alignmeter.figures import ends, exact_percent, one_decimal, significant_ends
from alignmeter.report.grid import Grid, grid_markdown, render_grid
from alignmeter.report.summary import STYLES
from alignmeter.report.tax_outcomes import Said, grids, said, worst_outcomes
from alignmeter.report.text import NOTHING, folded, markdown, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Group, RenderableType
    from rich.text import Text

    from alignmeter.records import Interval, Tax, TaxBasis, TaxFlag, TaxReport, VariantTax

_FLAGS: dict[TaxFlag, tuple[str, str]] = {
    "above": ("✕ ABOVE", "bold red"),
    "within": ("✓ within", "green"),
    "undecided": ("≈ UNDECIDED", "bold yellow"),
    "invalid": ("! INVALID", "bold magenta"),
    "unmeasured": ("○ NOT MEASURED", "dim"),
}
_NARROW = 12
"""Characters in which a terminal of 80 columns shows the name of a domain."""
_HEADINGS = ("Domain", "Variant", "Base", "Score", "Lost", "Tax", "Tier", "Flag")


def render_tax(report: TaxReport) -> Group:
    """Render the table of taxes, each variant over all domains, and what the numbers rest on."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("Domain, variants", overflow="fold")
    for heading in _HEADINGS[3:]:
        right = heading in {"Score", "Lost", "Tax"}
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for domain, group in groupby(report.taxes, key=lambda tax: tax.domain):
        taxes = tuple(group)
        base, about = _heading(taxes)
        table.add_row(Text(folded(domain, _NARROW), "bold"), base or "", "", Text(about, "dim"))
        for tax in taxes:
            variant, score, *numbers = [Text("\n".join(lines)) for lines in _cells(tax, report.limit)]
            if base is None and tax.base is not None:
                score.append(f"\nof {_base(tax)}")
            # In two lines, so that the names of domains keep their width.
            flag = _flag(tax).replace("NOT MEASURED", "NOT\n  MEASURED")
            style = _FLAGS[tax.flag][1]
            table.add_row(Padding(variant, (0, 0, 0, 2)), score, *numbers, Text(flag, style))
    summaries = [
        Padding(Text(sentence), (0, 0, 0, 2 * min(number, 1)))
        for one in report.variants
        for number, sentence in enumerate(tax_summaries(one, report))
    ]
    remarks = [Text(f"- {note}", "dim") for note in notes_of(report)]
    return Group(
        Text.assemble(("Alignment tax", "bold"), f"  {visible(report.source)}"),
        "",
        *((table, "") if report.taxes else ()),
        *summaries,
        "",
        *_together(report),
        *remarks,
        "",
        _overall(report),
    )


def _heading(taxes: Sequence[Tax]) -> tuple[str | None, str]:
    """The base score of a domain and what it is; None where variants were paired with other items of it."""
    bases = {_base(tax): tax.base_source for tax in taxes if tax.base is not None}
    if not bases:
        return NOTHING, ""
    if len(bases) > 1:
        return None, "bases differ"
    ((base, source),) = bases.items()
    return base, "base" if source == "unstated" else f"{source} base"


def _together(report: TaxReport) -> list[RenderableType]:
    """Render the outcomes and the tables behind them; nothing where only scores are known."""
    from rich.padding import Padding
    from rich.text import Text

    found: list[RenderableType] = []
    for one in said(report):
        found.append(Text.assemble((f"{one.symbol} {one.outcome}", STYLES[one.tone]), f"  {one.variant}"))
        found.extend(Padding(Text(line), (0, 0, 0, 2)) for line in (one.sentence, one.domains) if line)
        found.append("")
    every = grids(report)
    for grid in (one for one in every if not one.detail):
        found += [*render_grid(grid, narrow=_NARROW), ""]
    left = ", ".join(one.title for one in every if one.detail)
    if left:
        found += [Text(f"In the file that --out writes, and with --json: {left}.", "dim"), ""]
    return found


def tax_markdown(report: TaxReport) -> str:
    """Render the same report as Markdown, safe whatever names it holds."""
    table = (
        f"| {' | '.join(_HEADINGS)} |",
        "|---|---|--:|--:|--:|--:|---|---|",
        *(_markdown_row(tax, report.limit) for tax in report.taxes),
        "",
    )
    lines = [
        "### Alignment tax",
        "",
        f"From {markdown(report.source)}. {outcome_words(report)} Exit code {report.exit_code}.",
        "",
        *(line for one in said(report) for line in _markdown_outcome(one)),
        *(table if report.taxes else ()),
        *(f"- {markdown(' '.join(tax_summaries(one, report)))}" for one in report.variants),
        "",
        *(line for grid in grids(report) for line in grid_markdown(grid)),
        *(f"- {markdown(note)}" for note in notes_of(report)),
    ]
    return "\n".join(lines) + "\n"


def tax_grid(report: TaxReport) -> Grid:
    """Return the table of taxes as the other tables of a page."""
    rows = tuple(_row(tax, report.limit) for tax in report.taxes)
    return Grid("Every tax", "", _HEADINGS, rows, names=2)


def notes_of(report: TaxReport) -> tuple[str, ...]:
    """Return every note: those of the report, then those of single variants."""
    own = [
        f"{one.variant}: {note}" if len(report.outcomes) > 1 else note
        for one in report.outcomes
        for note in one.notes
    ]
    return tuple(visible(note) for note in (*report.notes, *own))


def _markdown_outcome(one: Said) -> tuple[str, ...]:
    more = f" {markdown(one.domains)}" if one.domains else ""
    return (f"**{one.symbol} {one.outcome}** {markdown(one.variant)}: {markdown(one.sentence)}{more}", "")


def _markdown_row(tax: Tax, limit: float) -> str:
    cells = ["<br>".join(map(markdown, cell.split("\n"))) for cell in _row(tax, limit)]
    return f"| {' | '.join(cells)} |"


def _row(tax: Tax, limit: float) -> tuple[str, ...]:
    """The cells of one row, lines apart."""
    name, *numbers = ["\n".join(lines) for lines in _cells(tax, limit)]
    base = _base(tax)
    if tax.base_source in {"published", "proxy"}:
        base += f"\n{tax.base_source}"
    return (visible(tax.domain), name, base, *numbers, _flag(tax))


def _flag(tax: Tax) -> str:
    """The flag, and under it the limit where it is the domain's own."""
    word = _FLAGS[tax.flag][0]
    return word if tax.limit is None else f"{word}\nlimit {exact_percent(tax.limit)}"


def _cells(tax: Tax, limit: float) -> tuple[tuple[str, ...], ...]:
    """Lines of variant, score, loss, tax and tier; the second line of a number is its interval."""
    own = limit if tax.limit is None else tax.limit
    tier = (NOTHING,) if tax.tier is None else (tax.tier,)
    if tax.confirmed is not None and tax.cleared is not None:
        tier += (
            (f"shown: {tax.confirmed}",)
            if tax.confirmed == tax.cleared
            else (f">= {tax.confirmed}", f"<= {tax.cleared}")
        )
    relative = NOTHING if tax.absolute is None else "not estimable"
    if tax.relative is not None:
        relative = _percent(tax.relative)
    return (
        (visible(tax.variant),),
        (_score(tax.score.value if tax.score else None, tax.basis),),
        _lines(_score(tax.absolute, tax.basis), _absolute(tax.absolute_interval)),
        _lines(relative, _between(tax.interval, own)),
        tier,
    )


def _lines(first: str, second: str) -> tuple[str, ...]:
    return (first, second) if second else (first,)


def _between(interval: Interval | None, limit: float) -> str:
    return "" if interval is None else ends(interval, limit, one_decimal)


def _absolute(interval: Interval | None) -> str:
    return "" if interval is None else significant_ends(interval.lower, interval.upper)


def tax_summaries(one: VariantTax, report: TaxReport) -> tuple[str, ...]:
    """Rank the domains of one variant, in sentences."""
    found = {tax.domain: tax.relative for tax in report.taxes if tax.variant == one.variant}
    ranking = ", ".join(
        f"{visible(domain)} {_percent(share)}"
        for domain in one.ranking
        if (share := found[domain]) is not None
    )
    if not ranking or one.mean is None:
        return (f"{visible(one.variant)}: no domain has a relative tax.",)
    high, low = (", ".join(map(visible, names)) or "none" for names in (one.high, one.low))
    own = any(tax.limit is not None for tax in report.taxes)
    limit = f"{exact_percent(report.limit)}{', or a limit of its own' if own else ''}"
    return (
        f"{visible(one.variant)}, highest first: {ranking}.",
        f"High tax (above {limit}): {high}. Low tax (at most 5%): {low}. "
        f"Mean over domains {_percent(one.mean)}.",
    )


def _overall(report: TaxReport) -> Text:
    from rich.text import Text

    style = {0: "bold green", 1: "bold red"}.get(report.exit_code, "bold yellow")
    return Text.assemble((outcome_words(report), style), f"  exit code {report.exit_code}")


def outcome_words(report: TaxReport) -> str:
    """Name the variants with the worst outcomes, and count the flags."""
    return " ".join((*worst_outcomes(report), _flags(report)))


def _flags(report: TaxReport) -> str:
    if not report.taxes:
        return "No tax was measured."
    counts = {flag: sum(tax.flag == flag for tax in report.taxes) for flag in _FLAGS}
    own = any(tax.limit is not None for tax in report.taxes)
    limit = "their limits" if own else exact_percent(report.limit)
    parts = [f"{counts['above']} of {len(report.taxes)} taxes flagged as above {limit}"]
    if counts["undecided"]:
        parts.append(f"{counts['undecided']} undecided")
    if counts["invalid"]:
        parts.append(f"{counts['invalid']} invalid")
    if counts["unmeasured"]:
        parts.append(f"{counts['unmeasured']} not measured")
    return ", ".join(parts) + "."


def _base(tax: Tax) -> str:
    return _score(tax.base.value if tax.base else None, tax.basis)


def _score(value: float | None, basis: TaxBasis = "point") -> str:
    """A score as it was given, or with three decimals where it was measured item by item."""
    if value is None:
        return NOTHING
    if basis in {"pairs", "sequential"}:
        return f"{value:.3f}".replace("-0.000", "0.000")
    return f"{value:.6g}" if abs(value) >= 1e-9 else "0"  # noqa: PLR2004 - below, it is rounding


def _percent(share: float) -> str:
    return "0.00%" if abs(share) < 0.00005 else f"{100 * share:.2f}%"  # noqa: PLR2004 - no minus zero
