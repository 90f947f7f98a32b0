"""Find the run folder, or the trial, that a user means."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.cli.output import nearest
from alignmeter.errors import InputError, RunFolderError

if TYPE_CHECKING:
    from alignmeter.api import Run
    from alignmeter.records import Trial

_SHORTEST_PREFIX = 4


def find_run(name: str, runs: str) -> Path:
    """Return a run folder by path, by name under `runs`, or the newest for `latest`.

    Raises:
        InputError: There is none; names the nearest.
    """
    from alignmeter.store import list_runs

    root = Path(runs)
    if name == "latest":
        found = list_runs(root)
        if not found:
            raise InputError(
                f"no runs under {str(root)!r}; `alignmeter run` makes one, --runs names another folder"
            )
        return found[0].path
    for path in (Path(name), root / name):
        if (path / "run.json").is_file():
            return path
    hint = nearest(name, [folder.path.name for folder in list_runs(root)])
    raise InputError(f"no run {name!r} here or under {str(root)!r}{hint}; see `alignmeter runs list`")


def find_recording(name: str, runs: str) -> Path:
    """Return the run whose replies are to be judged again.

    `latest` is the newest that asked its target itself: the newest of all may be this very recording,
    begun before and stopped.

    Raises:
        InputError: There is none; names the nearest.
    """
    from alignmeter.store import list_runs

    if name != "latest":
        return find_run(name, runs)
    for folder in list_runs(Path(runs)):
        with suppress(RunFolderError):
            if not folder.manifest.target.spec.startswith("replay:"):
                return folder.path
    return find_run(name, runs)


class FoundTrial(NamedTuple):
    """A trial and the run that holds it."""

    run: Run
    trial: Trial


def find_trial(prefix: str, runs: str, run: str | None) -> FoundTrial:
    """Return the trial whose id begins with `prefix`, from one run or from the newest that has it.

    Raises:
        InputError: There is none, or the prefix is too short or fits several.
    """
    from alignmeter.api import load_run
    from alignmeter.store import list_runs

    if len(prefix) < _SHORTEST_PREFIX:
        raise InputError(f"expected at least {_SHORTEST_PREFIX} characters of a trial id, got {prefix!r}")
    paths = [find_run(run, runs)] if run is not None else [folder.path for folder in list_runs(Path(runs))]
    for path in paths:
        try:
            loaded = load_run(path)
        except RunFolderError:
            if run is not None:
                raise
            continue
        hits = [trial for trial in loaded.data.trials if trial.id.startswith(prefix)]
        if len(hits) > 1:
            raise InputError(f"{prefix!r} fits {len(hits)} trials of {path}; give more characters")
        if hits:
            return FoundTrial(loaded, hits[0])
    raise InputError(f"no trial {prefix!r} in {run or f'any run under {runs!r}'}; see `alignmeter show RUN`")
