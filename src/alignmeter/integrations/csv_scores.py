"""Scores of items in a CSV file: what anything can be exported to.

A row is one item: `item`, `domain`, `score`; optionally `family`, `model`, `version`, `prompt`, `metric`,
`refused`, `max`, `chance`. An empty score means that the item could not be scored.

What is written says where it comes from, too, so that a row that is copied elsewhere can be read without its
file and scores that may not be paired are not paired after a detour: `unscored` (why there is no score),
`scored_by` and `scorer` (digests of who scored, and how, by domain), `asked` (items that were asked of the
domain, where the source states it: rows that were taken out later are known to be gone), `source` and
`origin`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from alignmeter.errors import InputError
from alignmeter.files import read_csv, write_text
from alignmeter.integrations.base import ReadOptions, chance_of, check_wishes, share, united
from alignmeter.records import ItemScores, ScoredItem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from alignmeter.files import CsvRow
    from alignmeter.integrations.peek import Peek

NEEDED = ("item", "domain", "score")
OPTIONAL = ("family", "model", "version", "prompt", "metric", "refused", "max", "chance")
SAID_OF_THE_SOURCE = ("unscored", "scored_by", "scorer", "asked", "source", "origin")
"""What is written beside them, and read where it is there."""
_BEST = 1
"""What a score is a share of: more is better, and this is the best possible one."""
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
        known = {*NEEDED, *OPTIONAL, *SAID_OF_THE_SOURCE}
        unread = [name for name in header if name not in known]
        items = tuple(_item(row, options) for row in rows_read)
        by = _one_each(rows_read, "scored_by")
        return ItemScores(
            model=chosen[0].text("model") or path.stem,
            source="csv",
            origin=str(path),
            items=items,
            metric=_one_each(rows_read, "metric"),
            chance=_chances(items),
            provenance={"file": path.name, **united(_origin(row) for row in rows_read)},
            scorers=_one_each(rows_read, "scorer"),
            scored_by_domain=by,
            stated=_stated(rows_read),
            notes=(f"Columns that are not read: {', '.join(unread)}.",) if unread else (),
        )


def write_csv(scores: ItemScores, path: Path) -> None:
    """Write items as a file that `CsvReader` reads back: what others can share without any text.

    Raises:
        StorageError: The file cannot be written.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*NEEDED, *OPTIONAL, *SAID_OF_THE_SOURCE))
    asked = Counter(item.domain for item in scores.items)
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
                _BEST,
                of_domain if item.chance is None else repr(item.chance),
                item.unscored,
                scores.scorer_of(item.domain),
                scores.scorers.get(item.domain, ""),
                asked[item.domain] if item.domain in scores.stated else "",
                scores.source,
                scores.origin,
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
        unscored="" if score is not None else row.text("unscored") or "the file has no score",
        refused=_TRUTH.get(refused),
        version=row.text("version"),
        prompt=row.text("prompt"),
        chance=_chance(row, options),
    )


def _stated(rows: list[CsvRow]) -> tuple[str, ...]:
    """Return the domains of which every row says how many items were asked, and as many are there."""
    said: defaultdict[str, list[float | None]] = defaultdict(list)
    for row in rows:
        asked = (
            row.number("asked", "the items asked of this domain, or nothing") if row.text("asked") else None
        )
        said[row.text("domain")].append(asked)
    return tuple(domain for domain, asked in said.items() if set(asked) == {float(len(asked))})


def _origin(row: CsvRow) -> dict[str, str]:
    """Return where the scores came from before they were in this file."""
    named = {"measured by": row.text("source"), "read from": row.text("origin")}
    return {name: value for name, value in named.items() if value}


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
