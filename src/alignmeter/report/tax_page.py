"""A tax report as one HTML file that loads nothing and obeys no name that it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.report.html import render_page
from alignmeter.report.tax import notes_of, outcome_words, tax_grid, tax_summaries
from alignmeter.report.tax_charts import tax_chart, triad_chart
from alignmeter.report.tax_outcomes import grids, said
from alignmeter.report.transcripts import Fact
from alignmeter.visible import visible

if TYPE_CHECKING:
    from alignmeter.records import TaxReport
    from alignmeter.report.summary import Tone

_TONES: dict[int, Tone] = {0: "pass", 1: "fail", 4: "invalid"}


def tax_html(report: TaxReport) -> str:
    """Render a tax report as one HTML document; the same for the same report."""
    return render_page(
        "tax.html.j2",
        styles=("report.css", "tax.css"),
        heading=visible(report.source),
        header=_header(report),
        tone=_TONES.get(report.exit_code, "inconclusive"),
        counts=outcome_words(report),
        exit_code=report.exit_code,
        outcomes=said(report),
        tax_chart=tax_chart(report),
        triad_chart=triad_chart(report),
        ranking=[line for one in report.variants for line in tax_summaries(one, report)],
        tables=[tax_grid(report), *grids(report)],
        notes=notes_of(report),
    )


def _header(report: TaxReport) -> tuple[Fact, ...]:
    found = [Fact("Variants", visible(", ".join(one.variant for one in report.variants)))]
    if report.base is not None:
        found.insert(0, Fact("Base model", visible(report.base.name)))
        found.append(Fact("Base from", visible(", ".join(report.base.sources))))
    return tuple(found)
