"""Files and folders that a user names: usable, or one line that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{str(path)!r}: expected a readable file of UTF-8 text, got: {error}") from None


def check_folder(path: Path) -> None:
    """Refuse the name of a folder to write into that is one of a file.

    Raises:
        InputError: It is.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"expected a folder to write into, got the file {str(path)!r}; name another")
