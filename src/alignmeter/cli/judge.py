"""`alignmeter judge`: measure judges against labels, and make their cards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alignmeter.cli import rejudge
from alignmeter.cli.counter import counter
from alignmeter.cli.engine_options import BudgetChoice, spent_words
from alignmeter.cli.given import refuse_unused
from alignmeter.cli.judge_on_runs import LabelledRunsOption, calibrate_on, validate_on
from alignmeter.cli.judge_options import JudgeEndpointKeyOption, JudgeEndpointOption
from alignmeter.cli.judge_tables import print_cards, print_report
from alignmeter.cli.option_groups import with_groups
from alignmeter.cli.output import JsonOption, RunsOption, console, examples, print_json, print_line
from alignmeter.cli.output_file import output_file
from alignmeter.cli.target_options import TimeoutOption

ANSWERS = ("correct", "incorrect", "abstained")

if TYPE_CHECKING:
    from alignmeter.api import Calibrated, Validated
    from alignmeter.targets import TargetOptions

app = typer.Typer(
    help="Measure judges against labels, and make their cards.", no_args_is_help=True, rich_markup_mode=None
)

Axis = Literal["refusal", "harm", "factuality"]
JudgeOption = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="refusal-rules, closed-answer, harm-embedded, llm:RUBRIC@TARGET, guard:FAMILY@TARGET, "
        "cascade:FIRST>SECOND or python:MODULE:NAME; default: the built-in judge of the axis.",
        metavar="SPEC",
    ),
]
JudgementsOption = Annotated[
    Path | None,
    typer.Option(
        "--judgements",
        parser=output_file(),
        help="Keep the judgements of models here, without requests and replies; what is in it is not "
        "paid for again. Default: alignmeter-judgements/HASH.jsonl, HASH being the judge's.",
        metavar="FILE.jsonl",
        show_default=False,
    ),
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Ask the judge's models about every reply anew.")]


app.command("rejudge", epilog=rejudge.REJUDGE_EXAMPLES)(rejudge.rejudge)
app.command("disagreements", epilog=rejudge.DISAGREEMENTS_EXAMPLES)(rejudge.disagreements)


@app.callback()
def group() -> None:
    """Measure judges against labels, and make their cards."""


@app.command(
    "validate",
    epilog=examples(
        "alignmeter judge validate --labels xstest/model_completions",
        "alignmeter judge validate --axis harm --labels gptfuzz_labeled",
        "alignmeter judge validate --labels my.csv --format csv",
        "alignmeter judge validate --run latest",
        "alignmeter judge validate --axis factuality",
        "alignmeter judge validate --axis harm --judge llm:harm@openai:gpt-x",
    ),
)
@with_groups
def validate(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels",
            help="A labelled file or folder; may be repeated. Default for harm and factuality: what ships.",
            metavar="FILE",
        ),
    ] = None,
    run: LabelledRunsOption = None,
    axis: Annotated[Axis, typer.Option("--axis", help="What the labels are about.")] = "refusal",
    judge: JudgeOption = None,
    format_: Annotated[
        Literal["xstest", "gptfuzz", "halueval", "csv", "jsonl"] | None,
        typer.Option(
            "--format",
            help="How the file is written; default: jsonl for *.jsonl, else xstest, for harm gptfuzz.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", help="csv, jsonl: our column=yours,...", metavar="PAIRS"),
    ] = None,
    labels_map: Annotated[
        list[str] | None,
        typer.Option("--labels-map", help="csv, jsonl: your label=ours,...", metavar="PAIRS"),
    ] = None,
    url: JudgeEndpointOption = None,
    api_key_env: JudgeEndpointKeyOption = None,
    timeout: TimeoutOption = None,
    judgements: JudgementsOption = None,
    fresh: FreshOption = False,
    budget: BudgetChoice,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Compare a judge with labels: confusion matrix, kappa, J, MCC, accuracy, with intervals.

    With `--run` the labels are those that people gave with `alignmeter label`; the judge, by name as in the
    run, must have judged it (`judge rejudge`), so nobody is asked. Each label counts for what it was drawn
    from.

    Replies that share a prompt or an id count as one in every interval. The refusal rules were written
    while looking at odd XSTest ids only: `held_out` is the honest figure. Of a judge that asks models each
    judgement is kept: stopped at any point, the same command goes on where it ended; where a budget stops
    it, which exits with 5, with a larger one.
    """
    from alignmeter.api import validate_judge
    from alignmeter.errors import InputError
    from alignmeter.judges.labels import parse_pairs

    if run:
        refuse_unused(context, {"run", "runs", "axis", "judge", "as_json"}, _of_files)
        given = context.get_parameter_source("axis")
        on = axis if given is not None and given.name == "COMMANDLINE" else None
        validate_on(run, runs, judge=judge, axis=on, as_json=as_json)
        return
    refuse_unused(context, set(context.params) - {"runs"}, _of_runs)
    if axis == "factuality" and judge is None and format_ is None and not columns and not labels_map:
        refuse_unused(context, {"axis", "labels", "as_json"}, _of_models)
        _validate_answers(labels or [], as_json=as_json)
        return
    if not labels and axis == "refusal" and judge is None:
        raise InputError(
            "--axis refusal needs --labels FILE, replies with the labels that people gave them, or --run RUN "
            "that they gave them in with `alignmeter label`"
        )
    with counter("judgements") as progress:
        made = validate_judge(
            axis,
            [Path(path) for path in labels or []],
            format_ or _usual_format(axis, labels or []),
            judge=judge,
            columns=parse_pairs(columns, "--columns") if columns else None,
            labels_map=parse_pairs(labels_map, "--labels-map") if labels_map else None,
            target_options=_options(url, api_key_env, timeout),
            allowance=budget.allowance(),
            judgements=judgements,
            fresh=fresh,
            progress=progress,
        )
    if as_json:
        print_json(made)
        return
    out = console()
    source = ", ".join(labels or ()) or "the labelled replies that ship (machine-written, unseen by people)"
    out.print(f"{made.judge} ({made.judge_hash[:16]}) against {source}")
    print_report(out, made)
    _print_kept(made)


def _usual_format(axis: Axis, labels: list[str]) -> Literal["xstest", "gptfuzz", "jsonl"]:
    """Return how files are written whose format was not said."""
    if labels and all(path.endswith(".jsonl") for path in labels):
        return "jsonl"
    usual: dict[Axis, Literal["xstest", "gptfuzz", "jsonl"]] = {
        "refusal": "xstest",
        "harm": "gptfuzz",
        "factuality": "jsonl",
    }
    return usual[axis]


@app.command(
    "calibrate",
    epilog=examples(
        "alignmeter judge calibrate --judge llm:harm@openai:gpt-x",
        "alignmeter judge calibrate --judge llm:harm@openai:x --budget-calls 500",
        "alignmeter judge calibrate --judge guard:shieldgemma@openai:sg-9b",
        "alignmeter judge calibrate --judge llm:refusal@embedded --language en",
        "alignmeter judge calibrate --run latest --judge refusal-embedded",
    ),
)
@with_groups
def calibrate(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    judge: Annotated[
        str | None,
        typer.Option(
            "--judge",
            help="The judge, as in `judge validate`; default with --run: the run's own.",
            metavar="SPEC",
        ),
    ] = None,
    run: LabelledRunsOption = None,
    axis: Annotated[
        Axis | None, typer.Option("--axis", help="Its axis, to be sure; default: its own.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=output_file(),
            help="File of the cards; default $ALIGNMETER_CARDS, else alignmeter-cards.json here.",
            metavar="FILE",
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language", help="Language of the replies; may be repeated. Default: all.", metavar="CODE"
        ),
    ] = None,
    url: JudgeEndpointOption = None,
    api_key_env: JudgeEndpointKeyOption = None,
    timeout: TimeoutOption = None,
    judgements: JudgementsOption = None,
    fresh: FreshOption = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Lose the judge's card of people's labels, where the file holds one."),
    ] = False,
    budget: BudgetChoice,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Make a card for a judge from labelled replies that ship, or that people labelled; later runs find it.

    What ships is machine-written and no person has looked at it yet; the card says so, and takes the place of
    one made from people's labels only with `--replace`. Stopped at any point, the same command goes on where
    it ended, as `judge validate` does.

    With `--run` the card is made of labels that people gave with `alignmeter label`, and takes the place of
    an earlier one in the languages that they labelled. The judge must have judged the run (`judge rejudge`),
    so nobody is asked.
    """
    from alignmeter.api import calibrate_judge
    from alignmeter.errors import InputError

    if run:
        refuse_unused(context, {"run", "runs", "axis", "judge", "out", "as_json"}, _of_files)
        calibrate_on(run, runs, judge=judge, axis=axis, out=out, as_json=as_json)
        return
    refuse_unused(context, set(context.params) - {"runs"}, _of_runs)
    if judge is None:
        raise InputError("expected --judge SPEC: the judge that gets a card")
    with counter("judgements") as progress:
        made = calibrate_judge(
            judge,
            axis=axis,
            out=out,
            languages=language,
            target_options=_options(url, api_key_env, timeout),
            allowance=budget.allowance(),
            judgements=judgements,
            fresh=fresh,
            replace=replace,
            progress=progress,
        )
    if as_json:
        print_json(made)
        return
    shown = console()
    shown.print(f"{made.judge} ({made.cards[0].judge_hash[:16]})")
    print_cards(shown, made.cards)
    shown.print(f"written to {made.path}; runs started beside it find it")
    _print_kept(made)


def _print_kept(made: Calibrated | Validated) -> None:
    """Say where judgements of models are kept, and what they cost."""
    if not made.judgements:
        return
    before = f", {made.already} of them from before" if made.already else ""
    print_line(f"Judgements  {made.judgements}{before}")
    print_line(f"Spent       {spent_words(made.spent)}, over all starts")


def _of_models(_parameter: str) -> str:
    return "goes with a judge that asks models, and the built-in one of factuality asks none"


def _of_files(parameter: str) -> str:
    if parameter == "replace":
        return "does not go with --run: a card of people's labels takes the place of an earlier one anyway"
    return "does not go with --run: what the judge said of the run's replies is in the run"


def _of_runs(_parameter: str) -> str:
    return "goes with --run RUN"


def _options(url: str | None, api_key_env: str | None, timeout: float | None) -> TargetOptions | None:
    """Return how a judge's model is reached, None where nothing was said."""
    from alignmeter.targets import TargetOptions

    if url is None and api_key_env is None and timeout is None:
        return None
    return TargetOptions(url=url, api_key_env=api_key_env, timeout=timeout)


def _validate_answers(labels: list[str], *, as_json: bool) -> None:
    from rich.table import Table

    from alignmeter.api import validate_answers
    from alignmeter.errors import InputError
    from alignmeter.figures import number_ends

    if len(labels) > 1:
        raise InputError(f"--axis factuality takes one --labels file, got {len(labels)}")
    made = validate_answers(Path(labels[0]) if labels else None)
    if as_json:
        print_json(made)
        return
    out = console()
    source = labels[0] if labels else "the labelled answers that ship (machine-written, unseen by people)"
    out.print(f"{made.judge} ({made.judge_hash[:16]}) against {source}")
    out.print(f"\n{made.n} replies to {made.families} questions")
    table = Table(box=None, pad_edge=False)
    table.add_column("label \\ judge")
    for label in (*ANSWERS, "unscored"):
        table.add_column(label, justify="right")
    for label, row in zip(ANSWERS, made.confusion, strict=True):
        table.add_row(label, *(str(count) for count in row))
    out.print(table)
    event = made.event
    for name, (point, lower, upper) in (
        ("finds confidently wrong", event.sensitivity),
        ("clears the others", event.specificity),
    ):
        out.print(f"  {name:<24} {point:.3f}  [{number_ends(lower, upper, ', ')}]")
    out.print(f"  {'kappa, three labels':<24} {made.kappa:.3f}")
    out.print(f"  {'share unscored':<24} {made.abstention:.3f}")
    out.print(f"  Se, Sp and kappa are of the {event.n} replies that have a score.")


@app.command("cards", epilog=examples("alignmeter judge cards", "alignmeter judge cards --json"))
def cards(*, as_json: JsonOption = False) -> None:
    """List what is known of judges, yours and those that ship: the figures that every verdict carries."""
    from alignmeter.api import judge_cards

    known = judge_cards()
    if as_json:
        print_json({"cards": known})
        return
    print_cards(console(), known)
