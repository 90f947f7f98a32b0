"""What a run shows of held-out pools: refused before anything is asked, entered in the ledger afterwards.

A run without a held-out probe comes through here untouched, and nothing is created for it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from alignmeter.errors import InputError, RunFolderError, StorageError
from alignmeter.identity import fingerprint_hash
from alignmeter.rotation import (
    USE_LIMIT,
    Ledger,
    LedgerRun,
    PlannedPool,
    Rates,
    ShownTo,
    cycles,
    planned_pools,
    read_rates,
    rotation_folder,
    run_key,
    shown_to,
)
from alignmeter.store import RunFolder
from alignmeter.targets.endpoint import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from alignmeter.records import Trial
    from alignmeter.targets import Target

Role = Literal["target", "judge"]


class _Model(NamedTuple):
    """A model that is asked, and how it is known to the user."""

    spec: str
    shown: ShownTo


class Showing:
    """The held-out probes of one run and the models that it shows them to.

    Use in this order: `admit_held_out` before anything is asked, `begin` when the run folder is there
    and still nothing is asked, `settle` when the run has stopped.
    """

    def __init__(self, pools: tuple[PlannedPool, ...], models: tuple[ShownTo, ...]) -> None:
        self._pools = pools
        self._models = models
        self._folder = rotation_folder()
        self._cycles = {cycle.name for cycle in cycles(self._folder)}

    def begin(self, folder: RunFolder) -> None:
        """Enter the run into the ledger.

        Raises:
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
            )
        )

    def settle(self, folder: RunFolder) -> None:
        """Enter what was shown, as the journal tells; a disk that fails now is caught up with later."""
        ledger = Ledger(self._folder)
        key = run_key(folder.manifest)
        # All that this run has ever shown: an earlier process of it may have been killed.
        with suppress(StorageError):
            models = next((run.models for run in ledger.runs() if run.key == key), self._models)
            exposures = shown_to(folder, models, cycles=self._cycles)
            ledger.record(key, exposures, settled=folder.read().closed is not None)


def admit_held_out(
    trials: Iterable[Trial],
    target: Target | None,
    judges: Sequence[Target],
    *,
    path: Path | None,
    force: bool,
) -> Showing | None:
    """Decide whether models may be shown the held-out probes of a run; nothing is asked or written.

    Args:
        trials: Trials of the run.
        target: Who is asked; None where only judges are. A recording is asked nothing.
        judges: Models behind judges.
        path: Run folder, which may exist already.
        force: Show a sequestered pool although the rules forbid it.

    Returns:
        What is to be entered into the ledger; None where no model is shown a held-out probe.

    Raises:
        InputError: A sequestered pool would be shown to a remote model, or has answered often enough.
    """
    folder = rotation_folder()
    asked = list(trials)
    if all(trial.pool not in {"rotating", "sequestered"} for trial in asked):
        return None
    models = [_model(judge, "judge") for judge in judges]
    if target is not None and not target.spec.startswith("replay:"):
        models.insert(0, _model(target, "target"))
    if not models:
        return None
    pools = planned_pools(asked, {cycle.name for cycle in cycles(folder)})
    hidden = [pool for pool in pools if pool.sequestered]
    shown = tuple(
        _checked(model, hidden, rates=read_rates(folder), force=force) if hidden else model.shown
        for model in models
    )
    if target is not None and not force:
        _check_uses(Ledger(folder), hidden, path)
    return Showing(pools, shown)


def _model(target: Target, role: Role) -> _Model:
    host = urlsplit(target.url).hostname if target.url else None
    provider = host or target.fingerprint.kind
    return _Model(
        spec=target.spec,
        shown=ShownTo(
            role=role,
            target=fingerprint_hash(target.fingerprint),
            provider=provider,
            local=host is None or is_loopback(host),
        ),
    )


def _checked(model: _Model, hidden: Sequence[PlannedPool], *, rates: Rates, force: bool) -> ShownTo:
    """A provider that leaks nothing is as good as this machine; any other is refused, or forced."""
    shown = model.shown
    if rates.of(shown.provider, local=shown.local) == 0:
        return shown
    if not force:
        raise InputError(
            f"the pool {hidden[0].cycle!r} is sequestered and shown to local models only, got the "
            f"{shown.role} {model.spec!r} at {shown.provider}; take one on this machine, or give up the "
            f"secrecy of the pool in a run with --force-sequestered"
        )
    return msgspec.structs.replace(shown, forced=True)


def _check_uses(ledger: Ledger, hidden: Sequence[PlannedPool], path: Path | None) -> None:
    mine = ""
    if path is not None:
        with suppress(RunFolderError):
            mine = run_key(RunFolder.open(path).manifest)
    for pool in hidden:
        uses = ledger.uses(pool.cycle, without=mine)
        if uses >= USE_LIMIT:
            raise InputError(
                f"the sequestered pool {pool.cycle!r} has answered {uses} runs, and each tells a little of "
                f"what is in it; retire it with `alignmeter rotate retire {pool.cycle}` and begin a new one, "
                f"or ask once more with --force-sequestered"
            )
