"""Parquet tables of what counts in a journal; disposable, the journal is the truth.

What counts is said by `fold` alone. It is given events without their texts, each with its place in the
journal, and the rows are read from those places: a table of a million replies holds none of them in memory.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from functools import partial
from sys import intern
from typing import TYPE_CHECKING, Any

import msgspec

from alignmeter.errors import StorageError
from alignmeter.records import Judgement, Transcript, Trial, Unscored
from alignmeter.store.journal import Answered, Asked, Charged, Event, Judged, Planned, events_at
from alignmeter.store.reply_columns import reply_columns
from alignmeter.store.run_data import RunData, fold
from alignmeter.store.run_folder import JOURNAL
from alignmeter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRANSCRIPTS = "transcripts.parquet"
JUDGEMENTS = "judgements.parquet"

_TRANSCRIPT_COLUMNS = {
    "trial": "VARCHAR",
    "dispatch_index": "INTEGER",
    "probe": "VARCHAR",
    "suite": "VARCHAR",
    "family": "VARCHAR",
    "intent": "VARCHAR",
    "domain": "VARCHAR",
    "hazard": "VARCHAR",
    "language": "VARCHAR",
    "attack": "VARCHAR",
    "attack_class": "VARCHAR",
    "attack_pool": "VARCHAR",
    "format": "VARCHAR",
    "request": "VARCHAR",
    "reply": "VARCHAR",
    "finish_reason": "VARCHAR",
    "hard_refusal": "VARCHAR",
    "prompt_tokens": "BIGINT",
    "completion_tokens": "BIGINT",
    "started_at": "DOUBLE",
    "latency": "DOUBLE",
    "attempts": "INTEGER",
    "error_kind": "VARCHAR",
    "error_message": "VARCHAR",
}
_JUDGEMENT_COLUMNS = {
    "trial": "VARCHAR",
    "transcript": "VARCHAR",
    "judge": "VARCHAR",
    "judge_hash": "VARCHAR",
    "axis": "VARCHAR",
    "result": "VARCHAR",
    "label": "VARCHAR",
    "confidence": "VARCHAR",
    "unscored_reason": "VARCHAR",
    "unscored_detail": "VARCHAR",
    "evidence": "VARCHAR",
    "score": "DOUBLE",
    "again": "BOOLEAN",
}

_SMALLEST_BUFFER = 1 << 20
_LEAST_MEMORY = 1 << 30
_BUFFERS = 128
"""Times the longest row that DuckDB may set aside; it touches a small part of that."""

_logger = logging.getLogger(__name__)


def write_parquet(folder: Path) -> None:
    """Write `transcripts.parquet` and `judgements.parquet` of a run from its journal.

    One row a trial: the transcript that counts with the columns of its trial. One row a judgement that
    counts, errors of the target included, which have no score on any axis (docs/decisions/0047): those
    that are not `again` are what the verdicts of the run count; those that are `again` came after the
    run, and are with the others of their `judge_hash` what `fold` says under that judge. Where a judge of
    the run was asked again for a reply, both are there.

    Tables are disposable: what they cannot hold (a number out of range) is a warning, and the tables are
    left out rather than left stale.

    Raises:
        RunFolderError: The journal is corrupt.
        StorageError: The disk is full, read-only or gone.
    """
    import duckdb

    journal = folder / JOURNAL
    try:
        events = _without_texts(journal)
        _write(_transcripts(journal, fold(events)), _TRANSCRIPT_COLUMNS, folder / TRANSCRIPTS)
        _write(_judgements(journal, events), _JUDGEMENT_COLUMNS, folder / JUDGEMENTS)
    except (duckdb.IOException, OSError) as error:
        raise StorageError(
            f"cannot write the Parquet tables of {folder}: {_cause(error)}; the journal is intact"
        ) from None
    except duckdb.Error as error:
        for name in (TRANSCRIPTS, JUDGEMENTS):
            (folder / name).unlink(missing_ok=True)
        _logger.warning(
            "%s has no Parquet tables, its journal has everything: %s",
            visible(str(folder)),
            visible(str(error).splitlines()[0]),
        )


# --- what counts, and where it stands --------------------------------------------------------------


class _TrialAt(Trial, frozen=True, kw_only=True):
    """What `fold` needs of a trial; `at`: where its line begins, in bytes."""

    at: int


class _ReplyAt(Transcript, frozen=True, kw_only=True):
    """What `fold` needs of a transcript with a reply."""

    at: int


class _JudgementAt(Judgement, frozen=True, kw_only=True):
    """What `fold` needs of a judgement."""

    at: int


_SOME = Unscored(reason="no_judge")
"""In the place of a result, at which `fold` does not look."""


def _without_texts(journal: Path) -> list[Event]:
    events: list[Event] = []
    at = 0
    for end, event in events_at(journal):
        if not isinstance(event, Asked | Charged):
            events.append(_light(event, at))
        at = end
    return events


def _light(event: Event, at: int) -> Event:
    match event:
        case Planned(index=index, trial=trial):
            light = _TrialAt(
                id=intern(trial.id),
                probe="",
                suite="",
                family="",
                intent=trial.intent,
                domain="",
                language=intern(trial.language),
                axis=trial.axis,
                messages=(),
                request="",
                at=at,
            )
            return Planned(index=index, trial=light)
        case Answered(transcript=transcript) if transcript.error is None:
            return Answered(transcript=_ReplyAt(trial=intern(transcript.trial), at=at))
        case Judged(judgement=judgement, again=again):
            placed = _JudgementAt(
                trial=intern(judgement.trial),
                transcript="",
                judge=intern(judgement.judge),
                judge_hash=intern(judgement.judge_hash),
                axis=judgement.axis,
                result=_SOME,
                at=at,
            )
            return Judged(judgement=placed, again=again)
        case _:
            return event


class _Journal:
    """The lines of a journal by their place."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._decoder = msgspec.json.Decoder(Event)

    def event(self, at: int) -> Event:
        self._file.seek(at)
        return self._decoder.decode(self._file.readline())

    def __enter__(self) -> _Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


# --- rows ------------------------------------------------------------------------------------------


def _transcripts(journal: Path, data: RunData) -> Iterator[dict[str, Any]]:
    with _Journal(journal) as lines:
        for light in data.trials:
            transcript = data.transcripts.get(light.id)
            if transcript is None:
                continue
            if isinstance(transcript, _ReplyAt):
                answered = lines.event(transcript.at)
                assert isinstance(answered, Answered)  # noqa: S101 - that is what stands there
                transcript = answered.transcript
            assert isinstance(light, _TrialAt)  # noqa: S101 - all are
            planned = lines.event(light.at)
            assert isinstance(planned, Planned)  # noqa: S101 - that is what stands there
            yield reply_columns(planned.index, planned.trial, transcript)


def _judgements(journal: Path, events: list[Event]) -> Iterator[dict[str, Any]]:
    """What counts under the judges of the run, then under each judge that was asked after it."""
    own = fold(events).by_axis()
    after = dict.fromkeys(e.judgement.judge_hash for e in events if isinstance(e, Judged) and e.again)
    with _Journal(journal) as lines:
        for judged in (judged for on in own.values() for judged in on.values()):
            yield _judgement_row(lines, judged, again=False)
        for judge_hash in after:
            for axis, on in fold(events, judges={judge_hash}).by_axis().items():
                before = own.get(axis, {})
                for trial, judged in on.items():
                    if judged != before.get(trial):
                        yield _judgement_row(lines, judged, again=True)


def _judgement_row(lines: _Journal, judged: Judgement, *, again: bool) -> dict[str, Any]:
    if isinstance(judged, _JudgementAt):
        event = lines.event(judged.at)
        assert isinstance(event, Judged)  # noqa: S101 - that is what stands there
        judged, again = event.judgement, event.again
    result: dict[str, Any] = msgspec.to_builtins(judged.result)
    return {
        "trial": judged.trial,
        "transcript": judged.transcript,
        "judge": judged.judge,
        "judge_hash": judged.judge_hash,
        "axis": judged.axis,
        "result": result["type"],
        "label": result.get("label"),
        "confidence": result.get("confidence"),
        "unscored_reason": result.get("reason"),
        "unscored_detail": result.get("detail"),
        "evidence": result.get("evidence"),
        "score": result.get("score"),
        "again": again,
    }


# --- the files -------------------------------------------------------------------------------------


def _write(rows: Iterator[dict[str, Any]], columns: dict[str, str], path: Path) -> None:
    """Write a table whole or not at all, by way of its rows as lines of JSON."""
    lines, table = _temporary(path, "jsonl"), _temporary(path, "tmp")
    try:
        longest = _write_lines(rows, lines)
        _copy(lines, longest, columns, table)
        table.replace(path)
    finally:
        for temporary in (lines, table):
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _temporary(path: Path, kind: str) -> Path:
    """A name of this process's own: two may write the tables of one run at a time."""
    return path.with_name(f".{path.name}.{os.getpid()}.{kind}")


def _write_lines(rows: Iterator[dict[str, Any]], path: Path) -> int:
    """Write rows as lines of JSON that only their owner may read; returns the length of the longest."""
    encoder = msgspec.json.Encoder()
    longest = 0
    with open(path, "wb", opener=partial(os.open, mode=0o600)) as file:
        for row in rows:
            longest = max(longest, file.write(encoder.encode(row) + b"\n"))
    return longest


def _copy(lines: Path, longest: int, columns: dict[str, str], table: Path) -> None:
    import duckdb

    # DuckDB's reader takes several buffers of this size, whatever the lines really are.
    largest = max(_SMALLEST_BUFFER, longest)
    memory = max(_LEAST_MEMORY, _BUFFERS * largest)
    types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    connection = duckdb.connect(config={"threads": 2, "memory_limit": f"{memory}B"})
    try:
        connection.execute(
            f"COPY (SELECT * FROM read_json({_quoted(lines)}, format='newline_delimited', "  # noqa: S608 - quoted
            f"compression='uncompressed', maximum_object_size={largest}, columns={{{types}}})) "
            f"TO {_quoted(table)} (FORMAT parquet, COMPRESSION zstd)"
        )
    finally:
        connection.close()


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _cause(error: Exception) -> str:
    """The first line of the message, or the name of the system error where it says or hides one."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    full = os.strerror(errno.ENOSPC)
    return full if full.lower() in text.lower() else text.splitlines()[0]
