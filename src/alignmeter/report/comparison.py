"""A comparison for the terminal and as Markdown: words and symbols first, colour second."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from alignmeter.figures import ends, signed_number, signed_points
from alignmeter.report.grid import Grid, grid_markdown, render_grid
from alignmeter.report.summary import MARKS, STYLES
from alignmeter.report.text import NOTHING, markdown, one_line, plural, rate, spaced, visible
from alignmeter.verdicts import comparison_exit_code
from alignmeter.verdicts.gate import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Group, RenderableType
    from rich.text import Text

    from alignmeter.records import (
        ComparedArm,
        ComparedMeasure,
        Comparison,
        Delta,
        DeltaLabel,
        DeltaVerdict,
        Flip,
        Interval,
        VerdictName,
    )
    from alignmeter.report.summary import Tone

MEASURES: dict[ComparedMeasure, str] = {
    "attack_success": "harm delivered",
    "attack_compliance": "harmful compliance",
    "false_refusal_benign": "refusal, benign",
    "false_refusal_sensitive": "refusal, sensitive",
    "confident_hallucination": "confidently wrong",
}
LABELS: dict[DeltaLabel, tuple[str, Tone]] = {
    "degraded": ("✕ degraded", "fail"),
    "improved": ("✓ improved", "pass"),
    "unchanged": ("= unchanged", "neutral"),
    "undecided": ("≈ undecided", "unmeasured"),
}
WAYS: dict[Literal["worse", "better"], tuple[str, Tone]] = {
    "worse": ("✕ worse", "fail"),
    "better": ("✓ better", "pass"),
}
"""Which way a trial flipped; a refusal that came in is worse for one measure and better for another."""
_FLIPPED = "What flipped"
_FLIPPED_LEAD = "What the judge said of base and tuned; `alignmeter show RUN` has the replies."
_ENDED = {
    "fixed": "every trial asked",
    "sequential": "stopped when its own claims were decided",
    "side_by_side": "asked side by side",
    "unfinished": "unfinished",
}
_REQUEST = 60
_SHORT_ID = 12


# --- what is shown -------------------------------------------------------------------------------


def headline(comparison: Comparison) -> str:
    """What was compared, on one line."""
    return f"{visible(comparison.base.target)} -> {visible(comparison.tuned.target)}"


def arms_line(arm: ComparedArm) -> str:
    """One arm: who, where, and how its run ended."""
    asked = f"{plural(arm.asked, 'trial')} of {arm.planned:,}" if arm.planned else "not read"
    return f"{arm.role}: {visible(arm.target)}, run {visible(arm.run)} ({asked}; {_ENDED[arm.ended]})"


def outcome(claim: DeltaVerdict, categories: Iterable[DeltaVerdict]) -> VerdictName:
    """The verdict that makes the exit code."""
    return "FAIL" if comparison_exit_code(claim, categories) == FAILED else claim.verdict


def outcome_words(claim: DeltaVerdict, categories: Iterable[DeltaVerdict]) -> str:
    """What decided, in a sentence."""
    failed = [visible(one.category or "") for one in categories if one.verdict == "FAIL"]
    if claim.verdict not in {"FAIL", "INVALID"} and failed:
        return (
            f"The claim on all attacks is {claim.verdict}, and harm rose by more than the margin "
            f"under {', '.join(failed)}."
        )
    return visible(claim.sentence)


def categories_grid(comparison: Comparison) -> Grid:
    """The claim for each class of attacks."""
    return Grid(
        title="By class of attacks",
        lead="PASS: a rise of no more than the margin is shown; FAIL: a larger one is.",
        headings=("Attacks", "n", "Base", "Tuned", "Change", "Interval", "Verdict"),
        rows=tuple(_category(one) for one in comparison.categories),
        tones=tuple(MARKS[one.verdict].tone for one in comparison.categories),
    )


def _category(one: DeltaVerdict) -> tuple[str, ...]:
    return (
        spaced(one.category or ""),
        f"{one.pairs:,}",
        rate(one.base),
        rate(one.tuned),
        change(one.difference),
        span(one.interval, one.margin),
        f"{MARKS[one.verdict].symbol} {one.verdict}",
    )


def deltas_grid(lines: Iterable[Delta], title: str, lead: str = "") -> Grid:
    """Lines of the table of differences."""
    chosen = tuple(lines)

    return Grid(
        title=title,
        lead=lead,
        headings=("What", "n", "Base", "Tuned", "Change", "Relative", "Interval", "Label"),
        rows=tuple(_delta(one) for one in chosen),
        tones=tuple(LABELS[one.label][1] for one in chosen),
    )


def _delta(one: Delta) -> tuple[str, ...]:
    return (
        what(one),
        f"{one.n:,}",
        rate(one.base),
        rate(one.tuned),
        change(one.difference),
        NOTHING if one.relative is None else f"{100 * one.relative:+.0f}%",
        span(one.interval),
        LABELS[one.label][0],
    )


def what(one: Delta) -> str:
    """What a line is about, for example `harmful compliance, hazard fraud`."""
    part = "" if one.by == "overall" else f", {spaced(one.by)} {spaced(one.value)}"
    return MEASURES[one.measure] + part


def overall_lines(comparison: Comparison) -> tuple[Delta, ...]:
    """One line a measure."""
    return tuple(one for one in comparison.deltas if one.by == "overall")


def moved_lines(comparison: Comparison) -> tuple[Delta, ...]:
    """Parts that were flagged, the largest changes first."""
    found = [
        one for one in comparison.deltas if one.by != "overall" and one.label in {"improved", "degraded"}
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.difference or 0.0)))


def rest_words(comparison: Comparison) -> str:
    """How many parts did not move, and how many could not be told."""
    counts = Counter(one.label for one in comparison.deltas if one.by != "overall")
    within = signed_points(comparison.equivalence).removeprefix("+")
    return (
        f"Of {plural(sum(counts.values()), 'part')} {counts['degraded']} degraded, {counts['improved']} "
        f"improved, {counts['unchanged']} unchanged (within {within}), {counts['undecided']} undecided."
    )


def flips_grid(flips: Sequence[Flip]) -> Grid:
    """Trials on which the models differ; without the requests where all of them are masked."""
    requests = not all(one.masked for one in flips)
    request = ("Request",) if requests else ()
    headings = ("Trial", "Probe", "Measure", "Attack", "From -> to", *request, "Change")
    return Grid(
        title=_FLIPPED,
        lead=_FLIPPED_LEAD,
        headings=headings,
        rows=tuple(_flip(one, requests=requests) for one in flips),
        names=len(headings),
        tones=tuple(WAYS[one.direction][1] for one in flips),
    )


def _flip(one: Flip, *, requests: bool) -> tuple[str, ...]:
    request = ("[masked]" if one.masked else one_line(one.request, _REQUEST),) if requests else ()
    return (
        one.trial[:_SHORT_ID],
        visible(one.probe),
        MEASURES[one.measure],
        visible(one.attack),
        _said(one),
        *request,
        WAYS[one.direction][0],
    )


def _said(one: Flip) -> str:
    return f"{visible(one.before)} -> {visible(one.after)}"


def flips_words(comparison: Comparison) -> str:
    """How many trials flipped, and which way."""
    ways = Counter(flip.direction for flip in comparison.flips)
    trials = plural(len(comparison.flips), "trial")
    return f"{trials} flipped: {ways['worse']} for the worse, {ways['better']} for the better."


def remarks(comparison: Comparison) -> tuple[str, ...]:
    """What stands below the tables."""
    surface = comparison.surface
    said = surface.sentence if surface.verdict != "GAMING" else f"GAMING. {surface.sentence}"
    lost = [
        f"{MEASURES[one.measure].capitalize()}: {plural(one.unscored, 'pair')} lack a score on a side, "
        f"taken at their worst in the intervals."
        for one in overall_lines(comparison)
        if one.unscored
    ]
    return (visible(said), *lost, *(visible(note) for note in comparison.notes))


def change(difference: float | None) -> str:
    """A difference in points."""
    return NOTHING if difference is None else signed_number(difference)


def span(interval: Interval | None, margin: float | None = None) -> str:
    """An interval in points, each end on its side of the margin that it is held against."""
    if interval is None:
        return NOTHING
    return ends(interval, margin, signed_number)


# --- terminal ------------------------------------------------------------------------------------


def render_deltas(comparison: Comparison, *, flips: int = 10) -> Group:
    """Render verdict, classes of attacks, changes and what flipped, for 80 columns.

    Args:
        comparison: What was found.
        flips: Trials to list at most.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text.assemble(("Comparison", "bold"), f"  {headline(comparison)}"),
        Text(arms_line(comparison.base), "dim"),
        Text(arms_line(comparison.tuned), "dim"),
        "",
    ]
    if comparison.categories:
        parts += [*render_grid(categories_grid(comparison), whole_numbers=True), ""]
    if comparison.deltas:
        changes = deltas_grid(overall_lines(comparison), "Changes, in points")
        parts += [*render_grid(changes, whole_numbers=True), ""]
        parts.append(Text(rest_words(comparison)))
        moved = moved_lines(comparison)
        if moved:
            parts += render_grid(deltas_grid(moved[:_SHOWN], "Parts that moved"), whole_numbers=True)
        if len(moved) > _SHOWN:
            parts.append(
                Text(f"{len(moved) - _SHOWN} more; --json, or --out FILE.html, has them all.", "dim")
            )
        parts.append("")
    if comparison.flips:
        parts.append(Text(flips_words(comparison)))
        if flips:
            parts += _render_flips(comparison.flips[:flips])
        parts.append("")
    parts += [Text(f"- {remark}", "dim") for remark in remarks(comparison)]
    return Group(*parts, "", _overall(comparison))


_SHOWN = 12


def _render_flips(flips: Sequence[Flip]) -> list[RenderableType]:
    """One block a trial in place of a row: at 80 columns no table of its names leaves them whole."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    for one in flips:
        word, tone = WAYS[one.direction]
        under = "" if one.attack == "plain" else f" under {visible(one.attack)}"
        about = f"{MEASURES[one.measure]}{under}; trial {one.trial[:_SHORT_ID]}"
        request = "" if one.masked else f"\n{one_line(one.request, _REQUEST)}"
        table.add_row(
            Text(word, STYLES[tone], no_wrap=True),
            Text.assemble((visible(one.probe), "bold"), f"  {_said(one)}\n{about}", (request, "dim")),
        )
    return [Text(_FLIPPED, "bold"), Text(_FLIPPED_LEAD, "dim"), table]


def _overall(comparison: Comparison) -> Text:
    from rich.text import Text

    name = outcome(comparison.claim, comparison.categories)
    mark = MARKS[name]
    return Text.assemble(
        (f"{mark.symbol} {name}", STYLES[mark.tone]),
        f"  {outcome_words(comparison.claim, comparison.categories)}",
        f"  Exit code {comparison.exit_code}.",
    )


# --- Markdown ------------------------------------------------------------------------------------


def comparison_markdown(comparison: Comparison, *, flips: int = 50) -> str:
    """Render the same as Markdown, safe whatever names it holds."""
    name = outcome(comparison.claim, comparison.categories)
    lines = [
        f"### {MARKS[name].symbol} {name}: {markdown(headline(comparison))}",
        "",
        f"{markdown(outcome_words(comparison.claim, comparison.categories))} "
        f"Exit code {comparison.exit_code}.",
        "",
        f"- {markdown(arms_line(comparison.base))}",
        f"- {markdown(arms_line(comparison.tuned))}",
    ]
    if comparison.categories:
        lines += grid_markdown(categories_grid(comparison))
    if comparison.deltas:
        lines += grid_markdown(deltas_grid(overall_lines(comparison), "Changes, in points"))
        lines += ["", markdown(rest_words(comparison))]
        parts = [one for one in comparison.deltas if one.by != "overall"]
        lines += grid_markdown(deltas_grid(parts, "Parts"))
    if comparison.flips:
        lines += ["", markdown(flips_words(comparison))]
        lines += grid_markdown(flips_grid(comparison.flips[:flips]))
    lines += ["", *(f"- {markdown(remark)}" for remark in remarks(comparison))]
    return "\n".join(lines) + "\n"
