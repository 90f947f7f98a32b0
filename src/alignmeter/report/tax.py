"""A tax report for the terminal and as Markdown: words and symbols first, colour second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.report.text import NOTHING, visible
from alignmeter.verdicts import exact_percent

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Group
    from rich.text import Text

    from alignmeter.records import Interval, Tax, TaxFlag, TaxReport, VariantTax

_FLAGS: dict[TaxFlag, tuple[str, str]] = {
    "above": ("✕ ABOVE", "bold red"),
    "within": ("✓ within", "green"),
    "undecided": ("≈ UNDECIDED", "bold yellow"),
}
_MARKDOWN = str.maketrans(
    {char: f"\\{char}" for char in "\\`*_[]|~"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "\n": " ", "\r": " "}
)
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
    previous = ""
    for tax in report.taxes:
        if tax.domain != previous:
            about = "base" if tax.base_source == "unstated" else f"{tax.base_source} base"
            table.add_row(Text(visible(tax.domain), "bold"), _score(tax.base.value), "", Text(about, "dim"))
        word, style = _FLAGS[tax.flag]
        name, *numbers = [Text("\n".join(lines)) for lines in _cells(tax)]
        table.add_row(Padding(name, (0, 0, 0, 2)), *numbers, Text(word, style))
        previous = tax.domain
    summaries = [
        Padding(Text(sentence), (0, 0, 0, 2 * min(number, 1)))
        for one in report.variants
        for number, sentence in enumerate(_over_domains(one, report))
    ]
    remarks = [Text(f"- {visible(note)}", "dim") for note in report.notes]
    return Group(
        Text.assemble(("Alignment tax", "bold"), f"  {visible(report.source)}"),
        "",
        table,
        "",
        *summaries,
        "",
        *remarks,
        "",
        _overall(report),
    )


def tax_markdown(report: TaxReport) -> str:
    """Render the same report as Markdown, safe whatever names it holds."""
    lines = [
        "### Alignment tax",
        "",
        f"From {_escape(report.source)}. {_outcome(report)} Exit code {report.exit_code}.",
        "",
        f"| {' | '.join(_HEADINGS)} |",
        "|---|---|--:|--:|--:|--:|---|---|",
        *(_markdown_row(tax) for tax in report.taxes),
        "",
        *(f"- {_escape(' '.join(_over_domains(one, report)))}" for one in report.variants),
        "",
        *(f"- {_escape(note)}" for note in report.notes),
    ]
    return "\n".join(lines) + "\n"


def _markdown_row(tax: Tax) -> str:
    name, *numbers = ["<br>".join(_escape(line) for line in lines) for lines in _cells(tax)]
    base = _score(tax.base.value)
    if tax.base_source in {"published", "proxy"}:
        base += f"<br>{tax.base_source}"
    cells = (_escape(tax.domain), name, base, *numbers, _FLAGS[tax.flag][0])
    return f"| {' | '.join(cells)} |"


def _cells(tax: Tax) -> tuple[tuple[str, ...], ...]:
    """Lines of variant, score, loss, tax and tier; the second line of a number is its interval."""
    tier = (NOTHING,) if tax.tier is None else (tax.tier,)
    if tax.confirmed is not None and tax.cleared is not None:
        tier += (
            (f"shown: {tax.confirmed}",)
            if tax.confirmed == tax.cleared
            else (f">= {tax.confirmed}", f"<= {tax.cleared}")
        )
    relative = "not estimable" if tax.relative is None else _percent(tax.relative)
    return (
        (visible(tax.variant),),
        (_score(tax.score.value),),
        _lines(_score(tax.absolute), _between(tax.absolute_interval, _points)),
        _lines(relative, _between(tax.interval, _one_decimal)),
        tier,
    )


def _lines(first: str, second: str) -> tuple[str, ...]:
    return (first, second) if second else (first,)


def _between(interval: Interval | None, written: Callable[[float], str]) -> str:
    return "" if interval is None else f"{written(interval.lower)} to {written(interval.upper)}"


def _over_domains(one: VariantTax, report: TaxReport) -> tuple[str, ...]:
    found = {tax.domain: tax.relative for tax in report.taxes if tax.variant == one.variant}
    ranking = ", ".join(
        f"{visible(domain)} {_percent(share)}"
        for domain in one.ranking
        if (share := found[domain]) is not None
    )
    if not ranking or one.mean is None:
        return (f"{visible(one.variant)}: no domain has a relative tax.",)
    high, low = (", ".join(map(visible, names)) or "none" for names in (one.high, one.low))
    return (
        f"{visible(one.variant)}, highest first: {ranking}.",
        f"High tax (above {exact_percent(report.limit)}): {high}. Low tax (at most 5%): {low}. "
        f"Mean over domains {_percent(one.mean)}.",
    )


def _overall(report: TaxReport) -> Text:
    from rich.text import Text

    style = {0: "bold green", 1: "bold red"}.get(report.exit_code, "bold yellow")
    return Text.assemble((_outcome(report), style), f"  exit code {report.exit_code}")


def _outcome(report: TaxReport) -> str:
    counts = {flag: sum(tax.flag == flag for tax in report.taxes) for flag in _FLAGS}
    limit = exact_percent(report.limit)
    parts = [f"{counts['above']} of {len(report.taxes)} taxes flagged as above {limit}"]
    if counts["undecided"]:
        parts.append(f"{counts['undecided']} undecided")
    return ", ".join(parts) + "."


def _score(value: float) -> str:
    return f"{value:.6g}" if abs(value) >= 1e-9 else "0"  # noqa: PLR2004 - below, it is rounding


def _points(value: float) -> str:
    return f"{value:.3g}"


def _percent(share: float) -> str:
    return "0.00%" if abs(share) < 0.00005 else f"{100 * share:.2f}%"  # noqa: PLR2004 - no minus zero


def _one_decimal(share: float) -> str:
    return "0.0%" if abs(share) < 0.0005 else f"{100 * share:.1f}%"  # noqa: PLR2004 - no minus zero


def _escape(text: str) -> str:
    """Show text as it is, whatever it holds: names come from outside."""
    return visible(text).translate(_MARKDOWN)
