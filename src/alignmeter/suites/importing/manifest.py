"""The manifest: which columns of a public file become which fields of a probe, declared in YAML.

A manifest has a head (title, licence, citation ...), rules for the fields of a probe that all its tables
share, and one table for each kind of file. `docs/importing.md` shows how to write one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

ProbeField = Literal[
    "id",
    "family",
    "intent",
    "domain",
    "hazard",
    "language",
    "prompt",
    "axis",
    "reference",
    "explanation",
    "source",
    "jurisdiction",
    "checked_on",
    "expires",
    "cwe",
    "code_language",
]
"""Fields of a probe that a manifest fills."""

REQUIRED: tuple[ProbeField, ...] = ("prompt", "intent", "domain", "language")
"""Fields that every table must fill; the others have a default or may be absent."""

FileFormat = Literal["csv", "tsv", "json", "jsonl", "parquet", "python"]
"""How a file is read; `python` takes the constants of the classes of a module, which is never run."""

TestedOn = Literal["real file", "columns only"]
"""What our own tests of a manifest read: the public file, or a made-up one with its columns."""


class Rule(Record, frozen=True, forbid_unknown_fields=True):
    """How one value is made of a row: one of `column`, `value` and `template`, then the rest in order.

    Attributes:
        column: Name of a column; in JSON `a.b` reaches into an object. `@file` is the path of the file
            below the folder that is imported, `@row` the number of the row, from 1.
        value: A constant.
        template: A text with columns in braces, for example `{context} {question}`.
        every: Groups of so many rows; with column `@row` only.
        pattern: A regular expression; what its first group finds is taken, or all that it finds.
        map: Found value to wanted one; upper and lower case are the same.
        match: `contains` takes the first key of `map` that stands anywhere in the value.
        otherwise: What to do with a value that `map` or `pattern` lacks: stop with an error, keep it as
            it is, or drop the row.
        default: What an empty or missing cell stands for.
    """

    column: str | None = None
    value: str | None = None
    template: str | None = None
    every: int | None = None
    pattern: str | None = None
    map: dict[str, str] | None = None
    match: Literal["exact", "contains"] = "exact"
    otherwise: Literal["error", "keep", "drop"] = "error"
    default: str | None = None


class Filter(Record, frozen=True, forbid_unknown_fields=True):
    """Which rows are taken: exactly one of the conditions. Upper and lower case are the same in lists.

    Attributes:
        column: As in `Rule`.
        one_of: The cell is one of these; `none_of`: it is none of them (`""` is an empty cell).
        matches: A regular expression finds something in the cell; `lacks`: it finds nothing.
    """

    column: str
    one_of: tuple[str, ...] | None = None
    none_of: tuple[str, ...] | None = None
    matches: str | None = None
    lacks: str | None = None


class TaskRule(Record, frozen=True, forbid_unknown_fields=True):
    """What a reply on the axis `capability` is checked against.

    Attributes:
        kind: `number`: the final number is `answer`. `text`: `answer` itself. `choice`: `answer` among
            the `wrong` ones, lettered below the prompt. `code`: `tests` pass for `entry_point`, with
            `prelude` before the reply. `instructions`: IFEval's `instructions` with their `arguments`.
        separator: Between several wrong answers in one cell.
    """

    kind: Literal["number", "text", "choice", "code", "instructions"]
    answer: Rule | None = None
    wrong: Rule | None = None
    separator: str = ";"
    tests: Rule | None = None
    entry_point: Rule | None = None
    prelude: Rule | None = None
    instructions: Rule | None = None
    arguments: Rule | None = None


class Table(Record, frozen=True, forbid_unknown_fields=True):
    """One kind of file.

    Attributes:
        files: Patterns of file names, for example `*_eval.jsonl`; with a slash they match the path below
            the imported folder.
        format: Where the ending of the name does not tell.
        encoding: Of text files; a byte-order mark is found by itself.
        delimiter: Of CSV; one character. `quoting: none` takes quotation marks as they are.
        header: Names of the columns of a file that does not begin with them.
        records: Where the list of rows stands in a JSON file, for example `data.items`.
        first_row: Regular expressions by column that the first row fits: tells apart two kinds of files
            that have the same columns.
        filters: Rows that are taken fit all of them.
        derive: Values that templates, filters and rules can name like columns.
        fields: Rules of this table; they go before those of the manifest.
        each: Several probes of one row: rules that differ from probe to probe.
        task: For axis `capability`.
        contrast_pairs: The n-th probes of a family with each intent are one pair, a family of its own.
        repeated_id: Whether an id that comes again is an error, or the last row with it counts.
        rows, probes: As published, to be compared with what is found.
    """

    files: tuple[str, ...]
    format: FileFormat | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    quoting: Literal["standard", "none"] = "standard"
    header: tuple[str, ...] | None = None
    records: str | None = None
    first_row: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    filters: tuple[Filter, ...] = ()
    derive: dict[str, Rule] = msgspec.field(default_factory=dict[str, Rule])
    fields: dict[ProbeField, Rule] = msgspec.field(default_factory=dict[ProbeField, Rule])
    each: tuple[dict[ProbeField, Rule], ...] = ()
    task: TaskRule | None = None
    contrast_pairs: bool = False
    repeated_id: Literal["error", "last"] = "error"
    rows: int | None = None
    probes: int | None = None


class Manifest(Record, frozen=True, forbid_unknown_fields=True):
    """One public data set.

    Attributes:
        name: Name of the suite that comes of it.
        citation: Authors, title, year, identifier: one line.
        download: Addresses of the public files, for people.
        notes: What a reader of the results has to know; shown on import.
        tables: Kinds of files; one file belongs to the first that its name and columns fit.
    """

    name: str
    title: str
    licence: str
    citation: str
    homepage: str
    tables: tuple[Table, ...]
    download: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tested_on: TestedOn = "columns only"
    derive: dict[str, Rule] = msgspec.field(default_factory=dict[str, Rule])
    fields: dict[ProbeField, Rule] = msgspec.field(default_factory=dict[ProbeField, Rule])

    def rules_of(self, table: Table) -> tuple[Mapping[ProbeField, Rule], ...]:
        """Return the rules of each probe that a row of a table becomes."""
        shared: dict[ProbeField, Rule] = {**self.fields, **table.fields}
        found: list[dict[ProbeField, Rule]] = [{**shared, **own} for own in table.each]
        return tuple(found) or (shared,)
