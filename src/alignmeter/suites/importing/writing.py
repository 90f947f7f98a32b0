"""The imported suite on disk: one file a language, and the record of the import beside them."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError, StorageError
from alignmeter.suites.origins import SuiteOrigin, origin_path

if TYPE_CHECKING:
    from alignmeter.suites.importing.building import Built


def write_suite(folder: Path, built: Built, origin: SuiteOrigin) -> tuple[Path, ...]:
    """Write a suite, in place of an earlier import of it.

    Args:
        folder: Folder of suites; made where it is missing.
        built: The probes.
        origin: The record of the import.

    Returns:
        The files written: one a language, then the record.

    Raises:
        InputError: The folder has a suite of that name that was not imported.
        StorageError: The disk does not take it.
    """
    old = {path for path in folder.glob(f"{origin.suite}.*.jsonl") if path.name.count(".") == 2}  # noqa: PLR2004
    record = origin_path(folder, origin.suite)
    if old and not record.is_file():
        raise InputError(
            f"{folder}: expected no suite {origin.suite!r} of your own, got {sorted(old)[0].name}; give the "
            "manifest another `name`, or choose another folder"
        )
    lines: defaultdict[str, list[bytes]] = defaultdict(list)
    for kept in built.probes.values():
        lines[kept.language].append(kept.line)
    contents = {
        folder / f"{origin.suite}.{language}.jsonl": b"\n".join(found) + b"\n"
        for language, found in sorted(lines.items())
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The record first: rows without it would be held to the rules of authored ones.
        _write(record, msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n")
        for path, content in contents.items():
            _write(path, content)
        for path in old - set(contents):
            path.unlink()
    except OSError as error:
        raise StorageError(f"cannot write {str(folder)!r}: {error.strerror}; name another folder") from None
    return (*contents, record)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
