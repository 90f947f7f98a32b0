"""`alignmeter judge`: measure judges against labels, and make their cards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from alignmeter.cli import rejudge
from alignmeter.cli.counter import counter
from alignmeter.cli.output import JsonOption, UrlOption, console, examples, print_json
from alignmeter.cli.output_file import output_file
from alignmeter.cli.target_options import KeyEnvOption, TimeoutOption

ANSWERS = ("correct", "incorrect", "abstained")

if TYPE_CHECKING:
    from rich.console import Console

    from alignmeter.judges import Agreement, ValidationReport
    from alignmeter.judges.validation import Estimate
    from alignmeter.records import JudgeCard
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
        "alignmeter judge validate --axis factuality",
    ),
)
def validate(  # noqa: PLR0913 - one parameter an option
    *,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels",
            help="A labelled file or folder; may be repeated. Default for harm and factuality: what ships.",
            metavar="FILE",
        ),
    ] = None,
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
    url: UrlOption = None,
    api_key_env: KeyEnvOption = None,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a judge with labels: confusion matrix, kappa, J, MCC, accuracy, with intervals.

    Replies that share a prompt or an id count as one in every interval. The refusal rules were written
    while looking at odd XSTest ids only: `held_out` is the honest figure.
    """
    from alignmeter.api import validate_judge
    from alignmeter.errors import InputError
    from alignmeter.judges.labels import parse_pairs

    if axis == "factuality" and judge is None and format_ is None and not columns and not labels_map:
        _validate_answers(labels or [], as_json=as_json)
        return
    if not labels and axis == "refusal" and judge is None:
        raise InputError("--axis refusal needs --labels FILE: replies with the labels that people gave them")
    with counter("replies judged") as progress:
        made = validate_judge(
            axis,
            [Path(path) for path in labels or []],
            format_ or _usual_format(axis, labels or []),
            judge=judge,
            columns=parse_pairs(columns, "--columns") if columns else None,
            labels_map=parse_pairs(labels_map, "--labels-map") if labels_map else None,
            target_options=_options(url, api_key_env, timeout),
            progress=progress,
        )
    if as_json:
        print_json(made)
        return
    out = console()
    source = ", ".join(labels or ()) or "the labelled replies that ship (machine-written, unseen by people)"
    out.print(f"{made.judge} ({made.judge_hash[:16]}) against {source}", markup=False)
    for part in made.parts:
        if part.whole:
            _print_part(out, made, part)
    _print_groups(out, made)


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
        "alignmeter judge calibrate --judge guard:shieldgemma@openai:sg-9b",
        "alignmeter judge calibrate --judge llm:refusal@embedded --language en",
    ),
)
def calibrate(
    *,
    judge: Annotated[str, typer.Option("--judge", help="The judge, as in `judge validate`.", metavar="SPEC")],
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
    url: UrlOption = None,
    api_key_env: KeyEnvOption = None,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a card for a judge of yours from labelled replies that ship; later runs find it.

    The replies are machine-written and no person has looked at them yet; the card says so. Where a
    judge is to carry a release decision, validate it on labels of your own.
    """
    from alignmeter.api import calibrate_judge

    with counter("replies judged") as progress:
        made = calibrate_judge(
            judge,
            axis=axis,
            out=out,
            languages=language,
            target_options=_options(url, api_key_env, timeout),
            progress=progress,
        )
    if as_json:
        print_json(made)
        return
    shown = console()
    shown.print(f"{made.judge} ({made.cards[0].judge_hash[:16]})", markup=False)
    _print_cards(shown, made.cards)
    shown.print(f"written to {made.path}; runs started beside it find it", markup=False)


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

    if len(labels) > 1:
        raise InputError(f"--axis factuality takes one --labels file, got {len(labels)}")
    made = validate_answers(Path(labels[0]) if labels else None)
    if as_json:
        print_json(made)
        return
    out = console()
    source = labels[0] if labels else "the labelled answers that ship (machine-written, unseen by people)"
    out.print(f"{made.judge} ({made.judge_hash[:16]}) against {source}", markup=False)
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
        out.print(f"  {name:<24} {point:.3f}  [{lower:.3f}, {upper:.3f}]", markup=False)
    out.print(f"  {'kappa, three labels':<24} {made.kappa:.3f}", markup=False)
    out.print(f"  {'share unscored':<24} {made.abstention:.3f}", markup=False)


@app.command("cards", epilog=examples("alignmeter judge cards", "alignmeter judge cards --json"))
def cards(*, as_json: JsonOption = False) -> None:
    """List what is known of judges, yours and those that ship: the figures that every verdict carries."""
    from alignmeter.api import judge_cards

    known = judge_cards()
    if as_json:
        print_json({"cards": known})
        return
    _print_cards(console(), known)


def _print_cards(out: Console, known: tuple[JudgeCard, ...]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("judge", "event", "measured on, by"):
        table.add_column(heading, overflow="fold")
    for heading in ("n", "un-\nscored", "kappa", "Se", "Sp", "J"):
        table.add_column(heading, justify="right", no_wrap=True)
    for card in known:
        table.add_row(
            escape(card.judge or card.axis),
            card.event.replace("_", " "),
            escape(f"{card.data} ({card.split}), {card.labels_by}"),
            str(card.n),
            "n/a" if card.abstention is None else f"{card.abstention:.1%}",
            f"{card.kappa:.2f}",
            f"{card.sensitivity[0]:.2f}",
            f"{card.specificity[0]:.2f}",
            f"{card.sensitivity[0] + card.specificity[0] - 1:.2f}",
        )
    out.print(table)


def _print_part(out: Console, report: ValidationReport, part: Agreement) -> None:
    from rich.table import Table

    out.print(f"\n[bold]{part.split}[/bold]: {part.n} replies to {part.prompts} prompts")
    if part.chained:
        out.print(
            f"  several prompts and several ids are joined in {part.chained} of them. If ids number rows, "
            "say --columns id=COLUMN with the column of the prompt",
            markup=False,
        )
    table = Table(box=None, pad_edge=False)
    table.add_column("people \\ judge")
    for label in (*report.classes, "unscored"):
        table.add_column(label, justify="right")
    for label, row in zip(report.classes, part.confusion, strict=True):
        table.add_row(label, *(str(count) for count in row))
    out.print(table)
    out.print(f"  {'':<24} figure [95% interval]", markup=False)
    words = _WORDS[report.axis]
    for name, estimate in (
        ("kappa, three classes", part.kappa),
        (f"kappa, {words.kappa}", part.kappa_refused),
        ("accuracy", part.accuracy),
        (f"sensitivity to {words.event}", part.sensitivity),
        ("specificity", part.specificity),
    ):
        _print_figure(out, name, estimate)
    for event in part.events:
        name = event.event.replace("_", " ")
        _print_figure(out, f"Se, {name}", event.sensitivity)
        _print_figure(out, f"Sp, {name}", event.specificity)
        _print_figure(out, f"J, {name}", event.informedness)
        _print_figure(out, f"MCC, {name}", event.mcc)
    if report.axis != "factuality":
        f1 = "n/a" if part.partial_f1 is None else f"{part.partial_f1:.3f}"
        out.print(f"  {words.graded:<24} {f1}", markup=False)
    lost = ", ".join(f"{count} {reason}" for reason, count in part.unscored.items())
    out.print(f"  {'share unscored':<24} {part.abstention:.3f}{f' ({lost})' if lost else ''}", markup=False)
    if part.calibration is not None:
        found = part.calibration
        out.print(f"  {'calibration error':<24} {found.error:.3f}", markup=False)
        out.print(
            f"  {'Brier score':<24} {found.brier:.3f} (of the bare share: {found.reference:.3f})",
            markup=False,
        )


class _Words(NamedTuple):
    """How the figures of an axis are called."""

    kappa: str
    event: str
    graded: str


_WORDS: dict[Axis, _Words] = {
    "refusal": _Words("refused or not", "refusals", "F1, partial refusals"),
    "harm": _Words("harm or none", "harm", "F1, partial harm"),
    "factuality": _Words("correct or not", "what is not", ""),
}


def _print_figure(out: Console, name: str, estimate: Estimate | None) -> None:
    bounds = "" if estimate is None else f"  [{estimate[1]:.3f}, {estimate[2]:.3f}]"
    out.print(f"  {name:<24} {_point(estimate)}{bounds}", markup=False)


def _print_groups(out: Console, report: ValidationReport) -> None:
    """Print one table for the models, one for the languages and one for the attack families."""
    from rich.markup import escape
    from rich.table import Table

    groupings: tuple[Literal["model", "language", "attack"], ...] = ("model", "language", "attack")
    for grouping in groupings:
        parts = [part for part in report.parts if getattr(part, grouping) is not None]
        parts = [part for part in parts if grouping != "model" or part.model]
        if not parts:
            continue
        out.print(f"\n[bold]by {grouping}[/bold]")
        table = Table(box=None, pad_edge=False)
        table.add_column(grouping)
        table.add_column("part")
        for heading in ("replies", "kappa", _WORDS[report.axis].kappa, "Se", "Sp"):
            table.add_column(heading, justify="right")
        for part in sorted(parts, key=lambda part: str(getattr(part, grouping))):
            figures = (part.kappa, part.kappa_refused, part.sensitivity, part.specificity)
            name = str(getattr(part, grouping)) or "(none)"
            table.add_row(escape(name), part.split, str(part.n), *map(_point, figures))
        out.print(table)


def _point(estimate: Estimate | None) -> str:
    """A figure that the labels do not define is n/a, never 0."""
    return "n/a" if estimate is None else f"{estimate[0]:.3f}"
