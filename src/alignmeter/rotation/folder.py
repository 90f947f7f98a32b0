"""The rotation folder: where cycles, keys and the ledger lie, and how they are read and written.

alignmeter-rotation/          in the working directory, or where $ALIGNMETER_ROTATION says; mode 0700
  ledger.sqlite               exposures (`alignmeter.rotation.ledger`)
  providers.yaml              rates by provider, if the user wrote one
  cycles/NAME/
    commitment.json           published before the cycle
    key                       secret until it is revealed; mode 0600
    pool.json                 every family of the pool with its probes; secret; mode 0600
    threat_model.yaml         runs the cycle
    reveal.json               published after the cycle
    retired.json              why the cycle is not used any more
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from alignmeter.errors import InputError, StorageError
from alignmeter.records import Probe, Record
from alignmeter.rotation.commitments import KEY_BYTES, Commitment, Reveal, key_digest, select
from alignmeter.rotation.pools import PoolFamily

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "alignmeter-rotation"
"""Name of the rotation folder in the working directory."""
FOLDER_VARIABLE = "ALIGNMETER_ROTATION"
"""Environment variable that names another folder."""

COMMITMENT, KEY, POOL = "commitment.json", "key", "pool.json"
THREAT_MODEL, REVEAL, RETIRED = "threat_model.yaml", "reveal.json", "retired.json"
_SECRET = frozenset({KEY, POOL})
_CYCLES = "cycles"
_IGNORED = "ledger.sqlite*\ncycles/*/key\ncycles/*/pool.json\n"

_Read = TypeVar("_Read", bound=Record)


class StoredPool(Record, frozen=True):
    """`pool.json`: what was committed to, with the probes under their own names."""

    families: tuple[PoolFamily, ...]
    probes: tuple[Probe, ...]


class Retirement(Record, frozen=True):
    """`retired.json`."""

    reason: str
    at: float


class Cycle(NamedTuple):
    """One cycle as it lies on disk."""

    path: Path
    commitment: Commitment

    @property
    def name(self) -> str:
        """Name of its suite."""
        return self.commitment.name

    def key(self) -> bytes:
        """Read the key.

        Raises:
            InputError: It is missing, or not the one of the commitment.
        """
        path = self.path / KEY
        try:
            key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            key = b""
        if len(key) != KEY_BYTES or key_digest(key) != self.commitment.key_digest:
            raise InputError(
                f"{path}: expected the key that cycle {self.name!r} was committed with, got another or none; "
                f"restore it from a backup"
            )
        return key

    def pool(self) -> StoredPool:
        """Read the pool."""
        return read_json(self.path / POOL, StoredPool)

    def selection(self) -> tuple[str, ...]:
        """Return the families that it asks, as the pool names them."""
        return select(self.key(), self.pool().families, self.commitment.strata)

    def reveal(self) -> Reveal | None:
        """Read what opened the commitment, None where the key is still secret."""
        path = self.path / REVEAL
        return read_json(path, Reveal) if path.is_file() else None

    def retired(self) -> Retirement | None:
        """Read why the cycle is not used any more, None where it is."""
        path = self.path / RETIRED
        return read_json(path, Retirement) if path.is_file() else None


def rotation_folder() -> Path:
    """Return the rotation folder, there or not."""
    return Path(os.environ.get(FOLDER_VARIABLE) or FOLDER)


def cycles(folder: Path) -> tuple[Cycle, ...]:
    """Return the cycles of a rotation folder by their number.

    Raises:
        InputError: A commitment cannot be read.
    """
    root = folder / _CYCLES
    if not root.is_dir():
        return ()
    found = [
        Cycle(path, read_json(path / COMMITMENT, Commitment))
        for path in root.iterdir()
        if (path / COMMITMENT).is_file()
    ]
    return tuple(sorted(found, key=lambda cycle: (cycle.commitment.cycle, cycle.name)))


def find_cycle(folder: Path, name: str) -> Cycle:
    """Return a cycle by name.

    Raises:
        InputError: There is none.
    """
    known = cycles(folder)
    found = next((cycle for cycle in known if cycle.name == name), None)
    if found is None:
        names = ", ".join(cycle.name for cycle in known) or "none; `alignmeter rotate new` begins one"
        raise InputError(f"expected a cycle under {str(folder)!r}, got {name!r}; there are: {names}")
    return found


def write_cycle(folder: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Make the folder of a cycle with these files, all of it or nothing.

    Raises:
        InputError: A folder of that name is there.
        StorageError: The folder cannot be written.
    """
    root = folder / _CYCLES
    path = root / name
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
        temporary = Path(tempfile.mkdtemp(dir=root, prefix=f".{name}."))
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}; {_REMEDY}") from None
    try:
        for file, data in files.items():
            _write(temporary / file, data, secret=file in _SECRET)
        # A folder that holds anything is not replaced.
        temporary.rename(path)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if path.exists():
            raise InputError(
                f"expected a name of its own for the cycle, got {name!r}, and {path} exists; choose another "
                f"with `name=`"
            ) from None
        raise StorageError(f"cannot write {path}: {error.strerror}; {_REMEDY}") from None
    return path


def write_file(path: Path, data: bytes, *, secret: bool = False) -> None:
    """Replace a file whole or not at all.

    Raises:
        StorageError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(temporary, data, secret=secret)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror}; {_REMEDY}") from None


def read_json(path: Path, kind: type[_Read]) -> _Read:
    """Read one record.

    Raises:
        InputError: The file cannot be read or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: expected a {kind.__name__.lower()} of a cycle, got {str(error)!r}"
        ) from None


def pretty(record: Record) -> bytes:
    """Encode a record as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _write(path: Path, data: bytes, *, secret: bool) -> None:
    # The mode is given at creation: a key must not be readable even for a moment.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if secret else 0o644)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


_REMEDY = "make room or fix the permissions, then start again"
