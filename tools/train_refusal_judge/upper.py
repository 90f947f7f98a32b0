"""The upper layers of the encoder, and what they say of replies that they had not seen."""

from __future__ import annotations

import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
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
        start: Name of the lesson that it goes on from; empty: it starts with the package's layers.
    """

    name: str
    learnt: NDArray[np.int64]
    heard: NDArray[np.int64]
    start: str = ""


class School:
    """Lessons on some passages, done once; a folder keeps what was computed.

    Args:
        rows: The passages.
        folder: Where it is kept; other passages get a folder of their own in it.
    """

    def __init__(self, rows: list[Passage], folder: Path) -> None:
        self._rows = rows
        # Other passages must not meet what was computed of these.
        self._folder = folder / hashlib.sha256(repr(rows).encode()).hexdigest()[:12]
        self._folder.mkdir(parents=True, exist_ok=True)

    def teach(self, lessons: Sequence[Lesson]) -> None:
        """Do lessons that do not go on from one another, some at a time."""
        missing = [lesson for lesson in lessons if not _scores(self._folder, lesson.name).exists()]
        if not missing:
            return
        _prepare(self._rows, self._folder)
        with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
            for start in sorted({lesson.start for lesson in missing} - {""}):
                # All of them, for what is written here is not written again when more are missing later.
                going_on = [lesson for lesson in lessons if lesson.start == start]
                used = [each for lesson in going_on for each in (lesson.learnt, lesson.heard)]
                pool.submit(_go_through, self._folder, start, np.unique(np.concatenate(used))).result()
            for each in [pool.submit(_teach, self._rows, self._folder, lesson) for lesson in missing]:
                each.result()

    def scores(self, name: str) -> Floats:
        """Return what a lesson's layers say of the passages that it heard, shape (heard, 3)."""
        return np.load(_scores(self._folder, name))

    def tensors(self, name: str) -> Arrays:
        """Return a lesson's layers as the engine's file holds them, with the weights of the head."""
        import torch
        from encoder import Encoder

        encoder = Encoder(E5File())
        encoder.load_state_dict(torch.load(_layers(self._folder, name)))
        return encoder.tensors()


def _scores(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def _layers(folder: Path, name: str) -> Path:
    return folder / f"{name}.pt"


def _hidden(folder: Path, start: str = "") -> Path:
    """What layers say of passages that a lesson does not change: the package's, and those of `start`."""
    return folder / f"hidden{start and '_' + start}.npy"


def _prepare(rows: list[Passage], folder: Path) -> None:
    """Write what the package's lower layers say of all passages."""
    from encoder import lower_hidden

    if _hidden(folder).exists():
        return
    file = E5File()
    with ProcessPoolExecutor(PROCESSES) as pool:
        tokens = list(pool.map(_tokens, [row.text for row in rows], chunksize=500))
    ends = np.cumsum([len(each) for each in tokens])
    print(f"{len(rows)} passages of {ends[-1]} tokens", flush=True)
    hidden = np.zeros((ends[-1], file.size), dtype=np.float16)
    for place, values in lower_hidden(file, tokens):
        hidden[ends[place] - len(values) : ends[place]] = values
    np.save(folder / "ends.npy", ends)
    _write(_hidden(folder), hidden)


_FILES: list[E5File] = []


def _tokens(text: str) -> list[int]:
    if not _FILES:
        _FILES.append(E5File())
    return _FILES[0].tokens(text)


def _go_through(folder: Path, start: str, places: NDArray[np.int64]) -> None:
    """Write what the layers of a lesson say that stay as they are when training goes on from it."""
    from encoder import kept_hidden

    path = _hidden(folder, start)
    if path.exists():
        return
    hidden, ends = np.load(_hidden(folder), mmap_mode="r"), np.load(folder / "ends.npy")
    texts = _split(hidden, ends)
    found = np.zeros(hidden.shape, dtype=np.float16)
    for place, values in kept_hidden(_layers(folder, start), [texts[place] for place in places]):
        end = ends[places[place]]
        found[end - len(values) : end] = values
    _write(path, found)


def _teach(rows: list[Passage], folder: Path, lesson: Lesson) -> None:
    import torch
    from encoder import Examples, trained

    torch.set_num_threads(1)
    hidden = _split(np.load(_hidden(folder, lesson.start), mmap_mode="r"), np.load(folder / "ends.npy"))
    examples = Examples(
        [hidden[place] for place in lesson.learnt],
        allowed_of(rows)[lesson.learnt],
        np.array([rows[place].weight for place in lesson.learnt], dtype=np.float32),
    )
    start = _layers(folder, lesson.start) if lesson.start else None
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
