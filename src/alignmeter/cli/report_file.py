"""`--out FILE.md|FILE.html`: a report as a file, in the format that its name ends in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable


def report_file(text: str, *, instead: str = "") -> Path:
    """Read the name of a report's file; `instead` says where other files are asked for.

    Raises:
        BadParameter: It ends in something else.
    """
    path = Path(text)
    if path.suffix.lower() not in {".md", ".html"}:
        raise typer.BadParameter(f"expected a file that ends in .md or .html, got {text!r}{instead}")
    return path


OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=report_file,
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
