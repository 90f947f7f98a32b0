"""`alignmeter demo`: the main job on a real model, plain and behind a few-shot guard."""

from __future__ import annotations

import shlex
import shutil
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.output import JsonOption, RunsOption, console, examples, print_json, print_line

if TYPE_CHECKING:
    from alignmeter.api import Run

EXAMPLES = examples("alignmeter demo", "alignmeter demo --runs demo-runs --json")

MAX_TOKENS = 32
NAMES = ("plain", "guarded")


def demo(
    *,
    runs: RunsOption = "runs",
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not resume an unfinished demo.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate the embedded model twice, plain and behind a few-shot guard, and set them side by side.

    Up to 190 shared trials each, some minutes on two cores, no key and no network. Exits 0 whatever
    the verdicts are; each run's own exit code is printed.
    """
    pair = _pair(Path(runs), fresh=fresh)
    done: list[Run] = []
    for name in NAMES:
        done.append(_evaluate(name, pair=pair, runs=runs, quiet=quiet, as_json=as_json))
        if _failed(done[-1]):
            break
    stopped = _failed(done[-1])
    if as_json:
        from alignmeter.cli.run import as_dict

        print_json({"runs": [as_dict(run) for run in done]})
    elif not stopped:
        _render(done)
    raise typer.Exit(stopped or 0)


def _failed(done: Run) -> int | None:
    """Exit code of a run that was interrupted or failed, else None."""
    return None if done.stopped is None else done.stopped.exit_code


def _pair(runs: Path, *, fresh: bool) -> str:
    """Name of the pair of runs: the newest one if it is unfinished, else a new one."""
    from alignmeter.store import RunFolder, list_runs

    stamps = {
        folder.path.name[: -len(f"-{NAMES[0]}")] for folder in list_runs(runs) if _is_first(folder.path)
    }
    newest = max(stamps, default=None)
    if newest is not None and not fresh:
        folders = [runs / f"{newest}-{name}" for name in NAMES]
        if not all((path / "run.json").exists() and RunFolder.open(path).read().complete for path in folders):
            return newest
    return time.strftime("%Y%m%d-%H%M%S-demo", time.gmtime())


def _is_first(path: Path) -> bool:
    return path.name.endswith(f"-demo-{NAMES[0]}")


def _evaluate(name: str, *, pair: str, runs: str, quiet: bool, as_json: bool) -> Run:
    from alignmeter.api import RunRequest
    from alignmeter.cli.run import execute, render
    from alignmeter.records import Sampling
    from alignmeter.targets import TargetOptions, load_variant

    with resources.as_file(resources.files("alignmeter.cli").joinpath("data")) as data:
        variant = load_variant(
            name=f"SmolLM2-135M {name}",
            system_prompt=data / "guard.txt" if name == "guarded" else None,
            few_shot=data / "guard.jsonl" if name == "guarded" else None,
        )
        request = RunRequest(
            target="embedded",
            target_options=TargetOptions(variant=variant, sampling=Sampling(max_tokens=MAX_TOKENS)),
            threat_model=data / "demo.yaml",
            runs=Path(runs),
            name=f"{pair}-{name}",
        )
        done = execute(request, quiet=quiet, as_json=as_json)
    if _failed(done) and not as_json:
        render(done)
    return done


def _render(done: list[Run]) -> None:
    from alignmeter.report import render_comparison

    out = console()
    out.print(render_comparison([(run.manifest.target.name, run.results) for run in done]))
    for run in done:
        out.print(f"Report  {run.path / 'report.html'}", soft_wrap=True)
    out.print("\nOpen the reports in a browser; the trials behind them are listed by")
    for run in done:
        print_line(f"  alignmeter show {shlex.quote(str(run.path))} --bad")
    if shutil.which("alignmeter") is None:
        print_line("(after `make demo` the command is .venv/bin/alignmeter)")
