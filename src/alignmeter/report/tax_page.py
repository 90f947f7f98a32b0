"""A tax report as one HTML file that loads nothing and obeys no name that it shows."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from alignmeter.report.tax import notes_of, outcome_words, tax_grid, tax_summaries
from alignmeter.report.tax_charts import tax_chart, triad_chart
from alignmeter.report.tax_outcomes import grids, said
from alignmeter.report.text import visible
from alignmeter.report.transcripts import Fact

if TYPE_CHECKING:
    from alignmeter.records import TaxReport
    from alignmeter.report.summary import Tone

_TONES: dict[int, Tone] = {0: "pass", 1: "fail", 4: "invalid"}


def tax_html(report: TaxReport) -> str:
    """Render a tax report as one HTML document; the same for the same report."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("alignmeter.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    assets = files("alignmeter.report").joinpath("assets")
    style = "".join(assets.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "tax.css"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("tax.html.j2").render(
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'",
        style=style,
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
