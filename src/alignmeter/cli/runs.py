"""`alignmeter runs`: what has been run."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from alignmeter.cli.output import (
    JsonOption,
    RunArgument,
    RunsOption,
    console,
    examples,
    print_json,
    print_line,
)

if TYPE_CHECKING:
    from alignmeter.store import RunFolder

app = typer.Typer(help="List and show runs.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list", epilog=examples("alignmeter runs list", "alignmeter runs list --runs /data/runs --json"))
def list_all(*, runs: RunsOption = "runs", as_json: JsonOption = False) -> None:
    """List run folders, newest first."""
    from rich.table import Table
    from rich.text import Text

    from alignmeter.store import list_runs

    rows = [_row(folder) for folder in list_runs(Path(runs))]
    if as_json:
        print_json({"runs": [row._asdict() for row in rows]})
        return
    if not rows:
        print_line(f"No runs under {runs!r}; `alignmeter run` makes one.")
        return
    out = console()
    table = Table(box=None, pad_edge=False)
    table.add_column("run", no_wrap=True)
    for heading in ("target", "trials", "state", "verdicts", "exit"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        verdicts = Counter(row.verdicts.values())
        cells = (
            row.run,
            row.target,
            f"{row.answered}/{row.trials}",
            row.state,
            ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())),
            "" if row.exit_code is None else str(row.exit_code),
        )
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)
    for row in rows:
        if row.error is not None:
            out.print(f"\n{row.run} is unreadable: {row.error}")


class _Row(NamedTuple):
    """One line; `exit_code` and `verdicts` are those of a run that came to its end."""

    run: str
    target: str
    answered: int
    trials: int
    state: str
    verdicts: dict[str, str]
    exit_code: int | None
    error: str | None = None


def _row(folder: RunFolder) -> _Row:
    """Read one run; an unreadable one says so instead of hiding the others."""
    from alignmeter.errors import AlignmeterError

    try:
        manifest, data = folder.manifest, folder.read()
        results = folder.read_results(data)
    except AlignmeterError as error:
        return _Row(folder.path.name, "?", 0, 0, "unreadable", {}, None, error=str(error))
    ended = results if data.complete else None
    closed = "unfinished" if data.closed is None else data.closed.reason.replace("_", " ")
    return _Row(
        run=folder.path.name,
        target=manifest.target.name,
        answered=sum(transcript.error is None for transcript in data.transcripts.values()),
        trials=len(data.trials),
        state=f"{closed} (smoke)" if manifest.design.mode == "smoke" else closed,
        verdicts={} if ended is None else {verdict.claim: verdict.verdict for verdict in ended.verdicts},
        exit_code=None if ended is None else ended.exit_code,
    )


@app.command("show", epilog=examples("alignmeter runs show latest", "alignmeter runs show latest --json"))
def show_one(run: RunArgument = "latest", *, runs: RunsOption = "runs", as_json: JsonOption = False) -> None:
    """Show what a run was: target, design, judges, packages, verdicts."""
    from rich.text import Text

    from alignmeter.api import load_run
    from alignmeter.cli.locate import find_run
    from alignmeter.report import render_verdicts
    from alignmeter.targets.extra_body import shown_extra

    loaded = load_run(find_run(run, runs))
    manifest = loaded.manifest
    if as_json:
        print_json(
            {
                "run": str(loaded.path),
                "manifest": manifest,
                "asked_at": loaded.data.asked_at(manifest),
                "results": loaded.results,
            }
        )
        return
    out = console()
    fingerprint = manifest.target.fingerprint
    lines = {
        "Run": str(loaded.path),
        "Begun": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(manifest.created_at)),
        "Target": f"{manifest.target.name} ({manifest.target.spec})",
        "Address": ", then ".join(loaded.data.asked_at(manifest).get("target", ("-",))),
        "Fingerprint": manifest.target.fingerprint_hash[:16],
        "Weights": (fingerprint.weights or "-")[:16],
        "Runtime": fingerprint.runtime or "-",
        **({"Extra body": shown_extra(extra)} if (extra := manifest.target.extra_body) else {}),
        "Max tokens": str(fingerprint.sampling.max_tokens),
        "Threat model": f"{manifest.threat_model_source} ({manifest.threat_model_hash[:16]})",
        "Design": f"{manifest.design.mode}, seed {manifest.design.seed} ({manifest.design_hash[:16]})",
        "Judges": ", ".join(f"{name} ({value[:16]})" for name, value in manifest.judges.items()),
        "State": loaded.data.closed.reason if loaded.data.closed else "unfinished",
    }
    for name, value in lines.items():
        out.print(Text.assemble((f"{name:<13}", "bold"), f" {value}"))
    out.print()
    out.print(render_verdicts(manifest, loaded.results, width=out.width))
