"""Rows of public files: CSV, TSV, JSON, JSON Lines, Parquet and Python modules, plain or gzipped.

A reader yields rows with their place, one after the other; only JSON is held in memory as a whole.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Record
from alignmeter.suites.importing.python_source import class_constants

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path

    from alignmeter.suites.importing.manifest import FileFormat, Table

_FORMATS: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".py": "python",
}
_GZIP = b"\x1f\x8b"
_BATCH = 2_000
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_BROKEN_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)


class DataFile(NamedTuple):
    """A file to read; `name` is its path below the folder that is imported, with forward slashes."""

    path: Path
    name: str


class Row(Record, frozen=True, gc=False):
    """One row: its number from 1, the line that it begins on where there are lines, and its cells."""

    number: int
    line: int | None
    cells: dict[str, Any]

    @property
    def place(self) -> str:
        """For messages, for example `row 3 (line 4)`."""
        return f"row {self.number}" if self.line is None else f"row {self.number} (line {self.line})"


def format_of(file: DataFile, table: Table) -> FileFormat | None:
    """Return how a file is read, by the ending of its name, else by its table; None where neither tells."""
    name = file.name.lower().removesuffix(".gz")
    for ending, form in _FORMATS.items():
        if name.endswith(ending):
            return form
    return table.format


def read_rows(file: DataFile, table: Table) -> Iterator[Row]:
    """Yield the rows of a file.

    Raises:
        InputError: The file cannot be read, or a row is broken: names file and row.
    """
    form = format_of(file, table)
    if form is None:
        raise InputError(
            f"{file.name}: expected a name that ends in {', '.join(_FORMATS)} (or .gz after it); rename the "
            "file, or name its `format` in the manifest"
        )
    try:
        yield from _READERS[form](file, table)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file.name}: expected text in {error.encoding}, got the byte "
            f"0x{error.object[error.start]:02x}; name the file's `encoding` in the manifest, or convert it"
        ) from None
    except _BROKEN_GZIP as error:
        raise InputError(
            f"{file.name}: expected gzip as it begins, got {str(error)!r}; fetch the file again"
        ) from None
    except OSError as error:
        raise InputError(
            f"{file.name}: expected a readable file, got {error.strerror or str(error)!r}"
        ) from None


# --- text ------------------------------------------------------------------------------------------


@contextmanager
def _opened(file: DataFile, encoding: str) -> Generator[io.TextIOWrapper]:
    """Open a text file: gzip is found by its first bytes, a byte-order mark too."""
    with file.path.open("rb") as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        stream = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
        begin = stream.peek(4)[:4]
        if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        elif begin.startswith(codecs.BOM_UTF8):
            encoding = "utf-8-sig"
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise InputError(
                f"{file.name}: expected an `encoding` that Python knows, such as utf-8 or latin-1, "
                f"got {encoding!r}; correct the manifest"
            ) from None
        with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
            yield text


def _read_csv(file: DataFile, table: Table) -> Iterator[Row]:
    # A field may be longer than the 128 KiB that the module allows.
    csv.field_size_limit(sys.maxsize)
    delimiter = table.delimiter or ("\t" if format_of(file, table) == "tsv" else ",")
    quoting = csv.QUOTE_NONE if table.quoting == "none" else csv.QUOTE_MINIMAL
    with _opened(file, table.encoding) as text:
        reader = csv.reader(text, delimiter=delimiter, quoting=quoting, strict=True)
        try:
            yield from _csv_rows(file, table, reader)
        except csv.Error as error:
            raise InputError(
                f"{file.name}: line {reader.line_num}: expected well-formed CSV, got {str(error)!r}; "
                "correct the row"
            ) from None


def _csv_rows(file: DataFile, table: Table, reader: Any) -> Iterator[Row]:  # noqa: ANN401 - csv has no type
    header = table.header
    number, begins = 0, 1
    for cells in cast("Iterator[list[str]]", reader):
        line, begins = begins, reader.line_num + 1
        if not any(cells):
            continue
        if header is None:
            header = _header(file, cells)
            continue
        number += 1
        if len(cells) != len(header):
            raise InputError(
                f"{file.name}: row {number} (line {line}): expected {len(header)} cells "
                f"({', '.join(header)}), got {len(cells)}; correct the row"
            )
        yield Row(number=number, line=line, cells=dict(zip(header, cells, strict=False)))


def _header(file: DataFile, cells: list[str]) -> tuple[str, ...]:
    header = tuple(cell.strip() for cell in cells)
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise InputError(f"{file.name}: line 1: expected each column once, got {twice[0]!r} again; rename it")
    return header


def _read_jsonl(file: DataFile, table: Table) -> Iterator[Row]:
    number = 0
    with _opened(file, table.encoding) as text:
        for line, content in enumerate(text, 1):
            if content.strip():
                number += 1
                try:
                    cells = _OBJECT.decode(content)
                except msgspec.MsgspecError as error:
                    raise InputError(
                        f"{file.name}: row {number} (line {line}): expected a JSON object, got "
                        f"{content.strip()[:40]!r} ({error}); correct the row"
                    ) from None
                yield Row(number=number, line=line, cells=cells)


def _read_json(file: DataFile, table: Table) -> Iterator[Row]:
    with _opened(file, table.encoding) as text:
        content = text.read()
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        first = content.lstrip().partition("\n")[0]
        if first.rstrip().endswith("}") and first.startswith("{"):  # JSON Lines under another name
            yield from _read_jsonl(file, table)
            return
        raise InputError(f"{file.name}: expected JSON, got {str(error)!r}; correct the file") from None
    where = table.records or "the top level"
    for part in (table.records or "").split("."):
        if part:
            found = cast("dict[str, Any]", found).get(part) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise InputError(
            f"{file.name}: expected a list of rows at {where}, got {type(found).__name__}; name the place "
            "with `records` in the manifest"
        )
    for number, cells in enumerate(cast("list[Any]", found), 1):
        if not isinstance(cells, dict):
            raise InputError(f"{file.name}: row {number}: expected an object, got {cells!r}; correct the row")
        yield Row(number=number, line=None, cells=cast("dict[str, Any]", cells))


# --- others ----------------------------------------------------------------------------------------


def _read_parquet(file: DataFile, table: Table) -> Iterator[Row]:  # noqa: ARG001 - one signature
    import duckdb

    try:
        with duckdb.connect() as database:
            found = database.execute("SELECT * FROM read_parquet(?)", [str(file.path)])
            header = [str(column[0]) for column in found.description or ()]
            number = 0
            while batch := found.fetchmany(_BATCH):
                for cells in batch:
                    number += 1
                    yield Row(number=number, line=None, cells=dict(zip(header, cells, strict=True)))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{file.name}: expected Parquet, got {reason!r}; fetch the file again") from None


def _read_python(file: DataFile, table: Table) -> Iterator[Row]:
    with _opened(file, table.encoding) as text:
        source = text.read()
    for number, found in enumerate(class_constants(source, file.path), 1):
        yield Row(number=number, line=found.line, cells={"class": found.name, **found.constants})


_READERS: Mapping[FileFormat, Callable[[DataFile, Table], Iterator[Row]]] = {
    "csv": _read_csv,
    "tsv": _read_csv,
    "json": _read_json,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
    "python": _read_python,
}
