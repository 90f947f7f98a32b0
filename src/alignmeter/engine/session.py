"""A run on disk: begun, resumed or refused, driven through the engine, analysed at its end."""

from __future__ import annotations

import platform
import time
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

from alignmeter._version import __version__
from alignmeter.engine.loop import Engine
from alignmeter.engine.resuming import check_resumable
from alignmeter.engine.schedule import FixedSchedule, SequentialSchedule
from alignmeter.identity import design_hash, digest, fingerprint_hash
from alignmeter.records import SCHEMA_VERSION, RunManifest, TargetRecord
from alignmeter.store import (
    Answered,
    Checked,
    Closed,
    Judged,
    Opened,
    Planned,
    RunFolder,
    counted_labels,
    heard_before,
    read_labels,
    unanswered,
)
from alignmeter.suites import suite_sources, suite_tax_limits
from alignmeter.targets import extra_of
from alignmeter.verdicts import people_answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignmeter.engine.clock import Clock
    from alignmeter.engine.judge_calls import JudgeCalls
    from alignmeter.engine.loop import Stopped
    from alignmeter.engine.options import EngineOptions
    from alignmeter.engine.planning import Plan
    from alignmeter.engine.progress import Progress
    from alignmeter.engine.schedule import Schedule
    from alignmeter.judges import Judge
    from alignmeter.records import Axis, Judgement, Trial
    from alignmeter.store import JournalWriter, RunData
    from alignmeter.targets import Target, Variant
    from alignmeter.threat_model import ThreatModel

_NOT_CHECKED = Checked()
_PACKAGES = ("aiohttp", "duckdb", "msgspec", "numpy", "pydantic", "scipy", "xllamacpp")


def make_manifest(  # noqa: PLR0913 - what a manifest is made of
    run_id: str,
    *,
    target: Target,
    name: str,
    model: ThreatModel,
    model_source: str,
    suites: Mapping[str, str],
    judges: Mapping[Axis, Judge],
    plan: Plan,
    judge_models: Sequence[Target] = (),
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
            extra_body=extra_of(target),
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
        judge_urls={model.spec: model.url for model in judge_models if model.url is not None},
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


class Session(NamedTuple):
    """An open run: its folder, its journal, what the journal says so far, and calls made before now.

    Attributes:
        new: Whether this process began it.
    """

    folder: RunFolder
    journal: JournalWriter
    data: RunData
    pending: tuple[Trial, ...]
    checked: Checked = Checked()
    new: bool = False

    def close(self, *, failed: bool) -> None:
        """Close the journal; a new run that failed before anything was asked leaves nothing behind.

        Args:
            failed: Whether an error ends it, which stands in no journal.
        """
        if failed and self.new and _unasked(self.folder):
            self.folder.remove(self.journal)
        else:
            self.journal.close()


def _unasked(folder: RunFolder) -> bool:
    return all(isinstance(event, Opened | Planned) for event in folder.events())


def open_session(
    path: Path,
    manifest: RunManifest,
    plan: Plan,
    checked: Checked = _NOT_CHECKED,
    *,
    same_system: bool = False,
) -> Session:
    """Begin a run in a new folder, or go on with the one that is there.

    Args:
        path: The folder.
        manifest: What was decided before the first call.
        plan: What is asked.
        checked: Calls that this process has made for it already.
        same_system: The user says that what answers at another address is the same system.

    Raises:
        DesignChangedError: The folder holds another design, target or judge, or asked at another address.
        RunFolderError: Another process works on it, or it is corrupt.
        StorageError: It cannot be written.
    """
    new = not (path / "run.json").exists()
    if not new:
        folder = RunFolder.open(path)
        check_resumable(folder, manifest, same_system=same_system)
    else:
        folder = RunFolder.create(path, manifest)
    journal = folder.journal()
    try:
        opened = Opened(at=time.time(), alignmeter_version=__version__, urls=manifest.urls, checked=checked)
        journal.append(opened)
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
        if new:
            folder.remove(journal)
        else:
            journal.close()
        raise
    return Session(folder, journal, data, _pending(data), checked, new)


def _pending(data: RunData) -> tuple[Trial, ...]:
    """Trials without a reply: never asked, given up, or ended in an error that may pass or be mended."""
    wanted: list[Trial] = []
    for trial in data.trials:
        transcript = data.transcripts.get(trial.id)
        error = transcript.error if transcript is not None else None
        again = error is not None and (error.retryable or error.fatal)
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
    people = people_answers(counted_labels(session.data, read_labels(session.folder.path)))
    return SequentialSchedule(plan, pending=session.pending, judgements=lasting(session.data), people=people)


def open_engine(  # noqa: PLR0913 - those of `Engine`
    session: Session,
    target: Target,
    judges: Mapping[Axis, Judge],
    *,
    variant: Variant | None = None,
    judge_calls: JudgeCalls | None = None,
    options: EngineOptions | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
    beside: Engine | None = None,
) -> Engine:
    """Make the engine of an open run, which knows what the run has spent and judged so far; see `Engine`."""
    engine = Engine(
        target,
        judges,
        session.journal,
        variant=variant,
        judge_calls=judge_calls,
        options=options,
        progress=progress,
        clock=clock,
        beside=beside,
    )
    trials = {trial.id: trial for trial in session.data.trials}
    engine.opened(session.checked)
    for event in session.journal.events:
        if isinstance(event, Answered):
            engine.carry(trials[event.transcript.trial], event.transcript)
        elif isinstance(event, Judged) and not event.again:
            engine.carry_judgement(event.judgement)
        elif isinstance(event, Opened):
            engine.budget.carry_checked(event.checked)
    for charged in unanswered(session.journal.events):
        engine.budget.carry_charge(charged)
    engine.judgements.update(lasting(session.data))
    engine.heard.update(heard_before(session.journal.events))
    return engine


async def drive(session: Session, plan: Plan, engine: Engine, schedule: Schedule | None = None) -> Stopped:
    """Run the engine over what is pending and close the journal with the reason it stopped.

    Args:
        session: The open run.
        plan: What it asks.
        engine: Of `open_engine`.
        schedule: Says which trial comes next; None for the one that the plan's mode calls for.
    """
    data = session.data
    pending = {trial.id for trial in session.pending}
    trials = {trial.id: trial for trial in data.trials}
    unjudged = {
        trial: (trials[trial], transcript)
        for trial, transcript in data.transcripts.items()
        if trial not in pending and engine.lacks_judgements(trials[trial])
    }
    stopped = await engine.run(schedule or _schedule(session, plan), unjudged=unjudged)
    if stopped.reason != "storage":
        session.journal.append(Closed(at=time.time(), reason=stopped.reason, detail=stopped.detail))
    return stopped
