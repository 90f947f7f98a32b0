"""The folder of run folders: which runs are there, and a name for one that is not there yet."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from alignmeter.errors import RunFolderError
from alignmeter.store.run_folder import MANIFEST, RunFolder, unwritable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def new_run_folders(stem: Path, endings: Sequence[str] = ("",)) -> tuple[Path, ...]:
    """Make empty folders for runs that begin now, under a name of their own, however many begin at once.

    Args:
        stem: What they would like to be called; `-2`, `-3` and so on follow where that is taken.
        endings: One for each folder, put behind the stem.

    Returns:
        The folders, one for each ending.

    Raises:
        StorageError: They cannot be made.
    """
    number = 1
    while True:
        name = stem.name if number == 1 else f"{stem.name}-{number}"
        found = tuple(stem.with_name(f"{name}{ending}") for ending in endings)
        if _made(found):
            return found
        number += 1


def _made(folders: Sequence[Path]) -> bool:
    """Make all of them or none: the first one that is made keeps others away from the rest."""
    made: list[Path] = []
    for folder in folders:
        try:
            folder.mkdir(mode=0o700, parents=True)
        except OSError as error:
            for earlier in made:
                earlier.rmdir()
            if isinstance(error, FileExistsError) and folder.exists():
                return False
            raise unwritable(folder, error) from None
        made.append(folder)
    return True


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of these folders that are there and hold nothing: their runs never began."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def list_runs(root: Path) -> list[RunFolder]:
    """Run folders under `root` by the time they were begun, newest first, unreadable ones last.

    A name given with `--name` says nothing about when, so names do not order them.
    """
    if not root.is_dir():
        return []
    found = [RunFolder(path) for path in root.iterdir() if _may_be_run(path)]
    return sorted(found, key=lambda folder: (_begun(folder), folder.path.name), reverse=True)


def _may_be_run(path: Path) -> bool:
    """Whether a folder holds a run, or may not be looked into, as that of another user."""
    try:
        return (path / MANIFEST).is_file()
    except PermissionError:
        return True


def _begun(folder: RunFolder) -> float:
    try:
        return folder.manifest.created_at
    except RunFolderError:
        return 0.0
