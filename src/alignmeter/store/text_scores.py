"""`scores.jsonl`: scores of a guard or a reward model, one JSON line a text, append-only.

A text is known by its digest, so the file holds no text. What it holds is never asked again, unless
the scorer failed. Where models are asked, a line before each call says what the text costs at the most.
One audit at a time holds a file, so that no text is scored and billed twice; see `alignmeter.store.lines`
for torn and corrupt lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError
from alignmeter.identity import digest
from alignmeter.records import TextScore
from alignmeter.store.lines import KeptLines, LineFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from alignmeter.records import Trial


ANEW = "to be scored anew"
"""Problem of a text whose score counts no more."""


def _corrupt(path: Path, number: int, _: bytes, error: Exception) -> InputError:
    return InputError(
        f"{path}:{number}: expected a score as `alignmeter audit-scorer` writes it, got {error}; "
        "take the line out, or name another file"
    )


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"expected a file of scores, got {str(path)!r}: {error.strerror}; `alignmeter audit-scorer` makes one"
    )


def _unwritable(path: Path, error: OSError) -> str:
    return f"cannot write {str(path)!r}: {error.strerror}; name another file with `scores=`"


_SCORES = LineFile[TextScore](
    decoder=msgspec.json.Decoder(TextScore),
    unreadable=_unreadable,
    corrupt=_corrupt,
    held=lambda path: InputError(
        f"another alignmeter process is writing scores to {str(path)!r}; wait for it, or name another file "
        "with `scores=`"
    ),
    unwritable=_unwritable,
    begins=b'{"text":"',
)


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
        path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return tuple(_latest(score for _, score in _SCORES.whole(path) if not score.charged).values())


def _latest(scores: Iterable[TextScore]) -> dict[tuple[str, str], TextScore]:
    """The scores by scorer and text."""
    return {(score.scorer, score.text): score for score in scores}


class TextScores(KeptLines[TextScore]):
    """The scores of one file, read and appended; a context manager.

    Args:
        path: Made with mode 0600 where it is missing, its folder too; a torn last line is cut off.

    Raises:
        InputError: The file holds something else, or another process writes to it.
        StorageError: It cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCORES)
        self._known = _latest(score for score in self.read if not score.charged)
        self._lines = _latest(self.read)

    def get(self, scorer: str, text: str) -> TextScore | None:
        """Return the score of a text, None where it was never scored or the scorer failed."""
        found = self._known.get((scorer, text))
        return None if found is None or found.score is None else found

    def forget(self, scorer: str, texts: Iterable[str]) -> None:
        """Let the scores of texts by one scorer count no more, also where the process ends before new ones.

        Raises:
            StorageError: As `append`.
        """
        for text in texts:
            if self.get(scorer, text) is not None:
                line = self._lines[scorer, text]
                self.append(msgspec.structs.replace(line, score=None, problem=ANEW, charged=False))

    def cost(self, scorer: str) -> dict[str, TextScore]:
        """Return the last line of each text of a scorer, which says what the text has cost so far."""
        return {text: line for (of, text), line in self._lines.items() if of == scorer}

    def append(self, score: TextScore) -> None:
        """Keep one score, or what it is about to cost.

        Raises:
            StorageError: The disk is full or gone; the file is left as it was before the call.
        """
        self.write((score,))
        if not score.charged:
            self._known[score.scorer, score.text] = score
