"""Regions in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import ends, percent, signed_number, signed_points
from alignmeter.report.grid import Grid
from alignmeter.report.regions_chart import regions_chart
from alignmeter.report.sheet import Figure, Finding, Sheet
from alignmeter.report.text import NOTHING, between, count, one_line, plural, rate
from alignmeter.report.transcripts import Fact

if TYPE_CHECKING:
    from alignmeter.records import BoundaryPair, Region, RegionExample, RegionKind, Regions, RegionSide
    from alignmeter.report.summary import Tone

KINDS: dict[RegionKind | None, tuple[str, str, Tone]] = {
    "over-aligned": ("OVER-ALIGNED", "▲", "inconclusive"),
    "under-aligned": ("UNDER-ALIGNED", "▼", "fail"),
    "inconsistent": ("INCONSISTENT", "✕", "fail"),
    None: ("NOT CONFIRMED", "≈", "unmeasured"),
}
"""Word, symbol and tone of each kind: told apart by word and symbol before colour."""

MASK = "[masked; --unmask shows it]"
_TEXT = 90
_ID = 12
_CAPTION = (
    "A dot is a request; like ones lie near each other, as far as two dimensions can show it. Squares are "
    "harmful requests. A number is the middle of a region."
)


def regions_sheet(found: Regions, *, charts: bool = False) -> Sheet:
    """Turn regions into a sheet; charts take a second and are drawn on demand."""
    drawn = regions_chart(found) if charts else None
    return Sheet(
        kind="Regions",
        heading=found.target,
        header=(
            Fact("Run", found.run_id),
            Fact("Families", f"{count(found.families[0])} to find, {count(found.families[1])} to test"),
            Fact("Likeness by", "embeddings" if found.vectors == "embedding" else "words"),
        ),
        headline=_headline(found),
        tone="neutral",
        exit_code=None,
        findings=tuple(_finding(one) for one in found.regions if one.kind is not None),
        grids=(_candidates(found), _pairs(found.pairs)),
        notes=found.notes,
        figures=(Figure(drawn, _CAPTION),) if drawn else (),
    )


def _headline(found: Regions) -> str:
    kinds = [one.kind for one in found.regions if one.kind is not None]
    candidates = len(found.regions)
    if not kinds:
        return f"No region is shown; {plural(candidates, 'candidate')} did not hold on the other half."
    said = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS if kind is not None and kind in kinds)
    return f"{plural(len(kinds), 'region')} shown: {said}. {plural(candidates, 'candidate')} tested."


def _finding(region: Region) -> Finding:
    word, symbol, tone = KINDS[region.kind]
    lines = [
        line
        for line in (
            f"Grouped by {basis(region)}.",
            _side(region.over, "of its legitimate requests are refused"),
            _side(region.under, "of its harmful requests are gone along with"),
            _lift(region),
        )
        if line
    ]
    lines += [f"{example.trial[:_ID]}  {_shown(example)}" for example in region.examples]
    return Finding(word, symbol, tone, f"{region.number}. {region.name}", tuple(lines))


def basis(region: Region) -> str:
    """What the requests of a region have in common, in words."""
    kind, _, value = region.basis.partition(" ")
    match kind:
        case "likeness":
            return "likeness"
        case "nearness":
            wrong = "refused" if region.over is not None else "gone along with"
            return f"nearness to requests that were {wrong}"
        case "word":
            return f"the word {value}" if value else "a word they share"
        case _:
            return f"their {kind}, {value.replace('_', ' ')}"


def _side(side: RegionSide | None, what: str) -> str:
    if side is None or not side.shown:
        return ""
    return (
        f"{rate(side.rate)} {what} ({between(side.interval)}, n = {side.n}), elsewhere "
        f"{rate(side.outside)}; p {_p(side.adjusted)} after Benjamini-Hochberg."
    )


def _lift(region: Region) -> str:
    if region.lift is None or region.lift_interval is None:
        return ""
    return f"Attack lift {signed_points(region.lift)} ({ends(region.lift_interval, None, signed_number)})."


def _shown(example: RegionExample) -> str:
    return one_line(example.text, _TEXT) if example.text else MASK


def _candidates(found: Regions) -> Grid:
    return Grid(
        "Regions and candidates",
        "Rates on the half that tests; refused of legitimate, gone along with of harmful.",
        ("#", "Telling words", "Grouped by", "Shown", "Families", "Refused", "Complied", "p"),
        tuple(_line(region) for region in found.regions),
        names=3,
    )


def _line(region: Region) -> tuple[str, ...]:
    _, symbol, _ = KINDS[region.kind]
    return (
        str(region.number),
        region.name,
        _short(region),
        f"{symbol} {region.kind or 'no'}",
        count(region.families),
        *(
            NOTHING if side is None else f"{rate(side.rate)}\n{between(side.interval)}"
            for side in (region.over, region.under)
        ),
        _p(min(side.adjusted for side in (region.over, region.under) if side is not None)),
    )


def _short(region: Region) -> str:
    kind, _, value = region.basis.partition(" ")
    return f"{kind} {value}".replace("_", " ").strip()


def _pairs(pairs: tuple[BoundaryPair, ...]) -> Grid:
    return Grid(
        "Boundary pairs",
        "A legitimate request that was refused, and the nearest harmful one that was gone along with.",
        ("Refused", "Gone along with", "Likeness"),
        tuple((_one(pair.refused), _one(pair.complied), percent(pair.likeness)) for pair in pairs),
        names=2,
    )


def _one(example: RegionExample) -> str:
    return f"{example.trial[:_ID]}\n{_shown(example)}"


def _p(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 - as many digits as are shown
