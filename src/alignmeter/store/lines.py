"""Append-only files of JSON lines: what journal, labels, scores and kept judgements have in common.

One process at a time holds such a file. A line is written to the operating system when it is
appended; what a full disk left of one is taken back. A torn last line is no line: readers pass over
it, and it is cut off when the file is opened again. A corrupt line anywhere else is an error that names it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

import msgspec

from alignmeter.errors import AlignmeterError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


class LineFile(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One kind of file: what its lines are, and what to say where something is wrong.

    Attributes:
        decoder: Of one line.
        unreadable: The error of a file that cannot be read.
        corrupt: The error of a line that is none, of its number from 1, its bytes and what is wrong with it.
        held: The error of a file that another process holds.
        unwritable: What to say of a file that cannot be opened or written.
        begins: How every line begins, for a file that a person names and that may be something else: a
            torn first line is cut off only where it begins so. Empty for files that we name.
        admit: Raises where a line of this number is understood and yet not to be read; None admits all.
    """

    decoder: msgspec.json.Decoder[T]
    unreadable: Callable[[Path, OSError], AlignmeterError]
    corrupt: Callable[[Path, int, bytes, Exception], AlignmeterError]
    held: Callable[[Path], AlignmeterError]
    unwritable: Callable[[Path, OSError], str]
    begins: bytes = b""
    admit: Callable[[Path, int, T], None] | None = None

    def whole(self, path: Path) -> Iterator[tuple[int, T]]:
        """Read the whole lines of a file one after another; of a file that is missing, none.

        Yields:
            The place in bytes where a line ends, and what it says.

        Raises:
            AlignmeterError: The file cannot be read, or a line before the last one is corrupt.
        """
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        except OSError as error:
            raise self.unreadable(path, error) from None
        end = 0
        with file:
            for number, line in enumerate(self._lines(path, file), 1):
                if not line.endswith(b"\n") and self._is_ours(number, line):
                    return
                try:
                    found = self.decoder.decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    last = not file.read(1)
                    if last and not _is_json(line) and self._is_ours(number, line):
                        return
                    raise self.corrupt(path, number, line, error) from None
                if self.admit is not None:
                    self.admit(path, number, found)
                end += len(line)
                yield end, found

    def _lines(self, path: Path, file: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from file
        except OSError as error:
            raise self.unreadable(path, error) from None

    def _is_ours(self, number: int, line: bytes) -> bool:
        """Whether a torn line was a line of such a file, as far as its beginning tells."""
        torn = line.removesuffix(b"\n")
        return number > 1 or torn.startswith(self.begins) or self.begins.startswith(torn)


class Lines(Generic[T]):
    """A file of lines that this process alone reads and appends to; a context manager.

    Args:
        path: Made with mode 0600 when missing; a torn last line is cut off.
        kind: What it holds.

    Attributes:
        path: As given.
        read: What the file held when it was opened.

    Raises:
        AlignmeterError: Another process holds the file, or it is corrupt.
        StorageError: It cannot be opened or written.
    """

    def __init__(self, path: Path, kind: LineFile[T]) -> None:
        self.path = path
        self._kind = kind
        self.read: list[T] = []
        self._size = 0
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise self._failed(error) from None
        try:
            self._lock()
            for self._size, found in kind.whole(path):
                self.read.append(found)
            os.ftruncate(self._fd, self._size)
        except BaseException:
            os.close(self._fd)
            raise
        self._synced = self._size

    def write(self, items: Iterable[T], *, durably: bool = False) -> None:
        """Write one line each, with as few system calls as possible; all of them or none.

        Half of a surrogate pair in a text becomes a question mark.

        Args:
            items: What to write.
            durably: Force them onto the disk too.

        Raises:
            StorageError: The disk is full or gone; the file is left as it was before the call.
        """
        data = b"".join(map(_line, items))
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            if durably:
                os.fsync(self._fd)
        except OSError as error:
            with suppress(OSError):  # a disk that is gone: what was torn is cut off at the next opening
                os.ftruncate(self._fd, self._size)
            raise self._failed(error) from None
        self._size += len(data)
        if durably:
            self._synced = self._size

    @property
    def unsynced(self) -> int:
        """Bytes written and not yet known to be on the disk."""
        return self._size - self._synced

    def sync(self) -> None:
        """Force what was written onto the disk; may be called from another thread.

        Raises:
            StorageError: The disk failed.
        """
        size = self._size
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._failed(error) from None
        self._synced = size

    def close(self) -> None:
        """Sync and release the file."""
        try:
            if self.unsynced:
                self.sync()
        finally:
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _failed(self, error: OSError) -> StorageError:
        return StorageError(self._kind.unwritable(self.path, error))

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise self._kind.held(self.path) from None


class KeptLines(Lines[T]):
    """A file that keeps what was paid for outside a run; its folder is made, too.

    What was made here, and in which nothing was written, goes when the file is closed.

    Args:
        path: As of `Lines`.
        kind: As of `Lines`.

    Raises:
        AlignmeterError: As of `Lines`.
        StorageError: As of `Lines`, or the folder cannot be made.
    """

    def __init__(self, path: Path, kind: LineFile[T]) -> None:
        folder = path.parent
        self._made_folder = not folder.exists()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(kind.unwritable(path, error)) from None
        self._made = not path.exists()
        super().__init__(path, kind)

    def close(self) -> None:
        """Sync and release the file; a disk that cannot sync is no reason to lose the work."""
        if self._made:
            with suppress(OSError):
                if not self.path.stat().st_size:
                    self.path.unlink()
                    if self._made_folder:
                        self.path.parent.rmdir()
        with suppress(StorageError):
            super().close()


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def _line(item: object) -> bytes:
    try:
        return _encoder.encode(item) + b"\n"
    except UnicodeEncodeError:
        return _encoder.encode(_encodable(msgspec.to_builtins(item))) + b"\n"


def _encodable(value: object) -> object:
    """Replace what a Python string may hold and UTF-8 cannot, in texts however deep."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_encodable(one) for one in cast("list[object]", value)]
        case dict():
            fields = cast("dict[object, object]", value).items()
            return {_encodable(key): _encodable(one) for key, one in fields}
        case _:
            return value
