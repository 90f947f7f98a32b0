"""The upper layers of the encoder, and what they say of replies that they had not seen."""

from __future__ import annotations

import hashlib
import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from e5_file import E5File
from passages import allowed_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from passages import Passage

    Arrays = dict[str, NDArray[np.generic]]
    Floats = NDArray[np.float64]

PROCESSES = 2


class Lesson(NamedTuple):
    """One training of the layers.

    Attributes:
        name: Of what it leaves behind.
        learnt: Places of the passages that it learns from.
        heard: Places of passages that it has not seen and scores.
    """

    name: str
    learnt: NDArray[np.int64]
    heard: NDArray[np.int64]


def processes() -> ProcessPoolExecutor:
    """Return what does some lessons at a time."""
    return ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn"))


class School:
    """Lessons on some passages, done once; a folder keeps what was computed.

    Args:
        rows: The passages.
        folder: Where it is kept; other passages get a folder of their own in it.
        start: Where the weights are kept that all lessons go on from; None: the package's.
    """

    def __init__(self, rows: list[Passage], folder: Path, start: Path | None = None) -> None:
        self._rows = rows
        self._start = start
        # Other passages must not meet what was computed of these.
        known = repr((rows, None if start is None else (start.parent.name, start.name)))
        self._folder = folder / hashlib.sha256(known.encode()).hexdigest()[:12]
        self._folder.mkdir(parents=True, exist_ok=True)

    def begin(self, lessons: Sequence[Lesson], pool: Executor) -> list[Future[None]]:
        """Begin those of some lessons that were not done yet, and return what waits for them."""
        missing = [lesson for lesson in lessons if not _scores(self._folder, lesson.name).exists()]
        if not missing:
            return []
        _prepare(self._rows, self._folder, self._start)
        return [pool.submit(_teach, self._rows, self._folder, self._start, each) for each in missing]

    def layers(self, name: str) -> Path:
        """Return where a lesson's weights are kept."""
        return _layers(self._folder, name)

    def scores(self, name: str) -> Floats:
        """Return what a lesson's layers say of the passages that it heard, shape (heard, 3)."""
        return np.load(_scores(self._folder, name))

    def tensors(self, name: str) -> Arrays:
        """Return a lesson's layers as the engine's file holds them, with the weights of the head."""
        import torch
        from encoder import Encoder

        encoder = Encoder(E5File())
        encoder.load_state_dict(torch.load(self.layers(name)))
        return encoder.tensors()


def _scores(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def _layers(folder: Path, name: str) -> Path:
    return folder / f"{name}.pt"


def _hidden(folder: Path) -> Path:
    return folder / "hidden.npy"


def _prepare(rows: list[Passage], folder: Path, start: Path | None) -> None:
    """Write what layers say of all passages that no lesson changes: the package's, and some of `start`."""
    from encoder import kept_hidden, lower_hidden

    if _hidden(folder).exists():
        return
    file = E5File()
    with ProcessPoolExecutor(PROCESSES) as pool:
        tokens = list(pool.map(_tokens, [row.text for row in rows], chunksize=500))
    ends = np.cumsum([len(each) for each in tokens])
    print(f"{len(rows)} passages of {ends[-1]} tokens", flush=True)
    hidden = np.zeros((ends[-1], file.size), dtype=np.float16)
    texts = _split(hidden, ends)
    for place, values in lower_hidden(file, tokens):
        texts[place][:] = values
    if start is not None:
        for place, values in kept_hidden(start, texts):
            texts[place][:] = values
    np.save(folder / "ends.npy", ends)
    _write(_hidden(folder), hidden)


_FILES: list[E5File] = []


def _tokens(text: str) -> list[int]:
    if not _FILES:
        _FILES.append(E5File())
    return _FILES[0].tokens(text)


def _teach(rows: list[Passage], folder: Path, start: Path | None, lesson: Lesson) -> None:
    import torch
    from encoder import Examples, trained

    torch.set_num_threads(1)
    hidden = _split(np.load(_hidden(folder), mmap_mode="r"), np.load(folder / "ends.npy"))
    examples = Examples(
        [hidden[place] for place in lesson.learnt],
        allowed_of(rows)[lesson.learnt],
        np.array([rows[place].weight for place in lesson.learnt], dtype=np.float32),
    )
    encoder = trained(examples, lesson.name, start)
    part = folder / f"{lesson.name}.part"
    torch.save(encoder.state_dict(), part)
    part.replace(_layers(folder, lesson.name))
    _write(_scores(folder, lesson.name), encoder.scores([hidden[place] for place in lesson.heard]))


def _split(hidden: NDArray[np.float16], ends: NDArray[np.int64]) -> Sequence[NDArray[np.float16]]:
    return np.split(hidden, ends[:-1])


def _write(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array whole or not at all."""
    part = path.with_name(f"{path.stem}.part.npy")
    np.save(part, array)
    part.replace(path)
