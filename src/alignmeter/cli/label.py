"""`alignmeter label`: people look at replies, blind to the judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.judge_options import SeenByOption
from alignmeter.cli.numbers import real, whole
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
    from alignmeter.api import Run
    from alignmeter.api.labelling import Asked

EXAMPLES = examples(
    "alignmeter label latest --annotator ana",
    "alignmeter label latest --claim attack_compliance --limit 20",
    "alignmeter label latest --annotator ben --second",
    "alignmeter label latest --adjudicate --annotator cy",
    "alignmeter label latest --judge harm-embedded",
    "alignmeter label latest --status",
    "alignmeter label latest --export labels.csv",
    "alignmeter label latest --import labels.csv --annotator ana",
)


def label(  # noqa: PLR0913 - one parameter an option
    run: RunArgument = "latest",
    *,
    annotator: Annotated[
        str | None, typer.Option("--annotator", help="Who labels; default: your login name.", metavar="NAME")
    ] = None,
    claim: Annotated[
        str | None, typer.Option("--claim", help="Only replies of this claim.", metavar="ID")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", parser=whole(1), metavar="N", help="Labels in this session.")
    ] = None,
    second: Annotated[
        bool, typer.Option("--second", help="Only replies that one other annotator has labelled.")
    ] = False,
    adjudicate: Annotated[
        bool, typer.Option("--adjudicate", help="Settle what annotators disagree on.")
    ] = False,
    share: Annotated[
        float | None,
        typer.Option(
            "--share",
            parser=real(0.0),
            metavar="P",
            help="Share of replies for a second annotator, default 0.1.",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export", parser=output_file(), help="Write the labels: .csv or .jsonl.", metavar="FILE"
        ),
    ] = None,
    import_: Annotated[
        str | None, typer.Option("--import", help="Add labels from a .csv or .jsonl.", metavar="FILE")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Say how far the labelling is.")] = False,
    judge: SeenByOption = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Label replies, one key an answer, blind to the judge; verdicts use the labels at once.

    First comes what a verdict hangs on, with other replies mixed in, then what makes the estimates
    narrow. Every label is on the disk before the next question. Replies to harmful requests are
    shown in full: looking at them is the task. With `--judge` the claims, and what they need, are
    those of a judge that judged the run again; the labels are the run's all the same. A language gap
    is labelled only by name (`--claim language_gap/language=ar,legitimate`): both replies of each pair.
    """
    from alignmeter.api.labelling import SHARE, Asked, checked_annotator
    from alignmeter.cli.locate import find_run
    from alignmeter.errors import InputError

    modes = {"--export": export, "--import": import_, "--status": status or None}
    chosen = [name for name, value in modes.items() if value is not None]
    if len(chosen) > 1 or (chosen and (second or adjudicate)) or (second and adjudicate):
        given = [*chosen, *(["--second"] if second else []), *(["--adjudicate"] if adjudicate else [])]
        raise InputError(f"expected one of {' and '.join(given)}, got both; leave one out")
    if as_json and not chosen:
        raise InputError("--json goes with --status, --export or --import; labelling itself is a dialogue")
    if share is not None and share > 1:
        raise InputError(f"--share must lie between 0 and 1, got {share!r}")
    path = find_run(run, runs)
    if export is not None:
        _export(path, export, judge, as_json=as_json)
    elif status:
        _status(path, claim, judge, as_json=as_json)
    else:
        who = checked_annotator(annotator if annotator is not None else _login())
        if import_ is not None:
            _import(path, Path(import_), who, judge, as_json=as_json)
        else:
            asked = Asked(
                claim=claim, second=second, adjudicate=adjudicate, share=SHARE if share is None else share
            )
            _session(path, who, asked, limit, judge)


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no name for this user id, as in some containers
        return "annotator"


def _read(path: Path, judge: str | None) -> Run:
    from alignmeter.api import load_run, under_judge

    return load_run(path) if judge is None else under_judge(path, judge)


def _export(path: Path, file: Path, judge: str | None, *, as_json: bool) -> None:
    from alignmeter.api import export_labels

    count = export_labels(_read(path, judge), file)
    if as_json:
        print_json({"file": str(file), "labels": count})
    else:
        print_line(f"Wrote {count} labels to {file}")


def _import(path: Path, file: Path, annotator: str, judge: str | None, *, as_json: bool) -> None:
    from alignmeter.api import import_labels

    made = import_labels(path, file, annotator=annotator, judge=judge)
    if as_json:
        print_json({"added": made.added, "known": made.known, "empty": made.empty, "older": list(made.older)})
        return
    print_line(f"Added {made.added} labels; {made.known} were known, {made.empty} rows had none.")
    if made.older:
        print_line(
            f"{len(made.older)} left out, because the same person said something else of the reply later:"
        )
        for where in made.older:
            print_line(f"  {where}")
    _print_changes(made.before, made.after)


def _status(path: Path, claim: str | None, judge: str | None, *, as_json: bool) -> None:
    from alignmeter.api import label_agreement, label_status
    from alignmeter.report.labels import estimate_line

    loaded = _read(path, judge)
    rows, agreement = label_status(loaded, claim), label_agreement(loaded.labels)
    if as_json:
        print_json(
            {"run": str(path), "claims": rows, "agreement": agreement, "labels": loaded.results.labels}
        )
        return
    rests = {"judge": "the judge", "positives": "people, on what the judge flagged", "all": "people, on all"}
    out = console()
    for row in rows:
        out.print(f"{row.claim}: {row.verdict}, rests on {rests[row.basis]}", style="bold")
        disputed = f", {row.disputed} disputed (--adjudicate)" if row.disputed else ""
        out.print(
            f"  {row.labelled} labelled{disputed}; left: {row.flagged} for the verdict, {row.estimate} for "
            f"the estimate",
        )
    for made in loaded.results.labels:
        if made.estimate is not None:
            out.print(f"  {made.claim}: {estimate_line(made.estimate)}")
    _print_agreement(loaded)


def _session(path: Path, annotator: str, asked: Asked, limit: int | None, judge: str | None) -> None:
    from alignmeter.api import Labelling
    from alignmeter.api.labelling import labelled_claims
    from alignmeter.cli.keys import single_keys
    from alignmeter.cli.labelling import Dialogue

    with Labelling(path, annotator, judge=judge) as work, single_keys():
        before = work.run
        labelled_claims(before, asked.claim)  # an unknown claim is refused before anything is said
        dialogue = Dialogue(work, asked, limit)
        dialogue.run()
    done = len(work.run.labels) - len(before.labels)
    print_line(
        f"\nSaved. {dialogue.given} labels by {annotator}; the same command goes on where you stopped."
    )
    if done:
        _print_agreement(work.run)
        _print_changes(before, work.run)


def _print_agreement(run: Run) -> None:
    from alignmeter.api import label_agreement

    for found in label_agreement(run.labels):
        kappa = "not defined" if found.kappa is None else f"{found.kappa:.2f}"
        print_line(
            f"Agreement on {found.axis}: kappa {kappa}, the same label on {found.raw:.0%} of {found.pairs} "
            f"replies that two people labelled"
        )


def _print_changes(before: Run, after: Run) -> None:
    from alignmeter.visible import visible

    was = {verdict.claim: verdict.verdict for verdict in before.results.verdicts}
    for verdict in after.results.verdicts:
        if verdict.basis != "judge" or was.get(verdict.claim) != verdict.verdict:
            old = was.get(verdict.claim, "?")
            change = verdict.verdict if old == verdict.verdict else f"{old} -> {verdict.verdict}"
            print_line(f"{visible(verdict.claim)}: {change}. {visible(verdict.sentence)}")
