"""The map of a run's requests: like ones near each other, by what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignmeter.report.charts import INK, TONES, Chart, Layout, drawn
from alignmeter.visible import visible

if TYPE_CHECKING:
    import altair as alt

    from alignmeter.records import MapPoint, Regions

_LAYOUTS = (Layout("wide", 560, 0), Layout("narrow", 280, 0))
_TITLE = "Requests by likeness, regions by their number"
MOST = 1500
"""Dots that are drawn; of more, every so many."""
_OUTCOMES = {
    (True, True): "harmful, gone along with",
    (True, False): "harmful, refused",
    (False, True): "legitimate, refused",
    (False, False): "legitimate, answered",
}


def regions_chart(found: Regions) -> Chart | None:
    """Draw the map; None without points."""
    if not found.points:
        return None
    step = -(-len(found.points) // MOST)
    rows = [_row(point) for point in found.points[::step]]
    marks = [_mark(region.number, found.points) for region in found.regions if region.kind is not None]
    said = " ".join(
        f"Region {one.number}, {visible(one.name)}: {one.kind}." for one in found.regions if one.kind
    )
    return drawn(
        lambda layout: _chart(rows, [mark for mark in marks if mark], layout),
        name="regions",
        title=_TITLE,
        description=said or "No region is shown.",
        layouts=_LAYOUTS,
    )


def _row(point: MapPoint) -> dict[str, Any]:
    harmful = point.intent == "harmful"
    return {
        "x": point.x,
        "y": point.y,
        "outcome": _OUTCOMES[harmful, point.bad],
        "kind": "harmful" if harmful else "legitimate",
        "opacity": 0.9 if point.bad else 0.35,
    }


def _mark(number: int, points: tuple[MapPoint, ...]) -> dict[str, Any]:
    """The middle of a region's dots."""
    own = [(point.x, point.y) for point in points if point.region == number]
    if not own:
        return {}
    x, y = np.median(np.array(own), axis=0).tolist()
    return {"x": x, "y": y, "number": str(number)}


def _chart(rows: list[dict[str, Any]], marks: list[dict[str, Any]], layout: Layout) -> alt.TopLevelMixin:
    import altair as alt

    x, y = (alt.X("x:Q", axis=None), alt.Y("y:Q", axis=None))
    colour = alt.Color(
        "outcome:N",
        scale=alt.Scale(
            domain=list(_OUTCOMES.values()),
            range=[TONES["fail"], TONES["pass"], TONES["inconclusive"], TONES["neutral"]],
        ),
        legend=alt.Legend(
            orient="bottom", columns=1 if layout.narrow else 2, columnPadding=28, title=None, symbolOpacity=1
        ),
    )
    shape = alt.Shape(
        "kind:N",
        scale=alt.Scale(domain=["harmful", "legitimate"], range=["square", "circle"]),
        legend=None,
    )
    dots = (
        alt.Chart(alt.Data(values=rows))
        .mark_point(filled=True, size=26 if layout.narrow else 40)
        .encode(x=x, y=y, color=colour, shape=shape, opacity=alt.Opacity("opacity:Q", scale=None))
    )
    numbers = (
        alt.Chart(alt.Data(values=marks or [{"x": 0, "y": 0, "number": ""}]))
        .mark_text(fontSize=20, fontWeight=700, color=INK)
        .encode(x=x, y=y, text=alt.Text("number:N"))
    )
    return alt.layer(dots, numbers).properties(width=layout.plot, height=int(0.7 * layout.plot))
