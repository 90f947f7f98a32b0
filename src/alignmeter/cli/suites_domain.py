"""`alignmeter suites domain`: a folder of prompts as a tax domain of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.output import JsonOption, examples, print_json, print_line

if TYPE_CHECKING:
    from alignmeter.api import CustomDomain

EXAMPLES = examples(
    "alignmeter suites domain claims-handling",
    "alignmeter suites domain claims-handling --name claims --limit 5%",
    "alignmeter suites domain claims-handling --json",
)


def domain(
    folder: Annotated[
        str,
        typer.Argument(
            help="Folder of prompts with answers, references or rubrics: .csv, .jsonl, .md, .txt.",
            metavar="FOLDER",
        ),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the domain; default: that of domain.yaml or the folder.", metavar="NAME"),
    ] = None,
    limit: Annotated[
        str | None,
        typer.Option(
            help="Relative tax that the domain may pay at most; default: `limit` of domain.yaml, else the "
            "threat model's.",
            metavar="SHARE",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="Folder for the suite; default: alignmeter-suites, or $ALIGNMETER_SUITES.", metavar="FOLDER"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a folder of your own prompts into a tax domain with a claim of its own.

    A run asks it where the threat model names it under `suites:`; `alignmeter tax` then holds its tax
    against its limit.
    """
    from alignmeter.api import import_domain
    from alignmeter.cli.tax_options import read_limits

    share, named = read_limits([limit]) if limit is not None else (None, {})
    if named:
        from alignmeter.errors import InputError

        raise InputError(f"expected --limit as 10% or 0.1, got {limit!r}; correct it")
    done = import_domain(Path(folder), name=name, limit=share, out=Path(out) if out is not None else None)
    if as_json:
        print_json(done)
    else:
        _render(done)


def _render(done: CustomDomain) -> None:
    from alignmeter.figures import exact_percent
    from alignmeter.suites import user_folder

    print_line(f"{done.title}: {done.tasks + done.requests} prompts in {done.families} families")
    if done.tasks:
        print_line(f"Checked     {done.tasks} by their answer")
    if done.requests:
        print_line(f"Open        {done.requests} by reference or rubric")
    at_most = "that of the threat model" if done.limit is None else f"{exact_percent(done.limit)}, its own"
    print_line(f"Tax limit   {at_most}")
    for what in done.unread:
        print_line(f"Not read    {what}")
    for note in done.notes:
        print_line(f"Note        {note}")
    for path in done.written:
        print_line(f"Wrote       {path}{' (replaced)' if done.replaced else ''}")
    folder = Path(done.written[0]).parent
    if folder.resolve() != user_folder().resolve():
        print_line(f"\nFor a run to find it: export ALIGNMETER_SUITES={folder}")
    print_line(f"\nName it in a threat model, `suites: [{done.name}, triad]`, and run with --fixed.")
