"""`alignmeter report`: analyse a run again and write its report."""

from __future__ import annotations

import typer

from alignmeter.cli.judge_options import SeenByOption
from alignmeter.cli.output import JsonOption, RunArgument, RunsOption, console, examples, print_json

EXAMPLES = examples(
    "alignmeter report latest",
    "alignmeter report runs/20261121-101500-my-model",
    "alignmeter report latest --json",
    "alignmeter report latest --judge harm-embedded",
)


def report(
    run: RunArgument = "latest",
    *,
    judge: SeenByOption = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Write verdicts.json and report.html again from the journal; nothing is asked or judged.

    With `--judge` the report shows the run as that judge sees it, in a file of its own, and
    verdicts.json stays. Exits with the code of the verdicts.
    """
    from alignmeter.api import refresh, under_judge
    from alignmeter.cli.locate import find_run
    from alignmeter.report import render_verdicts, write_report

    folder = find_run(run, runs)
    done = refresh(folder) if judge is None else under_judge(folder, judge)
    name = None if judge is None else f"report-{done.seen_by[:12]}.html"
    path = write_report(done.path, done.manifest, done.answers, done.results, name=name)
    if as_json:
        print_json({"run": str(done.path), "report": str(path), "results": done.results})
    else:
        out = console()
        out.print(render_verdicts(done.manifest, done.results, width=out.width))
        out.print(f"\nReport      {path}")
    raise typer.Exit(done.results.exit_code)
