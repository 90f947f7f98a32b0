"""Cycles, their checks and their audits for the terminal: words and symbols first, colour second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import ends, signed_number
from alignmeter.report.text import NOTHING, plural, utc, visible

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.text import Text

    from alignmeter.analysis.gaming_gap import GamingGap, GapVerdict, ModelGap
    from alignmeter.api import GapAudit, Verification
    from alignmeter.records import Interval
    from alignmeter.rotation import Check, CycleStatus, RotationStatus

_VERDICTS: dict[GapVerdict, tuple[str, str]] = {
    "PASS": ("✓ PASS", "bold green"),
    "FAIL": ("✕ FAIL", "bold red"),
    "INCONCLUSIVE": ("≈ INCONCLUSIVE", "bold yellow"),
}
_NAMED = 8


def render_status(status: RotationStatus) -> Group:
    """Render the cycles, what was shown of them, and what is likely known by now."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if not status.cycles:
        return Group(
            Text(f"No cycle under {visible(status.folder)}."),
            *map(_stray, status.without_cycle),
            Text("`alignmeter rotate new --pool SUITE` begins one."),
        )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("Cycle", "State", "Families", "Runs", "Shown", "P(leak)"):
        right = heading in {"Runs", "Shown", "P(leak)"}
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for cycle in status.cycles:
        table.add_row(*_cycle_cells(cycle))
    lines: list[RenderableType] = [table, ""]
    if status.burnt:
        names = _some([f"{family} {p:.2f}" for family, p in status.burnt.items()])
        lines.append(
            Text(
                f"{plural(len(status.burnt), 'family', 'families')} above {status.limit:g}: {names}. No new "
                f"pool takes them; `alignmeter rotate retire --burnt` retires them."
            )
        )
    if status.retired:
        lines.append(Text(f"{plural(len(status.retired), 'family', 'families')} retired."))
    lines += [
        Text(f"{visible(path)} goes on, or was killed: what it asked so far is counted.")
        for path in status.open_runs
    ]
    lines += [
        Text(
            f"{visible(name)} has no suite: restore its files, or retire the cycle with `alignmeter rotate "
            f"retire {visible(name)}`."
        )
        for name in status.without_suite
    ]
    lines += map(_stray, status.without_cycle)
    lines += [
        Text(
            f"{cycle.name} has answered {plural(cycle.runs, 'run')}: retire it, and begin a new sequestered "
            f"cycle."
        )
        for cycle in status.cycles
        if cycle.runs_left == 0 and cycle.state != "retired"
    ]
    if status.unwritten:
        said = visible(status.unwritten)
        lines.append(Text(f"What killed runs have shown is counted here and not kept: {said}", "yellow"))
    lines.append(Text(f"Folder      {visible(status.folder)}"))
    return Group(*lines)


def _stray(suite: str) -> Text:
    from rich.text import Text

    return Text(
        f"The suite {visible(suite)} is held out and no cycle here: its runs are counted where its cycle is, "
        f"which $ALIGNMETER_ROTATION names."
    )


def _cycle_cells(cycle: CycleStatus) -> tuple[str, ...]:
    kept = f", {cycle.anchors} kept" if cycle.anchors else ""
    left = "" if cycle.runs_left is None else f", {cycle.runs_left} left"
    forced = f"\n{cycle.forced} forced" if cycle.forced else ""
    burnt = f"\n{len(cycle.burnt)} burnt" if cycle.burnt else ""
    return (
        f"{cycle.name}\n{utc(cycle.created_at)}",
        f"{cycle.state}\n{cycle.kind}",
        f"{cycle.families} of {cycle.pool}{kept}",
        f"{cycle.runs}{left}",
        f"{cycle.exposures}{forced}",
        f"{cycle.highest:.2f}{burnt}" if cycle.exposures else NOTHING,
    )


def render_verification(found: Verification) -> Group:
    """Render each check with its sentence."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for check in found.checks:
        table.add_row(_mark(check), check.name, Text(visible(check.sentence)))
    open_checks = sum(check.not_given for check in found.checks)
    broken = sum(not check.ok for check in found.checks) - open_checks
    said = [
        *([f"{broken} of {len(found.checks)} checks are broken."] if broken else []),
        *(
            [f"Not verified: {open_checks} of {len(found.checks)} checks lack files of the suite."]
            if open_checks
            else []
        ),
    ]
    outcome = (
        Text("Everything holds.", "bold green")
        if found.ok
        else Text(" ".join(said), "bold red" if broken else "bold yellow")
    )
    lines: list[RenderableType] = [
        Text.assemble(
            ("Cycle ", "bold"), (visible(found.cycle), "bold"), f"  {found.run or 'without a run'}"
        ),
        "",
        table,
        "",
        outcome,
    ]
    if not found.published:
        lines.append(
            Text(
                f"Compare the commitment {found.commitment} with the one that was published before the "
                f"cycle, or "
                f"give that with --commitment: the copy beside the key proves nothing by itself."
            )
        )
    return Group(*lines)


def _mark(check: Check) -> Text:
    from rich.text import Text

    if check.ok:
        return Text("✓ holds", "green")
    return Text("! not given", "bold yellow") if check.not_given else Text("✕ BROKEN", "bold red")


def render_audit(audit: GapAudit) -> Group:
    """Render the gaming gap, what it is made of, and what it rests on."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    result = audit.result
    word, style = _VERDICTS[result.verdict]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("Bad on fresh minus bad on public", overflow="fold")
    table.add_column("Points", justify="right")
    table.add_column("Interval, 90%", justify="right")
    for role, model in (("target", result.target), *(("reference", one) for one in result.references)):
        if model is not None:
            table.add_row(*_model_cells(role, model))
    if result.gap is not None:
        table.add_row(
            Text("gaming gap", "bold"), Text(_points(result.gap), "bold"), _between(result.interval)
        )
    return Group(
        Text.assemble((word, style), f"  {audit_sentence(audit)}"),
        "",
        Padding(table, (0, 0, 0, 2)),
        "",
        Text(_blocks(result)),
        *(Text(f"- {visible(note)}", "dim") for note in audit.notes),
    )


def audit_sentence(audit: GapAudit) -> str:
    """Say in one sentence what the audit found."""
    result = audit.result
    name, margin = visible(audit.target), _points(result.margin, signed=False)
    if result.gap is None or result.p is None or result.paired + result.matched < 10:  # noqa: PLR2004 - its floor
        return (
            f"{name}: {plural(result.paired + result.matched, 'comparison')} of families are too few to "
            f"tell; ten are the least, and a hundred tell a gap of about 15 points."
        )
    found = f"{_points(result.gap)} points (p {result.p:.2g})"
    match result.verdict:
        case "FAIL":
            return f"{name} does better on public probes than references lead one to expect: gap {found}."
        case "PASS":
            return f"{name}: no gap is shown, and one of {margin} points is ruled out: {found}."
        case _:
            return f"{name}: no gap is shown, and one of {margin} points is not ruled out: {found}."


def _blocks(result: GamingGap) -> str:
    unmatched = f" {result.unmatched} fresh families had none to stand against." if result.unmatched else ""
    return (
        f"{plural(result.paired, 'family', 'families')} in both pools, "
        f"{plural(result.matched, 'block')} of families in one, within their stratum.{unmatched}"
    )


def _model_cells(role: str, model: ModelGap) -> tuple[str, str, str]:
    return f"{visible(model.name)} ({role})", _points(model.gap), _between(model.interval)


def _points(share: float, *, signed: bool = True) -> str:
    text = f"{100 * share:+.1f}" if signed else f"{100 * share:g}"
    return "0.0" if text in {"+0.0", "-0.0"} else text


def _between(interval: Interval | None) -> str:
    return "" if interval is None else ends(interval, None, signed_number)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(visible, names[:_NAMED])) + more
