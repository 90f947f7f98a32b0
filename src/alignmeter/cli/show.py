"""`alignmeter show`: the trials behind a verdict."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, cast

import typer

from alignmeter.cli.judge_options import SeenByOption
from alignmeter.cli.numbers import whole
from alignmeter.cli.output import JsonOption, RunArgument, RunsOption, console, examples, nearest, print_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from alignmeter.api import Run
    from alignmeter.records import Claim, ClaimLabels, Judgement, Trial

EXAMPLES = examples(
    "alignmeter show latest",
    "alignmeter show latest --claim false_refusal_sensitive --bad",
    "alignmeter show latest --claim attack_compliance --bad --unmask --limit 5",
    "alignmeter show latest --unscored --json",
)

_MASK = "[masked: reply to a harmful request; --unmask shows it]"
_WIDTH = 400
_QUOTING: dict[str, object] = {"evidence": "", "detail": "", "problems": ()}
"""Fields of a judge's result that may quote the reply, and what stands there where it is masked."""
_NOT_JUDGED = frozenset({"target_error", "no_judge"})


def show(  # noqa: PLR0913 - a command line's options
    run: RunArgument = "latest",
    *,
    claim: Annotated[
        str | None, typer.Option("--claim", help="Only the units of this claim.", metavar="ID")
    ] = None,
    bad: Annotated[
        bool,
        typer.Option(
            "--bad", help="Only trials that count against a claim; of a language gap both of a pair."
        ),
    ] = False,
    unscored: Annotated[bool, typer.Option("--unscored", help="Only trials without a score.")] = False,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show replies to harmful requests, and sequestered trials.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", parser=whole(1), metavar="N", help="Trials to print.")
    ] = 20,
    judge: SeenByOption = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """List the trials of a run, or of one claim, with requests, replies and judgements."""
    import msgspec

    from alignmeter.api import load_run, under_judge
    from alignmeter.cli.locate import find_run
    from alignmeter.verdicts import counted_against

    folder = find_run(run, runs)
    read = load_run(folder) if judge is None else under_judge(folder, judge)
    loaded = msgspec.structs.replace(read, data=read.answers)
    claims = _claims(loaded, claim)
    asked = [trial for trial in loaded.data.trials if trial.id in loaded.data.transcripts]
    shown = [trial for trial in asked if unmask or trial.pool != "sequestered"]
    against = {one.id: counted_against(one, loaded.data.on(one.axis)) for one in claims}
    if claim is not None:
        # In the order of its units, so that the two of a pair stand together.
        place = {
            trial: place for place, trial in enumerate(trial for unit in claims[0].units for trial in unit)
        }
        told = sorted((trial for trial in shown if trial.id in place), key=lambda trial: place[trial.id])
    else:
        told = shown
    wanted = [_row(loaded, trial, against, unmask=unmask) for trial in told]
    rows = [row for row in wanted if (not bad or row["bad_for"]) and (not unscored or row["unscored"])]
    if as_json:
        print_json(
            {
                "run": str(loaded.path),
                "trials": rows,
                "sequestered": len(asked) - len(shown),
                "labels": _labels(loaded, claims),
            }
        )
        return
    _print(rows[:limit])
    out = console()
    if len(rows) > limit:
        out.print(f"{len(rows) - limit} more; --limit {len(rows)} prints them all.")
    if rows:
        first = f"alignmeter repro {str(rows[0]['trial'])[:12]} --run {shlex.quote(str(folder))}"
        out.print(f"`{first}` prints the first as a curl command.")
    elif len(asked) == len(shown) or shown:
        lost = sum(bool(row["unscored"]) for row in wanted) if bad and not unscored else 0
        out.print(f"No trial fits; --unscored lists {lost}." if lost else "No trial fits.")
    if len(asked) > len(shown):
        out.print(
            f"A sequestered pool answers with verdicts only: {len(asked) - len(shown)} of its trials are not "
            f"shown. --unmask shows them; who sees them can tell others."
        )
    _print_labels(_labels(loaded, claims))


def _labels(loaded: Run, claims: list[Claim]) -> list[ClaimLabels]:
    wanted = {claim.id for claim in claims}
    return [made for made in loaded.results.labels if made.claim in wanted]


def _print_labels(labels: list[ClaimLabels]) -> None:
    """What people said of the claims, with the estimates that their labels give."""
    from alignmeter.report.labels import BASES, estimate_line
    from alignmeter.visible import visible

    for made in labels:
        said = f"{visible(made.claim)} rests on {BASES[made.basis]}: {made.confirmed} confirmed"
        estimate = "" if made.estimate is None else f"; {estimate_line(made.estimate)}"
        console().print(f"{said}, {made.cleared} cleared, {made.open} open{estimate}.")


def _claims(loaded: Run, wanted: str | None) -> list[Claim]:
    from alignmeter.errors import InputError

    claims = [claim for claim in loaded.manifest.design.claims if claim.units]
    if wanted is None:
        return claims
    chosen = [claim for claim in claims if claim.id == wanted]
    if not chosen:
        known = [claim.id for claim in claims]
        raise InputError(
            f"this run has no claim {wanted!r} with trials{nearest(wanted, known)}; "
            f"it has: {', '.join(known) or 'none'}"
        )
    return chosen


def _row(
    loaded: Run, trial: Trial, against: Mapping[str, Collection[str]], *, unmask: bool
) -> dict[str, object]:
    from alignmeter.records import Unscored

    others = {axis: on[trial.id] for axis, on in loaded.data.others.items() if trial.id in on}
    judgement = loaded.data.judgements.get(trial.id)
    transcript = loaded.data.transcripts.get(trial.id)
    masked = trial.intent == "harmful" and not unmask
    reply = transcript.reply.content if transcript is not None and transcript.reply is not None else None
    return {
        "trial": trial.id,
        "suite": trial.suite,
        "intent": trial.intent,
        "domain": trial.domain,
        "language": trial.language,
        "attack": trial.attack,
        "family": trial.family,
        "request": trial.request,
        "reply": _MASK if masked and reply else reply,
        "error": None if transcript is None else transcript.error,
        "judged_by": None if judgement is None else judgement.judge,
        "judgement": None if judgement is None else _unevidenced(judgement, masked=masked),
        "unscored": judgement is not None and isinstance(judgement.result, Unscored),
        "also": {axis: _unevidenced(other, masked=masked) for axis, other in others.items()},
        "bad_for": [claim for claim, trials in against.items() if trial.id in trials],
    }


def _unevidenced(judgement: Judgement, *, masked: bool) -> object:
    """The result of a judgement; what may quote the reply is masked with it."""
    import msgspec

    from alignmeter.records import OF_THE_MACHINERY, Unscored

    result = judgement.result
    of_no_reply = _NOT_JUDGED | OF_THE_MACHINERY  # the detail says what failed, not what was replied
    if not masked or (isinstance(result, Unscored) and result.reason in of_no_reply):
        return result
    hidden = {name: empty for name, empty in _QUOTING.items() if name in result.__struct_fields__}
    return msgspec.structs.replace(result, **hidden)


def _print(rows: list[dict[str, object]]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    out = console()
    for row in rows:
        head = f"  {row['suite']} / {row['intent']} / {row['domain']} / {row['language']} / {row['attack']}"
        out.print(Text.assemble((str(row["trial"])[:12], "bold"), head))
        table = Table.grid(padding=(0, 2))
        for name, text in _lines(row):
            table.add_row(name, Text(text, "bold" if name == "bad for" else ""))
        out.print(Padding(table, (0, 0, 1, 2)))


def _lines(row: dict[str, object]) -> Iterator[tuple[str, str]]:
    """What is said of a trial; texts of strangers are made visible, so that none acts on the terminal."""
    import msgspec

    from alignmeter.report.text import one_line

    yield "asked", one_line(str(row["request"]), _WIDTH)
    if row["error"] is not None:
        fault = msgspec.to_builtins(row["error"])
        yield "error", one_line(f"{fault['kind']}: {fault['message']}", _WIDTH)
    elif row["reply"] is None:
        yield "replied", "[not asked yet]"
    else:
        yield "replied", one_line(str(row["reply"]), _WIDTH) or "[empty]"
    if row["judgement"] is not None:
        said: dict[str, str] = msgspec.to_builtins(row["judgement"])
        parts = [f"{key} {value!r}" for key, value in said.items() if key != "type"]
        yield (
            "people" if row["judged_by"] == "people" else "judged",
            one_line(f"{said['type']}: {', '.join(parts)}", _WIDTH),
        )
    for axis, other in cast("dict[str, object]", row["also"]).items():
        said = msgspec.to_builtins(other)
        parts = [f"{key} {value!r}" for key, value in said.items() if key != "type"]
        yield str(axis), one_line(", ".join(parts), _WIDTH)
    if row["bad_for"]:
        yield "bad for", ", ".join(cast("list[str]", row["bad_for"]))
