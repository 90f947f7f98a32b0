"""A first look at a file or folder: enough of it to tell whose results it holds."""

from __future__ import annotations

import zipfile
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, cast

from alignmeter.errors import InputError
from alignmeter.integrations.files import decode_json, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["folder", "zip", "json_object", "json_list", "json_lines", "text"]

_HEAD = 65536
_MOST_FILES = 100_000
"""A folder with more files is no folder of results, and is not looked through for hours."""


class Peek:
    """What can be seen of a path without reading it as any format.

    Raises:
        InputError: There is nothing, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise InputError(
                f"{path}: expected a file or folder of results, got nothing there; check the path"
            )

    @property
    def data(self) -> bytes:
        """All bytes of a file, read each time: a folder of results may be larger than memory."""
        return read_bytes(self.path)

    @cached_property
    def head(self) -> bytes:
        """The first bytes of a file, without the mark that some editors put there."""
        try:
            with self.path.open("rb") as file:
                return file.read(_HEAD).removeprefix(b"\xef\xbb\xbf")
        except OSError as error:
            raise InputError(f"{self.path}: expected a readable file, got {error.strerror!r}") from None

    @cached_property
    def kind(self) -> Kind:
        """What the bytes are, whatever the name says."""
        if self.path.is_dir():
            return "folder"
        start = self.head.lstrip()
        if start.startswith(b"PK\x03\x04"):
            return "zip"
        if start.startswith(b"["):
            return "json_list"
        if start.startswith(b"{"):
            return "json_lines" if self._lines_of_json() else "json_object"
        return "text"

    @cached_property
    def names(self) -> frozenset[str]:
        """Keys of a JSON object or of the first of a list or of lines, or names in a zip; else none."""
        if self.kind == "zip":
            return _zip_names(self.path)
        if self.kind in {"folder", "text"}:
            return frozenset()
        try:
            lines = self.kind == "json_lines"
            found = decode_json(self._lines[0] if lines else self.data, str(self.path))
        except InputError:
            return frozenset()
        return _keys(found[0] if isinstance(found, list) and found else found)

    @cached_property
    def first_line(self) -> str:
        """The first line of a text file that is not blank."""
        text = self.head.decode("utf-8", errors="replace")
        return next((line for line in text.splitlines() if line.strip()), "")

    @cached_property
    def files(self) -> tuple[Peek, ...]:
        """All files of a folder and of its folders, in the order of their names.

        Raises:
            InputError: There are more than any results have.
        """
        if self.kind != "folder":
            return ()
        there = (path for path in self.path.rglob("*") if path.is_file())
        found = sorted(islice(there, _MOST_FILES + 1))
        if len(found) > _MOST_FILES:
            raise InputError(
                f"{self.path}: expected a folder with at most {_MOST_FILES:,} files, got more; name the "
                "folder of one evaluation"
            )
        return tuple(Peek(path) for path in found)

    def said(self) -> str:
        """Say what is there, for a message."""
        if self.kind == "folder":
            names = [file.path.name for file in self.files[:4]]
            return f"a folder with {', '.join(map(repr, names))}" if names else "an empty folder"
        if not self.head.strip():
            return "an empty file"
        if self.kind == "text":
            return f"a text that begins with {self.first_line[:60]!r}"
        kinds = {
            "zip": "a zip archive of",
            "json_object": "a JSON object of",
            "json_list": "a JSON list of",
            "json_lines": "JSON lines of",
        }
        return (
            f"{kinds[self.kind]} {', '.join(map(repr, sorted(self.names)[:5])) or 'nothing that can be read'}"
        )

    @cached_property
    def _lines(self) -> tuple[bytes, bytes]:
        """The first two lines of a file that are not blank; empty where it has fewer."""
        try:
            with self.path.open("rb") as file:
                found = (line.removeprefix(b"\xef\xbb\xbf").strip() for line in file)
                lines = [*islice(filter(None, found), 2), b"", b""]
        except OSError as error:
            raise InputError(f"{self.path}: expected a readable file, got {error.strerror!r}") from None
        return lines[0], lines[1]

    def _lines_of_json(self) -> bool:
        """Whether the first line is a whole object and another follows, or the name says so."""
        first, second = self._lines
        try:
            decode_json(first, str(self.path))
        except InputError:
            return False
        return second.startswith(b"{") or self.path.suffix.lower() == ".jsonl"


def _keys(value: Any) -> frozenset[str]:  # noqa: ANN401 - any JSON document
    return frozenset(cast("dict[str, Any]", value)) if isinstance(value, dict) else frozenset()


def _zip_names(path: Path) -> frozenset[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return frozenset()
