"""Where a run or a comparison goes: the folder named, an unfinished one of the same design, or a new one."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from alignmeter.api.comparison_plan import ROLES
from alignmeter.api.given import as_path
from alignmeter.engine import twin
from alignmeter.errors import InputError, RunFolderError
from alignmeter.store import RunFolder, list_runs

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.api.running import RunRequest
    from alignmeter.api.side_by_side import CompareRequest
    from alignmeter.engine import Session, Twin
    from alignmeter.records import RunManifest

ENDINGS = tuple(f"-{role}" for role in ROLES)
"""What the folders of the two arms of a comparison end in."""


def check_name(name: str | None) -> None:
    """Refuse a name of a run, or of a comparison, that is no name of a folder.

    Raises:
        InputError: It is none.
    """
    if name is not None and (
        not name.isprintable() or {"/", "\\"} & set(name) or name.strip() in {"", ".", ".."}
    ):
        raise InputError(f"`name=` must be a plain folder name such as 'guarded-2', got {name!r}")


def run_path(request: RunRequest, wanted: RunManifest) -> tuple[Path | None, str]:
    """Find where the run goes: the folder named, or an unfinished run of the same design.

    Returns:
        The folder, None for a new one; and what to say of an unfinished run that was passed over.
    """
    if request.resume is not None:
        return RunFolder.open(as_path("resume", request.resume)).path, ""
    if request.name is not None:
        path = as_path("runs", request.runs) / request.name
        if request.fresh and path.exists():
            raise InputError(f"`fresh=True` wants a new run, but {str(path)!r} exists; give another `name=`")
        return path, ""
    passed: str | None = None
    for folder in [] if request.fresh else list_runs(as_path("runs", request.runs)):
        try:
            found = twin(folder, wanted)
        except RunFolderError:
            continue  # an unreadable neighbour must not stop a new run
        if found is None:
            continue
        if not (found.finished or found.doubt):
            return folder.path, ""
        if passed is None:  # what a later run has made obsolete is nobody's loss
            option = f"--resume {shlex.quote(str(folder.path))}"
            passed = "" if found.finished else _passed_over(folder.path, found, option)
    return None, passed or ""


def _passed_over(path: Path, found: Twin, option: str) -> str:
    """Say why an unfinished run or comparison is not gone on with, and with which option it is."""
    said = f"{option} --same-system" if found.moved else option
    return (
        f"{path} is unfinished and stays as it is, for {found.doubt}; a new one begins - where it is the "
        f"same system, {said} goes on with the old one"
    )


def moved_on(session: Session) -> str:
    """Say that a run has asked at more than one address, empty where it has not."""
    asked = session.data.asked_at(session.folder.manifest)
    return "; ".join(
        f"{session.folder.path} has asked {who} at {' and '.join(urls)}, taken for the same system"
        for who, urls in asked.items()
        if len(urls) > 1
    )


def new_run_stem(request: RunRequest, wanted: RunManifest) -> Path:
    """What a new run would like to be called."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    slug = "".join(c if c.isalnum() else "-" for c in wanted.target.name.lower()).strip("-")[:40]
    return as_path("runs", request.runs) / f"{stamp}-{slug or 'target'}"


def comparison_paths(
    request: CompareRequest, wanted: tuple[RunManifest, RunManifest]
) -> tuple[tuple[Path, ...] | None, str]:
    """Find where the comparison goes: the folders named, or those of an unfinished one of the same design.

    Returns:
        The folders, None for new ones; and what to say of an unfinished comparison that was passed over.
    """
    if request.name is not None:
        made = _pair(as_path("runs", request.runs) / request.name)
        taken = [path for path in made if path.exists()]
        if request.fresh and taken:
            raise InputError(
                f"`fresh=True` wants a new comparison, but {str(taken[0])!r} exists; give another `name=`"
            )
        return made, ""
    passed = ""
    for folder in [] if request.fresh else list_runs(as_path("runs", request.runs)):
        stem = _stem(folder.path)
        if stem is None:
            continue
        found = _unfinished(_pair(stem), wanted)
        if found is None:
            continue
        if not found.doubt:
            return _pair(stem), ""
        passed = passed or _passed_over(stem, found, f"--name {shlex.quote(stem.name)}")
    return None, passed


def new_comparison_stem(request: CompareRequest) -> Path:
    """What a new comparison would like to be called."""
    return as_path("runs", request.runs) / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-compare"


def _pair(stem: Path) -> tuple[Path, ...]:
    return tuple(stem.with_name(f"{stem.name}{ending}") for ending in ENDINGS)


def _stem(path: Path) -> Path | None:
    """What the folders of a comparison have in common; None where it is no such folder."""
    name = path.name.removesuffix(ENDINGS[0])
    return path.with_name(name) if name != path.name else None


def _unfinished(paths: tuple[Path, ...], wanted: tuple[RunManifest, RunManifest]) -> Twin | None:
    """The arm of a comparison of this design that is in most doubt; None where it is another, or at its end.

    A kill may fall between the making of the two folders: the second is made when it goes on.
    """
    arms: list[Twin] = []
    try:
        for path, manifest in zip(paths, wanted, strict=True):
            if not (path / "run.json").is_file():
                continue
            found = twin(RunFolder.open(path), manifest)
            if found is None:
                return None
            arms.append(found)
    except RunFolderError:
        return None  # an unreadable neighbour must not stop a new comparison
    if all(arm.finished for arm in arms) and len(arms) == len(paths):
        return None
    return max(arms, key=lambda arm: (arm.moved, bool(arm.doubt)))
