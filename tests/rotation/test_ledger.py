"""The exposure ledger: idempotent, and whole after two processes and a kill."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.errors import InputError, StorageError
from alignmeter.rotation import Exposure, Ledger, LedgerRun, PlannedPool, ShownTo

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

WRITER = """
import sys
from pathlib import Path
from alignmeter.rotation import Exposure, Ledger, LedgerRun

folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ledger = Ledger(folder)
ledger.begin(LedgerRun(key=name, run=name, path="nowhere", began_at=1.0, models=(), pools=()))
print("begun", flush=True)
for number in range(count):
    # Two rows a transaction: a reader must never see one without the other.
    ledger.record(
        name,
        [
            Exposure(run=name, cycle="c", family=f"f{number}", target=side, provider="p", local=False,
                     forced=False, at=float(number))
            for side in "ab"
        ],
        settled=False,
    )
"""


def run(key: str = "r") -> LedgerRun:
    return LedgerRun(
        key=key,
        run=key,
        path=f"/nowhere/{key}",
        began_at=1.0,
        models=(ShownTo(role="target", target="t", provider="api.example.com", local=False),),
        pools=(PlannedPool(cycle="c", sequestered=False, families=("f1", "f2")),),
    )


def exposure(family: str, key: str = "r") -> Exposure:
    return Exposure(
        run=key,
        cycle="c",
        family=family,
        target="t",
        provider="api.example.com",
        local=False,
        forced=False,
        at=2.0,
    )


def writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_reading_where_there_is_no_ledger_makes_none(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "rotation")

    assert (ledger.runs(), ledger.exposures(), ledger.retired(), ledger.uses("c")) == ((), (), {}, 0)
    assert not (tmp_path / "rotation").exists()


def test_what_is_recorded_twice_counts_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(run())

    ledger.record("r", [exposure("f1")], settled=False)
    ledger.record("r", [exposure("f1"), exposure("f2")], settled=True)

    assert [one.family for one in ledger.exposures()] == ["f1", "f2"]
    assert ledger.runs() == (msgspec.structs.replace(run(), settled=True),)
    assert ledger.uses("c") == 1


def test_a_run_that_is_resumed_is_open_again_and_keeps_that_it_was_forced(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    forced = msgspec.structs.replace(run(), models=(msgspec.structs.replace(run().models[0], forced=True),))
    ledger.begin(forced)
    ledger.record("r", [], settled=True)

    ledger.begin(run())

    assert ledger.runs() == (forced,)


def sequestered(key: str) -> LedgerRun:
    pool = msgspec.structs.replace(run().pools[0], sequestered=True)
    return msgspec.structs.replace(run(key), pools=(pool,))


def test_a_run_is_a_use_from_its_entry_on_and_gives_it_back_where_it_stopped_and_asked_nothing(
    tmp_path: Path,
) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(sequestered("killed"), limit=2)
    ledger.begin(sequestered("unused"), limit=2)

    with pytest.raises(InputError, match="'c' has answered 2 runs"):
        ledger.begin(sequestered("third"), limit=2)
    ledger.begin(sequestered("killed"), limit=2)  # resumed, and no further use
    ledger.record("unused", [], settled=True)

    assert [one.key for one in ledger.runs()] == ["killed", "unused"]
    assert ledger.uses("c") == 1
    ledger.check_uses(sequestered("third").pools, without="", limit=2)


def test_of_runs_that_begin_at_once_only_as_many_are_entered_as_the_limit_says(tmp_path: Path) -> None:
    def begin(number: int) -> bool:
        try:
            Ledger(tmp_path).begin(sequestered(f"run-{number}"), limit=5)
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        entered = list(pool.map(begin, range(12)))

    assert (sum(entered), Ledger(tmp_path).uses("c")) == (5, 5)


def test_a_run_that_is_judged_again_still_plans_what_it_planned_at_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(run())
    fewer = msgspec.structs.replace(run().pools[0], families=("f2", "f3"))

    ledger.begin(msgspec.structs.replace(run(), pools=(fewer,)))

    assert ledger.runs()[0].pools[0].families == ("f1", "f2", "f3")


def test_a_family_is_retired_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)

    assert (ledger.retire(["f1", "f2"], "known"), ledger.retire(["f2", "f3"], "old")) == (2, 1)
    assert ledger.retired() == {"f1": "known", "f2": "known", "f3": "old"}


def test_the_ledger_is_for_its_owner_alone(tmp_path: Path) -> None:
    Ledger(tmp_path / "rotation").begin(run())

    assert (tmp_path / "rotation" / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "rotation").stat().st_mode & 0o777 == 0o700


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    writers = [writer(tmp_path, name, 40) for name in ("one", "two")]

    assert [process.wait(timeout=60) for process in writers] == [0, 0]
    assert len(Ledger(tmp_path).exposures()) == 2 * 2 * 40


def test_a_process_killed_in_the_middle_leaves_whole_transactions(tmp_path: Path) -> None:
    process = writer(tmp_path, "one", 10**6)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    while len(Ledger(tmp_path).exposures()) < 20:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)

    ledger = Ledger(tmp_path)
    families = [one.family for one in ledger.exposures()]
    ledger.record("one", [exposure("last", "one")], settled=True)

    assert len(families) >= 20
    assert all(families.count(family) == 2 for family in set(families))
    assert len(ledger.exposures()) == len(families) + 1
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_fails_in_a_transaction_leaves_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(run())
    broken = msgspec.structs.replace(exposure("f2"), at=None)

    with pytest.raises(InputError, match="NOT NULL"):
        ledger.record("r", [exposure("f1"), broken], settled=True)

    assert ledger.exposures() == ()


def test_a_file_that_is_no_ledger_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database, and long enough to be sure of it" * 9)

    with pytest.raises(InputError, match=r"ledger\.sqlite: expected an exposure ledger"):
        Ledger(tmp_path).runs()


DYING = """
import os, sqlite3, sys
from pathlib import Path
from alignmeter.rotation import Exposure, Ledger

folder = Path(sys.argv[1])
other = sqlite3.connect(folder / "ledger.sqlite")
other.execute("SELECT * FROM runs").fetchall()  # while somebody reads, what is written stays in the log
shown = Exposure(
    run="r", cycle="c", family="f1", target="t", provider="p", local=False, forced=False, at=2.0
)
Ledger(folder).record("r", [shown], settled=True)
os._exit(9)
"""
NOBODY = 65_534


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Take every right to write away from this process, the administrator's too."""
    modes = {path: path.stat().st_mode for path in (*folder.iterdir(), folder)}
    for path in modes:
        path.chmod(0o555 if path.is_dir() else 0o444)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(NOBODY)
        yield
    finally:
        if user == 0:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.fixture
def anyones() -> Iterator[Path]:
    """A folder that any user of this machine may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.skipif(sys.platform == "win32", reason="rights are another matter there")
@pytest.mark.parametrize("killed", [False, True])
def test_a_ledger_that_cannot_be_written_is_read_and_says_so_when_it_is_written(
    anyones: Path, *, killed: bool
) -> None:
    ledger = Ledger(anyones)
    ledger.begin(run())
    if killed:  # its last entry stands in the write-ahead log alone
        subprocess.run([sys.executable, "-c", DYING, str(anyones)], check=False)
        assert (anyones / "ledger.sqlite-wal").is_file()
    else:
        ledger.record("r", [exposure("f1")], settled=True)

    with read_only(anyones):
        shown, uses = ledger.exposures(), ledger.uses("c")
        with pytest.raises(StorageError, match="cannot write"):
            ledger.record("r", [exposure("f2")], settled=True)

    assert [one.family for one in shown] == ["f1"]
    assert uses == 1


def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("PRAGMA user_version = 99")

    with pytest.raises(InputError, match="upgrade"):
        Ledger(tmp_path).exposures()


def test_a_place_that_cannot_be_written_is_an_error_of_storage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StorageError, match="cannot write"):
        Ledger(tmp_path / "file").begin(run())
