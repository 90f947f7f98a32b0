"""A run on disk: begun, resumed or refused, driven through the engine, analysed at its end."""

from __future__ import annotations

import platform
import time
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

from alignmeter._version import __version__
from alignmeter.engine.schedule import FixedSchedule, SequentialSchedule
from alignmeter.errors import DesignChangedError
from alignmeter.identity import design_hash, digest, fingerprint_hash
from alignmeter.records import SCHEMA_VERSION, RunManifest, Sampling, TargetRecord
from alignmeter.store import Answered, Closed, Judged, Opened, Planned, RunFolder, unanswered
from alignmeter.suites import suite_sources, suite_tax_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from alignmeter.engine.loop import Engine, Stopped
    from alignmeter.engine.planning import Plan
    from alignmeter.engine.schedule import Schedule
    from alignmeter.judges import Judge
    from alignmeter.records import Axis, Judgement, Trial
    from alignmeter.store import JournalWriter, RunData
    from alignmeter.targets import Target
    from alignmeter.threat_model import ThreatModel

_PACKAGES = ("aiohttp", "duckdb", "msgspec", "numpy", "pydantic", "scipy", "xllamacpp")
_MENDABLE = frozenset({"auth", "not_found"})
"""Errors that end a run, and that the user mends before resuming it."""


def make_manifest(
    run_id: str,
    *,
    target: Target,
    name: str,
    model: ThreatModel,
    model_source: str,
    suites: Mapping[str, str],
    judges: Mapping[Axis, Judge],
    plan: Plan,
) -> RunManifest:
    """Write down everything that is decided before the first call."""
    threat_model = model.as_dict()
    return RunManifest(
        schema_version=SCHEMA_VERSION,
        run_id=run_id,
        created_at=time.time(),
        target=TargetRecord(
            spec=target.spec,
            name=name,
            fingerprint=target.fingerprint,
            fingerprint_hash=fingerprint_hash(target.fingerprint),
            url=target.url,
        ),
        threat_model=threat_model,
        threat_model_hash=digest(threat_model),
        threat_model_source=model_source,
        suites=dict(suites),
        suite_sources=suite_sources(suites),
        tax_limits=suite_tax_limits(suites),
        judges={judge.name: judge.judge_hash for judge in judges.values()},
        design=plan.design,
        design_hash=design_hash(plan.design),
        packages=_versions(),
        alignmeter_version=__version__,
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def differences(manifest: RunManifest, wanted: RunManifest) -> list[str]:
    """What keeps a run from being resumed, in words; empty where nothing does."""
    found: list[str] = []
    old, new = manifest.target.fingerprint, wanted.target.fingerprint
    for field in old.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if isinstance(before, Sampling):
            found.extend(_changed(before, after))
        elif before != after:
            found.append(f"target {field} was {_short(before)}, is {_short(after)}")
    if manifest.design_hash != wanted.design_hash:
        before, after = manifest.design, wanted.design
        changed = [name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name)]
        found.append(f"the design changed in {', '.join(changed)}")
    found.extend(
        f"judge {name} changed" for name, value in wanted.judges.items() if manifest.judges.get(name) != value
    )
    found.extend(f"judge {name} is left out" for name in manifest.judges if name not in wanted.judges)
    return found


def _changed(old: Sampling, new: Sampling) -> list[str]:
    return [
        f"{field} was {getattr(old, field)!r}, is {getattr(new, field)!r}"
        for field in old.__struct_fields__
        if getattr(old, field) != getattr(new, field)
    ]


def _short(value: object) -> str:
    text = str(value)
    return repr(text[:12] if len(text) == 64 else text)  # noqa: PLR2004 - a SHA-256 in hex


def check_resumable(folder: RunFolder, wanted: RunManifest) -> None:
    """Refuse to go on with a run under another design, target or judge.

    Raises:
        DesignChangedError: Names what differs.
    """
    found = differences(folder.manifest, wanted)
    if found:
        raise DesignChangedError(
            f"{folder.path} cannot be resumed: {'; '.join(found)}; start a new run, or give the options "
            f"that it began with"
        )


class Session(NamedTuple):
    """An open run: its folder, its journal, and what the journal says so far."""

    folder: RunFolder
    journal: JournalWriter
    data: RunData
    pending: tuple[Trial, ...]


def open_session(path: Path, manifest: RunManifest, plan: Plan) -> Session:
    """Begin a run in a new folder, or go on with the one that is there.

    Raises:
        DesignChangedError: The folder holds another design, target or judge.
        RunFolderError: Another process works on it, or it is corrupt.
        StorageError: It cannot be written.
    """
    if (path / "run.json").exists():
        folder = RunFolder.open(path)
        check_resumable(folder, manifest)
    else:
        folder = RunFolder.create(path, manifest)
    journal = folder.journal()
    try:
        journal.append(Opened(at=time.time(), alignmeter_version=__version__))
        data = folder.read()
        if len(data.trials) < len(plan.trials):
            known = {trial.id for trial in data.trials}
            journal.append_all(
                [
                    Planned(index=index, trial=trial)
                    for index, trial in enumerate(plan.trials)
                    if trial.id not in known
                ]
            )
        journal.sync()
        data = folder.read()
    except BaseException:
        journal.close()
        raise
    return Session(folder, journal, data, _pending(data))


def _pending(data: RunData) -> tuple[Trial, ...]:
    """Trials without a reply: never asked, given up, or ended in an error that may pass."""
    wanted: list[Trial] = []
    for trial in data.trials:
        transcript = data.transcripts.get(trial.id)
        error = transcript.error if transcript is not None else None
        again = error is not None and (error.retryable or error.kind in _MENDABLE)
        if transcript is None or again:
            wanted.append(trial)
    return tuple(wanted)


def lasting(data: RunData) -> dict[Axis, dict[str, Judgement]]:
    """Judgements that a resume need not make again, by axis and trial id."""
    return {
        axis: {trial: judged for trial, judged in on_axis.items() if not judged.may_pass}
        for axis, on_axis in data.by_axis().items()
    }


def _schedule(session: Session, plan: Plan) -> Schedule:
    if plan.design.mode != "sequential":
        return FixedSchedule(session.pending)
    return SequentialSchedule(plan, pending=session.pending, judgements=lasting(session.data))


async def drive(
    session: Session,
    plan: Plan,
    make_engine: Callable[[JournalWriter], Engine],
    schedule: Schedule | None = None,
) -> Stopped:
    """Run the engine over what is pending and close the journal with the reason it stopped.

    Args:
        session: The open run.
        plan: What it asks.
        make_engine: Makes the engine that writes to its journal.
        schedule: Says which trial comes next; None for the one that the plan's mode calls for.
    """
    data = session.data
    pending = {trial.id for trial in session.pending}
    trials = {trial.id: trial for trial in data.trials}
    engine = make_engine(session.journal)
    for event in session.journal.events:
        if isinstance(event, Answered):
            engine.carry(trials[event.transcript.trial], event.transcript)
        elif isinstance(event, Judged) and not event.again:
            engine.carry_judgement(event.judgement)
    for charged in unanswered(session.journal.events):
        engine.budget.carry_charge(charged)
    engine.judgements.update(lasting(data))
    unjudged = {
        trial: (trials[trial], transcript)
        for trial, transcript in data.transcripts.items()
        if trial not in pending and engine.lacks_judgements(trials[trial])
    }
    stopped = await engine.run(schedule or _schedule(session, plan), unjudged=unjudged)
    if stopped.reason != "storage":
        session.journal.append(Closed(at=time.time(), reason=stopped.reason, detail=stopped.detail))
    return stopped
