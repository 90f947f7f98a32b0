"""Charts: Altair specifications turned into SVG offline, then cut down to what the page allows.

Each chart is drawn twice, for a desktop and for a phone; the style sheet shows one of them. Colours
are roles: the style sheet maps each one to a variable, which is how a chart follows light and dark.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

from alignmeter.report.summary import MARKS
from alignmeter.report.text import between, bounds_of, estimate_of, limit_of, rate, spaced, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import altair as alt

    from alignmeter.records import Cell, ClaimKind, Verdict
    from alignmeter.report.summary import Tone

INK, MUTED, GRID, ZONE = "#1c2326", "#5c666c", "#dfe3e2", "#e9f0ec"
TONES: dict[Tone, str] = {
    "pass": "#1d7350",
    "fail": "#b23a30",
    "inconclusive": "#8a6112",
    "invalid": "#6c4ba3",
    "unmeasured": "#5d676d",
    "neutral": "#2c5f8c",
}
COLOURS = (INK, MUTED, GRID, ZONE, *TONES.values())
"""Every colour of a chart; the style sheet has a rule for each."""

_LOOK: dict[str, Any] = {
    "background": None,
    "aria": False,
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": GRID,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "labelPadding": 8,
        "labelFlush": False,
    },
    "axisY": {"grid": False, "labelColor": INK},
    "title": {
        "anchor": "start",
        "frame": "group",
        "fontSize": 13,
        "fontWeight": 600,
        "color": INK,
        "offset": 8,
    },
}

_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan"})
_ATTRIBUTES = frozenset(
    {"width", "height", "viewBox", "transform", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r"}
    | {"fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray"}
    | {"stroke-linecap", "opacity", "text-anchor", "font-size", "font-weight", "display"}
)
_LONG_NUMBER = re.compile(r"(\d+\.\d\d)\d+")


_HEADING_GAP = 0.6
_ROW_HEIGHT = 25
_BLANK = {"heading": "", "label": "", "short": "", "text": ""}


class Layout(NamedTuple):
    """One of the two sizes that a chart is drawn in; `labels` is the room for row labels."""

    name: str
    plot: int
    labels: int

    @property
    def narrow(self) -> bool:
        """Whether labels stand above their rows instead of beside them."""
        return self.name == "narrow"

    @property
    def band(self) -> int:
        """Height of a row's zone."""
        return 16 if self.narrow else 22


FOREST_LAYOUTS = (Layout("wide", 380, 330), Layout("narrow", 300, 0))
CELL_LAYOUTS = (Layout("wide", 480, 190), Layout("narrow", 150, 128))


class Panel(NamedTuple):
    """Rates with one heading that share an axis."""

    title: str
    cells: tuple[tuple[str, Cell], ...]


class Chart(NamedTuple):
    """What a chart shows, and a drawing for each layout: its name, and safe SVG."""

    title: str
    drawings: tuple[tuple[str, str], ...]


def drawn(
    draw: Callable[[Layout], alt.TopLevelMixin],
    *,
    name: str,
    title: str,
    description: str,
    layouts: Sequence[Layout] = FOREST_LAYOUTS,
) -> Chart:
    """Draw a chart in each layout, as safe SVG.

    Args:
        draw: Makes the specification for a layout.
        name: Unique on the page.
        title: What the chart shows, for those who cannot see it.
        description: Its rows in words, likewise.
        layouts: The sizes.
    """
    return Chart(
        title,
        tuple(
            (layout.name, _safe_svg(draw(layout), f"{name}-{layout.name}", title, description))
            for layout in layouts
        ),
    )


def forest(verdicts: Sequence[Verdict]) -> Chart | None:
    """Draw estimate, interval and threshold of each claim that is a rate; None where none is.

    Args:
        verdicts: In the order of the page; coverage claims have no rate, and language gaps are
            differences, so both are left out.
    """
    chosen = [verdict for verdict in verdicts if verdict.kind not in {"coverage", "language_gap"}]
    whole: dict[ClaimKind, str] = {v.kind: v.title for v in chosen if "/" not in v.claim}
    rows = [_forest_row(index, verdict, _short(verdict, whole)) for index, verdict in enumerate(chosen)]
    return _forest(rows, "forest", "Estimate, interval and limit of each claim")


def _short(verdict: Verdict, whole: Mapping[ClaimKind, str]) -> str:
    """The title of a claim; below the claim as a whole that of a part says which part it is."""
    part = verdict.title.removeprefix(f"{whole.get(verdict.kind, '')}: ")
    return visible(verdict.title if part == verdict.title else f"\u2013 {part}")


def gap_forest(verdicts: Sequence[Verdict]) -> Chart | None:
    """Draw estimate, interval and threshold of each language gap, of which either side may be the larger.

    Args:
        verdicts: In the order of the page; all that are no language gaps are left out.
    """
    chosen = [verdict for verdict in verdicts if verdict.kind == "language_gap"]
    rows = [_forest_row(index, verdict, _gap_name(verdict)) for index, verdict in enumerate(chosen)]
    return _forest(rows, "gaps", "Estimate, interval and limit of each language gap")


def _gap_name(verdict: Verdict) -> str:
    """For example `es, harmful requests`, of the claim `language_gap/language=es,harmful`."""
    language, _, whom = verdict.claim.partition("language=")[2].partition(",")
    return visible(f"{language}, {whom} requests")


def _forest(rows: list[dict[str, Any]], name: str, title: str) -> Chart | None:
    if not rows:
        return None
    reach = max(max(row["upper"] or 0.0, 1.6 * row["threshold"]) for row in rows)
    bottom = min(0.0, *(row["lower"] or 0.0 for row in rows))
    span = (max(-1.0, 1.04 * bottom), min(1.0, 1.04 * reach))
    for row in rows:
        row["allowed"] = span[0]
    description = " ".join(f"{row['said']}: {row['numbers']}; limit {row['limit']}." for row in rows)
    return drawn(
        lambda layout: _forest_chart(rows, span, layout), name=name, title=title, description=description
    )


def _forest_row(index: int, verdict: Verdict, title: str) -> dict[str, Any]:
    interval = verdict.interval
    without_rate = verdict.two_stage is not None or verdict.basis == "positives"
    scored = verdict.estimate is not None or without_rate
    numbers = f"{estimate_of(verdict)} ({bounds_of(verdict)})" if scored else "nothing scored"
    return {
        "key": f"{index:03d}",
        "title": title,
        "said": visible(verdict.title),
        "verdict": verdict.verdict,
        "symbol": MARKS[verdict.verdict].symbol,
        "numbers": f"{verdict.verdict} · {numbers}",
        "estimate": verdict.estimate,
        "lower": interval.lower if interval and scored else None,
        "upper": interval.upper if interval and scored else None,
        "threshold": verdict.threshold,
        "limit": limit_of(verdict),
    }


def _forest_chart(rows: list[dict[str, Any]], span: tuple[float, float], layout: Layout) -> alt.TopLevelMixin:
    import altair as alt

    colour = alt.Color(
        "verdict:N",
        legend=None,
        scale=alt.Scale(domain=list(MARKS), range=[TONES[mark.tone] for mark in MARKS.values()]),
    )
    x_axis = alt.Axis(format="~%", grid=True, tickCount=5, title=None)
    base = alt.Chart().encode(y=alt.Y("key:N", axis=None, sort=None))
    scale = alt.Scale(domain=list(span), nice=False)
    zone = base.mark_bar(color=ZONE, height=layout.band).encode(
        x=alt.X("allowed:Q", scale=scale, axis=x_axis), x2=alt.X2("threshold")
    )
    layers = [zone, *interval_layers(base, colour, layout, limit="threshold"), *caption_layers(base, layout)]
    step = alt.Step(74 if layout.narrow else 46)
    return alt.layer(*layers, data=alt.Data(values=rows)).properties(width=layout.plot, height=step)


def interval_layers(base: alt.Chart, colour: alt.Color, layout: Layout, *, limit: str) -> list[alt.Chart]:
    """The interval as a line, the estimate as a dot and the limit as an upright mark, of each row.

    Args:
        base: Rows with `lower`, `upper` and `estimate`, placed on the y axis.
        colour: Of line and dot.
        layout: The size that is drawn.
        limit: The field that holds the limit.
    """
    import altair as alt

    return [
        base.mark_rule(strokeWidth=3, strokeCap="round").encode(
            x=alt.X("lower:Q"), x2=alt.X2("upper"), color=colour
        ),
        base.mark_point(filled=True, size=95, opacity=1, shape="circle").encode(
            x=alt.X("estimate:Q"), color=colour
        ),
        base.mark_tick(color=INK, thickness=2, height=layout.band + 4).encode(x=alt.X(f"{limit}:Q")),
    ]


def caption_layers(base: alt.Chart, layout: Layout) -> list[alt.Chart]:
    """The fields `title` and `numbers` of each row: left and right of it, or above and below it."""
    import altair as alt

    left, right = alt.XValue(0), alt.XValue(layout.plot)
    if layout.narrow:
        title = base.mark_text(
            align="left", dy=-21, fontSize=12.5, fontWeight=600, color=INK, limit=layout.plot
        )
        numbers = base.mark_text(align="left", dy=20, fontSize=12, color=MUTED).encode(x=left)
    else:
        title = base.mark_text(align="right", dx=-18, fontSize=13, color=INK, limit=layout.labels)
        numbers = base.mark_text(align="left", dx=18, fontSize=12.5, color=MUTED).encode(x=right)
    return [title.encode(x=left, text=alt.Text("title:N")), numbers.encode(text=alt.Text("numbers:N"))]


def tone_colour() -> alt.Color:
    """The colour of a row by its field `tone`."""
    import altair as alt

    scale = alt.Scale(domain=list(TONES), range=list(TONES.values()))
    return alt.Color("tone:N", legend=None, scale=scale)


def rates(panels: Sequence[Panel], *, title: str, name: str) -> Chart | None:
    """Draw rates with their intervals, one panel a heading; None where nothing was scored.

    Args:
        panels: Headings with labelled cells; cells without an estimate are left out.
        title: What the chart shows, for those who cannot see it.
        name: Unique on the page.
    """
    scored = [
        Panel(panel.title, cells)
        for panel in panels
        if (cells := tuple(found for found in panel.cells if found[1].estimate is not None))
    ]
    if not scored:
        return None
    rows = _rate_rows(scored)
    description = " ".join(f"{row['panel']}, {row['label']}: {row['text']}." for row in rows if row["label"])
    return drawn(
        lambda layout: _rates_chart(rows, layout),
        name=name,
        title=title,
        description=description,
        layouts=CELL_LAYOUTS,
    )


def _rate_rows(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Place headings and rates below each other; `y` counts rows from the top."""
    rows: list[dict[str, Any]] = []
    y = -_HEADING_GAP
    for panel in panels:
        y += _HEADING_GAP
        rows.append({**_BLANK, "y": y + 0.5, "heading": visible(panel.title)})
        y += 1
        for label, cell in panel.cells:
            interval = cell.interval
            rows.append(
                {
                    **_BLANK,
                    "y": y + 0.5,
                    "panel": visible(panel.title),
                    "label": spaced(label),
                    "estimate": cell.estimate,
                    "lower": interval.lower if interval else None,
                    "upper": interval.upper if interval else None,
                    "short": rate(cell.estimate),
                    "text": f"{rate(cell.estimate)} of {cell.n} ({between(interval)})",
                }
            )
            y += 1
    return rows


def _rates_chart(rows: list[dict[str, Any]], layout: Layout) -> alt.TopLevelMixin:
    import altair as alt

    bottom = rows[-1]["y"] + 0.5
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, bottom], reverse=True, nice=False), axis=None)
    ticks = alt.Axis(format="~%", values=[0, 0.25, 0.5, 0.75, 1], grid=True, title=None)
    base = alt.Chart().encode(y=y)
    line = base.mark_rule(strokeWidth=2.5, strokeCap="round", color=TONES["neutral"], strokeOpacity=0.5)
    point = base.mark_point(filled=True, size=62, opacity=1, shape="circle", color=TONES["neutral"])
    heading = base.mark_text(align="left", dx=-layout.labels, fontSize=13, fontWeight=600, color=INK)
    label = base.mark_text(align="right", dx=-14, fontSize=12.5, color=INK, limit=layout.labels - 14)
    number = base.mark_text(align="left", dx=14, fontSize=12.5, color=MUTED)
    x = alt.X("lower:Q", scale=alt.Scale(domain=[0, 1]), axis=ticks)
    return alt.layer(
        line.encode(x=x, x2=alt.X2("upper")),
        point.encode(x=alt.X("estimate:Q")),
        heading.encode(x=alt.XValue(0), text=alt.Text("heading:N")),
        label.encode(x=alt.XValue(0), text=alt.Text("label:N")),
        number.encode(x=alt.XValue(layout.plot), text=alt.Text("short:N" if layout.narrow else "text:N")),
        data=alt.Data(values=rows),
    ).properties(width=layout.plot, height=_ROW_HEIGHT * bottom)


def _safe_svg(chart: alt.TopLevelMixin, name: str, title: str, description: str) -> str:
    """Render a chart as SVG that needs no style, loads nothing and has a text for those who cannot see it."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(chart.to_dict(validate=False), config=_LOOK, allowed_base_urls=[])
    root = ElementTree.fromstring(drawn)  # noqa: S314 - written by vl-convert from our own specification
    _strip(root)
    root.attrib.update({"role": "img", "aria-labelledby": f"{name}-title {name}-text"})
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(_SVG + tag, {"id": f"{name}-{'text' if place else 'title'}"})
        element.text = text
        root.insert(place, element)
    ElementTree.register_namespace("", _SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def _strip(element: ElementTree.Element) -> None:
    """Keep known elements and attributes only: no style, no script, no link, no needless decimals."""
    for key in list(element.attrib):
        if key not in _ATTRIBUTES:
            del element.attrib[key]
        else:
            element.attrib[key] = _LONG_NUMBER.sub(r"\1", element.attrib[key])
    for child in list(element):
        if child.tag.removeprefix(_SVG) in _ELEMENTS and _is_drawn(child):
            _strip(child)
        else:
            element.remove(child)


def _is_drawn(element: ElementTree.Element) -> bool:
    return element.get("display") != "none" and element.get("d", "M") not in {"", "M0,0h0v0h0Z"}
