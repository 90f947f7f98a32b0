"""The journal: what is written is read back, and no damage to it passes unseen."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignmeter.errors import RunFolderError, StorageError
from alignmeter.store import JOURNAL_VERSION, Closed, JournalWriter, Opened, read_events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Build, Written


def test_given_events_of_every_type_when_read_back_then_they_are_equal_and_in_order(
    tmp_path: Path, build: Build, opened: Opened
) -> None:
    reply, error = build.replied("a", "déjà vu\n\u2028漢"), build.failed("b")
    events = [
        opened,
        *build.planned("a", "b"),
        reply,
        build.judged(reply),
        error,
        build.judged(error),
        Closed(at=2.0, reason="budget", detail="5 of 5 calls"),
    ]
    journal = JournalWriter(tmp_path / "journal.jsonl")
    journal.append_all(events[:3])
    for event in events[3:]:
        journal.append(event)
    journal.close()

    read, size = read_events(tmp_path / "journal.jsonl")

    assert read == events
    assert size == (tmp_path / "journal.jsonl").stat().st_size


def test_given_half_a_surrogate_pair_in_a_text_when_written_then_the_run_goes_on_and_it_is_a_question_mark(
    tmp_path: Path, build: Build
) -> None:
    journal = JournalWriter(tmp_path / "journal.jsonl")
    journal.append(build.replied("a", "half \ud83d of a pair"))
    journal.append_all([build.replied("b", "\udce9")])
    journal.close()

    read, _ = read_events(tmp_path / "journal.jsonl")

    assert read == [build.replied("a", "half ? of a pair"), build.replied("b", "?")]


def test_given_no_journal_when_read_then_there_are_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "journal.jsonl") == ([], 0)


def test_given_a_folder_in_place_of_the_journal_when_read_then_the_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(RunFolderError, match=r"journal\.jsonl: the journal cannot be read"):
        read_events(tmp_path / "journal.jsonl")
    with pytest.raises(StorageError, match="cannot write"):
        JournalWriter(tmp_path / "journal.jsonl")


def test_given_a_new_journal_when_made_then_only_its_owner_may_read_it(tmp_path: Path) -> None:
    JournalWriter(tmp_path / "journal.jsonl").close()
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o777 == 0o600


# --- torn last line ------------------------------------------------------------------------------


def test_given_a_last_line_torn_at_any_byte_when_opened_again_then_only_that_line_is_lost(
    written: Written, build: Build
) -> None:
    whole = written.journal.read_bytes()
    before = read_events(written.journal)[0]
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    again = build.replied("c", "later")
    for cut in range(start, len(whole)):
        written.journal.write_bytes(whole[:cut])
        assert read_events(written.journal) == (before[:-1], start), cut

        journal = JournalWriter(written.journal)
        journal.append(again)
        journal.close()

        assert read_events(written.journal)[0] == [*before[:-1], again], cut


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(max_size=40).filter(lambda data: b"\n" not in data), ended=st.booleans())
def test_given_garbage_for_a_last_line_when_opened_again_then_every_whole_line_is_kept(
    written: Written, garbage: bytes, ended: bool
) -> None:
    whole = written.journal.read_bytes()
    before = read_events(written.journal)[0]
    try:
        # A line that is JSON but no event is no torn line: see the tests of corrupt lines.
        msgspec.json.decode(garbage)
        ended = False
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    try:
        written.journal.write_bytes(whole + garbage + (b"\n" if ended else b""))
        journal = JournalWriter(written.journal)
        journal.close()
        assert journal.events == before
        assert written.journal.read_bytes() == whole
    finally:
        written.journal.write_bytes(whole)


# --- corrupt and foreign lines -------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"answered","transcr',
        b"",
        b"\x00\x00\x00",
        b'{"type":"judged"}',
        b'{"type":"caf\xe9"}',
        b"[]",
    ],
    ids=["torn", "empty", "zeros", "incomplete", "not utf-8", "no event"],
)
def test_given_a_corrupt_line_in_the_middle_when_read_then_the_error_names_its_number_and_a_remedy(
    written: Written, line: bytes
) -> None:
    lines = written.journal.read_bytes().split(b"\n")
    lines[2] = line
    written.journal.write_bytes(b"\n".join(lines))

    with pytest.raises(
        RunFolderError, match=r"journal\.jsonl:3: corrupt line .*cut it before line 3"
    ) as caught:
        read_events(written.journal)
    assert "\n" not in str(caught.value)
    with pytest.raises(RunFolderError, match=":3: corrupt line"):
        JournalWriter(written.journal)


def test_given_a_last_line_that_is_json_but_no_event_when_read_then_it_is_corrupt_and_kept(
    written: Written,
) -> None:
    whole = written.journal.read_bytes() + b'{"type":"judged"}\n'
    written.journal.write_bytes(whole)
    with pytest.raises(RunFolderError, match=":8: corrupt line"):
        JournalWriter(written.journal)
    assert written.journal.read_bytes() == whole


def test_given_a_corrupt_journal_when_refused_then_its_lock_is_free_again(written: Written) -> None:
    whole = written.journal.read_bytes()
    written.journal.write_bytes(b"!\n" + whole)
    with pytest.raises(RunFolderError):
        JournalWriter(written.journal)
    written.journal.write_bytes(whole)
    JournalWriter(written.journal).close()


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"opened","at":1.0,"alignmeter_version":"9","v":99}',
        b'{"type":"replanned","v":99}',
    ],
    ids=["an event we know", "an event we do not know"],
)
@pytest.mark.parametrize("last", [False, True])
def test_given_a_line_of_a_newer_version_when_read_then_it_is_refused_with_the_way_out(
    written: Written, line: bytes, last: bool
) -> None:
    whole = written.journal.read_bytes()
    written.journal.write_bytes(whole + line + b"\n" if last else line + b"\n" + whole)
    number = 8 if last else 1
    with pytest.raises(
        RunFolderError, match=rf"jsonl:{number}: .*version 99, this alignmeter reads up to 3; upgrade"
    ):
        read_events(written.journal)


def test_given_a_journal_when_begun_then_its_first_line_spells_out_its_version(written: Written) -> None:
    first = msgspec.json.decode(written.journal.read_bytes().split(b"\n")[0])
    assert first["v"] == JOURNAL_VERSION == 3


def test_given_fields_that_we_do_not_know_when_read_then_they_are_ignored(written: Written) -> None:
    before = read_events(written.journal)[0]
    lines = [msgspec.json.decode(line) for line in written.journal.read_bytes().splitlines()]
    for line in lines:
        line["added_in_2030"] = {"deep": [1, 2]}
        for name, inner in line.items():
            if isinstance(inner, dict) and name != "urls":  # its keys are names of judges
                inner["added_too"] = "x"
    written.journal.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))

    assert read_events(written.journal)[0] == before


# --- one process at a time -----------------------------------------------------------------------

_HOLD = """
import sys
from pathlib import Path
from alignmeter.store import JournalWriter
journal = JournalWriter(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_given_a_journal_held_by_another_process_when_opened_then_it_is_refused_until_that_ends(
    written: Written,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(written.journal)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunFolderError, match="another alignmeter process is working on this run"):
            JournalWriter(written.journal)
        holder.kill()
        holder.wait()
    JournalWriter(written.journal).close()


# --- disks that fail -----------------------------------------------------------------------------


def _full_after(budget: int) -> Callable[[int, bytes], int]:
    """An os.write that takes a few bytes a call, and none after `budget`, as a full disk does."""
    left = budget
    write = os.write

    def failing(fd: int, data: bytes) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = write(fd, bytes(data[: min(left, 7)]))
        left -= done
        return done

    return failing


@pytest.mark.parametrize("budget", [0, 1, 20, 70])
def test_given_a_disk_that_fills_in_the_middle_of_a_line_when_appending_then_the_journal_is_as_before(
    written: Written, build: Build, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    before = written.journal.read_bytes()
    journal = JournalWriter(written.journal)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", _full_after(budget))
        with pytest.raises(
            StorageError, match=r"No space left on device.*start the same command again"
        ) as caught:
            journal.append(build.replied("c"))
    assert caught.value.exit_code == 5
    assert written.journal.read_bytes() == before

    journal.append(build.replied("c"))  # someone made room
    journal.close()
    assert len(read_events(written.journal)[0]) == 8


def test_given_a_disk_that_takes_a_few_bytes_at_a_time_when_appending_then_the_line_is_whole(
    written: Written, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalWriter(written.journal)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", _full_after(10_000))
        journal.append(build.replied("c"))
    journal.close()
    assert read_events(written.journal)[0][-1] == build.replied("c")


def test_given_a_disk_that_is_gone_when_appending_then_it_is_still_a_storage_error(
    written: Written, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    journal = JournalWriter(written.journal)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", gone)
        patched.setattr(os, "ftruncate", gone)
        with pytest.raises(StorageError, match="Input/output error"):
            journal.append(build.replied("c"))
    journal.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110 - a device
def test_given_the_device_that_is_always_full_when_written_then_it_is_a_storage_error(
    tmp_path: Path, opened: Opened
) -> None:
    link = tmp_path / "journal.jsonl"
    JournalWriter(link).close()
    journal = JournalWriter(link)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._fd)  # pyright: ignore[reportPrivateUsage] - no other way to fill this disk
    os.close(full)
    with pytest.raises(StorageError, match="No space left on device"):
        journal.append(opened)


def test_given_fsync_that_fails_when_syncing_then_it_is_a_storage_error_and_nothing_counts_as_synced(
    written: Written, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    journal = JournalWriter(written.journal)
    assert journal.unsynced == 0
    journal.append(build.replied("c"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        with pytest.raises(StorageError, match="Input/output error"):
            journal.sync()
    assert journal.unsynced > 0
    journal.sync()
    assert journal.unsynced == 0
    journal.close()
