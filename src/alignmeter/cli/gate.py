"""`alignmeter gate`: let a release pass, or keep it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alignmeter.cli.judge_options import SeenByOption
from alignmeter.cli.output import (
    JsonOption,
    RunArgument,
    RunsOption,
    console,
    examples,
    print_json,
    print_line,
)
from alignmeter.cli.output_file import output_file

if TYPE_CHECKING:
    from alignmeter.verdicts import Gate

EXAMPLES = examples(
    "alignmeter gate latest",
    "alignmeter gate runs/tuned --baseline runs/before",
    "alignmeter gate latest --junit gate.xml --markdown gate.md",
    "alignmeter gate latest --inconclusive warn",
    "alignmeter gate latest --json",
)


def gate(
    run: RunArgument = "latest",
    *,
    baseline: Annotated[
        str | None,
        typer.Option(help="Run to compare with: blocks where a rate rose too much.", metavar="RUN"),
    ] = None,
    inconclusive: Annotated[
        Literal["block", "warn"],
        typer.Option(
            help="What an undecided claim does; `warn` lets through what asking could have decided."
        ),
    ] = "block",
    judge: SeenByOption = None,
    junit: Annotated[
        Path | None,
        typer.Option(
            parser=output_file(), help="Write JUnit XML; nothing in it is ever skipped.", metavar="FILE"
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(parser=output_file(), help="Write a summary for a pull request.", metavar="FILE"),
    ] = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Decide on a release from a finished run; asks nothing.

    Only PASS lets a claim through: FAIL, INVALID, NOT MEASURED and, unless you say otherwise,
    INCONCLUSIVE keep the release back. `--inconclusive warn` lets through what asking could have decided,
    and says that nobody has shown it and what would; claims that no asking could bring to a PASS with this
    judge (it has no card, or lets none pass) keep the release back until people settle them with
    `alignmeter label`. In a run that has not come to its end INCONCLUSIVE always does.
    Exits 0, 1, 3 or 4 accordingly, and 5 where the run itself failed.
    """
    from alignmeter.api import gate as decide
    from alignmeter.cli.locate import find_run
    from alignmeter.evidence import gate_markdown, junit_xml
    from alignmeter.files import write_text

    before = find_run(baseline, runs) if baseline is not None else None
    made = decide(find_run(run, runs), before, inconclusive=inconclusive, judge=judge)
    for name, text in ((junit, junit_xml), (markdown, gate_markdown)):
        if name is not None:
            write_text(name, text(made))
    if as_json:
        print_json(made)
    else:
        _print(made)
        for name in (junit, markdown):
            if name is not None:
                print_line(f"Wrote       {name}")
    raise typer.Exit(made.exit_code)


def _print(made: Gate) -> None:
    from rich.text import Text

    from alignmeter.visible import visible

    styles = {"ok": "green", "warn": "yellow", "block": "red"}
    out = console()
    compared = f", compared with {made.baseline}" if made.baseline else ""
    out.print(f"{visible(made.target)}  run {visible(made.run)}{visible(compared)}\n")
    for check in made.checks:
        out.print(
            Text.assemble(
                (f"{check.status:5}", f"bold {styles[check.status]}"),
                f"  {visible(check.title)}: ",
                (check.verdict, "bold"),
                f"\n       {visible(check.sentence)}",
            )
        )
    word, style = ("PASS", "bold green") if made.passed else ("BLOCKED", "bold red")
    left = f", {made.open} of {len(made.checks)} checks open" if made.open else ""
    out.print(Text.assemble("\n", (word, style), f"  exit code {made.exit_code}{left}"))
    for note in made.notes:
        out.print(Text(visible(note), "yellow"))
    out.print(made.rule, style="dim")
