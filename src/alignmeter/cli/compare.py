"""`alignmeter compare`: did a fine-tuned model become worse, and by how much?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alignmeter.cli.compare_options import (
    OF_HISTORY,
    OF_HISTORY_ALONE,
    OF_RUNS,
    Arms,
    Shared,
    arm_requests,
    belongs,
    share,
    sides,
)
from alignmeter.cli.compare_progress import choose_display
from alignmeter.cli.engine_options import EngineChoice, TunedPrices, spent_words
from alignmeter.cli.given import refuse_unused
from alignmeter.cli.judge_options import JudgeKeyEnvOption, JudgeSelfOption, JudgeUrlOption, judge_choice
from alignmeter.cli.numbers import whole
from alignmeter.cli.option_groups import with_groups
from alignmeter.cli.output import JsonOption, ThreatModelOption, console, examples, print_json, print_line
from alignmeter.cli.report_file import OutOption, write_report_file
from alignmeter.cli.target_options import ForceSequesteredOption, SameSystemOption, refuse_untaken

if TYPE_CHECKING:
    from alignmeter.api import CompareRequest
    from alignmeter.records import Comparison, History

EXAMPLES = examples(
    "alignmeter compare runs/before runs/after",
    "alignmeter compare before after --margin 10% --out change.html",
    "alignmeter compare python:old_bot:answer python:new_bot:answer",
    "alignmeter compare --url http://host:8000/v1 --base-model a --tuned-model b",
    "alignmeter compare embedded embedded --tuned-system-prompt new.txt",
    "alignmeter compare --history runs/january runs/february runs/march",
    "alignmeter compare before after --json",
)


@with_groups
def compare(  # noqa: PLR0913 - a command line's options
    context: typer.Context,
    runs_or_targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BASE TUNED",
            help="Two runs (folders, or names under --runs), or two targets as in `run --target`.",
            show_default=False,
        ),
    ] = None,
    *,
    arms: Arms,
    shared: Shared,
    threat_model: ThreatModelOption = None,
    margin: Annotated[
        float | None,
        typer.Option(
            parser=share,
            metavar="SHARE",
            help="Largest accepted rise of harm under attack: 15% or 0.15 is 15 points. Default: the threat "
            "model's thresholds.fine_tune_delta.",
        ),
    ] = None,
    equivalence: Annotated[
        float,
        typer.Option(
            parser=share, metavar="SHARE", help="Difference within which a part counts as unchanged."
        ),
    ] = 0.05,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="Many runs, oldest first, on control charts: harm, refusals, wrong answers."
        ),
    ] = False,
    reference: Annotated[
        Literal["first", "previous"], typer.Option(help="What each run of a history is compared with.")
    ] = "first",
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show harmful and sequestered requests among what flipped.")
    ] = False,
    flips: Annotated[
        int, typer.Option(parser=whole(0), metavar="N", help="Flipped trials to list on the screen.")
    ] = 10,
    engine: EngineChoice,
    tuned_prices: TunedPrices,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            "--judge",
            help="A judge as in `run`, may be repeated. With runs: the one of their judges as which "
            "all are read, by its name or the beginning of its hash.",
            metavar="SPEC",
        ),
    ] = None,
    judge_url: JudgeUrlOption = None,
    judge_key_env: JudgeKeyEnvOption = None,
    judge_self: JudgeSelfOption = False,
    name: Annotated[
        str | None, typer.Option(help="Run folders NAME-base and NAME-tuned; resumes them.", metavar="NAME")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do not go on with an unfinished comparison.")
    ] = False,
    same_system: SameSystemOption = False,
    force_sequestered: ForceSequesteredOption = False,
    out: OutOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the verdict.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare a base and a tuned model, paired by trial, with a verdict on the rise of harm.

    Two runs: nothing is asked. Two targets: both are asked the same attacked harmful requests until the
    verdict is known, sampled alike and under one budget; started again, the same command goes on. Exits 0
    where a rise within the margin is shown, 1 where a larger one is (or under one class of attacks), 3
    undecided, 4 not comparable.
    """
    given = runs_or_targets or []
    runs = shared.runs
    if history:
        refuse_unused(context, OF_HISTORY, lambda name: f"is for {belongs(name)}, got it beside --history")
        _history(given, reference, margin=margin, judge=_seen_by(judge), out=out, runs=runs, as_json=as_json)
        return
    chosen = sides(given, arms, runs)
    if chosen.runs is not None:
        from alignmeter.api import compare as compare_runs

        refuse_unused(context, OF_RUNS, lambda name: f"is for {belongs(name)}, got it beside runs")
        found = compare_runs(
            *chosen.runs, margin=margin, equivalence=equivalence, judge=_seen_by(judge), unmask=unmask
        )
        _show(found, out=out, flips=flips, as_json=as_json)
        raise typer.Exit(found.exit_code)
    from alignmeter.api import CompareRequest

    asked = {parameter.name for parameter in context.command.params if parameter.name} - OF_HISTORY_ALONE
    refuse_unused(context, asked, lambda name: f"is for {belongs(name)}, got it beside targets")
    base, tuned = arm_requests(*chosen.arms, shared)
    refuse_untaken(context, {"base_": base.target, "tuned_": tuned.target})
    engine_options = engine.options(tuned_prices)
    request = CompareRequest(
        base=base,
        tuned=tuned,
        engine=engine_options,
        tuned_prices=tuned_prices.prices(engine_options.prices),
        threat_model=None if threat_model is None else Path(threat_model),
        runs=Path(runs),
        name=name,
        fresh=fresh,
        same_system=same_system,
        margin=margin,
        equivalence=equivalence,
        judges=judge_choice(judge, judge_url, judge_key_env, allow_self=judge_self),
        unmask=unmask,
        force_sequestered=force_sequestered,
    )
    _live(request, out=out, flips=flips, quiet=quiet, as_json=as_json)


def _seen_by(judges: list[str] | None) -> str | None:
    """The judge as which runs are read.

    Raises:
        InputError: Several were given.
    """
    from alignmeter.errors import InputError

    if judges and len(judges) > 1:
        raise InputError(f"expected one --judge beside runs, got {', '.join(map(repr, judges))}")
    return judges[0] if judges else None


def _live(request: CompareRequest, *, out: Path | None, flips: int, quiet: bool, as_json: bool) -> None:
    from alignmeter.api import compare_targets

    done = compare_targets(request, progress=choose_display(quiet=quiet, as_json=as_json))
    if as_json:
        _write(out, done.comparison)
        print_json(
            {
                "base_run": str(done.base),
                "tuned_run": str(done.tuned),
                "stopped": done.stopped,
                "detail": done.detail,
                "resumed_trials": done.resumed,
                "spent": done.spent,
                "exit_code": done.exit_code,
                "comparison": done.comparison,
            }
        )
    else:
        _show(done.comparison, out=out, flips=flips, as_json=False)
        print_line(f"Run folders {done.base}")
        print_line(f"            {done.tuned}")
        print_line(f"Spent       {spent_words(done.spent)}")
        if done.stopped != "complete":
            reason = done.stopped.replace("_", " ")
            console(stderr=True).print(f"\nstopped ({reason}): {done.detail}")
            console(stderr=True).print("What was finished is kept; start the same command again to resume.")
    raise typer.Exit(done.exit_code)


def _history(
    names: list[str],
    reference: Literal["first", "previous"],
    *,
    margin: float | None,
    judge: str | None,
    out: Path | None,
    runs: str,
    as_json: bool,
) -> None:
    from alignmeter.api import history
    from alignmeter.cli.locate import find_run
    from alignmeter.report.history import render_history

    found = history([find_run(name, runs) for name in names], reference=reference, margin=margin, judge=judge)
    _write(out, found)
    if as_json:
        print_json(found)
    else:
        console().print(render_history(found))
        if out is not None:
            print_line(f"Wrote       {out}")
    raise typer.Exit(found.exit_code)


def _show(found: Comparison, *, out: Path | None, flips: int, as_json: bool) -> None:
    from alignmeter.report.comparison import render_deltas

    _write(out, found)
    if as_json:
        print_json(found)
        return
    console().print(render_deltas(found, flips=flips))
    if out is not None:
        print_line(f"Wrote       {out}")


def _write(out: Path | None, found: Comparison | History) -> None:
    """Write a report where one was asked for."""
    from alignmeter.records import Comparison

    if out is None:
        return
    if isinstance(found, Comparison):
        from alignmeter.report.comparison import comparison_markdown
        from alignmeter.report.comparison_page import comparison_html

        write_report_file(
            out, markdown=lambda: comparison_markdown(found), html=lambda: comparison_html(found)
        )
    else:
        from alignmeter.report.comparison_page import history_html
        from alignmeter.report.history import history_markdown

        write_report_file(out, markdown=lambda: history_markdown(found), html=lambda: history_html(found))
