"""`alignmeter regions`: groups of prompts that a target over- or under-refuses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alignmeter.cli.judge_options import SeenByOption
from alignmeter.cli.locate import find_run
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
from alignmeter.cli.report_file import OutOption, write_report_file

if TYPE_CHECKING:
    from alignmeter.records import Regions

EXAMPLES = examples(
    "alignmeter regions latest",
    "alignmeter regions runs/plain --out regions.html",
    "alignmeter regions runs/plain --vectors words --export todo.jsonl",
    "alignmeter regions runs/plain --json",
)


def regions(  # noqa: PLR0913 - one parameter an option
    *,
    run: RunArgument = "latest",
    vectors: Annotated[
        Literal["auto", "embedding", "words"],
        typer.Option(
            help="What likeness rests on: sentence embeddings (extra `embed`), words, or what is installed."
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the halves and of the clustering.")] = 0,
    judge: SeenByOption = None,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show and export harmful requests, and sequestered ones.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            parser=output_file(),
            help="Write every request with its region, and the pairs: ids, and texts with --unmask only.",
            metavar="FILE.jsonl",
        ),
    ] = None,
    out: OutOption = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Find regions of like prompts that the target refuses, or goes along with, more than others.

    Over-aligned regions hold legitimate requests that are refused, under-aligned ones harmful requests
    that are gone along with, inconsistent ones both. They are found on one half of the families and
    tested on the other. Boundary pairs are what to look at next. Exits 0 whatever is found.
    """
    from alignmeter.api import load_run, under_judge
    from alignmeter.api import regions as find
    from alignmeter.report.regions import regions_sheet
    from alignmeter.report.sheet import render_sheet, sheet_html, sheet_markdown

    path = find_run(run, runs)
    opened = load_run(path) if judge is None else under_judge(path, judge)
    found = find(opened, vectors=vectors, seed=seed, unmask=unmask)
    if export is not None:
        texts = {trial.id: trial.request for trial in opened.data.trials} if unmask else {}
        _export(export, found, texts)
    if out is not None:
        write_report_file(
            out,
            markdown=lambda: sheet_markdown(regions_sheet(found)),
            html=lambda: sheet_html(regions_sheet(found, charts=True)),
        )
    if as_json:
        print_json(found)
    else:
        console().print(render_sheet(regions_sheet(found)))
        for word, file in (("Exported", export), ("Wrote", out)):
            if file is not None:
                print_line(f"{word:<12}{file}")


def _export(path: Path, found: Regions, texts: dict[str, str]) -> None:
    """Write one line a request, then one a pair; texts where there are any."""
    import msgspec

    from alignmeter.errors import StorageError

    kinds = {region.number: region for region in found.regions}
    lines: list[dict[str, object]] = []
    for point in found.points:
        region = kinds.get(point.region) if point.region is not None else None
        lines.append(
            {
                "kind": "request",
                "trial": point.trial,
                "intent": point.intent,
                "bad": point.bad,
                "region": point.region,
                "region_kind": None if region is None else region.kind,
                **({"text": texts[point.trial]} if texts else {}),
            }
        )
    for pair in found.pairs:
        ids = {"refused": pair.refused.trial, "complied": pair.complied.trial}
        shown = {f"{side}_text": texts[trial] for side, trial in ids.items()} if texts else {}
        lines.append({"kind": "pair", **ids, "likeness": pair.likeness, **shown})
    try:
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    except OSError as error:
        raise StorageError(f"cannot write {str(path)!r}: {error.strerror}; name another file") from None
