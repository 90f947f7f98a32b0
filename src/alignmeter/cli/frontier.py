"""`alignmeter frontier`: safety against helpfulness for all operating points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alignmeter.cli.judge_options import SeenByOption
from alignmeter.cli.numbers import whole
from alignmeter.cli.output import JsonOption, RunsOption, console, examples, print_json, print_line
from alignmeter.cli.report_file import OutOption, write_report_file
from alignmeter.cli.shares import share

if TYPE_CHECKING:
    from alignmeter.api import Run

EXAMPLES = examples(
    "alignmeter frontier runs/plain runs/guarded runs/strict",
    "alignmeter frontier plain=runs/a guarded=runs/b --out frontier.html",
    "alignmeter frontier plain --guard g.jsonl --threshold 0.3 --threshold 0.7",
    "alignmeter frontier runs/plain runs/strict --on legitimate --json",
)


def frontier(  # noqa: PLR0913 - one parameter an option
    *,
    sources: Annotated[
        list[str],
        typer.Argument(help="Runs: folders, names under --runs, or latest.", metavar="[NAME=]RUN..."),
    ],
    on: Annotated[
        Literal["benign", "sensitive", "legitimate"],
        typer.Option("--on", help="Whose compliance counts as helpfulness; `legitimate` is both."),
    ] = "benign",
    guard: Annotated[
        str | None,
        typer.Option(
            help="Scores of a guard on these runs (of `audit-scorer --run`): each run also stands behind it.",
            metavar="FILE.jsonl",
        ),
    ] = None,
    threshold: Annotated[
        list[float] | None,
        typer.Option(help="Score from which the guard blocks; repeat it for several.", metavar="SCORE"),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            parser=share,
            help="Difference within which two points are equally good on an axis.",
            metavar="SHARE",
        ),
    ] = 0.01,
    judge: SeenByOption = None,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Seed of the bootstrap.")] = 0,
    out: OutOption = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Show which operating points are worth having: runs, variants, system prompts, thresholds of a guard.

    Each stands with its helpfulness and its safety under attack, with intervals, on requests that all of
    them were asked; who dominates whom is bootstrapped jointly, by family. Exits 4 where a point is not
    comparable with the first, else 0.
    """
    from alignmeter.api import frontier as place
    from alignmeter.report.frontier import frontier_sheet
    from alignmeter.report.sheet import render_sheet, sheet_html, sheet_markdown

    found = place(
        _named(sources, runs, judge),
        helpfulness=on,
        scores=Path(guard) if guard else None,
        thresholds=threshold or (),
        margin=margin,
        seed=seed,
    )
    if out is not None:
        write_report_file(
            out,
            markdown=lambda: sheet_markdown(frontier_sheet(found)),
            html=lambda: sheet_html(frontier_sheet(found, charts=True)),
        )
    if as_json:
        print_json(found)
    else:
        console().print(render_sheet(frontier_sheet(found)))
        if out is not None:
            print_line(f"Wrote       {out}")
    raise typer.Exit(found.exit_code)


def _named(sources: list[str], runs: str, judge: str | None) -> dict[str, Run]:
    """Open the runs, by the names given or else those of their targets."""
    from alignmeter.api import load_run, under_judge
    from alignmeter.cli.locate import find_run
    from alignmeter.errors import InputError

    opened: list[tuple[str | None, Run]] = []
    for source in sources:
        name, equals, path = source.partition("=")
        given = bool(equals and name and path) and not Path(source).exists()
        place = find_run(path if given else source, runs)
        opened.append(
            (name if given else None, load_run(place) if judge is None else under_judge(place, judge))
        )
    targets = [run.manifest.target.name for _, run in opened]
    found: dict[str, Run] = {}
    for name, run in opened:
        target = run.manifest.target.name
        called = name or (run.path.name if targets.count(target) > 1 else target)
        if called in found:
            raise InputError(
                f"expected points of different names, got {called!r} twice; name them (NAME=RUN)"
            )
        found[called] = run
    return found
