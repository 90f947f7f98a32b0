"""`scores.jsonl`: scores of a guard or a reward model, one JSON line a text, append-only.

A text is known by its digest, so the file holds no text. What it holds is never asked again, unless
the scorer failed. A torn last line is cut off when the file is opened again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import msgspec

from alignmeter.errors import InputError, StorageError
from alignmeter.identity import digest
from alignmeter.records import TextScore

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.records import Trial

_decoder = msgspec.json.Decoder(TextScore)
_encoder = msgspec.json.Encoder()


def scored_text(request: str, reply: str | None = None) -> str:
    """Return the digest under which the score of a text is kept.

    Args:
        request: What a person asks; see `request_text` for a trial.
        reply: What the model said; None for a scorer that reads requests only.
    """
    return digest([request, reply])


def request_text(trial: Trial) -> str:
    """Return what a trial sends as one text: its messages, an attack included, one after another."""
    return "\n\n".join(message.content for message in trial.messages)


def read_text_scores(path: Path) -> tuple[TextScore, ...]:
    """Read the scores of a file, the last of each text and scorer.

    Raises:
        InputError: There is no such file, or a line before the last is no score.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"expected a file of scores, got {str(path)!r}: {error.strerror}; `alignmeter audit-scorer` "
            "makes one"
        ) from None
    return tuple(_parsed(path, data)[0].values())


def _parsed(path: Path, data: bytes) -> tuple[dict[tuple[str, str], TextScore], int]:
    """The scores by scorer and text, and the length in bytes of the whole lines."""
    found: dict[tuple[str, str], TextScore] = {}
    start, number = 0, 0
    while (end := data.find(b"\n", start)) >= 0:
        number += 1
        try:
            score = _decoder.decode(data[start:end])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path}:{number}: expected a score as `alignmeter audit-scorer` writes it, got {error}; "
                "take "
                "the line out, or name another file"
            ) from None
        found[score.scorer, score.text] = score
        start = end + 1
    return found, start


class TextScores:
    """The scores of one file, read and appended; a context manager.

    Args:
        path: Made with mode 0600 where it is missing, its folder too.

    Raises:
        InputError: The file holds something else.
        StorageError: It cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            data = path.read_bytes()
        except OSError as error:
            raise StorageError(_message(path, error)) from None
        try:
            self._known, whole = _parsed(path, data)
            os.ftruncate(self._fd, whole)
        except BaseException:
            os.close(self._fd)
            raise

    def get(self, scorer: str, text: str) -> TextScore | None:
        """Return the score of a text, None where it was never scored or the scorer failed."""
        found = self._known.get((scorer, text))
        return None if found is None or found.score is None else found

    def append(self, score: TextScore) -> None:
        """Keep one score.

        Raises:
            StorageError: The disk is full or gone.
        """
        view = memoryview(_encoder.encode(score) + b"\n")
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise StorageError(_message(self.path, error)) from None
        self._known[score.scorer, score.text] = score

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            os.fsync(self._fd)
        os.close(self._fd)


def _message(path: Path, error: OSError) -> str:
    return f"cannot write {str(path)!r}: {error.strerror}; name another file with --scores"
