"""The upper layers of the encoder, and what they say of replies that they had not seen."""

from __future__ import annotations

import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from e5_file import E5File
from passages import LEFT_OUT, allowed_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from passages import Passage

    Arrays = dict[str, NDArray[np.generic]]

PROCESSES = 2


class Upper(NamedTuple):
    """What training gives.

    Attributes:
        tensors: The layers that ship, as the engine's file holds them, with the weights of the head.
        unseen: Scores of the passages left out, by layers that had not seen them, shape (left out, 3).
    """

    tensors: Arrays
    unseen: NDArray[np.float64]


def upper_layers(rows: list[Passage], folder: Path) -> Upper:
    """Train the layers on all passages, and on those not left out; what is done already is read.

    Args:
        rows: The passages.
        folder: Keeps what was computed between runs.
    """
    # Other passages must not meet what was computed of these.
    folder = folder / hashlib.sha256(repr(rows).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    missing = [fold for fold in (None, LEFT_OUT) if not _path(folder, fold).exists()]
    if missing:
        _prepare(rows, folder)
        with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
            for each in [pool.submit(_train, rows, folder, fold) for fold in missing]:
                each.result()
    with np.load(_path(folder, None)) as layers, np.load(_path(folder, LEFT_OUT)) as scored:
        return Upper({name: layers[name] for name in layers.files}, scored["scores"])


def _path(folder: Path, fold: int | None) -> Path:
    return folder / ("all.npz" if fold is None else f"{fold}.npz")


def _prepare(rows: list[Passage], folder: Path) -> None:
    """Write what the package's lower layers say of all passages."""
    from encoder import lower_hidden

    if (folder / "hidden.npy").exists():
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
    np.save(folder / "part.npy", hidden)
    (folder / "part.npy").replace(folder / "hidden.npy")


_FILES: list[E5File] = []


def _tokens(text: str) -> list[int]:
    if not _FILES:
        _FILES.append(E5File())
    return _FILES[0].tokens(text)


def _train(rows: list[Passage], folder: Path, fold: int | None) -> None:
    """Train without one third, and score it; or with all."""
    import torch
    from encoder import Encoder, Examples, trained

    path = _path(folder, fold)
    part = path.with_suffix(".part.npz")
    torch.set_num_threads(1)
    hidden = _replies(folder)
    learnt = [place for place, row in enumerate(rows) if row.fold != fold and row.weight]
    examples = Examples(
        [hidden[place] for place in learnt],
        allowed_of(rows)[learnt],
        np.array([rows[place].weight for place in learnt], dtype=np.float32),
    )
    encoder: Encoder = trained(E5File(), examples, path.stem)
    if fold is None:
        np.savez(part, **encoder.tensors())
    else:
        left_out = [hidden[place] for place, row in enumerate(rows) if row.fold == fold]
        np.savez(part, scores=encoder.scores(left_out))
    part.replace(path)


def _replies(folder: Path) -> Sequence[NDArray[np.float16]]:
    hidden, ends = np.load(folder / "hidden.npy", mmap_mode="r"), np.load(folder / "ends.npy")
    return np.split(hidden, ends[:-1])
