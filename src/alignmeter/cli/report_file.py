"""`--out FILE.md|FILE.html`: a report as a file, in the format that its name ends in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.output_file import output_file

if TYPE_CHECKING:
    from collections.abc import Callable


OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=output_file(".md", ".html"),
        help="Write the report as Markdown or HTML.",
        metavar="FILE.md|FILE.html",
        show_default=False,
    ),
]


def write_report_file(path: Path, *, markdown: Callable[[], str], html: Callable[[], str]) -> None:
    """Write a report as the name of its file ends.

    Raises:
        StorageError: It cannot be written.
    """
    from alignmeter.files import write_text

    write_text(path, markdown() if path.suffix.lower() == ".md" else html())
