"""Files that a command is told to write: refused before any work where they cannot be there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alignmeter.errors import InputError
from alignmeter.files import check_writable

if TYPE_CHECKING:
    from collections.abc import Callable


def output_file(*endings: str, instead: str = "") -> Callable[[str], Path]:
    """Return a parser of the name of a file to write, in a folder that exists.

    Args:
        endings: What the name may end in, in any case; none for anything.
        instead: Where files of other endings are asked for, as the error says it.
    """

    def parse(text: str) -> Path:
        path = Path(text)
        if endings and path.suffix.lower() not in endings:
            raise typer.BadParameter(
                f"expected a file that ends in {' or '.join(endings)}, got {text!r}{instead}"
            )
        try:
            check_writable(path)
        except InputError as error:
            raise typer.BadParameter(str(error)) from None
        return path

    return parse
