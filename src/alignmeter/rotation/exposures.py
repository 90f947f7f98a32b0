"""What runs have shown of held-out pools, taken from their journals, and how likely it is known by now."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import RunFolderError
from alignmeter.identity import digest
from alignmeter.rotation.leakage import leak_probability
from alignmeter.rotation.ledger import Exposure, LedgerRun, PlannedPool
from alignmeter.rotation.pools import HELD_OUT, original_family
from alignmeter.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from alignmeter.records import RunManifest, Trial
    from alignmeter.rotation.leakage import Rates
    from alignmeter.rotation.ledger import Ledger, ShownTo


def run_key(manifest: RunManifest) -> str:
    """Return what tells a run from every other, also from one of the same name elsewhere."""
    return digest([manifest.run_id, manifest.created_at, manifest.target.fingerprint_hash])


def source_family(trial: Trial, cycles: Collection[str]) -> str:
    """Return the family of a trial as its pool names it; a suite that is no cycle names its own."""
    return original_family(trial.family, trial.suite) if trial.suite in cycles else trial.family


def planned_pools(trials: Iterable[Trial], cycles: Collection[str]) -> tuple[PlannedPool, ...]:
    """Return what trials may show of held-out pools, by suite."""
    families: defaultdict[tuple[str, bool], set[str]] = defaultdict(set)
    for trial in trials:
        if trial.pool in HELD_OUT:
            hidden = trial.pool == "sequestered"
            families[trial.suite, hidden].add(source_family(trial, cycles))
    return tuple(
        PlannedPool(cycle=suite, sequestered=hidden, families=tuple(sorted(names)))
        for (suite, hidden), names in sorted(families.items())
    )


def shown_to(
    folder: RunFolder, models: Iterable[ShownTo], *, cycles: Collection[str]
) -> tuple[Exposure, ...]:
    """Return what a run has shown to models, as its journal tells.

    A target was shown every trial that has a transcript, whether it replied or failed: once sent, a
    request may have been kept. A judge's model was shown those that a judge called a model for.
    """
    data = folder.read()
    key = run_key(folder.manifest)
    judged = {judged.trial for judged in folder.all_judgements() if judged.calls}
    found: dict[tuple[str, str, str, str], Exposure] = {}
    for model in models:
        for trial in data.trials:
            transcript = data.transcripts.get(trial.id)
            sent = transcript is not None and (model.role == "target" or trial.id in judged)
            if transcript is None or not sent or trial.pool not in HELD_OUT:
                continue
            family = source_family(trial, cycles)
            made = Exposure(
                run=key,
                cycle=trial.suite,
                family=family,
                target=model.target,
                provider=model.provider,
                local=model.local,
                forced=model.forced,
                at=transcript.started_at,
            )
            place = (trial.suite, family, model.target, model.provider)
            if place not in found or made.at < found[place].at:
                found[place] = made
    return tuple(found.values())


def settle(ledger: Ledger, *, cycles: Collection[str]) -> tuple[LedgerRun, ...]:
    """Bring the ledger up to date with runs that were killed, or still go on.

    Of a run whose folder is gone everything that it might have asked counts as shown.

    Returns:
        The runs that are still open: going on, or killed and not resumed.
    """
    still_open: list[LedgerRun] = []
    for run in ledger.runs():
        if run.settled:
            continue
        try:
            folder = RunFolder.open(Path(run.path))
            exposures = shown_to(folder, run.models, cycles=cycles)
            closed = folder.read().closed is not None
        except RunFolderError:
            exposures, closed = _assumed(run), True
        ledger.record(run.key, exposures, settled=closed)
        if not closed:
            still_open.append(run)
    return tuple(still_open)


def _assumed(run: LedgerRun) -> tuple[Exposure, ...]:
    return tuple(
        Exposure(
            run=run.key,
            cycle=pool.cycle,
            family=family,
            at=run.began_at,
            target=model.target,
            provider=model.provider,
            local=model.local,
            forced=model.forced,
        )
        for model in run.models
        for pool in run.pools
        for family in pool.families
    )


def leak_probabilities(exposures: Iterable[Exposure], rates: Rates) -> dict[str, float]:
    """Return P(leak) of every family that was shown to anything, whichever cycle showed it."""
    showings: defaultdict[str, Counter[tuple[str, bool]]] = defaultdict(Counter)
    for one in exposures:
        showings[one.family][one.provider, one.local] += 1
    return {family: leak_probability(counts, rates) for family, counts in showings.items()}


def as_forced(models: Iterable[ShownTo]) -> tuple[ShownTo, ...]:
    """Mark models as asked by force."""
    return tuple(msgspec.structs.replace(model, forced=True) for model in models)
