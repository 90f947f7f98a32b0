"""Charts of a comparison: differences with their intervals, and the control chart of many cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignmeter.report.charts import GRID, MUTED, Chart, caption_layers, drawn, interval_layers, tone_colour
from alignmeter.report.comparison import LABELS, MEASURES, change, moved_lines, overall_lines, span, what
from alignmeter.report.summary import MARKS
from alignmeter.report.text import spaced, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

    from alignmeter.records import (
        ComparedMeasure,
        Comparison,
        Delta,
        DeltaVerdict,
        History,
        HistoryPoint,
    )
    from alignmeter.report.charts import Layout
    from alignmeter.report.summary import Tone

SIGNALS: dict[str, tuple[str, Tone]] = {
    "none": ("= no change shown", "neutral"),
    "rise": ("✕ rise", "fail"),
    "drift": ("✕ slow drift", "fail"),
    "fall": ("✓ fall", "pass"),
    "not_comparable": ("! not comparable", "invalid"),
}
"""A signal of the control chart, in words."""

_PARTS = 20
_FOREST = "Change of each rate from base to tuned, in points, with its interval"
_CONTROL = "change of the rate in each cycle, with its control limits"
_REACH = 1.0


def delta_chart(comparison: Comparison) -> Chart | None:
    """Draw the claim, the classes of attacks, the measures and the parts that moved; None without any."""
    claim = comparison.claim
    rows = [_verdict_row(one) for one in (claim, *comparison.categories) if one.interval is not None]
    rows += [_delta_row(one) for one in (*overall_lines(comparison), *moved_lines(comparison)[:_PARTS])]
    if not rows:
        return None
    for place, row in enumerate(rows):
        row["key"] = f"{place:03d}"
    ends = [abs(row[name]) for row in rows for name in ("lower", "upper", "estimate")]
    reach = min(_REACH, 1.05 * max(0.05, claim.margin, *ends))
    described = " ".join(f"{row['title']}: {row['numbers']}." for row in rows)
    return drawn(
        lambda layout: _forest(rows, reach, layout), name="delta", title=_FOREST, description=described
    )


def _verdict_row(one: DeltaVerdict) -> dict[str, Any]:
    name = "All attacks" if one.category is None else f"Attacks: {spaced(one.category)}"
    mark = MARKS[one.verdict]
    return _row(name, mark.tone, one, margin=one.margin, said=one.verdict)


def _delta_row(one: Delta) -> dict[str, Any]:
    word, tone = LABELS[one.label]
    return _row(what(one).capitalize(), tone, one, margin=None, said=word[2:])


def _row(
    title: str, tone: Tone, one: DeltaVerdict | Delta, *, margin: float | None, said: str
) -> dict[str, Any]:
    interval = one.interval
    difference = one.difference or 0.0
    return {
        "title": visible(title),
        "tone": tone,
        "numbers": f"{change(one.difference)} ({span(interval, margin)}) {said}",
        "estimate": difference,
        "lower": difference if interval is None else interval.lower,
        "upper": difference if interval is None else interval.upper,
        "margin": margin,
    }


def _forest(rows: list[dict[str, Any]], reach: float, layout: Layout) -> alt.TopLevelMixin:
    import altair as alt

    scale = alt.Scale(domain=[-reach, reach], nice=False, clamp=True)
    axis = alt.Axis(format="+~%", grid=True, tickCount=5, title=None)
    base = alt.Chart().encode(y=alt.Y("key:N", axis=None, sort=None))
    zero = alt.Chart().mark_rule(color=MUTED, strokeWidth=1.5)
    layers = [
        zero.encode(x=alt.XDatum(0, scale=scale, axis=axis)),
        *interval_layers(base, tone_colour(), layout, limit="margin"),
        *caption_layers(base, layout),
    ]
    step = alt.Step(74 if layout.narrow else 36)
    return alt.layer(*layers, data=alt.Data(values=rows)).properties(width=layout.plot, height=step)


def control_charts(history: History) -> tuple[Chart, ...]:
    """Draw the change of each cycle against its reference, with the control limits, a chart a measure."""
    found = [_control_chart(one.measure, one.points) for one in history.charts]
    return tuple(chart for chart in found if chart is not None)


def _control_chart(measure: ComparedMeasure, points: Sequence[HistoryPoint]) -> Chart | None:
    rows = [_cycle(place, point) for place, point in enumerate(points, 1) if point.interval]
    if not rows:
        return None
    ends = [abs(row[name]) for row in rows for name in ("lower", "upper")]
    reach = min(_REACH, 1.05 * max(0.05, *ends))
    described = " ".join(f"{row['title']}: {row['numbers']}." for row in rows)
    return drawn(
        lambda layout: _control(rows, reach, layout),
        name=f"control-{measure}",
        title=f"{MEASURES[measure].capitalize()}: {_CONTROL}",
        description=described,
    )


def _cycle(place: int, point: HistoryPoint) -> dict[str, Any]:
    word, tone = SIGNALS[point.signal]
    interval = point.interval
    difference = point.difference or 0.0
    return {
        "cycle": place,
        "title": visible(point.run),
        "tone": tone,
        "numbers": f"{change(point.difference)} ({span(interval)}) {word[2:]}",
        "estimate": difference,
        "lower": difference if interval is None else interval.lower,
        "upper": difference if interval is None else interval.upper,
    }


def _control(rows: list[dict[str, Any]], reach: float, layout: Layout) -> alt.TopLevelMixin:
    import altair as alt

    x = alt.X("cycle:O", axis=alt.Axis(title="cycle", labelAngle=0, grid=False, labelOverlap=True), sort=None)
    scale = alt.Scale(domain=[-reach, reach], nice=False, clamp=True)
    y = alt.Y("estimate:Q", scale=scale, axis=alt.Axis(format="+~%", title=None, tickCount=5, grid=True))
    base = alt.Chart().encode(x=x)
    return alt.layer(
        alt.Chart().mark_rule(color=MUTED, strokeWidth=1.5).encode(y=alt.YDatum(0)),
        base.mark_line(color=GRID, strokeWidth=2).encode(y=y),
        base.mark_rule(strokeWidth=3, strokeCap="round").encode(
            y=alt.Y("lower:Q"), y2=alt.Y2("upper"), color=tone_colour()
        ),
        base.mark_point(filled=True, size=80, opacity=1, shape="circle").encode(y=y, color=tone_colour()),
        data=alt.Data(values=rows),
    ).properties(width=layout.plot + layout.labels, height=220)
