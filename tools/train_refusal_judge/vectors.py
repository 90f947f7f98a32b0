"""Embeddings of the training texts, computed once and kept in a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from alignmeter.judges.embedding import DIMENSIONS, embedder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BATCH = 256


class Vectors:
    """Text to vector, in the role `query`; `path` keeps them between runs."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, NDArray[np.float32]] = {}
        if path is not None and path.exists():
            with np.load(path, allow_pickle=False) as stored:
                self._known = dict(
                    zip(stored["keys"].tolist(), stored["vectors"].astype(np.float32), strict=True)
                )

    def prepare(self, texts: Iterable[str]) -> None:
        """Embed what is not known yet, and say how far it is."""
        missing = [text for text in dict.fromkeys(texts) if _key(text) not in self._known]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            for text, vector in zip(batch, embedder().encode(batch), strict=True):
                self._known[_key(text)] = vector
            print(f"embedded {start + len(batch)} of {len(missing)} texts", flush=True)
        if missing and self._path is not None:
            keys = np.array(list(self._known))
            np.savez(self._path, keys=keys, vectors=np.stack(list(self._known.values())).astype(np.float16))

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return prepared vectors, shape (len(texts), 384)."""
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        return np.stack([self._known[_key(text)] for text in texts])


def _key(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:20]
