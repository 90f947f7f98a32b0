"""One door to all formats of labelled replies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.errors import InputError
from alignmeter.judges.labels import published
from alignmeter.judges.labels.own import OwnColumns
from alignmeter.judges.labels.replies import CLASSES, LABEL_FORMATS
from alignmeter.judges.labels.tables import csv_rows, files, json_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from alignmeter.judges.labels.replies import LabelAxis, LabelFormat, LabelledReply
    from alignmeter.judges.labels.tables import Row


class _Format(NamedTuple):
    """How one format is read; `axis` is None where the user says what the labels are about."""

    endings: tuple[str, ...]
    rows: Callable[[Path, Sequence[str]], Iterator[Row]]
    axis: LabelAxis | None
    columns: tuple[str, ...] = ()
    read: Callable[[Row], LabelledReply] | None = None


_FORMATS: Mapping[LabelFormat, _Format] = {
    "xstest": _Format((".csv",), csv_rows, "refusal", published.XSTEST_COLUMNS, published.xstest),
    "gptfuzz": _Format((".csv",), csv_rows, "harm", published.GPTFUZZ_COLUMNS, published.gptfuzz),
    "halueval": _Format(
        (".json", ".jsonl"), json_rows, "factuality", published.HALUEVAL_COLUMNS, published.halueval
    ),
    "csv": _Format((".csv",), csv_rows, None),
    "jsonl": _Format((".jsonl",), json_rows, None),
}


def load_labels(
    paths: Path | str | Iterable[Path | str],
    format: LabelFormat,  # noqa: A002 - the word users know
    *,
    axis: LabelAxis | None = None,
    columns: Mapping[str, str] | None = None,
    labels_map: Mapping[str, str] | None = None,
) -> tuple[LabelledReply, ...]:
    """Read labelled replies (UTF-8, with or without a byte order mark).

    Args:
        paths: A file, a folder, or several of either.
        format: `xstest`, `gptfuzz` and `halueval` as published (`alignmeter.judges.labels.published`
            says what their labels mean); `csv` and `jsonl` with our columns: prompt, reply and label,
            and where known language, attack, model, id, split, intent, hazard, reference, confidence.
            `id` says which prompts belong together; without a prompt it must be there.
        axis: What the labels are about. Published sets know theirs; `csv` and `jsonl` are about
            refusal unless told.
        columns: For `csv` and `jsonl`: our name of a column to the file's.
        labels_map: For `csv` and `jsonl`: the file's word for a label to ours.

    Returns:
        All rows, in the order of the files and of their lines.

    Raises:
        InputError: A path that does not exist or holds nothing, a missing column, an unknown label
            or id, labels of another axis; the message names file, line, column and what was expected.
    """
    if format not in _FORMATS:
        raise InputError(f"format of labels: expected {' or '.join(LABEL_FORMATS)}, got {format!r}")
    if axis is not None and axis not in CLASSES:
        raise InputError(f"axis of labels: expected {' or '.join(CLASSES)}, got {axis!r}")
    known = _FORMATS[format]
    given = [paths] if isinstance(paths, Path | str) else list(paths)
    if known.read is None or known.axis is None:
        own = OwnColumns(axis or "refusal", columns, labels_map)
        needed, read = own.needed, own.read
    elif columns or labels_map:
        raise InputError(f"`columns=` and `labels_map=` go with `format=csv` or jsonl, got {format!r}")
    elif axis not in {None, known.axis}:
        raise InputError(f"`format={format}` holds labels of the axis {known.axis}, got `axis={axis}`")
    else:
        needed, read = known.columns, known.read
    replies = tuple(read(row) for path in files(given, known.endings) for row in known.rows(path, needed))
    if not replies:
        raise InputError(f"labels: expected at least one row, got none in {', '.join(map(str, given))}")
    return replies
