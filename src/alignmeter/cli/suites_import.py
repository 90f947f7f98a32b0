"""`alignmeter suites import`: public data sets as suites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.numbers import whole
from alignmeter.cli.output import JsonOption, console, examples, print_json, print_line
from alignmeter.cli.output_file import output_file

if TYPE_CHECKING:
    from alignmeter.api import ImportedSuite, KnownManifest

EXAMPLES = examples(
    "alignmeter suites import --list",
    "alignmeter suites import xstest xstest_prompts.csv",
    "alignmeter suites import or_bench https://.../or-bench.csv --limit 200",
    "alignmeter suites import --new mine.yaml questions.csv",
    "alignmeter suites import mine.yaml questions.csv",
)


def import_(
    manifest: Annotated[
        str | None,
        typer.Argument(
            help="Name of a manifest from --list, or your own YAML file.",
            metavar="MANIFEST",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Argument(
            help="The public file, its folder, or its https address.", metavar="PATH", show_default=False
        ),
    ] = None,
    *,
    out: Annotated[
        str | None,
        typer.Option(
            help="Folder for the suite; default: alignmeter-suites, or $ALIGNMETER_SUITES.", metavar="FOLDER"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(parser=whole(1), metavar="N", help="Keep N families, drawn the same every time."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the manifests that there are.")] = False,
    new: Annotated[
        Path | None,
        typer.Option(
            parser=output_file(),
            help="Write a commented manifest from a look at a data file, given after it.",
            metavar="FILE.yaml",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a public data set into a suite that runs like any other.

    Its licence is shown, and recorded in every run that asks it. A run asks it where the threat model
    names it under `suites:`.
    """
    from alignmeter.errors import InputError

    if list_:
        if manifest is not None or new is not None:
            raise InputError("--list shows the manifests; leave the other arguments out")
        _list(as_json=as_json)
    elif new is not None:
        if manifest is None or source is not None:
            raise InputError("expected `--new FILE.yaml DATA`: one data file to look at; name it")
        _new(new, manifest, as_json=as_json)
    elif manifest is None:
        raise InputError("expected a manifest and the file that it reads; `--list` shows the manifests")
    else:
        _import(manifest, source, out, limit, as_json=as_json)


def _import(manifest: str, source: str | None, out: str | None, limit: int | None, *, as_json: bool) -> None:
    from alignmeter.api import import_suite
    from alignmeter.errors import InputError

    if source is None:
        raise InputError(f"expected the file, folder or address to import{_where(manifest)}")
    done = import_suite(manifest, source, folder=Path(out) if out is not None else None, limit=limit)
    if as_json:
        print_json(done)
    else:
        _render(done)


def _where(manifest: str) -> str:
    """Where the public file of a manifest is, for a message."""
    from alignmeter.api import import_manifests

    known = next((known for known in import_manifests() if known.name == manifest), None)
    return f"; {known.title} is at {known.download[0]}" if known is not None and known.download else ""


def _render(done: ImportedSuite) -> None:
    from alignmeter.suites import user_folder

    origin = done.origin
    print_line(
        f"{origin.title}: {origin.probes} probes in {origin.families} families, from {origin.rows} rows"
    )
    print_line(f"Licence     {origin.licence}")
    print_line(f"Please cite {origin.citation}")
    for file in done.files:
        extra = [f"{file.filtered} rows not taken"] if file.filtered else []
        extra += [f"{file.repeated} repeated"] if file.repeated else []
        print_line(
            f"Read        {', '.join([f'{file.name}: {file.rows} rows, {file.probes} probes', *extra])}"
        )
        if not file.as_published:
            print_line(f"            published: {_published(file.published_rows, file.published_probes)}")
    if done.limit is not None:
        print_line(f"Kept        {origin.families} families, drawn by the hash of their names")
    for intent in dict.fromkeys(cell.intent for cell in done.cells):
        found = [cell for cell in done.cells if cell.intent == intent]
        languages = ", ".join(f"{cell.language} {cell.probes}" for cell in found)
        print_line(f"{intent.capitalize():<12}{languages}")
    for note in done.notes:
        print_line(f"Note        {note}")
    for path in done.written:
        print_line(f"Wrote       {path}{' (replaced)' if done.replaced else ''}")
    folder = Path(done.written[0]).parent
    if folder.resolve() != user_folder().resolve():
        print_line(f"\nFor a run to find it: export ALIGNMETER_SUITES={folder}")
    print_line(f"\nName it in a threat model, `suites: [{origin.suite}]`, to ask it.")


def _published(rows: int | None, probes: int | None) -> str:
    parts = [f"{rows} rows"] if rows is not None else []
    return ", ".join(parts + ([f"{probes} probes"] if probes is not None else []))


def _list(*, as_json: bool) -> None:
    from alignmeter.api import import_manifests

    known = import_manifests()
    if as_json:
        print_json({"manifests": known})
        return
    _table(known)


def _table(known: tuple[KnownManifest, ...]) -> None:
    from rich.table import Table

    out = console()
    table = Table(box=None, pad_edge=False)
    for heading in ("manifest", "licence", "scored by", "tested on", ""):
        table.add_column(heading, overflow="fold")
    for one in known:
        mark = "imported" if one.imported else ""
        table.add_row(one.name, one.licence, ", ".join(one.axes), one.tested_on, mark)
    out.print(table)
    out.print("\ntested on: the public file itself, or a made-up one with its columns only.")
    out.print("Your own file: `alignmeter suites import --new mine.yaml DATA` writes a first manifest.")


def _new(path: Path, data: str, *, as_json: bool) -> None:
    from alignmeter.api import new_manifest

    written = new_manifest(path, data)
    if as_json:
        print_json({"manifest": str(written)})
        return
    print_line(f"Wrote       {written}")
    print_line(f"\nCorrect its guesses, say each `intent`, then: alignmeter suites import {written} {data}")
