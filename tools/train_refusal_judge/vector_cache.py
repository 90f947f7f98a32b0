"""Embeddings on disk, by the digest of the text: the texts themselves are never written."""

from __future__ import annotations

import hashlib
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from alignmeter.judges.embedding import DIMENSIONS, embedder, embedding_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BATCH = 16
SAVE_EVERY = 60.0
"""Seconds: what a run that is stopped loses."""


class VectorCache:
    """Vectors that were computed once; a run that is stopped goes on where it was."""

    def __init__(self, folder: Path) -> None:
        """Open the cache of the installed weights."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"vectors-{embedding_fingerprint()[:16]}.npz"
        self._vectors: dict[str, NDArray[np.float16]] = {}
        if self._path.exists():
            with np.load(self._path) as stored:
                keys, rows = stored["keys"], stored["rows"]
                self._vectors = dict(zip(keys.tolist(), rows, strict=True))

    def add(self, texts: Iterable[str]) -> None:
        """Embed what is missing, say how far it is, and keep it on the way."""
        missing = [text for text in dict.fromkeys(texts) if _key(text) not in self._vectors]
        saved = time.monotonic()
        for begin in range(0, len(missing), BATCH):
            batch = missing[begin : begin + BATCH]
            rows = embedder().encode(batch).astype(np.float16)
            self._vectors.update((_key(text), row) for text, row in zip(batch, rows, strict=True))
            now = time.monotonic()
            done = begin + len(batch)
            print(f"\rembedded {done} of {len(missing)}", end="", file=sys.stderr, flush=True)
            if now - saved > SAVE_EVERY or done == len(missing):
                self._save()
                saved = now

    def get(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return vectors, shape (len(texts), 384)."""
        found = [self._vectors[_key(text)] for text in texts]
        return np.array(found, dtype=np.float64).reshape(len(texts), DIMENSIONS)

    def _save(self) -> None:
        rows = np.array(list(self._vectors.values()), dtype=np.float16).reshape(-1, DIMENSIONS)
        partial = self._path.with_suffix(".part.npz")
        np.savez(partial, keys=np.array(list(self._vectors), dtype="U64"), rows=rows)
        partial.replace(self._path)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
