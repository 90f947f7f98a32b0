"""`labels.jsonl`: what people said of the replies of a run, one JSON line a label, append-only.

Each label is forced onto the disk before the next question is asked, so that a killed process or a
power cut loses nothing that a person has answered. A torn last line is cut off when the file is
opened again; a corrupt line anywhere else is an error that names it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import msgspec

from alignmeter.errors import InputError, RunFolderError, StorageError
from alignmeter.identity import transcript_digest
from alignmeter.records import HumanLabel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from alignmeter.store.run_data import RunData

LABELS_FILE = "labels.jsonl"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(HumanLabel)


def read_labels(folder: Path) -> tuple[HumanLabel, ...]:
    """Read every whole label of a run folder; none where nobody has labelled.

    Raises:
        RunFolderError: The file cannot be read, or a line before the last one is corrupt.
    """
    return _read(folder / LABELS_FILE)[0]


def _read(path: Path) -> tuple[tuple[HumanLabel, ...], int]:
    """The labels, and the length in bytes of the whole lines: what follows is a torn last line."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return (), 0
    except OSError as error:
        raise RunFolderError(f"{path}: the labels cannot be read: {error.strerror}") from None
    labels: list[HumanLabel] = []
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        line = data[start:end]
        try:
            labels.append(_decoder.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            if end + 1 == len(data) and not _is_json(line):
                break
            raise RunFolderError(
                f"{path}:{len(labels) + 1}: corrupt label ({error}); everything before it is intact - "
                f"restore the file from a backup, or take this line out"
            ) from None
        start = end + 1
    return tuple(labels), start


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def counted_labels(data: RunData, labels: Iterable[HumanLabel]) -> tuple[HumanLabel, ...]:
    """Return the labels that are about a reply that counts."""
    digests: dict[str, str] = {}
    found: list[HumanLabel] = []
    for label in labels:
        transcript = data.transcripts.get(label.trial)
        if transcript is None or transcript.reply is None:
            continue
        if label.trial not in digests:
            digests[label.trial] = transcript_digest(transcript)
        if digests[label.trial] == label.transcript:
            found.append(label)
    return tuple(found)


class LabelWriter:
    """Appends labels to a run that this process alone labels; a context manager.

    Args:
        folder: The run folder; the file is created with mode 0600 when missing, a torn last line is
            cut off.

    Attributes:
        labels: What the file held when it was opened.

    Raises:
        RunFolderError: Another process labels this run, or the file is corrupt.
        StorageError: The file cannot be opened or written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LABELS_FILE
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise StorageError(_disk_message(self._path, error)) from None
        try:
            _lock(self._fd, folder)
            self.labels, self._size = _read(self._path)
            os.ftruncate(self._fd, self._size)
        except BaseException:
            os.close(self._fd)
            raise

    def append(self, labels: Iterable[HumanLabel]) -> None:
        """Write labels and force them onto the disk, all of them or none.

        Raises:
            InputError: One could not be read again; nothing is written.
            StorageError: The disk is full or gone; the file is left as it was before the call.
        """
        data = b"".join(_line(label) for label in labels)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError as error:
            with suppress(OSError):  # a disk that is gone: what was torn is cut off at the next opening
                os.ftruncate(self._fd, self._size)
            raise StorageError(_disk_message(self._path, error)) from None
        self._size += len(data)

    def close(self) -> None:
        """Release the file; every label is on the disk already."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _line(label: HumanLabel) -> bytes:
    """One line of the file, which can be read again."""
    try:
        line = _encoder.encode(label)
        _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise InputError(f"the label of trial {label.trial[:12]!r} cannot be kept: {error}") from None
    return line + b"\n"


def _lock(fd: int, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise RunFolderError(
            f"{folder}: another process is labelling this run; wait until it has quit, or export and import "
            f"labels that were made elsewhere"
        ) from None


def _disk_message(path: Path, error: OSError) -> str:
    return (
        f"cannot write {path}: {error.strerror}; every label before is kept - make room or fix the "
        f"permissions and start the same command again"
    )
