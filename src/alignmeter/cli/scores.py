"""`alignmeter scores`: what a run or results of another tool scored, and what two of them share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from alignmeter.cli.numbers import real
from alignmeter.cli.output import JsonOption, RunsOption, console, examples, print_json, print_line
from alignmeter.cli.output_file import output_file

EXAMPLES = examples(
    "alignmeter scores latest",
    "alignmeter scores lm_eval_out/",
    "alignmeter scores results_2026-01-31T10-00-00.json --filter flexible-extract",
    "alignmeter scores logs/gsm8k.eval --epochs mean --json",
    "alignmeter scores base_out/ aligned_out/ --prompts any",
    "alignmeter scores helm/runs/my-suite --metric exact_match --out scores.csv",
)
_TWO = 2


def scores(  # noqa: PLR0913 - its options
    *,
    paths: Annotated[
        list[str],
        typer.Argument(
            help="A run or its name, results of lm-eval, Inspect or HELM, or a CSV with item, domain, "
            "score. With two the second is compared with the first, item by item.",
            metavar="PATH [PATH]",
            show_default=False,
        ),
    ],
    format: Annotated[  # noqa: A002 - the name of the option
        str | None,
        typer.Option(
            help="alignmeter, lm-eval, inspect, helm, csv, or that of a plugin; default: told by content.",
            metavar="NAME",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Model to read where there are several; twice for two paths.", metavar="NAME"),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Score to read (Inspect: scorer); repeat it where domains have different ones.",
            metavar="NAME",
        ),
    ] = None,
    filter: Annotated[  # noqa: A002 - the name of the option
        list[str] | None,
        typer.Option(
            help="Filter of lm-eval, such as strict-match; default: the first listed.", metavar="NAME"
        ),
    ] = None,
    domain: Annotated[
        list[str] | None, typer.Option(help="Read this domain alone; repeatable.", metavar="NAME")
    ] = None,
    epochs: Annotated[
        str,
        typer.Option(
            help="Inspect: `members` counts every epoch as an item of one family; else the log's own "
            "reducer, such as mean.",
            metavar="NAME",
        ),
    ] = "members",
    family: Annotated[
        str, typer.Option(help="Field of the source's items that names their family.", metavar="FIELD")
    ] = "",
    maximum: Annotated[
        float | None,
        typer.Option(
            "--max", parser=real(exclusive=True), metavar="N", help="Best possible score; default 1."
        ),
    ] = None,
    prompts: Annotated[
        Literal["same", "any"],
        typer.Option(help="`any` pairs items although the models were sent different texts."),
    ] = "same",
    items: Annotated[
        Literal["all", "shared"],
        typer.Option(
            help="`shared` compares the items that both have, where the two sets differ on purpose; else one "
            "that a source lacks, without stating that it was not asked, has no score there."
        ),
    ] = "all",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=output_file(".csv"),
            help="Write the items of one model as CSV.",
            metavar="FILE.csv",
        ),
    ] = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Show what a run or results of another tool hold: domains, means with intervals, provenance.

    The source's own printed score stands beside the mean of its items; results whose items do not have
    the mean that they print are refused. With two paths: the paired difference of each domain. Nothing
    is scored again. Exits 4 where a domain has too few pairs to say anything, or too many items (2%) without
    a score of both.
    """
    from alignmeter.api import compare_scores, describe_scores
    from alignmeter.integrations import ReadOptions, read_item_scores, write_csv
    from alignmeter.report.scores import render_comparison, render_scores

    _check(paths, model or [], out)
    options = ReadOptions(
        metrics=tuple(metric or ()),
        filters=tuple(filter or ()),
        domains=tuple(domain or ()),
        epochs=epochs,
        family=family,
        maximum=maximum,
    )
    read = [
        read_item_scores(_located(path, runs), format=format, options=replace(options, model=name))
        for path, name in zip(paths, _models(model or [], len(paths)), strict=True)
    ]
    if len(read) == _TWO:
        found = compare_scores(read[0], read[1], prompts=prompts, items=items)
        shown, code = render_comparison(found), found.exit_code
    else:
        found = describe_scores(read[0])
        shown, code = render_scores(found), 0
    if out is not None:
        write_csv(read[0], out)
    if as_json:
        print_json(found)
    else:
        console().print(shown)
        if out is not None:
            print_line(f"Wrote       {out}")
    raise typer.Exit(code)


def _check(paths: list[str], models: list[str], out: Path | None) -> None:
    from alignmeter.errors import InputError

    if len(paths) > _TWO:
        raise InputError(f"expected one path, or two to compare, got {len(paths)}; name at most two")
    if len(models) > len(paths):
        named = ", ".join(map(repr, models))
        raise InputError(f"expected --model at most once for each path, got {named}")
    if out is not None and len(paths) == _TWO:
        raise InputError("expected --out with one path, got two; leave one of them out")


def _located(path: str, runs: str) -> str:
    """Return a path as it is, or the folder of the run that has this name where there is no such path."""
    from alignmeter.cli.locate import find_run

    if not Path(path).exists() and (path == "latest" or (Path(runs) / path / "run.json").is_file()):
        return str(find_run(path, runs))
    return path


def _models(models: list[str], paths: int) -> list[str | None]:
    """Return the model to read of each path; one that is named once is meant for all."""
    return [*models] if len(models) == paths else [models[0] if models else None] * paths
