"""Ask two targets side by side until the claim on their difference is decided; resume what was stopped."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from alignmeter.analysis.comparison import LEAST
from alignmeter.api.blocking import wait_for
from alignmeter.api.comparable import SAMPLED_BY
from alignmeter.api.comparing import check_share, compare
from alignmeter.api.comparison_plan import ROLES, comparison_plans
from alignmeter.api.exposing import admit_held_out
from alignmeter.api.judges_of_a_run import JudgeChoice
from alignmeter.api.models import open_run
from alignmeter.api.preparing import Asked, asked, matter_of
from alignmeter.api.run_paths import ENDINGS, check_name, comparison_paths, moved_on, new_comparison_stem
from alignmeter.api.running import RUNS, finish_run, working_on
from alignmeter.api.unread import check_readable
from alignmeter.engine import (
    EngineOptions,
    Opening,
    Prices,
    SideBySide,
    Spending,
    Stopped,
    drive,
    lasting,
    open_session,
    stop_on_signal,
)
from alignmeter.errors import InputError
from alignmeter.identity import fingerprint_hash
from alignmeter.records import Comparison, Record
from alignmeter.store import StopReason, new_run_folders, remove_empty
from alignmeter.targets import TargetOptions, refused_by
from alignmeter.threat_model import ThreatModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.engine import Plan, Session, Standing
    from alignmeter.records import (
        ArmRole,
        ComparisonDesign,
        RunManifest,
    )
    from alignmeter.targets import Target


class ArmRequest(Record, frozen=True):
    """One target of a comparison.

    Attributes:
        target: `embedded`, `openai:MODEL`, `python:MODULE:FUNCTION`, `replay:RUN` or `transformers:FOLDER`.
    """

    target: str
    options: TargetOptions = TargetOptions()


class CompareRequest(Record, frozen=True):
    """Which two targets to ask side by side; everything but the targets has a default.

    Attributes:
        engine: How hard each arm is pressed, and how much both may spend together. Where `judge_prices` is
            None, judges cost what the dearer target does.
        tuned_prices: What the tuned model costs; None for the same as the base, which `engine` says.
        threat_model: YAML file or model; None for the preset `general-assistant`.
        runs: Folder of run folders.
        name: The run folders are `NAME-base` and `NAME-tuned`; None makes a name from the time.
        fresh: Start anew although an unfinished comparison of the same design lies in `runs`.
        same_system: What answers at another address than the comparison of `name` asked is the same system,
            which has moved.
        margin: Largest accepted rise, in (0, 1); None for the threat model's `fine_tune_delta`.
        equivalence: Difference within which a line of the table counts as unchanged, in (0, 1).
        judges: Judges beside, or instead of, the built-in ones; the same for both.
        unmask: Show harmful requests among what flipped.
        force_sequestered: Show a sequestered pool to a remote model, or once more than it should be.
    """

    base: ArmRequest
    tuned: ArmRequest
    engine: EngineOptions = EngineOptions()
    tuned_prices: Prices | None = None
    threat_model: Path | str | ThreatModel | None = None
    runs: Path | str = RUNS
    name: str | None = None
    fresh: bool = False
    same_system: bool = False
    margin: float | None = None
    equivalence: float = LEAST
    judges: JudgeChoice = JudgeChoice()
    unmask: bool = False
    force_sequestered: bool = False


class LiveComparison(Record, frozen=True):
    """What a comparison of two targets came to.

    Attributes:
        stopped: Why asking stopped: `complete` where the claim was decided, or nothing more was to ask.
        detail: What the arm that stopped it said.
        resumed: Trials that were answered when this process began, of both arms.
        spent: Of both arms together, by all processes.
    """

    comparison: Comparison
    base: Path
    tuned: Path
    stopped: StopReason
    detail: str = ""
    resumed: int = 0
    spent: Spending = Spending()

    @property
    def exit_code(self) -> int:
        """130 interrupted, 5 failed, else that of the comparison."""
        code = Stopped(reason=self.stopped).exit_code
        return self.comparison.exit_code if code is None else code


class ComparisonProgress(Protocol):
    """A display of two arms; called from the event loop, so it must be quick."""

    def started(self, *, base: str, tuned: str, design: ComparisonDesign, standing: Standing) -> None:
        """Both arms begin, or go on."""
        ...

    def update(self, standing: Standing) -> None:
        """An answer was counted."""
        ...

    def note(self, message: str) -> None:
        """One line that people should see."""
        ...


def compare_targets(request: CompareRequest, *, progress: ComparisonProgress | None = None) -> LiveComparison:
    """Ask two targets the same attacked harmful requests until the claim on their difference is decided.

    Both are asked up to the next of ten looks fixed beforehand, the pairs are tested, and asking goes on
    or stops. Each arm is an ordinary run folder; started again, the same request goes on where it
    stopped.

    Raises:
        InputError: Something in the request is not usable; nothing was asked.
        TargetUnavailableError: An endpoint cannot be reached at all; nothing was asked.
        StorageError: A run folder cannot be written.
    """
    return wait_for(compare_targets_async, request, progress=progress)


class _Arm(NamedTuple):
    role: ArmRole
    asked: Asked
    plan: Plan
    manifest: RunManifest


async def compare_targets_async(
    request: CompareRequest, *, progress: ComparisonProgress | None = None
) -> LiveComparison:
    """Like `compare_targets`, inside a running event loop."""
    _check(request)
    base, tuned = _prepare(request)
    arms = (base, tuned)
    unread = check_readable(base.plan, base.asked.judges)
    pressed = _pressed(request)
    known, passed = comparison_paths(request, (base.manifest, tuned.manifest))
    showings = [
        admit_held_out(
            arm.plan.trials,
            arm.asked.target,
            arm.asked.judges.shown,
            path=path,
            force=request.force_sequestered,
        )
        for arm, path in zip(arms, known or (None, None), strict=True)
    ]
    async with AsyncExitStack() as opened:
        first, second = known or (None, None)
        before = Opening(first, pressed[0], base.asked.variant)
        openings = (before, Opening(second, pressed[1], tuned.asked.variant, beside=before))
        for arm, opening in zip(arms, openings, strict=True):
            await open_run(opened, arm.asked.target, arm.asked.judges.targets, opening)
        if not any(path.exists() for path in known or ()):
            _check_servers(base.asked.target, tuned.asked.target)
        sessions: list[Session] = []
        paths = known or new_run_folders(new_comparison_stem(request), ENDINGS)
        opened.callback(remove_empty, paths)  # where the second arm never began
        for arm, opening, path, showing in zip(arms, openings, paths, showings, strict=True):
            manifest = msgspec.structs.replace(arm.manifest, run_id=path.name)
            session = open_session(path, manifest, arm.plan, opening.checked, same_system=request.same_system)
            opened.enter_context(working_on(session, showing))
            sessions.append(session)
            if showing is not None:
                showing.begin(session.folder)
        shown = [showing.notice for showing in showings if showing is not None]
        for note in (passed, unread, *map(moved_on, sessions), *shown):
            if note and progress is not None:
                progress.note(note)
        ended, spent = await _ask(arms, sessions, pressed, progress)
    resumed = [len(session.data.trials) - len(session.pending) for session in sessions]
    for session, stopped, before in zip(sessions, ended, resumed, strict=True):
        finished = finish_run(session.folder, stopped, before).stopped or stopped
        if finished.reason == "storage":
            ended = (finished, *ended)
    worst = min(ended, key=lambda stopped: _SEVERITY.index(stopped.reason))
    return LiveComparison(
        comparison=compare(*paths, equivalence=request.equivalence, unmask=request.unmask),
        base=paths[0],
        tuned=paths[1],
        stopped=worst.reason,
        detail=worst.detail,
        resumed=sum(resumed),
        spent=spent,
    )


_SEVERITY: tuple[StopReason, ...] = (
    "storage",
    "target_unavailable",
    "judge_unavailable",
    "interrupted",
    "budget",
    "complete",
)


async def _ask(
    arms: Sequence[_Arm],
    sessions: Sequence[Session],
    options: tuple[EngineOptions, EngineOptions],
    progress: ComparisonProgress | None,
) -> tuple[tuple[Stopped, ...], Spending]:
    """Drive both arms under one budget; where one stops before the end, so does the other."""
    design = arms[1].plan.design.comparison
    assert design is not None  # noqa: S101 - made by `_comparison_plan`
    claim = arms[0].plan.design.claims[0]
    both = SideBySide(
        arms[0].plan.trials,
        kind=claim.kind,
        axis=claim.axis,
        design=design,
        told=None if progress is None else progress.update,
    )
    schedules = [
        both.arm(arm.role, session.pending, lasting(session.data).get(claim.axis, {}))
        for arm, session in zip(arms, sessions, strict=True)
    ]
    if progress is not None:
        paths = [str(session.folder.path) for session in sessions]
        progress.started(base=paths[0], tuned=paths[1], design=design, standing=both.standing)
    base = arms[0].asked.engine(sessions[0], options[0])
    engines = (base, arms[1].asked.engine(sessions[1], options[1], beside=base))

    async def one(place: int) -> Stopped:
        arm = arms[place]
        stopped = await drive(sessions[place], arm.plan, engines[place], schedules[place])
        why = f"the {arm.role} arm stopped: {stopped.detail}"
        for engine in engines:
            if stopped.reason == "budget":
                engine.finish("budget", why)
            elif stopped.reason != "complete":
                engine.stop("interrupted", why)  # it did nothing wrong itself
        return stopped

    with stop_on_signal(*engines):
        tasks = [asyncio.create_task(one(place)) for place in range(len(arms))]
        try:
            return tuple(await asyncio.gather(*tasks)), base.budget.purse.spending
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # their journals are closed next
            raise


def _pressed(request: CompareRequest) -> tuple[EngineOptions, EngineOptions]:
    """How either arm is pressed: alike but for what its model costs."""
    base, tuned = request.engine.prices, request.tuned_prices or request.engine.prices
    judges = request.engine.judge_prices or Prices(
        prompt=max(base.prompt, tuned.prompt), completion=max(base.completion, tuned.completion)
    )
    made = msgspec.structs.replace(request.engine, judge_prices=judges)
    return made, msgspec.structs.replace(made, prices=tuned)


# --- what is asked -------------------------------------------------------------------------------


def _check(request: CompareRequest) -> None:
    check_share("margin", request.margin)
    check_share("equivalence", request.equivalence)
    check_name(request.name)
    if request.same_system and request.name is None:
        raise InputError(
            "`same_system=True` says of one comparison that its system has moved to another address; name "
            "the comparison with `name=`"
        )
    one, two = request.base.options.sampling, request.tuned.options.sampling
    if one != two:
        raise InputError(f"both targets must be sampled alike, got {one!r} and {two!r}")


def _check_servers(base: Target, tuned: Target) -> None:
    """Refuse to begin what would be INVALID at its end: one server refuses a parameter that the other takes.

    Raises:
        InputError: Names the parameter and the server.
    """
    refused = refused_by(base), refused_by(tuned)
    if refused[0] is None or refused[1] is None:
        return
    for field in SAMPLED_BY:
        if (field in refused[0]) != (field in refused[1]):
            refuses, takes = (base, tuned) if field in refused[0] else (tuned, base)
            raise InputError(
                f"both targets must be sampled alike, but the server of {refuses.spec} refuses {field}="
                f"{getattr(base.fingerprint.sampling, field)!r}, which that of {takes.spec} takes; give one "
                f"that both take (often 1)"
            )


def _prepare(request: CompareRequest) -> tuple[_Arm, _Arm]:
    """Plan both arms; nothing is opened yet."""
    matter = matter_of(request.threat_model)
    both = [asked(matter, arm.target, arm.options, request.judges) for arm in (request.base, request.tuned)]
    base, tuned = (fingerprint_hash(arm.target.fingerprint) for arm in both)
    plans = comparison_plans(
        matter.model, matter.probes(), both[0].judges, partners=(tuned, base), margin=request.margin
    )
    arms = [
        _Arm(role, arm, plan, arm.manifest(matter, plan))
        for role, arm, plan in zip(ROLES, both, plans, strict=True)
    ]
    if arms[0].manifest.judges != arms[1].manifest.judges:
        raise InputError("both targets must be judged alike, got different judges for base and tuned")
    return arms[0], arms[1]
