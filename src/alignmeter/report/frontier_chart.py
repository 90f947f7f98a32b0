"""The frontier as a chart: safety over helpfulness, each point with its intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignmeter.report.charts import INK, MUTED, Chart, Layout, drawn, tone_colour
from alignmeter.visible import visible

if TYPE_CHECKING:
    import altair as alt

    from alignmeter.records import Frontier, FrontierPoint, PointState
    from alignmeter.report.summary import Tone

STATE_TONES: dict[PointState, tuple[str, str, Tone]] = {
    "frontier": ("FRONTIER", "✓", "pass"),
    "undecided": ("UNDECIDED", "≈", "inconclusive"),
    "dominated": ("DOMINATED", "✕", "fail"),
    "INVALID": ("INVALID", "!", "invalid"),
}
"""Word, symbol and tone of each state: told apart by word and symbol before colour."""

_LAYOUTS = (Layout("wide", 520, 0), Layout("narrow", 270, 0))
_TITLE = "Safety over helpfulness, one number a point"


def frontier_chart(found: Frontier) -> Chart | None:
    """Draw the points that are comparable; None where none is."""
    rows = [
        _row(number, point) for number, point in enumerate(found.points, start=1) if point.helpful is not None
    ]
    if not rows:
        return None
    low = {axis: _floor(min(row[f"{axis}_lower"] for row in rows)) for axis in ("x", "y")}
    steps = _steps([row for row in rows if row["best"]], low)
    said = " ".join(f"{row['number']}, {row['name']}: {row['text']}." for row in rows)
    return drawn(
        lambda layout: _chart(rows, steps, low, layout),
        name="frontier",
        title=_TITLE,
        description=said,
        layouts=_LAYOUTS,
    )


def _row(number: int, point: FrontierPoint) -> dict[str, Any]:
    helpful, harm = point.helpful_interval, point.harm_interval
    assert helpful is not None  # noqa: S101 - a point with a rate has its interval
    assert harm is not None  # noqa: S101
    x, y = point.helpful or 0.0, 1 - (point.harm or 0.0)
    word, _, tone = STATE_TONES[point.state]
    return {
        "number": str(number),
        "name": visible(point.name),
        "tone": tone,
        "best": point.best,
        "x": x,
        "x_lower": helpful.lower,
        "x_upper": helpful.upper,
        "y": y,
        "y_lower": 1 - harm.upper,
        "y_upper": 1 - harm.lower,
        "text": f"helpfulness {100 * x:.1f}%, safety {100 * y:.1f}%, {word.lower()}",
    }


def _floor(lowest: float) -> float:
    """The end of an axis: a round number below the lowest interval."""
    return max(0.0, int(10 * lowest) / 10 - (0.1 if lowest * 10 % 1 < 0.2 else 0.0))  # noqa: PLR2004 - room


def _steps(best: list[dict[str, Any]], low: dict[str, float]) -> list[dict[str, Any]]:
    """Corners of the area that the best points reach, from the upper left to the lower right."""
    corners: list[tuple[float, float]] = []
    reached = low["y"]
    for row in sorted(best, key=lambda row: (-row["x"], -row["y"])):
        if row["y"] >= reached:
            corners += [(row["x"], reached), (row["x"], row["y"])]
            reached = row["y"]
    corners.append((low["x"], reached))
    return [{"order": order, "x": x, "y": y} for order, (x, y) in enumerate(corners)]


def _chart(
    rows: list[dict[str, Any]], steps: list[dict[str, Any]], low: dict[str, float], layout: Layout
) -> alt.TopLevelMixin:
    import altair as alt

    x = alt.X("x:Q", scale=alt.Scale(domain=[low["x"], 1], nice=False), axis=_axis("Helpfulness"))
    y = alt.Y("y:Q", scale=alt.Scale(domain=[low["y"], 1], nice=False), axis=_axis("Safety"))
    colour = tone_colour()
    base = alt.Chart(alt.Data(values=rows))
    line = (
        alt.Chart(alt.Data(values=steps))
        .mark_line(color=MUTED, strokeDash=[4, 3], strokeWidth=1.5)
        .encode(x=x, y=y, order=alt.Order("order:Q"))
    )
    bars = base.mark_rule(strokeWidth=2, strokeOpacity=0.5)
    layers: list[alt.Chart] = [
        line,
        bars.encode(x=alt.X("x_lower:Q"), x2=alt.X2("x_upper"), y=y, color=colour),
        bars.encode(y=alt.Y("y_lower:Q"), y2=alt.Y2("y_upper"), x=x, color=colour),
        base.mark_point(filled=True, size=110, opacity=1, shape="circle").encode(x=x, y=y, color=colour),
        base.mark_text(align="left", dx=8, dy=-9, fontSize=13, fontWeight=600, color=INK).encode(
            x=x, y=y, text=alt.Text("number:N")
        ),
    ]
    return alt.layer(*layers).properties(width=layout.plot, height=int(0.72 * layout.plot))


def _axis(title: str) -> alt.Axis:
    import altair as alt

    return alt.Axis(format="~%", grid=True, title=title, titleColor=MUTED, titleFontSize=12, tickCount=6)
