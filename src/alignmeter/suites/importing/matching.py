"""Which files are read, and by which table of a manifest."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.errors import InputError
from alignmeter.suites.importing.reading import DataFile, Row, read_rows
from alignmeter.suites.importing.rules import FILE, ROW, columns_of, lookup, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignmeter.suites.importing.manifest import Manifest, Rule, Table

_LOOKED_AT = 200
"""Rows that are looked at for columns, in formats where not every row has all of them."""
_SHOWN = 12


class Matched(NamedTuple):
    """A file, and the table that reads it."""

    file: DataFile
    table: Table


def match_files(path: Path, manifest: Manifest) -> tuple[Matched, ...]:
    """Find the files of a manifest.

    Args:
        path: A file, read by the first table that its name and columns fit (whatever it is called,
            where only one table has such columns); or a folder, in which files are found by their names.
        manifest: Names the files, and the columns of each.

    Raises:
        InputError: Nothing is there, nothing fits, or a file lacks a column.
    """
    if path.is_dir():
        return _in_folder(path, manifest)
    if not path.is_file():
        raise InputError(f"{path}: expected a file or a folder, got nothing there; correct the path")
    file = DataFile(path, path.name)
    named = [table for table in manifest.tables if _is_named(file, table)]
    if named:
        return (Matched(file, _fitting(file, named, manifest)),)
    fitting = [table for table in manifest.tables if _misfit(file, table, manifest) is None]
    if not fitting:
        _fitting(file, manifest.tables, manifest)  # raises
    if len(fitting) > 1:
        names = ", ".join(pattern for table in fitting for pattern in table.files)
        raise InputError(
            f"{path.name}: expected a name that says which file of {manifest.name} it is ({names}), got "
            f"{path.name!r}; rename it"
        )
    return (Matched(file, fitting[0]),)


def _in_folder(folder: Path, manifest: Manifest) -> tuple[Matched, ...]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    found: list[Matched] = []
    for path in paths:
        file = DataFile(path, path.relative_to(folder).as_posix())
        named = [table for table in manifest.tables if _is_named(file, table)]
        if named:
            found.append(Matched(file, _fitting(file, named, manifest)))
    if not found:
        wanted = ", ".join(pattern for table in manifest.tables for pattern in table.files)
        names = [path.name for path in paths[:_SHOWN]] + (["..."] if len(paths) > _SHOWN else [])
        raise InputError(
            f"{folder}: expected a file named {wanted}, got {', '.join(names) or 'an empty folder'}; "
            "name the file itself"
        )
    return tuple(found)


def _is_named(file: DataFile, table: Table) -> bool:
    name = file.name.removesuffix(".gz")
    base = name.rpartition("/")[2]
    return any(fnmatchcase(name if "/" in pattern else base, pattern) for pattern in table.files)


def _fitting(file: DataFile, tables: Sequence[Table], manifest: Manifest) -> Table:
    """The first table that fits; the first one's complaint where none does."""
    misfits = [_misfit(file, table, manifest) for table in tables]
    for table, misfit in zip(tables, misfits, strict=True):
        if misfit is None:
            return table
    # A wrong column says more than a first row that looks otherwise.
    raise InputError(f"{file.name}: {next(misfit for misfit in misfits if misfit)}")


def _misfit(file: DataFile, table: Table, manifest: Manifest) -> str | None:
    rows = list(islice(read_rows(file, table), _LOOKED_AT))
    if not rows:
        return "expected rows, got none; fetch the file again"
    missing = [column for column in _columns(table, manifest) if not any(_has(row, column) for row in rows)]
    if missing:
        known = list(dict.fromkeys(column for row in rows for column in row.cells))
        shown = ", ".join(known[:_SHOWN]) + (" ..." if len(known) > _SHOWN else "")
        return f"expected a column {missing[0]!r}, got {shown}; correct the file or the manifest"
    for column, pattern in table.first_row.items():
        came = text_of(lookup(column)(rows[0].cells))
        if not re.search(pattern, came):
            return (
                f"{rows[0].place}, column {column!r}: expected a text that fits {pattern!r}, got "
                f"{came[:60]!r}; check the columns"
            )
    return None


def _has(row: Row, column: str) -> bool:
    return column in row.cells or lookup(column)(row.cells) is not None


def _columns(table: Table, manifest: Manifest) -> list[str]:
    """Columns that the file must have: those that a table itself names, without a default."""
    own: list[Rule] = [*table.derive.values(), *table.fields.values()]
    own += [rule for each in table.each for rule in each.values()]
    if table.task is not None:
        task = table.task
        parts = (task.answer, task.wrong, task.tests, task.entry_point, task.prelude)
        own += [rule for rule in (*parts, task.instructions, task.arguments) if rule is not None]
    needed = columns_of(rule for rule in own if rule.default is None)
    needed |= {condition.column for condition in table.filters} | set(table.first_row)
    return sorted(needed - {*table.derive, *manifest.derive, FILE, ROW})
