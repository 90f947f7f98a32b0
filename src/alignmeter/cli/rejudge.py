"""`alignmeter judge rejudge` and `judge disagreements`: other judges on the replies of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from alignmeter.cli.counter import counter
from alignmeter.cli.engine_options import BudgetChoice, spent_words
from alignmeter.cli.judge_options import (
    JudgeEndpointKeyOption,
    JudgeEndpointOption,
    JudgeSelfOption,
    JudgesOption,
    judge_choice,
)
from alignmeter.cli.numbers import whole
from alignmeter.cli.option_groups import with_groups
from alignmeter.cli.output import JsonOption, RunArgument, RunsOption, console, examples, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.api import Rejudged

AxisName = Literal["refusal", "harm", "factuality", "quality", "code_security", "schema", "language"]

REJUDGE_EXAMPLES = examples(
    "alignmeter judge rejudge latest --judge harm-embedded",
    "alignmeter judge rejudge latest --judge llm:harm@openai:x --budget-calls 500",
    "alignmeter judge rejudge latest --judge guard:shieldgemma@openai:sg-9b",
)
DISAGREEMENTS_EXAMPLES = examples(
    "alignmeter judge disagreements latest", "alignmeter judge disagreements latest --axis refusal --json"
)


@with_groups
def rejudge(
    run: RunArgument = "latest",
    *,
    judge: JudgesOption = None,
    judge_url: JudgeEndpointOption = None,
    judge_key_env: JudgeEndpointKeyOption = None,
    judge_self: JudgeSelfOption = False,
    budget: BudgetChoice,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Let another judge judge the replies of a run; the target is not asked again.

    What other judges said is kept. `alignmeter report RUN --judge NAME` draws the report as this judge
    sees it. Stopped at any point, the same command goes on where it ended; where a budget stops it, which
    exits with 5, with a larger one. Where a judge gives no reply a score it exits with 4, or with 5 where its
    endpoint failed on each.
    """
    from alignmeter.api import rejudge as judge_again
    from alignmeter.cli.locate import find_run
    from alignmeter.report.serving import judge_note
    from alignmeter.visible import visible

    path = find_run(run, runs)
    choice = judge_choice(judge, judge_url, judge_key_env, allow_self=judge_self)
    allowance = budget.allowance()
    with counter("replies judged") as progress:
        done = judge_again(path, choice, allowance=allowance, progress=progress)
    if as_json:
        print_json({"run": str(path), "judges": done})
        _end(done)
    out = console()
    for one in done:
        lost = ", ".join(f"{count} {reason}" for reason, count in one.unscored.items())
        calls = f", {one.calls} calls" if one.calls else ""
        before = f", {one.already} had their judgement before" if one.already else ""
        replies = one.judged + one.already
        out.print(
            f"{one.judge} ({one.judge_hash[:12]}): {one.scored} of {replies} replies scored{before}{calls}",
        )
        if lost:
            out.print(f"  unscored: {lost}")
        if one.stumbled:
            out.print(f"  one of them: {visible(one.stumbled)}")
        if not one.scored:
            out.print(
                "  Nothing has a score: look at the judge's model, its template and its endpoint",
            )
        if one.refused:
            out.print(f"  {judge_note(one.judge, one.refused)}")
        out.print(
            f"  `alignmeter report {path} --judge {one.judge_hash[:12]}` shows the run as it sees it",
        )
    if done[0].spent.calls:
        out.print(f"  spent so far, over all starts: {spent_words(done[0].spent)}")
    out.print(f"  `alignmeter judge disagreements {path}` lists what judges label differently")
    _end(done)


def _end(done: Sequence[Rejudged]) -> NoReturn:
    """End the command as a run would end in which nothing has a score, if a judge gave none."""
    from alignmeter.errors import RUNTIME_FAILURE
    from alignmeter.records import OF_THE_MACHINERY
    from alignmeter.verdicts.gate import INVALID

    blank = [one for one in done if not one.scored]
    broken = any(set(one.unscored) <= OF_THE_MACHINERY for one in blank)
    raise typer.Exit(0 if not blank else RUNTIME_FAILURE if broken else INVALID)


def disagreements(
    run: RunArgument = "latest",
    *,
    axis: Annotated[AxisName | None, typer.Option("--axis", help="Only on this axis.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", parser=whole(1), metavar="N", help="Replies to print.")
    ] = 20,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """List the replies that the judges of a run label differently."""
    from alignmeter.api import disagreements as differences
    from alignmeter.cli.locate import find_run

    path = find_run(run, runs)
    found = differences(path, axis)
    if as_json:
        print_json({"run": str(path), "disagreements": found})
        return
    out = console()
    for one in found[:limit]:
        said = "; ".join(f"{judge}: {label}" for judge, label in one.labels.items())
        out.print(f"{one.trial[:12]}  {one.axis:13} {said}")
    if len(found) > limit:
        out.print(f"{len(found) - limit} more; --limit {len(found)} prints them all.")
    if not found:
        out.print("No reply has two judgements that differ.")
