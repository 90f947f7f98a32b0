"""What the lab found, for the terminal: principles and their refusals, strengths and their bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import lower_end, signed_number, upper_end
from alignmeter.report.regions import MASK
from alignmeter.report.text import NOTHING, one_line, plural, visible

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from alignmeter.interventions.ablation import Ablation, PrincipleEffect, RefusalCause
    from alignmeter.interventions.sweep import Refusals, Sweep, SweepRow
    from alignmeter.records import Intent

_SIDES = {"needed": "needed", "enough": "enough alone"}
_SHOWN = 12
_WIDTH = 60
_INTENTS: tuple[Intent, ...] = ("benign", "sensitive", "harmful")


def render_ablation(found: Ablation) -> Group:
    """Render the effects of every principle, the refusals that hang on one, and the notes."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Text | Table | str] = [
        Text.assemble(
            (f"Constitution {visible(found.constitution)}", "bold"), f"  {len(set(found.runs.values()))} runs"
        ),
        "",
    ]
    if found.effects:
        parts += [_effects(found.effects), ""]
    hanging = [one for one in found.refusals if one.needed or one.enough]
    if found.refusals:
        parts += _refusals(found.refusals, hanging)
    if found.missing:
        parts += [Text(f"Not run: {', '.join(found.missing)}", "dim"), ""]
    parts += [Text(f"- {note}", "dim") for note in found.notes]
    return Group(*parts)


def _effects(effects: tuple[PrincipleEffect, ...]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("principle", overflow="fold")
    for heading in ("side", "intent", "refused with", "without", "points", ""):
        right = heading in {"refused with", "without", "points"}
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    previous = ""
    for one in effects:
        same = one.principle == previous
        table.add_row(
            "" if same else Text(visible(one.principle), "bold"),
            _SIDES[one.side],
            one.intent,
            f"{one.with_it}/{one.n}",
            f"{one.without_it}/{one.n}",
            _points(one),
            Text("✕ flagged", "bold red") if one.flagged else "",
        )
        previous = one.principle
    return table


def _points(one: PrincipleEffect) -> str:
    if one.difference is None or one.interval is None:
        return NOTHING
    lower, upper = one.interval.lower, one.interval.upper
    reach = f"[{lower_end(lower, None, signed_number)}, {upper_end(upper, None, signed_number)}]"
    return f"{signed_number(one.difference)} {reach}"


def _refusals(refusals: tuple[RefusalCause, ...], hanging: list[RefusalCause]) -> list[Text | Table | str]:
    from rich.text import Text

    anyway = sum(one.unprompted is True for one in refusals)
    are, hang = ("is" if len(refusals) == 1 else "are"), ("hangs" if len(hanging) == 1 else "hang")
    heading = f"{plural(len(refusals), 'trial')} {are} refused under all principles"
    parts = [f"{anyway} of them without any principle too"] if anyway else []
    parts.append(f"{len(hanging)} {hang} on principles:" if hanging else "none hangs on one")
    lines: list[Text | Table | str] = [f"{heading}; {', '.join(parts)}"]
    for one in hanging[:_SHOWN]:
        why = [f"needed: {', '.join(one.needed)}"] if one.needed else []
        why += [f"enough: {', '.join(one.enough)}"] if one.enough else []
        lines.append(
            Text.assemble(
                f"  {one.intent:9} ",
                (MASK if one.masked else one_line(one.request, _WIDTH), "dim"),
                f"\n            {'; '.join(why)}",
            )
        )
    if len(hanging) > _SHOWN:
        lines.append(f"  {len(hanging) - _SHOWN} more; --json lists them all")
    return [*lines, ""]


def render_sweep(found: Sweep) -> Group:
    """Render where the direction lies, the sweep with its bands, and the finding."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    extraction = found.extraction
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("strength", justify="right")
    for intent in _INTENTS:
        table.add_column(f"{intent} refused", justify="right")
    table.add_column("broken", justify="right")
    table.add_column("frontier")
    for row in found.rows:
        cells = [_refused(row, one) for one in row.refusals]
        broken = Text(f"{row.broken}\n", end="").append(f"({row.broken_random:.1f})", "dim")
        table.add_row(f"{row.strength:g}", *cells, broken, "yes" if row.frontier else "")
    return Group(
        Text.assemble(
            ("Steering", "bold"),
            f"  {extraction.method} of {extraction.training_pairs} contrast pairs, after layer "
            f"{extraction.layer} of {extraction.layers}, chosen on these pairs alone",
        ),
        "",
        table,
        Text(
            f"In brackets: lowest to highest under {found.random_directions} random directions of the same "
            f"length; broken: replies of a few words or of repetitions, of {len(_INTENTS) * found.prompts}. "
            f"* outside the band.",
            "dim",
        ),
        "",
        found.finding,
    )


def _refused(row: SweepRow, one: Refusals) -> Text:
    from rich.text import Text

    low, high = row.band[one.intent]
    mark = "*" if one.intent in row.outside else ""
    text = Text(f"{mark}{one.refused}/{one.n}\n", "bold" if mark else "", end="")
    return text.append(f"({round(low * one.n)}-{round(high * one.n)})", "dim")
