"""The Parquet tables say what the folded journal says: row for row, and nothing more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import pytest

from alignmeter.errors import StorageError
from alignmeter.records import Usage
from alignmeter.store import Answered, JournalWriter, RunFolder, write_parquet
from alignmeter.store.parquet import JUDGEMENTS, TRANSCRIPTS

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Build, Written

    from alignmeter.store import Opened


def _rows(path: Path) -> list[dict[str, Any]]:
    table = duckdb.execute("SELECT * FROM read_parquet(?)", [str(path)])
    names = [column[0] for column in table.description or []]
    return [dict(zip(names, row, strict=True)) for row in table.fetchall()]


def _equal_to_fold(folder: RunFolder) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Write the tables and hold them against the journal; returns their rows."""
    write_parquet(folder.path)
    data = folder.read()
    transcripts, judgements = _rows(folder.path / TRANSCRIPTS), _rows(folder.path / JUDGEMENTS)
    assert [row["trial"] for row in transcripts] == [t.id for t in data.trials if t.id in data.transcripts]
    for row in transcripts:
        counted = data.transcripts[row["trial"]]
        assert row["reply"] == (counted.reply.content if counted.reply else None)
        assert row["error_kind"] == (counted.error.kind if counted.error else None)
        assert row["attempts"] == counted.attempts
        assert row["finish_reason"] == counted.finish_reason
    assert {row["trial"]: row["transcript"] for row in judgements} == {
        trial: judgement.transcript for trial, judgement in data.judgements.items()
    }
    assert len(judgements) == len(data.judgements)
    return transcripts, judgements


def test_given_errors_retries_and_repeats_when_written_then_the_rows_equal_what_counts(
    tmp_path: Path, build: Build, opened: Opened
) -> None:
    replied, again = build.replied("a", "first"), build.replied("a", "second")
    failed, mended = build.failed("b"), build.replied("b", "line\nbreak, 'quote' and \"quote\", 漢")
    lost = [build.failed("c", "timeout"), build.failed("c", "server_error")]
    folder = RunFolder.create(tmp_path / "run", build.manifest())
    journal = folder.journal()
    journal.append_all(
        [
            opened,
            *build.planned("a", "b", "c", "d", "e"),
            *build.planned("a"),
            replied,
            build.judged(replied),
            failed,
            build.judged(failed),
            *lost,
            build.judged(lost[1]),
            opened,
            again,
            build.judged(replied, "full"),
            mended,
            build.judged(mended),
            build.replied("e"),
        ]
    )
    journal.close()

    transcripts, judgements = _equal_to_fold(folder)

    assert [(row["trial"], row["error_kind"]) for row in transcripts] == [
        ("a", None),
        ("b", None),
        ("c", "server_error"),
        ("e", None),
    ]
    assert {row["trial"]: (row["result"], row["label"], row["unscored_reason"]) for row in judgements} == {
        "a": ("refusal", "full", None),
        "b": ("refusal", "none", None),
        "c": ("unscored", None, "target_error"),
    }


def test_given_a_mended_trial_that_was_not_judged_again_when_written_then_its_stale_judgement_is_left_out(
    tmp_path: Path, build: Build
) -> None:
    failed = build.failed("a")
    folder = RunFolder.create(tmp_path / "run", build.manifest())
    journal = folder.journal()
    journal.append_all([*build.planned("a"), failed, build.judged(failed), build.replied("a")])
    journal.close()

    _, judgements = _equal_to_fold(folder)
    assert judgements == []


@pytest.mark.parametrize("name", ["it's", 'say "hi"', "a b", "run[1]", "100%?*", "é漢"])
def test_given_a_folder_of_any_name_when_written_then_the_tables_lie_in_it(
    tmp_path: Path, build: Build, name: str
) -> None:
    folder = RunFolder.create(tmp_path / name, build.manifest())
    journal = folder.journal()
    reply = build.replied("a")
    journal.append_all([*build.planned("a"), reply, build.judged(reply)])
    journal.close()
    transcripts, judgements = _equal_to_fold(folder)
    assert (len(transcripts), len(judgements)) == (1, 1)


def test_given_a_journal_torn_anywhere_in_its_last_line_when_written_then_the_rows_equal_what_counts(
    written: Written, build: Build
) -> None:
    journal = JournalWriter(written.journal)
    journal.append(build.replied("c"))
    journal.close()
    whole = written.journal.read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    # The last of these is a whole object without its line feed.
    for cut in (start + 1, (start + len(whole)) // 2, len(whole) - 1):
        written.journal.write_bytes(whole[:cut])
        transcripts, _ = _equal_to_fold(written.folder)
        assert [row["trial"] for row in transcripts] == ["a", "b"]


def test_given_a_run_that_asked_nothing_when_written_then_the_tables_are_empty(
    tmp_path: Path, build: Build, opened: Opened
) -> None:
    folder = RunFolder.create(tmp_path / "run", build.manifest())
    journal = folder.journal()
    journal.append_all([opened, *build.planned("a")])
    journal.close()
    assert _equal_to_fold(folder) == ([], [])


def test_given_a_count_beyond_32_bits_when_written_then_the_tables_hold_it(
    tmp_path: Path, build: Build
) -> None:
    answered = build.replied("a")
    used = Usage(prompt_tokens=2**31, completion_tokens=2**62)
    transcript = msgspec.structs.replace(answered.transcript, usage=used)
    folder = RunFolder.create(tmp_path / "run", build.manifest())
    journal = folder.journal()
    journal.append_all([*build.planned("a"), Answered(transcript=transcript)])
    journal.close()
    (row,), _ = _equal_to_fold(folder)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (2**31, 2**62)


def test_given_a_reply_of_eighteen_megabytes_when_written_then_it_is_in_the_tables(
    tmp_path: Path, build: Build
) -> None:
    folder = RunFolder.create(tmp_path / "run", build.manifest())
    journal = folder.journal()
    journal.append_all([*build.planned("a"), build.replied("a", "no " * 6_000_000)])
    journal.close()
    (row,), _ = _equal_to_fold(folder)
    assert len(row["reply"]) == 18_000_000


def test_given_what_no_table_can_hold_when_written_then_it_is_a_warning_and_no_stale_table_is_left(
    written: Written, caplog: pytest.LogCaptureFixture
) -> None:
    write_parquet(written.folder.path)
    with written.journal.open("ab") as file:
        usage = f'{{"prompt_tokens": {10**30}}}'
        file.write(f'{{"type": "answered", "transcript": {{"trial": "c", "usage": {usage}}}}}\n'.encode())
    write_parquet(written.folder.path)
    assert "has no Parquet tables, its journal has everything" in caplog.text
    assert not (written.folder.path / TRANSCRIPTS).exists()


def test_given_a_place_that_cannot_be_written_when_written_then_it_is_a_storage_error(
    written: Written,
) -> None:
    (written.folder.path / f".{TRANSCRIPTS}.{os.getpid()}.tmp").mkdir()
    with pytest.raises(StorageError, match=r"cannot write the Parquet tables .*the journal is intact"):
        write_parquet(written.folder.path)
