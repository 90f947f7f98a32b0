"""Rows of labelled files, CSV or JSON lines, with every error naming file, line and column."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec

from alignmeter.errors import InputError
from alignmeter.files import FIELD_LIMIT, read_text, text_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_SHOWN = 60


class Row(NamedTuple):
    """One row, and where it stands."""

    path: Path
    line: int
    cells: Mapping[str, Any]

    def fail(self, column: str, expected: str, got: str) -> NoReturn:
        """Refuse the row.

        Raises:
            InputError: Always; names file, line and column.
        """
        raise InputError(f"{self.path}: line {self.line}: column {column!r}: expected {expected}, got {got}")

    def text(self, column: str) -> str:
        """Return a cell as text; numbers and truth values of JSON as they are written there."""
        value = self.cells.get(column)
        if value is None:
            self.fail(column, "a value", "a short row or none")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return (
                str(value).lower()
                if isinstance(value, bool)
                else self.fail(column, "text", type(value).__name__)
            )
        return str(value)

    def optional(self, column: str) -> str:
        """Return a cell as text without white space around it, empty where there is none."""
        value = self.cells.get(column)
        return "" if value is None else self.text(column).strip()

    def choice(self, column: str, known: Mapping[str, Any]) -> str:
        """Return a cell that must hold one of some words."""
        value = self.text(column).strip()
        if value not in known:
            self.fail(column, f"one of {', '.join(known)}", repr(value[:_SHOWN]))
        return value


def files(paths: Iterable[Path | str], endings: Sequence[str]) -> Iterator[Path]:
    """Yield the files meant: each file named, and of a folder those with one of the endings.

    Raises:
        InputError: A path does not exist, or a folder holds no such file.
    """
    kinds = " or ".join(endings)
    for path in map(Path, paths):
        if path.is_dir():
            found = sorted(each for ending in endings for each in path.glob(f"*{ending}"))
            if not found:
                raise InputError(f"{path}: expected a folder with {kinds} files, got none in it")
            yield from found
        elif path.is_file():
            yield path
        else:
            raise InputError(f"{path}: no such path; expected a {kinds} file or a folder of them")


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a CSV file in UTF-8, with or without a byte order mark.

    Raises:
        InputError: The file cannot be read, is no CSV, or lacks a column.
    """
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        for name in columns:
            if name not in (reader.fieldnames or ()):
                header = ", ".join(reader.fieldnames or ()) or "an empty file"
                hint = _hint(reader.fieldnames or ())
                raise InputError(f"{path}: line 1: expected a column {name!r}, got {header}{hint}")
        for cells in reader:
            yield Row(path, reader.line_num, cells)
    except csv.Error as error:
        raise InputError(
            f"{path}: line {reader.line_num}: expected well-formed CSV, got {str(error)!r}"
        ) from None


def _hint(names: Collection[str]) -> str:
    """What to do with labels of a run, which hold no texts."""
    if not {"trial", "label"} <= set(names):
        return ""
    return "; these are labels of a run: `alignmeter judge validate --run RUN` measures a judge on them"


def json_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a file with one JSON object a line.

    Raises:
        InputError: The file cannot be read, a line is no JSON object, or lacks a field.
    """
    for number, line in text_lines(read_text(path)):
        try:
            cells = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise InputError(f"{path}: line {number}: expected a JSON object, got {str(error)!r}") from None
        for name in columns:
            if name not in cells:
                fields = ", ".join(cells) or "an empty object"
                hint = _hint(cells)
                raise InputError(f"{path}: line {number}: expected a field {name!r}, got {fields}{hint}")
        yield Row(path, number, cells)
