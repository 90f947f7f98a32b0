"""Files that people hand in and get: text and CSV, with every error naming file, line and column."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIELD_LIMIT = 10_000_000
"""Characters of one CSV cell; a reply may be long."""


class CsvRow(NamedTuple):
    """The cells of a line by column, and where they stand, for messages."""

    path: Path
    line: int
    cells: dict[str, str]

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.path}: line {self.line}"

    def text(self, column: str) -> str:
        """Return a cell without white space around it; empty where the file has no such column."""
        return self.cells.get(column, "").strip()

    def number(self, column: str, expected: str) -> float:
        """Return a cell as a finite number.

        Raises:
            InputError: It is none; says what was `expected`.
        """
        text = self.text(column)
        try:
            value = float(text) if "_" not in text else math.nan  # 1_000 is Python's spelling, not a table's
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.problem(column, expected)
        return value

    def problem(self, column: str, expected: str) -> InputError:
        """Make the error about one cell."""
        return InputError(f"{self.where}, column {column!r}: expected {expected}, got {self.text(column)!r}")


def read_text(path: Path) -> str:
    """Read UTF-8 text, with or without a byte order mark.

    Raises:
        InputError: It cannot be read or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected UTF-8 text, got byte {error.start} that is not; convert it"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, got {error.strerror!r}") from None


def text_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text that are not blank, each with its number from 1.

    Not by `str.splitlines`: a string of JSON may hold other characters that it takes for ends of lines.
    """
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line.strip():
            yield number, line


def check_writable(path: Path) -> None:
    """Refuse the name of a file to write that can be none; nothing is made.

    Raises:
        InputError: It is a folder, or to stand in a folder that does not exist.
    """
    if path.is_dir():
        raise InputError(f"expected a file, got the folder {str(path)!r}; name a file in it")
    if not path.parent.is_dir():
        raise InputError(
            f"expected a file in a folder that exists, got {str(path)!r}; make {str(path.parent)!r} first"
        )


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with line feeds.

    Raises:
        InputError: See `check_writable`.
        StorageError: It cannot be written.
    """
    check_writable(path)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(f"cannot write {str(path)!r}: {error.strerror}; name another file") from None


def read_csv(path: Path) -> tuple[tuple[str, ...], Iterator[CsvRow]]:
    """Read the header of a CSV file, empty for an empty file, and its rows that are not blank.

    Raises:
        InputError: It cannot be read, is no CSV, or a row has more or fewer cells than the header; the
            latter two while the rows are read.
    """
    lines = _lines(path, read_text(path))
    _, first = next(lines, (1, list[str]()))
    header = tuple(cell.strip() for cell in first)
    return header, _rows(path, header, lines)


def _lines(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(
            f"{path}: line {reader.line_num}: expected well-formed CSV, got {str(error)!r}"
        ) from None


def _rows(path: Path, header: tuple[str, ...], lines: Iterator[tuple[int, list[str]]]) -> Iterator[CsvRow]:
    for number, cells in lines:
        if len(cells) != len(header):
            raise InputError(
                f"{path}: line {number}: expected {len(header)} cells as in line 1, got {len(cells)}"
            )
        yield CsvRow(path, number, dict(zip(header, cells, strict=True)))
