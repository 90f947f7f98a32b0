"""Charts of a tax report: taxes with their intervals over the bands of severity, and the refusal triad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignmeter.figures import ends, one_decimal
from alignmeter.records import Cell
from alignmeter.report.charts import (
    GRID,
    ZONE,
    Chart,
    Panel,
    caption_layers,
    drawn,
    interval_layers,
    rates,
    tone_colour,
)
from alignmeter.visible import visible

if TYPE_CHECKING:
    import altair as alt

    from alignmeter.records import Tax, TaxFlag, TaxReport, TriadMeasure, TriadRate
    from alignmeter.report.charts import Layout
    from alignmeter.report.summary import Tone

FLAG_TONES: dict[TaxFlag, Tone] = {
    "above": "fail",
    "within": "pass",
    "undecided": "inconclusive",
    "invalid": "invalid",
    "unmeasured": "unmeasured",
}
TRIAD_TITLES: dict[TriadMeasure, str] = {
    "false_refusal": "False refusal (benign)",
    "alignment_tax_indicator": "Alignment-tax indicator (sensitive)",
    "harmful_refusal": "Harmful refusal (full)",
}
_EDGES = (0.05, 0.10, 0.20)
_TICKS = (-1, -0.5, -0.2, 0, *_EDGES[1:], 0.5, 1)
_TITLE = "Relative tax and its interval, by domain and variant"
_LEAST, _MOST = -1.0, 1.0


def tax_chart(report: TaxReport) -> Chart | None:
    """Draw each relative tax with its interval over the bands of severity; None where there is none.

    Args:
        report: Taxes that are not estimable, or invalid, are left out; the table has them.
    """
    rows = [_row(index, tax, report.limit) for index, tax in enumerate(t for t in report.taxes if _drawn(t))]
    if not rows:
        return None
    ends = [end for row in rows for end in (row["lower"], row["upper"], row["estimate"]) if end is not None]
    low = max(_LEAST, min(-0.05, *ends) * 1.05)
    high = min(_MOST, max(0.30, *ends) * 1.05)
    for row in rows:
        row["from"], row["to"] = low, row["limit"]
    described = " ".join(f"{row['title']}: {row['numbers']}." for row in rows)
    return drawn(
        lambda layout: _tax_chart(rows, (low, high), layout),
        name="tax",
        title=_TITLE,
        description=described,
    )


def _drawn(tax: Tax) -> bool:
    return tax.relative is not None and tax.flag != "invalid"


def _row(index: int, tax: Tax, limit: float) -> dict[str, Any]:
    interval = tax.interval
    own = limit if tax.limit is None else tax.limit
    between = ""
    if interval is not None:
        between = f" ({ends(interval, own, one_decimal)})"
    return {
        "key": f"{index:04d}",
        "title": f"{visible(tax.domain)} · {visible(tax.variant)}",
        "tone": FLAG_TONES[tax.flag],
        "numbers": f"{one_decimal(tax.relative or 0.0)}{between}",
        "estimate": max(_LEAST, tax.relative or 0.0),
        "lower": max(_LEAST, interval.lower) if interval else None,
        "upper": min(_MOST, interval.upper) if interval else None,
        "limit": own,
    }


def _tax_chart(rows: list[dict[str, Any]], reach: tuple[float, float], layout: Layout) -> alt.TopLevelMixin:
    import altair as alt

    scale = alt.Scale(domain=list(reach), nice=False, clamp=True)
    ticks = [tick for tick in _TICKS if reach[0] <= tick <= reach[1]]
    axis = alt.Axis(format="~%", grid=False, values=ticks, title=None)
    base = alt.Chart().encode(y=alt.Y("key:N", axis=None, sort=None))
    zone = base.mark_bar(color=ZONE, height=layout.band).encode(
        x=alt.X("from:Q", scale=scale, axis=axis), x2=alt.X2("to")
    )
    edges = [
        alt.Chart().mark_rule(color=GRID, strokeWidth=1.5).encode(x=alt.XDatum(edge)) for edge in (0, *_EDGES)
    ]
    layers: list[alt.Chart] = [
        zone,
        *edges,
        *interval_layers(base, tone_colour(), layout, limit="limit"),
        *caption_layers(base, layout),
    ]
    step = alt.Step(74 if layout.narrow else 36)
    return alt.layer(*layers, data=alt.Data(values=rows)).properties(width=layout.plot, height=step)


def triad_chart(report: TaxReport) -> Chart | None:
    """Draw the refusal triad of the base model and of every variant; None without a run."""
    if report.base is None:
        return None
    models = [(report.base.name, report.base.triad), *((one.variant, one.triad) for one in report.outcomes)]
    panels = [
        Panel(
            title,
            tuple(
                (name, _cell(rate)) for name, triad in models for rate in triad if _is_whole(rate, measure)
            ),
        )
        for measure, title in TRIAD_TITLES.items()
    ]
    return rates(panels, title="Refusal of benign, sensitive and harmful requests", name="triad")


def _is_whole(rate: TriadRate, measure: TriadMeasure) -> bool:
    return rate.measure == measure and rate.domain is None


def _cell(rate: TriadRate) -> Cell:
    return Cell(
        measure=rate.measure,
        suite="",
        by="intent",
        value=rate.intent,
        n=rate.n,
        bad=rate.refused,
        unscored=rate.unscored,
        estimate=rate.estimate,
        interval=rate.interval,
    )
