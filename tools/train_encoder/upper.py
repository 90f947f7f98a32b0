"""The upper layers of an encoder, and what they say of replies that they had not seen."""

from __future__ import annotations

import hashlib
import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from train_encoder.e5_file import E5File

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.generic]]
    Floats = NDArray[np.float64]

PROCESSES = 2


class Row(Protocol):
    """One text to learn from.

    Attributes:
        text: What the encoder reads.
        allowed: Whether it may be of the first class, the second, the third.
        weight: What it counts.
    """

    @property
    def text(self) -> str:  # noqa: D102 - above
        ...

    @property
    def allowed(self) -> tuple[bool, bool, bool]:  # noqa: D102
        ...

    @property
    def weight(self) -> float:  # noqa: D102
        ...


class Start(NamedTuple):
    """Where lessons go on from.

    Attributes:
        layers: Where the weights are kept.
        gone: The share of the way from there to where training comes that the weights go.
    """

    layers: Path
    gone: float


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
        start: What all lessons go on from; None: the package's layers.
    """

    def __init__(self, rows: Sequence[Row], folder: Path, start: Start | None = None) -> None:
        self._rows = rows
        self._start = start
        # Other passages must not meet what was computed of these.
        begun = None if start is None else (start.layers.parent.name, start.layers.name, start.gone)
        known = repr((rows, begun))
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

        from train_encoder.encoder import Encoder

        encoder = Encoder(E5File())
        encoder.load_state_dict(torch.load(self.layers(name)))
        return encoder.tensors()


def start_from(arrays: Mapping[str, NDArray[Any]], folder: Path, gone: float) -> Start:
    """Return layers that ship as a start; the folder keeps them under their digest.

    Args:
        arrays: Layers and head, as `School.tensors` returned them.
        folder: Where they are written.
        gone: See `Start`.
    """
    import torch

    from train_encoder.encoder import stored_layers

    known = hashlib.sha256(b"".join(np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays)))
    path = folder / f"shipped-{known.hexdigest()[:12]}.pt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        torch.save(stored_layers(arrays), part)
        part.replace(path)
    return Start(path, gone)


def _scores(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def _layers(folder: Path, name: str) -> Path:
    return folder / f"{name}.pt"


def _hidden(folder: Path) -> Path:
    return folder / "hidden.npy"


def _prepare(rows: Sequence[Row], folder: Path, start: Start | None) -> None:
    """Write what layers say of all passages that no lesson changes: the package's, and some of `start`."""
    from train_encoder.encoder import kept_hidden, lower_hidden

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
        for place, values in kept_hidden(start.layers, texts):
            texts[place][:] = values
    np.save(folder / "ends.npy", ends)
    _write(_hidden(folder), hidden)


_FILES: list[E5File] = []


def _tokens(text: str) -> list[int]:
    if not _FILES:
        _FILES.append(E5File())
    return _FILES[0].tokens(text)


def _teach(rows: Sequence[Row], folder: Path, start: Start | None, lesson: Lesson) -> None:
    import torch

    from train_encoder.encoder import Examples, trained

    torch.set_num_threads(1)
    hidden = _split(np.load(_hidden(folder), mmap_mode="r"), np.load(folder / "ends.npy"))
    examples = Examples(
        [hidden[place] for place in lesson.learnt],
        np.array([rows[place].allowed for place in lesson.learnt]),
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
