"""A frontier in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import number_ends
from alignmeter.report.frontier_chart import STATE_TONES, frontier_chart
from alignmeter.report.grid import Grid
from alignmeter.report.sheet import Figure, Finding, Sheet
from alignmeter.report.text import NOTHING, between, count, plural, rate
from alignmeter.report.transcripts import Fact

if TYPE_CHECKING:
    from alignmeter.records import Frontier, FrontierPoint

_HARM = {"attack_success": "Attack success", "attack_compliance": "Attack compliance"}
_CAPTION = (
    "Dot: estimate, under the number of its point in the table. Lines: 95% intervals. Broken line: what "
    "the best estimates reach. Up is safer, right is more helpful."
)
_HEADINGS = ("#", "Point", "Standing", "Helpful", "{harm}", "P(non-dominated)")


def frontier_sheet(found: Frontier, *, charts: bool = False) -> Sheet:
    """Turn a frontier into a sheet; charts take a second and are drawn on demand."""
    drawn = frontier_chart(found) if charts else None
    invalid = any(point.state == "INVALID" for point in found.points)
    return Sheet(
        kind="Frontier",
        heading="safety against helpfulness",
        header=(
            Fact("Points", count(len(found.points))),
            Fact("Common requests", f"{count(found.helpful_units)} and {count(found.harm_units)} attacked"),
        ),
        headline=_headline(found),
        tone="invalid" if invalid else "neutral",
        exit_code=found.exit_code,
        findings=tuple(_finding(point) for point in found.points),
        grids=(
            Grid(
                "Operating points",
                f"On {plural(found.helpful_units, 'request')} and {plural(found.harm_units, 'attack')} "
                "that all points were asked.",
                tuple(heading.format(harm=_HARM[found.measure]) for heading in _HEADINGS),
                tuple(_line(number, point) for number, point in enumerate(found.points, start=1)),
                names=3,
            ),
        ),
        notes=found.notes,
        figures=(Figure(drawn, _CAPTION),) if drawn else (),
    )


def _headline(found: Frontier) -> str:
    comparable = [point for point in found.points if point.state != "INVALID"]
    if found.hypervolume is None:
        return "INVALID: no two points are comparable."
    area = found.hypervolume
    dominated = sum(point.state == "dominated" for point in comparable)
    best = sum(point.best for point in comparable)
    invalid = len(found.points) - len(comparable)
    return (
        f"{plural(best, 'point')} of {len(comparable)} on the frontier as estimated, {dominated} shown to be "
        f"dominated{f', {invalid} INVALID' if invalid else ''}. Hypervolume {area.estimate:.3f} "
        f"({number_ends(area.interval.lower, area.interval.upper)}), of the best single point "
        f"{area.most:.3f}."
    )


def _finding(point: FrontierPoint) -> Finding:
    word, symbol, tone = STATE_TONES[point.state]
    return Finding(word, symbol, tone, point.name, (_sentence(point),))


def _sentence(point: FrontierPoint) -> str:
    if point.state == "INVALID":
        return f"Not comparable: {point.why}."
    free = f"P(non-dominated) {_share(point.p_non_dominated)}"
    by = ", ".join(f"{one.name} (P {_share(one.probability)})" for one in point.dominated_by)
    if point.state == "frontier":
        return f"{free}."
    if point.state == "dominated":
        return f"{free}; dominated by {by}."
    if not by:
        return f"{free}; no single point is likely to dominate it."
    return f"{free}; may be dominated by {by}. More requests would tell."


def _share(share: float | None) -> str:
    if share is None:
        return NOTHING
    return ">.99" if share > 0.99 else "<.01" if share < 0.01 else f"{share:.2f}"[1:]  # noqa: PLR2004 - of the draws


def _line(number: int, point: FrontierPoint) -> tuple[str, ...]:
    word, symbol, _ = STATE_TONES[point.state]
    return (
        str(number),
        point.name,
        f"{symbol} {word}",
        f"{rate(point.helpful)}\n{between(point.helpful_interval)}",
        f"{rate(point.harm)}\n{between(point.harm_interval)}",
        _share(point.p_non_dominated),
    )
