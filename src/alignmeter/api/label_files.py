"""Labels as CSV and JSONL files, to be made or looked at elsewhere.

A file has one label a row: `trial` and `label`, and optionally `axis`, `annotator`, `note`, `at`,
`adjudicates`, `transcript` (the digest of the reply: with it a label cannot end up on another
reply to the same request) and `drawn_by` (the hash of the judge by whose verdicts the reply was drawn).
Texts of requests and replies are not in it.
"""

from __future__ import annotations

import csv
import io
import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.api.labelling import Labelling, check_label, checked_annotator
from alignmeter.api.reading import load_run
from alignmeter.errors import InputError
from alignmeter.files import read_csv, read_text, text_lines, write_text
from alignmeter.identity import transcript_digest
from alignmeter.records import LABELS, HumanLabel
from alignmeter.verdicts import standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignmeter.api.reading import Run
    from alignmeter.records import Axis, Trial

    _Place = tuple[str, Axis, str, bool]

COLUMNS: tuple[str, ...] = (
    "trial",
    "axis",
    "label",
    "annotator",
    "at",
    "note",
    "adjudicates",
    "transcript",
    "drawn_by",
)
_NEEDED = ("trial", "label")
_TRUE = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}


class Imported(NamedTuple):
    """What an import did.

    Attributes:
        added: Labels added; `known` were there already, `empty` rows had none.
        older: Rows that say less than what stands, by file and line: the same person said something
            else of the reply, or took the label back, after the row's `at`. They are left out.
        before, after: The run without and with them.
    """

    added: int
    known: int
    empty: int
    older: tuple[str, ...]
    before: Run
    after: Run


class _Row(NamedTuple):
    where: str
    cells: dict[str, str]


def export_labels(run: Run | Path | str, path: Path | str) -> int:
    """Write the labels that stand, one row an annotator and reply, and one for an adjudication.

    Returns:
        How many.

    Raises:
        InputError: The name of the file ends in neither `.csv` nor `.jsonl`.
        StorageError: It cannot be written.
    """
    path = Path(path)
    suffix = _suffix(path)
    loaded = run if not isinstance(run, Path | str) else load_run(run)
    rows = [
        {name: getattr(label, name) for name in COLUMNS}
        for said in standing(loaded.labels).values()
        for label in said
    ]
    text = (
        _csv(rows) if suffix == ".csv" else "".join(f"{msgspec.json.encode(row).decode()}\n" for row in rows)
    )
    write_text(path, text)
    return len(rows)


def _csv(rows: list[dict[str, object]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def import_labels(run: Path | str, path: Path | str, *, annotator: str, judge: str | None = None) -> Imported:
    """Read labels from a file and add them to a run, all of them or none, but for those that are older.

    Args:
        run: Run folder.
        path: A `.csv` or `.jsonl` file in UTF-8.
        annotator: Who labelled, for rows that do not say.
        judge: Read the run as this judge sees it; the labels are the same.

    Raises:
        InputError: The file cannot be read, or a row is not as it should be: names its line.
        RunFolderError: There is no run, or another process labels it.
    """
    path = Path(path)
    with Labelling(run, annotator, judge=judge) as session:
        before = session.run
        trials = {trial.id: trial for trial in before.data.trials}
        made: dict[_Place, tuple[str, HumanLabel]] = {}
        empty = 0
        for row in _rows(path):
            if not row.cells.get("label", "").strip():
                empty += 1
                continue
            label = _label(session.run, trials, row, annotator)
            key = _place(label)
            if key in made:
                raise InputError(
                    f"{row.where}: expected one label of {label.annotator!r} for each trial, got another one "
                    f"after {made[key][0]}"
                )
            made[key] = (row.where, label)
        stands = {_place(one): one for said in standing(session.run.labels).values() for one in said}
        latest = {_place(one): one for one in session.run.labels}
        unknown = {place: row for place, row in made.items() if not _same(row[1], stands.get(place))}
        older = [place for place, (_, label) in unknown.items() if _is_older(label, latest.get(place))]
        fresh = [label for place, (_, label) in unknown.items() if place not in older]
        session.add_all(fresh)
    left = tuple(unknown[place][0] for place in older)
    return Imported(len(fresh), len(made) - len(unknown), empty, left, before, session.run)


def _place(label: HumanLabel) -> _Place:
    """What only one label can stand for: a reply, an axis and an annotator; opinions apart from the rest."""
    return label.trial, label.axis, label.annotator, label.adjudicates


def _same(label: HumanLabel, other: HumanLabel | None) -> bool:
    return other is not None and (label.label, label.note) == (other.label, other.note)


def _is_older(label: HumanLabel, latest: HumanLabel | None) -> bool:
    return latest is not None and label.at < latest.at


def _label(run: Run, trials: dict[str, Trial], row: _Row, annotator: str) -> HumanLabel:
    cells = row.cells
    name = cells["trial"].strip()
    trial, transcript = trials.get(name), run.data.transcripts.get(name)
    if trial is None or transcript is None:
        raise InputError(f"{row.where}: expected the id of a trial of this run with a reply, got {name!r}")
    try:
        label = msgspec.convert(
            {
                "trial": name,
                "transcript": cells.get("transcript", "").strip() or transcript_digest(transcript),
                "axis": cells.get("axis", "").strip() or trial.axis,
                "label": cells["label"].strip(),
                "annotator": checked_annotator(cells.get("annotator", "").strip() or annotator),
                "at": _number(cells.get("at", "")),
                "note": cells.get("note", ""),
                "adjudicates": _truth(cells.get("adjudicates", "")),
                "drawn_by": cells.get("drawn_by", "").strip(),
            },
            HumanLabel,
        )
    except msgspec.ValidationError:
        axis = cells.get("axis", "").strip() or trial.axis
        known = "; ".join(f"{name}: {', '.join(labels)}" for name, labels in LABELS.items())
        raise InputError(
            f"{row.where}: expected an axis and one of its labels ({known}), got axis {axis!r} and label "
            f"{cells['label'].strip()!r}"
        ) from None
    except InputError as error:
        raise InputError(f"{row.where}: {error}") from None
    try:
        check_label(run, label)
    except InputError as error:
        raise InputError(f"{row.where}: {error}") from None
    return label


def _number(text: str) -> float:
    if not text.strip():
        return time.time()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"expected `at` in seconds since 1970, got {text!r}")
    return value


def _truth(text: str) -> bool:
    try:
        return _TRUE[text.strip().lower()]
    except KeyError:
        raise InputError(f"expected `adjudicates` to be true or false, got {text!r}") from None


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".jsonl"}:
        raise InputError(f"expected a file that ends in .csv or .jsonl, got {str(path)!r}")
    return suffix


def _rows(path: Path) -> Iterator[_Row]:
    suffix = _suffix(path)
    yield from _csv_rows(path) if suffix == ".csv" else _json_rows(path, read_text(path))


def _csv_rows(path: Path) -> Iterator[_Row]:
    header, rows = read_csv(path)
    for name in _NEEDED:
        if name not in header:
            got = ", ".join(header) or "an empty file"
            raise InputError(f"{path}: line 1: expected the columns trial and label, got {got}")
    _once(header, f"{path}: line 1", "column")
    for row in rows:
        yield _Row(row.where, row.cells)


def _once(names: Sequence[str], where: str, kind: str) -> None:
    """Refuse a name of ours that comes twice: nothing says which of the two is meant."""
    twice = next((name for name in COLUMNS if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{where}: expected each {kind} once, got {twice!r} again; leave one out")


def _json_rows(path: Path, text: str) -> Iterator[_Row]:
    for number, line in text_lines(text):
        where = f"{path}: line {number}"
        try:
            found = msgspec.json.decode(line, type=dict[str, str | float | bool | None])
            keys = [key for key, _ in json.loads(line, object_pairs_hook=list)]
        except msgspec.MsgspecError as error:
            raise InputError(f"{where}: expected a JSON object with trial and label, got {error}") from None
        _once(keys, where, "key")
        missing = [name for name in _NEEDED if name not in found]
        if missing:
            raise InputError(f"{where}: expected trial and label, got no {missing[0]!r}")
        cells = {name: "" if value is None else str(value) for name, value in found.items()}
        yield _Row(where, cells)
