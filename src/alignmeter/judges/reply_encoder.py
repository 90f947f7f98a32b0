"""Encoders of whole replies: layers of ours on the lower ones of the package, and a head of three classes.

Each embedded judge ships one in a file of its own, which the folders `tools/train_*_judge` make.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from alignmeter.judges.embedding import Embedder, UpperLayers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

LAYERS = 8
"""Of an encoder: four are the package's, four ours."""
_LAYER = "l"


def numbers_of(content: bytes) -> dict[str, FloatArray]:
    """Return the arrays of a weights file that are no layers, by name; read without pickle."""
    with np.load(BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files if not _is_of_layers(name)}


def encoder_of(content: bytes) -> Embedder:
    """Return the encoder whose layers a weights file holds."""
    with np.load(BytesIO(content), allow_pickle=False) as stored:
        return Embedder(
            upper=UpperLayers({name: stored[name] for name in stored.files if _is_of_layers(name)}, LAYERS)
        )


def softmax(scores: FloatArray) -> FloatArray:
    """Return probabilities along the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def class_chances(arrays: Mapping[str, FloatArray], vectors: NDArray[np.float32]) -> FloatArray:
    """Return how likely passages belong to each class, shape (n, 3).

    Args:
        arrays: `head_weights` (3, 384) and `head_bias` (3,) among them.
        vectors: What the encoder says of the passages, shape (n, 384).
    """
    return softmax(vectors.astype(np.float64) @ arrays["head_weights"].T + arrays["head_bias"])


def _is_of_layers(name: str) -> bool:
    """Whether an array is one of a layer's: `l5.q.w`."""
    return name.startswith(_LAYER) and name[1:2].isdigit()
