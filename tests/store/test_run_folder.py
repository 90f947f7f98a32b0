"""Run folders: private, written whole or not at all, and folded to what counts."""

from __future__ import annotations

import errno
import os
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.errors import RunFolderError, StorageError
from alignmeter.records import Results, Unscored
from alignmeter.store import Closed, Judged, Planned, RunFolder, fold, list_runs, new_run_folders

if TYPE_CHECKING:
    from conftest import Build, Written

    from alignmeter.store import Opened

# --- what counts ---------------------------------------------------------------------------------


def test_given_two_replies_to_one_trial_when_folded_then_the_first_counts(build: Build) -> None:
    first, second = build.replied("a", "first"), build.replied("a", "second")
    data = fold([*build.planned("a"), first, build.judged(first), second])
    assert data.transcripts == {"a": first.transcript}
    assert data.judgements == {"a": build.judged(first).judgement}


def test_given_a_reply_after_an_error_when_folded_then_it_counts_and_the_stale_judgement_is_dropped(
    build: Build,
) -> None:
    error, reply = build.failed("a"), build.replied("a")
    events = [*build.planned("a"), error, build.judged(error), reply]

    data = fold(events)
    assert data.transcripts == {"a": reply.transcript}
    assert data.judgements == {}

    assert fold([*events, build.judged(reply)]).judgements == {"a": build.judged(reply).judgement}


def test_given_an_error_after_a_reply_when_folded_then_the_reply_still_counts(build: Build) -> None:
    reply, error = build.replied("a"), build.failed("a")
    data = fold([*build.planned("a"), reply, build.judged(reply), error])
    assert data.transcripts == {"a": reply.transcript}
    assert data.judgements == {"a": build.judged(reply).judgement}


def test_given_errors_alone_when_folded_then_the_last_counts(build: Build) -> None:
    timeout, refused = build.failed("a", "timeout"), build.failed("a", "connection")
    assert fold([timeout, refused]).transcripts == {"a": refused.transcript}


def test_given_an_error_when_folded_then_it_has_no_score_on_any_axis_that_is_judged_whoever_judges(
    build: Build,
) -> None:
    reply, error = build.replied("a"), build.failed("b")
    planned = [
        msgspec.structs.replace(event, trial=msgspec.structs.replace(event.trial, intent="harmful"))
        for event in build.planned("a", "b")
        if isinstance(event, Planned)
    ]
    events = [*planned, reply, build.judged(reply), error, build.judged(error)]
    assert fold(events).others == {}, "nobody judges harm here"

    said = build.judged(reply).judgement
    harm = Judged(judgement=msgspec.structs.replace(said, axis="harm", judge="h", judge_hash="h2"))
    found = fold([*events, harm]).on("harm")["b"]
    assert (found.judge, found.judge_hash, found.axis) == ("h", "h2", "harm")
    assert found.result == Unscored(reason="target_error", detail="timeout: timeout on b")

    other = Judged(judgement=msgspec.structs.replace(said, judge="o", judge_hash="h3"), again=True)
    seen = fold([*events, other], judges={"h3"}).judgements
    assert (seen["b"].judge_hash, seen["b"].result) == ("h3", found.result)


def test_given_an_error_that_no_judge_was_told_of_when_folded_then_nothing_is_said_of_it_yet(
    build: Build,
) -> None:
    reply = build.replied("a")
    data = fold([*build.planned("a", "b"), reply, build.judged(reply), build.failed("b")])
    assert data.judgements.keys() == {"a"}


def test_given_two_judgements_of_one_trial_when_folded_then_there_is_one_the_latest(build: Build) -> None:
    reply = build.replied("a")
    data = fold([reply, build.judged(reply, "none"), build.judged(reply, "full")])
    assert data.judgements == {"a": build.judged(reply, "full").judgement}


def test_given_plan_lines_in_any_order_and_twice_when_folded_then_trials_stand_once_in_dispatch_order(
    build: Build,
) -> None:
    planned = build.planned("c", "a", "b")
    for order in permutations(planned):
        assert [trial.id for trial in fold([*order, *order[:2]]).trials] == ["c", "a", "b"]


def test_given_a_run_that_was_resumed_when_folded_then_only_the_last_stop_counts(opened: Opened) -> None:
    budget, complete = Closed(at=1.0, reason="budget"), Closed(at=2.0, reason="complete")
    assert fold([opened, budget]).closed == budget
    assert fold([opened, budget, opened]).closed is None
    assert fold([opened, budget, opened, complete]).complete
    assert not fold([opened, complete, opened]).complete


# --- the folder ----------------------------------------------------------------------------------


def test_given_a_new_run_when_its_folder_is_made_then_it_is_private_and_ignored_by_git(
    tmp_path: Path, build: Build
) -> None:
    folder = RunFolder.create(tmp_path / "runs" / "one", build.manifest("one"))
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.path / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert RunFolder.open(folder.path).manifest == build.manifest("one")


def test_given_a_folder_that_lay_open_when_a_run_is_made_in_it_then_it_is_closed(
    tmp_path: Path, build: Build
) -> None:
    (tmp_path / "one").mkdir(mode=0o755)
    RunFolder.create(tmp_path / "one", build.manifest())
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o700


def test_given_a_file_in_the_way_when_a_folder_is_made_then_the_error_names_it(
    tmp_path: Path, build: Build
) -> None:
    (tmp_path / "runs").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match=r"cannot make the run folder .*runs/one.*`runs=`"):
        RunFolder.create(tmp_path / "runs" / "one", build.manifest())


def test_given_no_run_when_opened_then_the_error_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"is no run folder: expected a run\.json"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize("fault", ["write", "replace"])
def test_given_a_full_disk_when_a_run_begins_then_nothing_is_left_of_it(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def failing(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing) if fault == "write" else patched.setattr(
            Path, "replace", failing
        )
        with pytest.raises(StorageError, match=r"cannot write .*run\.json: No space left on device"):
            RunFolder.create(tmp_path / "one", build.manifest())

    assert not (tmp_path / "one").exists()
    RunFolder.create(tmp_path / "one", build.manifest()).journal().close()


def test_given_two_processes_with_one_new_name_when_both_begin_then_one_does_and_its_manifest_stays(
    tmp_path: Path, build: Build
) -> None:
    first = RunFolder.create(tmp_path / "one", build.manifest())
    before = sorted(path.name for path in first.path.iterdir())
    with pytest.raises(RunFolderError, match="another alignmeter process is working on this run"):
        RunFolder.create(first.path, build.manifest("other"))
    first.journal().close()
    with pytest.raises(RunFolderError, match="another process has begun a run there"):
        RunFolder.create(first.path, build.manifest("other"))
    assert first.manifest == build.manifest()
    assert sorted(path.name for path in first.path.iterdir()) == before


@pytest.mark.parametrize("version", [0, 2, 99])
def test_given_a_run_of_another_schema_version_when_opened_then_it_is_refused(
    written: Written, version: int
) -> None:
    path = written.folder.path / "run.json"
    manifest = msgspec.json.decode(path.read_bytes()) | {"schema_version": version, "design": "unheard of"}
    path.write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(
        RunFolderError, match=rf"run folder of schema version {version}, this alignmeter works with 1"
    ):
        _ = written.folder.manifest


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"schema_version": 1}', b"\xff\xfe", b'{"a":"\xe9"}']
)
def test_given_a_manifest_that_is_none_when_read_then_the_error_is_of_the_run_folder(
    written: Written, content: bytes
) -> None:
    (written.folder.path / "run.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"run\.json: "):
        _ = written.folder.manifest


def test_given_results_when_written_then_they_are_read_back_and_none_before_that(written: Written) -> None:
    results = Results(
        run_id="run", judges={}, verdicts=(), cells=(), coverage=(), exit_code=4, trials=3, answered=1,
        errors={"timeout": 1}, rule="exact",
    )  # fmt: skip
    assert written.folder.read_results(written.folder.read()) is None
    written.folder.write_results(results)
    assert written.folder.read_results(written.folder.read()) == results
    assert written.folder.write_report("<p>é</p>").read_text(encoding="utf-8") == "<p>é</p>"


def test_given_results_of_an_earlier_stop_when_read_then_there_are_none(written: Written) -> None:
    results = Results(
        run_id="run", judges={}, verdicts=(), cells=(), coverage=(), exit_code=4, trials=3, answered=1,
        errors={}, rule="exact", stopped_at=1.0,
    )  # fmt: skip
    written.folder.write_results(results)
    data = written.folder.read()
    earlier, later = (
        msgspec.structs.replace(data, closed=Closed(at=at, reason="complete")) for at in (1.0, 2.0)
    )
    assert written.folder.read_results(earlier) == results
    assert written.folder.read_results(later) is None


def test_given_many_who_begin_at_once_when_they_want_one_name_then_each_has_its_own(tmp_path: Path) -> None:
    stem = tmp_path / "runs" / "now"
    assert [new_run_folders(stem)[0].name for _ in range(3)] == ["now", "now-2", "now-3"]
    (tmp_path / "runs" / "both-tuned").mkdir()
    pair = new_run_folders(stem.with_name("both"), ("-base", "-tuned"))
    assert [path.name for path in pair] == ["both-2-base", "both-2-tuned"]
    assert not stem.with_name("both-base").exists()


@pytest.mark.parametrize("content", [b"", b"{}", b'{"run_id":"caf\xe9"}'])
def test_given_results_that_cannot_be_read_when_read_then_the_error_names_the_remedy(
    written: Written, content: bytes
) -> None:
    (written.folder.path / "verdicts.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"verdicts\.json: cannot be read .*alignmeter report"):
        written.folder.read_results(written.folder.read())


def test_given_several_runs_when_listed_then_the_newest_comes_first_and_other_folders_are_left_out(
    tmp_path: Path, build: Build
) -> None:
    assert list_runs(tmp_path / "runs") == []
    for name in ("20260101-a", "20260301-c", "20260201-b"):
        RunFolder.create(tmp_path / "runs" / name, build.manifest(name))
    (tmp_path / "runs" / "20269999-not-a-run").mkdir()
    assert [folder.path.name for folder in list_runs(tmp_path / "runs")] == [
        "20260301-c",
        "20260201-b",
        "20260101-a",
    ]
