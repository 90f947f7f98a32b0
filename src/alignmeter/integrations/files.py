"""Bytes and JSON from files of other tools, with messages that name the file and the line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, got {error.strerror!r}") from None


def decode_json(data: bytes, where: str) -> Any:  # noqa: ANN401 - any JSON document
    """Decode JSON as other tools write it: NaN and infinity are theirs, though not JSON's.

    Raises:
        InputError: It is neither.
    """
    try:
        return msgspec.json.decode(data)
    except msgspec.MsgspecError:
        pass
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: expected JSON, got {str(error)!r}; is the file whole?") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        InputError: It cannot be read or holds something else.
    """
    found = decode_json(read_bytes(path), str(path))
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a JSON object, got a {type(found).__name__}")
    return found  # type: ignore[reportUnknownVariableType] # JSON keys are strings


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line of a JSONL file with where it stands.

    Raises:
        InputError: A line is no JSON object; names it.
    """
    for number, line in enumerate(read_bytes(path).split(b"\n"), 1):
        if line.strip():
            where = f"{path}: line {number}"
            found = decode_json(line, where)
            if not isinstance(found, dict):
                raise InputError(f"{where}: expected a JSON object, got a {type(found).__name__}")
            yield where, found
