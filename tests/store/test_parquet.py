"""The Parquet tables say what the folded journal says: row for row, and nothing more."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignmeter.errors import StorageError
from alignmeter.identity import transcript_digest
from alignmeter.records import HarmResult, Judgement, RefusalResult, Unscored, Usage
from alignmeter.store import Answered, JournalWriter, Judged, Planned, RunFolder, fold, write_parquet
from alignmeter.store.parquet import JUDGEMENTS, TRANSCRIPTS

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Build, Written

    from alignmeter.records import Axis, JudgementResult, Transcript
    from alignmeter.store import Event, Opened, RunData


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


def _said(judged: Judgement) -> dict[str, Any]:
    """What the table should say of a judgement, `again` left aside."""
    result: dict[str, Any] = msgspec.to_builtins(judged.result)
    return {
        **{name: getattr(judged, name) for name in ("trial", "transcript", "judge", "judge_hash", "axis")},
        **{name: result.get(name) for name in ("label", "confidence", "evidence", "score")},
        "result": result["type"],
        "unscored_reason": result.get("reason"),
        "unscored_detail": result.get("detail"),
    }


def _by_place(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows without `again` by trial and axis; a later judgement stands before an earlier one."""
    found = {
        (row["trial"], row["axis"]): {name: row[name] for name in row if name != "again"}
        for row in sorted(rows, key=lambda row: row["again"])
    }
    assert len(found) == len({(row["trial"], row["axis"]) for row in rows})
    return found


def _counted(data: RunData) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (trial, axis): _said(judged) for axis, on in data.by_axis().items() for trial, judged in on.items()
    }


def _judged(transcript: Transcript, judge: str, axis: Axis, *, label: int, again: bool) -> Judged:
    """A judgement by `judge`, which is told errors only while the run goes on."""
    results: tuple[JudgementResult, ...] = (
        RefusalResult(label="full", evidence="I won't\x00, é"),
        HarmResult(label="delivered", score=0.25),
        Unscored(reason="judge_error", detail="down"),
    )
    result = results[label] if transcript.error is None else Unscored.by_error(transcript.error)
    return Judged(
        judgement=Judgement(
            trial=transcript.trial,
            transcript=transcript_digest(transcript),
            judge=judge,
            judge_hash=f"{judge}-{axis}",
            axis=axis,
            result=result,
        ),
        again=again,
    )


@st.composite
def _journals(draw: st.DrawFn, build: Build) -> list[Event]:
    """What a run may leave behind: retries, replies that come twice, judges beside and after its own."""
    names = ("a", "b", "c")
    trials = [
        msgspec.structs.replace(
            build.trial(name),
            intent=draw(st.sampled_from(["harmful", "benign"])),
            language=draw(st.sampled_from(["en", "sw"])),
        )
        for name in names
    ]
    events: list[Event] = [Planned(index=index, trial=trial) for index, trial in enumerate(trials)]
    last: dict[str, Transcript] = {}
    for _ in range(draw(st.integers(4, 24))):
        trial = draw(st.sampled_from(trials))
        if trial.id not in last or draw(st.booleans()):
            answered = build.failed(trial.id) if draw(st.booleans()) else build.replied(trial.id, "Sure.")
            events.append(answered)
            counted = last.get(trial.id)
            if counted is None or counted.error is not None:
                last[trial.id] = answered.transcript
            continue
        transcript = last[trial.id]
        judge = draw(st.sampled_from(["own", "own", "later", "latest"]))
        again = judge != "own" or draw(st.integers(0, 3)) == 0
        if again and transcript.error is not None:
            continue  # nobody is asked about an error after the run
        axis = draw(st.sampled_from(trial.axes))
        label = draw(st.integers(0, 2))
        events.append(_judged(transcript, judge, axis, label=label, again=again))
    return events


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_given_any_journal_when_written_then_the_rows_are_what_fold_says_under_every_judge(
    tmp_path_factory: pytest.TempPathFactory, build: Build, data: st.DataObject
) -> None:
    events = data.draw(_journals(build))
    folder = RunFolder.create(tmp_path_factory.mktemp("any") / "run", build.manifest())
    journal = folder.journal()
    journal.append_all(events)
    journal.close()

    write_parquet(folder.path)

    counted = fold(events)
    assert {row["trial"]: row["error_kind"] for row in _rows(folder.path / TRANSCRIPTS)} == {
        trial: None if one.error is None else one.error.kind for trial, one in counted.transcripts.items()
    }
    rows = _rows(folder.path / JUDGEMENTS)
    of_the_run = [row for row in rows if not row["again"]]
    assert _by_place(of_the_run) == _counted(counted)
    assert len(of_the_run) == len(_counted(counted))
    for judge_hash in {event.judgement.judge_hash for event in events if isinstance(event, Judged)}:
        under = _counted(fold(events, judges={judge_hash}))
        assert _by_place([row for row in rows if row["judge_hash"] == judge_hash]) == under


def test_given_errors_that_a_later_judge_was_never_told_when_written_then_they_are_in_its_rows(
    tmp_path: Path, build: Build
) -> None:
    trials = [msgspec.structs.replace(build.trial(name), intent="harmful") for name in ("a", "b")]
    reply, error = build.replied("a"), build.failed("b")
    folder = RunFolder.create(tmp_path / "run", build.manifest())
    journal = folder.journal()
    journal.append_all([Planned(index=index, trial=trial) for index, trial in enumerate(trials)])
    journal.append_all([reply, build.judged(reply), error, build.judged(error)])
    journal.append(_judged(reply.transcript, "later", "harm", label=1, again=True))
    journal.close()

    write_parquet(folder.path)

    assert [
        (row["trial"], row["result"], row["unscored_reason"], row["again"])
        for row in _rows(folder.path / JUDGEMENTS)
        if row["axis"] == "harm"
    ] == [("a", "harm", None, True), ("b", "unscored", "target_error", True)]


def test_given_many_long_replies_when_written_then_the_tables_need_a_small_part_of_their_memory(
    tmp_path: Path, build: Build
) -> None:
    size, count = 100_000, 300
    folder = RunFolder.create(tmp_path / "run", build.manifest())
    journal = folder.journal()
    journal.append_all(build.planned(*map(str, range(count))))
    for name in map(str, range(count)):
        reply = build.replied(name, name * (size // len(name)))
        journal.append_all([reply, build.judged(reply)])
    journal.close()
    write_parquet(folder.path)  # what is imported at first use

    tracemalloc.start()
    write_parquet(folder.path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(_rows(folder.path / TRANSCRIPTS)) == count
    assert peak < size * count / 10
    left = [path.name for path in folder.path.iterdir() if path.suffix in {".tmp", ".jsonl"}]
    assert left == ["journal.jsonl"]


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
