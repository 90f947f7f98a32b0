"""`labels.jsonl`: what people said of the replies of a run, one JSON line a label, append-only.

Each label is forced onto the disk before the next question is asked, so that a killed process or a
power cut loses nothing that a person has answered. See `alignmeter.store.lines` for locks, torn and
corrupt lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError, RunFolderError
from alignmeter.identity import transcript_digest
from alignmeter.records import HumanLabel
from alignmeter.store.lines import LineFile, Lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from alignmeter.store.run_data import RunData

LABELS_FILE = "labels.jsonl"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(HumanLabel)


def _corrupt(path: Path, number: int, _: bytes, error: Exception) -> RunFolderError:
    return RunFolderError(
        f"{path}:{number}: corrupt label ({error}); everything before it is intact - "
        f"restore the file from a backup, or take this line out"
    )


_LABELS = LineFile[HumanLabel](
    decoder=_decoder,
    unreadable=lambda path, error: RunFolderError(f"{path}: the labels cannot be read: {error.strerror}"),
    corrupt=_corrupt,
    held=lambda path: RunFolderError(
        f"{path.parent}: another process is labelling this run; wait until it has quit, or export and import "
        f"labels that were made elsewhere"
    ),
    unwritable=lambda path, error: (
        f"cannot write {path}: {error.strerror}; every label before is kept - make room or fix the "
        f"permissions and start the same command again"
    ),
)


def read_labels(folder: Path) -> tuple[HumanLabel, ...]:
    """Read every whole label of a run folder; none where nobody has labelled.

    Raises:
        RunFolderError: The file cannot be read, or a line before the last one is corrupt.
    """
    return tuple(label for _, label in _LABELS.whole(folder / LABELS_FILE))


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


class LabelWriter(Lines[HumanLabel]):
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
        super().__init__(folder / LABELS_FILE, _LABELS)
        self.labels = tuple(self.read)

    def append(self, labels: Iterable[HumanLabel]) -> None:
        """Write labels and force them onto the disk, all of them or none.

        Raises:
            InputError: One could not be read again; nothing is written.
            StorageError: The disk is full or gone; the file is left as it was before the call.
        """
        self.write([_kept(label) for label in labels], durably=True)


def _kept(label: HumanLabel) -> HumanLabel:
    """A label that can be read again."""
    try:
        _decoder.decode(_encoder.encode(label))
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise InputError(f"the label of trial {label.trial[:12]!r} cannot be kept: {error}") from None
    return label
