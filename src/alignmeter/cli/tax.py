"""`alignmeter tax`: what alignment cost, domain by domain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignmeter.cli.output import JsonOption, console, examples, print_json, print_line

EXAMPLES = examples(
    "alignmeter tax --scores scores.csv",
    "alignmeter tax --scores scores.csv --out tax.md",
    "alignmeter tax --scores scores.csv --json",
)


def tax(
    *,
    scores: Annotated[
        str,
        typer.Option(
            help="CSV: domain, base, a column of mean scores for each variant; optionally n or n_COLUMN "
            "(items), max, chance, base_source (measured, published, proxy).",
            metavar="FILE",
            show_default=False,
        ),
    ],
    out: Annotated[
        str | None, typer.Option("--out", help="Write the report as Markdown.", metavar="FILE.md")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show absolute and relative alignment tax, tier and flag of each domain and variant.

    Exits 1 where a tax above 10% is flagged (shown by a test where items are given, else by the bare
    numbers), 3 where none is and one is undecided, 0 where all are within 10%.
    """
    from alignmeter.api import tax_scores
    from alignmeter.errors import InputError
    from alignmeter.report.tax import render_tax, tax_markdown

    if out is not None and Path(out).suffix.lower() != ".md":
        raise InputError(f"expected --out to name a file that ends in .md, got {out!r}")
    report = tax_scores(Path(scores))
    if out is not None:
        _write(Path(out), tax_markdown(report))
    if as_json:
        print_json(report)
    else:
        screen = console()
        screen.print(render_tax(report))
        if out is not None:
            print_line(f"Wrote       {out}")
    raise typer.Exit(report.exit_code)


def _write(path: Path, text: str) -> None:
    from alignmeter.errors import StorageError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {str(path)!r}: {error.strerror}; name another file") from None
