"""Parquet tables made from the journal by DuckDB; disposable, the journal is the truth."""

from __future__ import annotations

import errno
import logging
import os
from typing import TYPE_CHECKING

from alignmeter.errors import StorageError
from alignmeter.store.run_folder import JOURNAL
from alignmeter.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

TRANSCRIPTS = "transcripts.parquet"
JUDGEMENTS = "judgements.parquet"

_SMALLEST_BUFFER = 1 << 20
_LEAST_MEMORY = 1 << 30
_BUFFERS = 128
"""Times the longest line that DuckDB may set aside; it touches a small part of that."""

_logger = logging.getLogger(__name__)

_PLANNED = """
    SELECT json->>'$.trial.id' AS trial, (json->>'$.index')::INTEGER AS dispatch_index,
           json->>'$.trial.probe' AS probe, json->>'$.trial.suite' AS suite,
           json->>'$.trial.family' AS family, json->>'$.trial.intent' AS intent,
           json->>'$.trial.domain' AS domain, json->>'$.trial.hazard' AS hazard,
           json->>'$.trial.language' AS language,
           coalesce(json->>'$.trial.attack', 'plain') AS attack,
           coalesce(json->>'$.trial.attack_class', 'plain') AS attack_class,
           coalesce(json->>'$.trial.attack_pool', 'public') AS attack_pool,
           coalesce(json->>'$.trial.format', 'chat') AS format,
           json->>'$.trial.request' AS request
    FROM events WHERE json->>'$.type' = 'planned'
"""

_ANSWERED = """
    SELECT json->>'$.transcript.trial' AS trial,
           json->>'$.transcript.reply.content' AS reply,
           coalesce(json->>'$.transcript.finish_reason', 'unknown') AS finish_reason,
           json->>'$.transcript.hard_refusal' AS hard_refusal,
           (json->>'$.transcript.usage.prompt_tokens')::BIGINT AS prompt_tokens,
           (json->>'$.transcript.usage.completion_tokens')::BIGINT AS completion_tokens,
           (json->>'$.transcript.started_at')::DOUBLE AS started_at,
           (json->>'$.transcript.latency')::DOUBLE AS latency,
           coalesce((json->>'$.transcript.attempts')::INTEGER, 1) AS attempts,
           json->>'$.transcript.error.kind' AS error_kind,
           json->>'$.transcript.error.message' AS error_message,
           line
    FROM events WHERE json->>'$.type' = 'answered'
"""

_JUDGED = """
    SELECT json->>'$.judgement.trial' AS trial, json->>'$.judgement.transcript' AS transcript,
           json->>'$.judgement.judge' AS judge, json->>'$.judgement.judge_hash' AS judge_hash,
           json->>'$.judgement.axis' AS axis, json->>'$.judgement.result.type' AS result,
           json->>'$.judgement.result.label' AS label,
           json->>'$.judgement.result.confidence' AS confidence,
           json->>'$.judgement.result.reason' AS unscored_reason,
           json->>'$.judgement.result.detail' AS unscored_detail,
           json->>'$.judgement.result.evidence' AS evidence,
           (json->>'$.judgement.result.score')::DOUBLE AS score,
           coalesce((json->>'$.again')::BOOLEAN, false) AS again, line
    FROM events WHERE json->>'$.type' = 'judged'
"""


_COUNTED = f"""
    SELECT * FROM ({_ANSWERED})
    QUALIFY row_number() OVER (
        PARTITION BY trial ORDER BY error_kind IS NOT NULL,
        CASE WHEN error_kind IS NULL THEN line ELSE -line END) = 1
"""  # noqa: S608 - constant text


def write_parquet(folder: Path) -> None:
    """Write `transcripts.parquet` and `judgements.parquet` of a run from its journal.

    One row a trial: the transcript that counts (its first reply, or else its last error) joined
    with the columns of its trial; and the latest judgement of each judge on that transcript, `again` where
    it came after the run. What follows the
    last whole line of the journal is left out, as everywhere.

    Tables are disposable: what DuckDB cannot make of the journal (a number out of range, a line too long
    for its memory) is a warning, and the tables are left out rather than left stale.

    Raises:
        StorageError: The disk is full, read-only or gone.
    """
    import duckdb

    try:
        _write(folder)
    except duckdb.IOException as error:
        raise StorageError(
            f"cannot write the Parquet tables of {folder}: {_cause(error)}; the journal is intact"
        ) from None
    except duckdb.Error as error:
        for name in (TRANSCRIPTS, JUDGEMENTS):
            (folder / name).unlink(missing_ok=True)
            _temporary(folder / name).unlink(missing_ok=True)
        _logger.warning(
            "%s has no Parquet tables, its journal has everything: %s",
            visible(str(folder)),
            visible(str(error).splitlines()[0]),
        )


def _write(folder: Path) -> None:
    import duckdb

    journal = str(folder / JOURNAL).replace("'", "''")
    # DuckDB's reader takes several buffers of this size, whatever the lines really are.
    largest = max(_SMALLEST_BUFFER, _longest_line(folder / JOURNAL) + 1)
    memory = max(_LEAST_MEMORY, _BUFFERS * largest)
    connection = duckdb.connect(config={"threads": 2, "memory_limit": f"{memory}B"})
    try:
        connection.execute(
            "CREATE VIEW lines AS SELECT json, row_number() OVER () AS line "  # noqa: S608 - quoted path
            f"FROM read_ndjson_objects('{journal}', maximum_object_size={largest}, ignore_errors=true)"
        )
        # A torn last line may by chance be a whole object; it does not count without its line feed.
        torn = " WHERE line < (SELECT max(line) FROM lines)" if _is_torn(folder / JOURNAL) else ""
        connection.execute(f"CREATE VIEW events AS SELECT * FROM lines{torn}")  # noqa: S608 - constant text
        connection.execute(f"CREATE VIEW counted AS {_COUNTED}")
        transcripts = f"""
            SELECT p.*, a.* EXCLUDE (trial, line) FROM ({_PLANNED}) p JOIN counted a USING (trial)
            QUALIFY row_number() OVER (PARTITION BY trial) = 1
            ORDER BY dispatch_index
        """  # noqa: S608 - constant text
        judgements = f"""
            SELECT j.* EXCLUDE (line) FROM ({_JUDGED}) j JOIN counted a USING (trial)
            WHERE j.line > a.line
            QUALIFY row_number() OVER (PARTITION BY trial, axis, judge_hash ORDER BY j.line DESC) = 1
        """  # noqa: S608 - constant text
        _copy(connection, transcripts, folder / TRANSCRIPTS)
        _copy(connection, judgements, folder / JUDGEMENTS)
    finally:
        connection.close()


def _temporary(path: Path) -> Path:
    """A name of this process's own: two may write the tables of one run at a time."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _longest_line(journal: Path) -> int:
    with journal.open("rb") as file:
        return max(map(len, file), default=0)


def _is_torn(journal: Path) -> bool:
    with journal.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _cause(error: Exception) -> str:
    """The first line of DuckDB's message, with the name of the system error where it hides one."""
    text = str(error)
    full = os.strerror(errno.ENOSPC)
    return full if full.lower() in text.lower() else text.splitlines()[0]


def _copy(connection: object, query: str, path: Path) -> None:
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)  # noqa: S101 - narrows the lazy type
    temporary = _temporary(path)
    quoted = str(temporary).replace("'", "''")
    connection.execute(f"COPY ({query}) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
    temporary.replace(path)
