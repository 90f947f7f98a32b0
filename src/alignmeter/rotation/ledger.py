"""The exposure ledger: which family was shown to which target in which cycle. SQLite, one file.

A run is entered before its first call, so that a run which dies is known; what it really asked is taken
from its journal afterwards, once or many times over with the same result. Several processes may write:
every change is one transaction in a write-ahead log.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from alignmeter.errors import InputError, StorageError
from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

LEDGER_FILE = "ledger.sqlite"
LEDGER_VERSION = 1

_PATIENCE = 30.0
"""Seconds to wait for another process."""
_TABLES = (
    """CREATE TABLE runs (
        key TEXT PRIMARY KEY, run TEXT NOT NULL, path TEXT NOT NULL, began_at REAL NOT NULL,
        settled INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE models (
        run TEXT NOT NULL REFERENCES runs(key), role TEXT NOT NULL, target TEXT NOT NULL,
        provider TEXT NOT NULL, local INTEGER NOT NULL, forced INTEGER NOT NULL,
        PRIMARY KEY (run, role, target, provider)
    )""",
    """CREATE TABLE planned (
        run TEXT NOT NULL REFERENCES runs(key), cycle TEXT NOT NULL, sequestered INTEGER NOT NULL,
        families TEXT NOT NULL, PRIMARY KEY (run, cycle)
    )""",
    """CREATE TABLE exposures (
        run TEXT NOT NULL REFERENCES runs(key), cycle TEXT NOT NULL, family TEXT NOT NULL,
        target TEXT NOT NULL, provider TEXT NOT NULL, local INTEGER NOT NULL, forced INTEGER NOT NULL,
        at REAL NOT NULL, PRIMARY KEY (run, cycle, family, target, provider)
    )""",
    "CREATE TABLE retired (family TEXT PRIMARY KEY, reason TEXT NOT NULL, at REAL NOT NULL)",
    f"PRAGMA user_version = {LEDGER_VERSION}",
)


class ShownTo(Record, frozen=True):
    """A model that a run shows probes to.

    Attributes:
        role: `target`, or `judge` for a model behind a judge.
        target: Hash of its fingerprint.
        provider: Host name of the endpoint, spec of a Python function, or kind of a target on this machine.
        local: Whether it is known to be on this machine.
        forced: Whether it was asked a sequestered pool although the rules forbid it.
    """

    role: str
    target: str
    provider: str
    local: bool
    forced: bool = False


class PlannedPool(Record, frozen=True):
    """What a run may ask of one held-out suite; `families` as the pool names them."""

    cycle: str
    sequestered: bool
    families: tuple[str, ...]


class LedgerRun(Record, frozen=True):
    """A run as it is entered before its first call.

    Attributes:
        key: Tells it from every other run, whatever its folder is called.
        path: Its folder.
    """

    key: str
    run: str
    path: str
    began_at: float
    models: tuple[ShownTo, ...]
    pools: tuple[PlannedPool, ...]
    settled: bool = False


class Exposure(Record, frozen=True):
    """One family that one run showed to one model."""

    run: str
    cycle: str
    family: str
    target: str
    provider: str
    local: bool
    forced: bool
    at: float


class Ledger:
    """The ledger in a folder; reading where there is none finds nothing and makes nothing.

    It is read on a disk that cannot be written too.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER_FILE

    def begin(self, run: LedgerRun, *, limit: int | None = None) -> None:
        """Enter a run before its first call; one that is resumed is open again, and plans what it did too.

        Args:
            run: The run.
            limit: Runs that a sequestered pool answers, this one included; None for any number. Counted and
                entered in one step, so that runs begun at once cannot pass it together.

        Raises:
            InputError: A sequestered pool of the run has answered as many others; nothing is entered.
            StorageError: The ledger cannot be written.
        """
        with self._writing() as db:
            if limit is not None:
                _check_uses(db, run.pools, run.key, limit)
            before = {pool.cycle: pool.families for pool in _pools_of(db, run.key)}
            db.execute(
                "INSERT INTO runs (key, run, path, began_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET path = excluded.path, settled = 0",
                (run.key, run.run, run.path, run.began_at),
            )
            db.executemany(
                "INSERT INTO models VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "forced = max(forced, excluded.forced)",
                [(run.key, m.role, m.target, m.provider, m.local, m.forced) for m in run.models],
            )
            db.executemany(
                "INSERT OR REPLACE INTO planned VALUES (?, ?, ?, ?)",
                [
                    (
                        run.key,
                        p.cycle,
                        p.sequestered,
                        json.dumps(sorted({*p.families, *before.get(p.cycle, ())})),
                    )
                    for p in run.pools
                ],
            )

    def record(self, run: str, exposures: Iterable[Exposure], *, settled: bool) -> None:
        """Add what a run showed; what is there already stays as it is.

        Args:
            run: Key of the run.
            exposures: All that its journal tells.
            settled: Whether the run came to a stop, so that its journal need not be read again.

        Raises:
            StorageError: The ledger cannot be written.
        """
        with self._writing() as db:
            db.executemany(
                "INSERT INTO exposures VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (e.run, e.cycle, e.family, e.target, e.provider, e.local, e.forced, e.at)
                    for e in exposures
                ],
            )
            db.execute("UPDATE runs SET settled = ? WHERE key = ?", (settled, run))

    def retire(self, families: Iterable[str], reason: str) -> int:
        """Mark families as retired; returns how many were not so before."""
        with self._writing() as db:
            before = db.total_changes
            db.executemany(
                "INSERT INTO retired VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(family, reason, time.time()) for family in families],
            )
            return db.total_changes - before

    def runs(self) -> tuple[LedgerRun, ...]:
        """Every run, in the order in which they began."""
        with self._reading() as db:
            if db is None:
                return ()
            rows = db.execute("SELECT key, run, path, began_at, settled FROM runs ORDER BY began_at, key")
            return tuple(_run_of(db, row) for row in rows.fetchall())

    def exposures(self) -> tuple[Exposure, ...]:
        """Every exposure, in the order of time."""
        with self._reading() as db:
            if db is None:
                return ()
            return tuple(
                Exposure(
                    run=run,
                    cycle=cycle,
                    family=family,
                    target=target,
                    provider=provider,
                    local=bool(local),
                    forced=bool(forced),
                    at=at,
                )
                for run, cycle, family, target, provider, local, forced, at in db.execute(
                    "SELECT run, cycle, family, target, provider, local, forced, at FROM exposures "
                    "ORDER BY at, run, family"
                )
            )

    def retired(self) -> dict[str, str]:
        """Retired families with the reason."""
        with self._reading() as db:
            return (
                {} if db is None else dict(db.execute("SELECT family, reason FROM retired ORDER BY family"))
            )

    def uses(self, cycle: str) -> int:
        """Runs that have asked a held-out suite, or were begun and not seen to stop since."""
        with self._reading() as db:
            return 0 if db is None else _uses(db, cycle)

    def check_uses(self, pools: Iterable[PlannedPool], *, without: str, limit: int) -> None:
        """Refuse sequestered pools that as many runs have asked, one run left out; nothing is entered.

        Raises:
            InputError: Names the pool.
        """
        with self._reading() as db:
            if db is not None:
                _check_uses(db, pools, without, limit)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep every other writer of this ledger out while the block runs."""
        with self._writing():
            yield

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            with closing(self._connect(self._path)) as db:
                db.execute("BEGIN IMMEDIATE")
                try:
                    if not db.execute("PRAGMA user_version").fetchone()[0]:
                        for statement in _TABLES:
                            db.execute(statement)
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
        except OSError as error:
            raise StorageError(f"cannot write {self._path}: {error.strerror}; {_REMEDY}") from None
        except sqlite3.OperationalError as error:
            raise StorageError(f"cannot write {self._path}: {error}; {_REMEDY}") from None
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from None

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection | None]:
        if not self._path.is_file():
            yield None
            return
        try:
            with ExitStack() as opened:
                try:
                    db = opened.enter_context(closing(self._connect(self._path)))
                except sqlite3.OperationalError as error:
                    if not _is_read_only(error):
                        raise
                    db = opened.enter_context(closing(self._connect(opened.enter_context(self._copied()))))
                # A file that was touched and not written yet: another process is about to.
                yield db if db.execute("PRAGMA user_version").fetchone()[0] else None
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from None

    @contextmanager
    def _copied(self) -> Generator[Path]:
        """Copy the ledger to where it can be opened: SQLite reads no write-ahead log without writing."""
        with TemporaryDirectory(prefix="alignmeter-") as folder:
            copy = Path(folder) / LEDGER_FILE
            try:
                shutil.copyfile(self._path, copy)
                log = self._path.with_name(f"{LEDGER_FILE}-wal")
                if log.is_file():  # what a process that was killed had written
                    shutil.copyfile(log, copy.with_name(log.name))
            except OSError as error:
                raise InputError(f"{self._path}: cannot be read: {error.strerror}") from None
            yield copy

    def _connect(self, path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > LEDGER_VERSION:
                raise InputError(
                    f"{self._path}: expected a ledger of version {LEDGER_VERSION}, got {version}; upgrade "
                    f"alignmeter"
                )
            _write_ahead(db)
        except BaseException:
            db.close()
            raise
        return db

    def _broken(self, error: sqlite3.DatabaseError) -> InputError:
        return InputError(
            f"{self._path}: expected an exposure ledger, got {str(error)!r}; restore it from a backup"
        )


def _run_of(db: sqlite3.Connection, row: tuple[str, str, str, float, int]) -> LedgerRun:
    key, run, path, began_at, settled = row
    models = db.execute(
        "SELECT role, target, provider, local, forced FROM models WHERE run = ? ORDER BY role, target", (key,)
    )
    return LedgerRun(
        key=key,
        run=run,
        path=path,
        began_at=began_at,
        settled=bool(settled),
        models=tuple(
            ShownTo(role=role, target=target, provider=provider, local=bool(local), forced=bool(forced))
            for role, target, provider, local, forced in models
        ),
        pools=_pools_of(db, key),
    )


def _pools_of(db: sqlite3.Connection, key: str) -> tuple[PlannedPool, ...]:
    rows = db.execute("SELECT cycle, sequestered, families FROM planned WHERE run = ? ORDER BY cycle", (key,))
    return tuple(
        PlannedPool(cycle=cycle, sequestered=bool(hidden), families=tuple(json.loads(families)))
        for cycle, hidden, families in rows
    )


def _uses(db: sqlite3.Connection, cycle: str, *, without: str = "") -> int:
    """A run that stopped and asked nothing gives its use back; one that was killed does not."""
    found = db.execute(
        "SELECT count(*) FROM (SELECT run FROM exposures WHERE cycle = :cycle UNION "
        "SELECT planned.run FROM planned JOIN runs ON key = planned.run "
        "WHERE cycle = :cycle AND NOT settled) WHERE run != :without",
        {"cycle": cycle, "without": without},
    )
    return int(found.fetchone()[0])


def _check_uses(db: sqlite3.Connection, pools: Iterable[PlannedPool], without: str, limit: int) -> None:
    for pool in pools:
        uses = _uses(db, pool.cycle, without=without) if pool.sequestered else 0
        if uses >= limit:
            raise InputError(
                f"the sequestered pool {pool.cycle!r} has answered {uses} runs, and each tells a little of "
                f"what is in it; retire it with `alignmeter rotate retire {pool.cycle}` and begin a new one, "
                f"or ask once more with `force_sequestered=True`"
            )


_REMEDY = "make room, fix the permissions or wait for the other process, then start again"


def _is_read_only(error: sqlite3.OperationalError) -> bool:
    """Whether the file, its disk or its folder cannot be written, or not by this user."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the higher bits say more of the same
    return code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


def _write_ahead(db: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; the switch itself does not wait for other processes, so we do."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
        except sqlite3.OperationalError as error:
            if _is_read_only(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
