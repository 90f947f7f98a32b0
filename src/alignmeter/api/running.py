"""Run an evaluation, or go on with an unfinished one."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.api.blocking import wait_for
from alignmeter.api.drawing import drawings
from alignmeter.api.exposing import admit_held_out
from alignmeter.api.judges_of_a_run import JudgeChoice
from alignmeter.api.models import open_run
from alignmeter.api.preparing import asked, matter_of
from alignmeter.api.reading import Run, analyse
from alignmeter.api.run_paths import check_name, moved_on, new_run_stem, run_path
from alignmeter.api.unread import check_readable
from alignmeter.engine import (
    EngineOptions,
    Opening,
    Stopped,
    drive,
    make_plan,
    open_session,
    stop_on_signal,
)
from alignmeter.errors import InputError, StorageError
from alignmeter.judges import cards_by_event
from alignmeter.records import Record
from alignmeter.store import counted_labels, new_run_folders, read_labels, write_parquet
from alignmeter.targets import TargetOptions
from alignmeter.threat_model import ThreatModel

if TYPE_CHECKING:
    from collections.abc import Generator

    from alignmeter.api.exposing import Showing
    from alignmeter.engine import Mode, Progress, Session
    from alignmeter.store import RunFolder

RUNS = Path("runs")
"""Folder that holds run folders, unless another is named."""


class RunRequest(Record, frozen=True):
    """What to run; everything but the target has a default.

    Attributes:
        target: `embedded`, `openai:MODEL`, `python:MODULE:FUNCTION`, `replay:RUN` or `transformers:FOLDER`.
        threat_model: YAML file or model; None for the preset `general-assistant`.
        runs: Folder of run folders.
        name: Name of the run folder; None makes one from time and target.
        resume: An existing run folder to go on with.
        fresh: Start anew although an unfinished run of the same design lies in `runs`.
        same_system: What answers at another address than the run of `name` or `resume` asked is the same
            system, which has moved.
        smoke: Twenty trials and no verdicts.
        fixed: Ask every trial, instead of stopping when a claim is decided.
        judges: Judges beside, or instead of, the built-in ones.
        force_sequestered: Show a sequestered pool to a remote model, or once more than it should be.
    """

    target: str
    target_options: TargetOptions = TargetOptions()
    engine: EngineOptions = EngineOptions()
    threat_model: Path | str | ThreatModel | None = None
    runs: Path | str = RUNS
    name: str | None = None
    resume: Path | str | None = None
    fresh: bool = False
    same_system: bool = False
    smoke: bool = False
    fixed: bool = False
    judges: JudgeChoice = JudgeChoice()
    force_sequestered: bool = False


def run(request: RunRequest, *, progress: Progress | None = None) -> Run:
    """Run an evaluation, or go on with an unfinished one, until its verdicts.

    Interrupts (Ctrl-C, SIGTERM) stop it cleanly; a second start resumes it.

    Raises:
        InputError: Something in the request is not usable; nothing was asked.
        TargetUnavailableError: The endpoint cannot be reached at all; nothing was asked.
        StorageError: The run folder cannot be written.
    """
    return wait_for(run_async, request, progress=progress)


async def run_async(request: RunRequest, *, progress: Progress | None = None) -> Run:
    """Like `run`, inside a running event loop."""
    _check(request)
    matter = matter_of(request.threat_model)
    arm = asked(matter, request.target, request.target_options, request.judges)
    target, judges = arm.target, arm.judges
    prepared = make_plan(
        matter.model,
        matter.probes(),
        cards=cards_by_event(judges.by_axis.values()),
        mode=_mode(request),
        axes=judges.by_axis,
    )
    unread = check_readable(prepared, judges)
    manifest = arm.manifest(matter, prepared)
    path, passed = run_path(request, manifest)
    showing = admit_held_out(
        prepared.trials, target, judges.shown, path=path, force=request.force_sequestered
    )
    async with AsyncExitStack() as opened:
        opening = Opening(path, request.engine, arm.variant)
        await open_run(opened, target, judges.targets, opening)
        path = path or new_run_folders(new_run_stem(request, manifest))[0]
        session = open_session(
            path,
            msgspec.structs.replace(manifest, run_id=path.name),
            prepared,
            opening.checked,
            same_system=request.same_system,
        )
        resumed = len(session.data.trials) - len(session.pending)
        with working_on(session, showing):
            if showing is not None:
                showing.begin(session.folder)
            if progress is not None:
                progress.started(
                    run=str(path),
                    target=manifest.target.name,
                    total=len(session.data.trials),
                    done=resumed,
                    claims=prepared.design.claims,
                )
                for note in (passed, moved_on(session), unread):
                    if note:
                        progress.note(note)
                if showing is not None and showing.notice:
                    progress.note(showing.notice)
            engine = arm.engine(session, request.engine, progress)
            with stop_on_signal(engine):
                stopped = await drive(session, prepared, engine)
    return finish_run(session.folder, stopped, resumed)


def _mode(request: RunRequest) -> Mode:
    if request.smoke:
        return "smoke"
    return "fixed" if request.fixed else "sequential"


def _check(request: RunRequest) -> None:
    """Refuse what contradicts itself, and numbers that no JSON file can hold.

    Raises:
        InputError: Names the field.
    """
    if request.resume is not None and (request.name is not None or request.fresh):
        raise InputError("`resume=` goes on with a run that has its name; leave `name=` and `fresh=` out")
    if request.same_system and request.name is None and request.resume is None:
        raise InputError(
            "`same_system=True` says of one run that its system has moved to another address; name the run "
            "with `name=` or `resume=`"
        )
    if request.smoke and request.fixed:
        raise InputError(
            "`smoke=True` asks twenty trials, `fixed=True` asks all of them; leave one of the two out"
        )
    check_name(request.name)
    sampling = request.target_options.sampling
    for field, value in (("temperature", sampling.temperature), ("top_p", sampling.top_p)):
        if not math.isfinite(value) or value < 0:
            raise InputError(f"{field} must be a finite number of at least 0, got {value!r}")


@contextmanager
def working_on(session: Session, showing: Showing | None) -> Generator[None]:
    """Enter what a run showed and close it at the end of the block.

    A run that this process began, and that an error ends before anything was asked, leaves nothing behind.

    Args:
        session: The run.
        showing: Its held-out probes; None where there are none.
    """
    failed = True
    try:
        yield
        failed = False
    finally:
        try:
            if showing is not None:
                showing.settle(session.folder)
        finally:
            session.close(failed=failed)


def finish_run(folder: RunFolder, stopped: Stopped, resumed: int) -> Run:
    """Analyse what the journal holds, and write results and tables."""
    manifest, data = folder.manifest, folder.read()
    labels = counted_labels(data, read_labels(folder.path))
    results = analyse(manifest, data, labels, drawn_by=drawings(folder, data, labels))
    if stopped.reason != "storage":
        try:
            folder.write_results(results)
            write_parquet(folder.path)
        except StorageError as error:
            stopped = unwritten(folder.path, stopped, error)
    return Run(
        path=folder.path,
        manifest=manifest,
        data=data,
        results=results,
        stopped=stopped,
        resumed=resumed,
        labels=labels,
    )


def unwritten(path: Path, stopped: Stopped | None, error: StorageError) -> Stopped:
    """Turn a disk that fails after the last trial into the reason why the run stopped.

    The verdicts are known by then, and must not be lost to a full disk; the journal has everything.
    """
    cause = str(error).partition("; ")[0].partition(": {")[0]
    complete = stopped is None or stopped.reason == "complete"
    way = f"then `alignmeter report {path}` writes them" if complete else "then start the same command again"
    return Stopped(
        reason="storage",
        detail=f"{cause}; every reply is kept in the journal - make room or fix the permissions, {way}",
    )
