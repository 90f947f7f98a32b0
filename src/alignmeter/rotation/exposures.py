"""What runs have shown of held-out pools, taken from their journals, and how likely it is known by now."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from alignmeter.errors import RunFolderError
from alignmeter.identity import digest
from alignmeter.records import HELD_OUT
from alignmeter.rotation.leakage import leak_probability
from alignmeter.rotation.ledger import Exposure, LedgerRun, PlannedPool
from alignmeter.rotation.pools import original_family
from alignmeter.store import Answered, Asked, Judged, Opened, RunFolder, fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from alignmeter.records import RunManifest, Trial
    from alignmeter.rotation.leakage import Rates
    from alignmeter.rotation.ledger import Ledger, ShownTo
    from alignmeter.store import Event


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
    folder: RunFolder,
    models: Iterable[ShownTo],
    *,
    key: str,
    cycles: Collection[str],
) -> tuple[Exposure, ...]:
    """Return what a run has shown to models, as its journal tells.

    A target was shown every trial that it was about to be asked, whether it replied, failed, or the
    process died before either: once sent, a request may have been kept. Where a run went on at another
    address, each provider was shown what was asked there. A judge's model was shown those that it was about
    to be asked about, where it was asked. Earlier versions kept neither model nor address: what a judge then
    called a model for, or was about to, was shown to all of them.

    Args:
        folder: The run.
        models: Whom it asked.
        key: The run in the ledger.
        cycles: Names of the suites whose families have another name in their pool.
    """
    events = folder.events()
    data = fold(events)
    asked_at = _asked_at(events)
    judged_at = _judged_at(events)
    found: dict[tuple[str, str, str, str], Exposure] = {}
    for model in models:
        if model.role == "judge":
            shown = _shown_to(model, judged_at)
        else:
            shown = asked_at.get(model.provider, {}) | asked_at.get(None, {})
        for trial in data.trials:
            at = shown.get(trial.id)
            if at is None or trial.pool not in HELD_OUT:
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
                at=at,
            )
            place = (trial.suite, family, model.target, model.provider)
            if place not in found or made.at < found[place].at:
                found[place] = made
    return tuple(found.values())


def host_of(url: str | None) -> str | None:
    """Return the provider at a base URL, None where there is no URL."""
    return urlsplit(url).hostname if url else None


def _asked_at(events: Iterable[Event]) -> dict[str | None, dict[str, float]]:
    """When a target was first asked each trial, by its host; None for what the journal names no host of."""
    found: defaultdict[str | None, dict[str, float]] = defaultdict(dict)
    host: str | None = None
    for event in events:
        match event:
            case Opened(urls=urls):
                host = host_of(urls.get("target"))
            case Answered(transcript=transcript):
                found[host].setdefault(transcript.trial, transcript.started_at)
            case Asked(role="target", trial=trial, at=at):
                found[host].setdefault(trial, at)
            case _:
                pass
    return found


_ANYONE = ("", "")
"""Whoever judged: an earlier version noted neither the model nor its address."""


def _judged_at(events: Iterable[Event]) -> dict[tuple[str, str], dict[str, float]]:
    """When each trial was first shown to a judge's model, by the model's hash and its address."""
    found: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    started: dict[str, float] = {}
    named: set[str] = set()
    for event in events:
        match event:
            case Answered(transcript=transcript):
                started[transcript.trial] = transcript.started_at
            case Asked(role="judge", trial=trial, at=at, model=model, url=url):
                found[model, url].setdefault(trial, at)
                if model:
                    named.add(trial)
            case Judged(judgement=made) if made.calls and made.trial in started and made.trial not in named:
                found[_ANYONE].setdefault(made.trial, started[made.trial])
            case _:
                pass
    return found


def _shown_to(model: ShownTo, judged_at: Mapping[tuple[str, str], Mapping[str, float]]) -> dict[str, float]:
    """When each trial was first shown to one model at one provider."""
    found: dict[str, float] = {}
    for (asked, url), trials in judged_at.items():
        named = asked == model.target and host_of(url) in {None, model.provider}
        if named or not asked:
            for trial, at in trials.items():
                found[trial] = min(at, found.get(trial, at))
    return found


class Behind(NamedTuple):
    """What the ledger lacks of a run that was killed, or goes on.

    Attributes:
        exposures: All that it has shown.
        closed: Whether it has come to a stop.
    """

    run: LedgerRun
    exposures: tuple[Exposure, ...]
    closed: bool


def behind(ledger: Ledger, *, cycles: Collection[str]) -> tuple[Behind, ...]:
    """Read what runs have shown that were killed, or still go on.

    Of a run whose folder is gone, or holds another run by now, everything that it might have asked
    counts as shown.
    """
    found: list[Behind] = []
    for run in ledger.runs():
        if run.settled:
            continue
        try:
            folder = RunFolder.open(Path(run.path))
            gone = run_key(folder.manifest) != run.key
            exposures = _assumed(run) if gone else shown_to(folder, run.models, key=run.key, cycles=cycles)
            closed = gone or folder.read().closed is not None
        except RunFolderError:
            exposures, closed = _assumed(run), True
        found.append(Behind(run, exposures, closed))
    return tuple(found)


def catch_up(ledger: Ledger, found: Iterable[Behind]) -> None:
    """Enter what the ledger lacks.

    Raises:
        StorageError: The ledger cannot be written.
    """
    for one in found:
        ledger.record(one.run.key, one.exposures, settled=one.closed)


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
