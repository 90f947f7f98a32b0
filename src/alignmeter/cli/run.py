"""`alignmeter run`: the main job, from a target to its verdicts."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.engine_options import EngineChoice
from alignmeter.cli.judge_options import (
    JudgeKeyEnvOption,
    JudgeSelfOption,
    JudgesOption,
    JudgeUrlOption,
    judge_choice,
)
from alignmeter.cli.option_groups import with_groups
from alignmeter.cli.output import JsonOption, ThreatModelOption, console, examples, print_json, print_line
from alignmeter.cli.target_options import (
    ForceSequesteredOption,
    SameSystemOption,
    TargetChoice,
    refuse_untaken,
)

if TYPE_CHECKING:
    from alignmeter.api import Run, RunRequest

EXAMPLES = examples(
    "alignmeter run",
    "alignmeter run --url http://localhost:8000/v1 --model my-model",
    "alignmeter run --url http://localhost:8000/v1 --model my-model --smoke",
    "alignmeter run -m threat_model.yaml -t openai:gpt-x --budget-calls 500",
    "alignmeter run -t python:my_bot:answer --few-shot guard.jsonl",
    "alignmeter run -t openai:gpt-x --judge llm:harm@openai:gpt-y",
)


@with_groups
def run(  # noqa: PLR0913 - a command line's options
    context: typer.Context,
    *,
    threat_model: ThreatModelOption = None,
    target: TargetChoice,
    engine: EngineChoice,
    judge: JudgesOption = None,
    judge_url: JudgeUrlOption = None,
    judge_key_env: JudgeKeyEnvOption = None,
    judge_self: JudgeSelfOption = False,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the run folder; resumes it if it is there.", metavar="NAME"),
    ] = None,
    resume: Annotated[str | None, typer.Option(help="A run folder to go on with.", metavar="RUN")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not resume an unfinished run.")] = False,
    same_system: SameSystemOption = False,
    smoke: Annotated[bool, typer.Option("--smoke", help="Ask 20 trials; no verdicts.")] = False,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Ask every trial; do not stop when a claim is decided.")
    ] = False,
    force_sequestered: ForceSequesteredOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the verdicts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a target against a threat model and print verdicts with error bars.

    Each claim stops asking as soon as it is decided; `--fixed` asks everything. Without options the
    embedded model is asked, which needs no key and no network. The same command
    started again resumes an unfinished run. Writes `report.html` into the run folder and exits with
    the code of the verdicts.
    """
    from alignmeter.api import RunRequest
    from alignmeter.cli.locate import find_run

    spec = target.spec
    refuse_untaken(context, {"": spec})
    request = RunRequest(
        target=spec,
        target_options=target.options(),
        engine=engine.options(),
        threat_model=None if threat_model is None else Path(threat_model),
        runs=Path(target.runs),
        name=name,
        resume=None if resume is None else find_run(resume, target.runs),
        fresh=fresh,
        same_system=same_system,
        smoke=smoke,
        fixed=fixed,
        judges=judge_choice(judge, judge_url, judge_key_env, allow_self=judge_self),
        force_sequestered=force_sequestered,
    )
    done = execute(request, quiet=quiet, as_json=as_json)
    if as_json:
        print_json(as_dict(done))
    else:
        render(done)
    raise typer.Exit(done.exit_code)


def execute(request: RunRequest, *, quiet: bool, as_json: bool) -> Run:
    """Run a request under the display that fits, and write its report."""
    import msgspec

    from alignmeter.api import run as run_request
    from alignmeter.api import unwritten
    from alignmeter.cli.progress import choose_progress
    from alignmeter.errors import StorageError
    from alignmeter.report import write_report

    with choose_progress(quiet=quiet, as_json=as_json) as progress:
        done = run_request(request, progress=progress)
        if wrote_report(done):
            try:
                write_report(done.path, done.manifest, done.data, done.results)
            except StorageError as error:
                done = msgspec.structs.replace(done, stopped=unwritten(done.path, done.stopped, error))
    return done


def wrote_report(done: Run) -> bool:
    """Whether the run has a report: not where the disk failed, whose next start writes it."""
    return done.stopped is None or done.stopped.reason != "storage"


def as_dict(done: Run) -> dict[str, object]:
    """The run as `--json` prints it."""
    return {
        "run": str(done.path),
        "report": str(done.path / "report.html") if wrote_report(done) else None,
        "exit_code": done.exit_code,
        "stopped": done.stopped,
        "resumed_trials": done.resumed,
        "target": done.manifest.target,
        "results": done.results,
    }


def render(done: Run) -> None:
    """Print the verdicts, why the run stopped, and where its report lies."""
    from alignmeter.report import render_verdicts
    from alignmeter.report.summary import no_score
    from alignmeter.report.text import one_line
    from alignmeter.verdicts.gate import INVALID

    out = console()
    out.print(render_verdicts(done.manifest, done.results, width=out.width))
    if done.results.errors:
        kinds = ", ".join(f"{count} {kind}" for kind, count in done.results.errors.items())
        last = next(t.error for t in reversed(done.data.transcripts.values()) if t.error is not None)
        out.print(f"\nErrors of the target: {kinds}; the last: {one_line(last.message, 300)}")
    stopped = done.stopped
    if stopped is not None and stopped.reason != "complete":
        reason = stopped.reason.replace("_", " ")
        console(stderr=True).print(f"\nstopped ({reason}): {stopped.detail}")
        if wrote_report(done):  # a failed disk has said this already
            console(stderr=True).print("What was finished is kept; start the same command again to resume.")
    print_line("")
    print_line(f"Run folder  {done.path}")
    if wrote_report(done):
        print_line(f"Report      {done.path / 'report.html'}")
    if done.exit_code != done.results.exit_code:
        print_line(f"Exit code   {done.exit_code}, for the reason it stopped")
    elif done.results.verdicts:
        which = "--unscored" if done.exit_code == INVALID and no_score(done.results) else "--bad"
        print_line(f"Trials      alignmeter show {shlex.quote(str(done.path))} {which}")
