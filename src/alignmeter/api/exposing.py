"""What a run shows of held-out pools: refused before anything is asked, entered in the ledger afterwards.

A run without a held-out probe comes through here untouched, and nothing is created for it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import msgspec

from alignmeter.errors import InputError, RunFolderError, StorageError
from alignmeter.identity import fingerprint_hash
from alignmeter.records import HELD_OUT
from alignmeter.rotation import (
    FOLDER_VARIABLE,
    PROVIDERS_FILE,
    PYTHON,
    USE_LIMIT,
    Ledger,
    LedgerRun,
    PlannedPool,
    Rates,
    ShownTo,
    cycles,
    host_of,
    planned_pools,
    read_rates,
    rotation_folder,
    run_key,
    shown_to,
)
from alignmeter.store import RunFolder
from alignmeter.targets.endpoint import is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from alignmeter.records import TargetFingerprint, Trial
    from alignmeter.targets import Target

Role = Literal["target", "judge"]


class Shown(Protocol):
    """What is shown prompts: a target, a judge's model, or code of the user's."""

    @property
    def spec(self) -> str:
        """How the user named it."""
        ...

    @property
    def url(self) -> str | None:
        """Base URL."""
        ...

    @property
    def fingerprint(self) -> TargetFingerprint:
        """What it is."""
        ...


class _Model(NamedTuple):
    """A model that is asked, and how it is known to the user."""

    spec: str
    shown: ShownTo


class Showing:
    """The held-out probes of one run and the models that it shows them to.

    Use in this order: `admit_held_out` before anything is asked, `begin` when the run folder is there
    and still nothing is asked, `settle` when the run has stopped.
    """

    def __init__(
        self,
        pools: tuple[PlannedPool, ...],
        models: tuple[ShownTo, ...],
        *,
        folder: Path,
        known: Collection[str],
        limit: int | None,
    ) -> None:
        self._pools = pools
        self._models = models
        self._folder = folder
        self._cycles = known
        self._limit = limit

    @property
    def notice(self) -> str:
        """What people should know of where it is entered, empty where there is nothing to say."""
        stray = [pool.cycle for pool in self._pools if pool.cycle not in self._cycles]
        return "" if not stray else _stray(stray[0], self._folder)

    def begin(self, folder: RunFolder) -> None:
        """Enter the run into the ledger.

        Raises:
            InputError: Runs that began in the meantime have used the pool up; nothing was asked.
            StorageError: The ledger cannot be written; nothing was asked.
        """
        manifest = folder.manifest
        Ledger(self._folder).begin(
            LedgerRun(
                key=run_key(manifest),
                run=manifest.run_id,
                path=str(folder.path.resolve()),
                began_at=manifest.created_at,
                models=self._models,
                pools=self._pools,
            ),
            limit=self._limit,
        )

    def settle(self, folder: RunFolder) -> None:
        """Enter what was shown, as the journal tells; a disk that fails now is caught up with later."""
        ledger = Ledger(self._folder)
        key = run_key(folder.manifest)
        # All that this run has ever shown: an earlier process of it may have been killed.
        with suppress(StorageError):
            models = next((run.models for run in ledger.runs() if run.key == key), self._models)
            exposures = shown_to(folder, models, key=key, cycles=self._cycles)
            # Stopped by itself, whatever the reason: nothing is under way that the journal does not tell.
            ledger.record(key, exposures, settled=True)


def admit_held_out(
    trials: Iterable[Trial],
    target: Target | None,
    judges: Sequence[Shown],
    *,
    path: Path | None,
    force: bool,
) -> Showing | None:
    """Decide whether models may be shown the held-out probes of a run; nothing is asked or written.

    Args:
        trials: Trials of the run.
        target: Who is asked; None where only judges are. A recording is asked nothing.
        judges: Models behind judges, and judges that are code of the user's.
        path: Run folder, which may exist already.
        force: Show a sequestered pool although the rules forbid it.

    Returns:
        What is to be entered into the ledger; None where no model is shown a held-out probe.

    Raises:
        InputError: A sequestered pool would be shown to a remote model, or has answered often enough.
    """
    folder = rotation_folder()
    asked = list(trials)
    if all(trial.pool not in HELD_OUT for trial in asked):
        return None
    models = [_model(judge, "judge") for judge in judges]
    if target is not None and not target.spec.startswith("replay:"):
        models.insert(0, _model(target, "target"))
    if not models:
        return None
    known = {cycle.name for cycle in cycles(folder)}
    pools = planned_pools(asked, known)
    hidden = [pool for pool in pools if pool.sequestered]
    stray = next((pool.cycle for pool in hidden if pool.cycle not in known), None)
    if stray is not None and target is not None and not force:
        raise InputError(
            f"{_stray(stray, folder)}; or ask without its cycle, and without the limit of runs, with "
            f"`force_sequestered=True`"
        )
    rates = read_rates(folder)
    shown = tuple(
        _checked(model, hidden, rates=rates, force=force, folder=folder) if hidden else model.shown
        for model in models
    )
    limit = USE_LIMIT if target is not None and not force else None
    if limit is not None:
        Ledger(folder).check_uses(hidden, without=_key_at(path), limit=limit)
    return Showing(pools, shown, folder=folder, known=known, limit=limit)


def _model(target: Shown, role: Role) -> _Model:
    host = host_of(target.url)
    kind = target.fingerprint.kind
    provider = host or (target.spec if kind == PYTHON else kind)
    return _Model(
        spec=target.spec,
        shown=ShownTo(
            role=role,
            target=fingerprint_hash(target.fingerprint),
            provider=provider,
            local=kind != PYTHON if host is None else is_loopback(host),
        ),
    )


def _checked(
    model: _Model, hidden: Sequence[PlannedPool], *, rates: Rates, force: bool, folder: Path
) -> ShownTo:
    """A provider that leaks nothing is as good as this machine; any other is refused, or forced."""
    shown = model.shown
    if rates.of(shown.provider, local=shown.local) == 0:
        return shown
    if not force:
        refused = f"the pool {hidden[0].cycle!r} is sequestered and shown to local models only, got the"
        if shown.provider.partition(":")[0] == PYTHON:
            raise InputError(
                f"{refused} {shown.role} {model.spec!r}, a function that may send it anywhere; if all that "
                f"it calls is on this machine, say so with the line `{shown.provider}: 0` in "
                f"{folder / PROVIDERS_FILE}, else give up the secrecy of the pool in a run with "
                f"`force_sequestered=True`"
            )
        raise InputError(
            f"{refused} {shown.role} {model.spec!r} at {shown.provider}; take one on this machine, or give "
            f"up the secrecy of the pool in a run with `force_sequestered=True`"
        )
    return msgspec.structs.replace(shown, forced=True)


def _key_at(path: Path | None) -> str:
    """Key of the run that lies there already, empty where there is none."""
    if path is not None:
        with suppress(RunFolderError):
            return run_key(RunFolder.open(path).manifest)
    return ""


def _stray(suite: str, folder: Path) -> str:
    return (
        f"the suite {suite!r} is held out and no cycle of {str(folder)!r}, where its runs are counted; name "
        f"the folder that has its cycle with ${FOLDER_VARIABLE}"
    )
