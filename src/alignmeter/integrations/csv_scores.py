"""Scores of items in a CSV file: what anything can be exported to.

A row is one item: `item`, `domain`, `score`; optionally `family`, `model`, `version`, `prompt`, `metric`,
`refused`, `max`, `chance`. An empty score means that the item could not be scored.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from typing import TYPE_CHECKING

from alignmeter.errors import InputError
from alignmeter.files import read_csv, write_text
from alignmeter.integrations.base import ReadOptions, chance_of, check_wishes, share
from alignmeter.records import ItemScores, ScoredItem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from alignmeter.files import CsvRow
    from alignmeter.integrations.peek import Peek

NEEDED = ("item", "domain", "score")
OPTIONAL = ("family", "model", "version", "prompt", "metric", "refused", "max", "chance")
_NUMBER = "a number such as 0.5, or nothing"
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class CsvReader:
    """Reads `item,domain,score` files."""

    format = "csv"
    options = frozenset({"model", "domains", "maximum"})

    def recognises(self, peek: Peek) -> bool:
        """Whether the first line names the columns that are needed."""
        return peek.kind == "text" and set(NEEDED) <= set(_header(peek.first_line))

    def read(self, path: Path, options: ReadOptions) -> ItemScores:
        """Read the scores of one model.

        Raises:
            InputError: A cell is not as it should be, or there are several models and none is chosen.
        """
        header, rows = _rows(path)
        chosen = _of_one_model(path, list(rows), options)
        check_wishes(options.domains, {row.text("domain") for row in chosen}, "domain", str(path))
        rows_read = [row for row in chosen if not options.domains or row.text("domain") in options.domains]
        if not rows_read:
            raise InputError(f"{path}: expected at least one item, got none; add a row for each")
        unread = [name for name in header if name not in NEEDED and name not in OPTIONAL]
        items = tuple(_item(row, options) for row in rows_read)
        return ItemScores(
            model=chosen[0].text("model") or path.stem,
            source="csv",
            origin=str(path),
            items=items,
            metric=_one_each(rows_read, "metric"),
            chance=_chances(items),
            provenance={"file": path.name},
            notes=(f"Columns that are not read: {', '.join(unread)}.",) if unread else (),
        )


def write_csv(scores: ItemScores, path: Path) -> None:
    """Write items as a file that `CsvReader` reads back: what others can share without any text.

    Raises:
        StorageError: The file cannot be written.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    columns = ("family", "model", "version", "prompt", "metric", "refused", "chance")
    writer.writerow((*NEEDED, *columns))
    for item in scores.items:
        refused = "" if item.refused is None else str(item.refused).lower()
        of_domain = scores.chance.get(item.domain, "")
        writer.writerow(
            (
                item.item,
                item.domain,
                "" if item.score is None else repr(item.score),
                item.family,
                scores.model,
                item.version,
                item.prompt,
                scores.metric.get(item.domain, ""),
                refused,
                of_domain if item.chance is None else repr(item.chance),
            )
        )
    write_text(path, out.getvalue())


def _header(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]), list[str]())]


def _rows(path: Path) -> tuple[tuple[str, ...], Iterator[CsvRow]]:
    header, rows = read_csv(path)
    for name in NEEDED:
        if name not in header:
            raise InputError(
                f"{path}: line 1: expected the columns {', '.join(NEEDED)}, got "
                f"{', '.join(header) or 'an empty file'}"
            )
    for number, name in enumerate(header, 1):
        if header.count(name) > 1:
            raise InputError(
                f"{path}: line 1, column {number}: expected a name of its own, got {name!r} again"
            )
    return header, rows


def _of_one_model(path: Path, rows: list[CsvRow], options: ReadOptions) -> list[CsvRow]:
    models = list(dict.fromkeys(row.text("model") or path.stem for row in rows))
    if options.model is None and len(models) <= 1:
        return rows
    if options.model not in models:
        raise InputError(
            f"{path}: expected the name of one of its models ({', '.join(map(repr, models))}), got "
            f"{options.model!r}; choose one with `model=`"
        )
    return [row for row in rows if (row.text("model") or path.stem) == options.model]


def _item(row: CsvRow, options: ReadOptions) -> ScoredItem:
    for column in ("item", "domain"):
        if not row.text(column):
            raise row.problem(column, f"the name of the {column}")
    score = _score(row, options)
    refused = row.text("refused").lower()
    if refused and refused not in _TRUTH:
        raise row.problem("refused", "true, false or nothing")
    return ScoredItem(
        item=row.text("item"),
        family=row.text("family") or row.text("item"),
        domain=row.text("domain"),
        score=score,
        unscored="" if score is not None else "the file has no score",
        refused=_TRUTH.get(refused),
        version=row.text("version"),
        prompt=row.text("prompt"),
        chance=_chance(row, options),
    )


def _score(row: CsvRow, options: ReadOptions) -> float | None:
    if not row.text("score"):
        return None
    return share(row.number("score", _NUMBER), _maximum(row, options), f"{row.where}, column 'score'")


def _maximum(row: CsvRow, options: ReadOptions) -> float | None:
    if not row.text("max"):
        return options.maximum
    value = row.number("max", _NUMBER)
    if value <= 0:
        raise row.problem("max", "the best possible score, above 0")
    return value


def _chance(row: CsvRow, options: ReadOptions) -> float | None:
    if not row.text("chance"):
        return None
    value = row.number("chance", _NUMBER)
    best = _maximum(row, options) or 1.0
    if not 0 <= value < best:
        raise row.problem("chance", f"the score of guessing, from 0 to below {best:g}")
    return value / best


def _chances(items: Sequence[ScoredItem]) -> dict[str, float]:
    """Return the mean score of guessing of each domain in which a row names one."""
    guesses: defaultdict[str, list[float | None]] = defaultdict(list)
    for item in items:
        guesses[item.domain].append(item.chance)
    found = {domain: chance_of(of) for domain, of in guesses.items()}
    return {domain: chance for domain, chance in found.items() if chance is not None}


def _one_each(rows: list[CsvRow], column: str) -> dict[str, str]:
    """Return what the rows of each domain that fill a column fill it with.

    Raises:
        InputError: Another row of the domain fills it with something else.
    """
    found: dict[str, CsvRow] = {}
    for row in rows:
        if row.text(column):
            before = found.setdefault(row.text("domain"), row)
            if before.text(column) != row.text(column):
                raise row.problem(
                    column, f"one for all of domain {row.text('domain')!r} (line {before.line} has another)"
                )
    return {domain: row.text(column) for domain, row in found.items()}
