"""The engine: plan, dispatch, judge, tell the design; concurrency, retries, budgets, resume."""

from alignmeter.engine.budget import Limits, Prices
from alignmeter.engine.caller import RetryPolicy
from alignmeter.engine.judge_calls import JudgeCalls, counting
from alignmeter.engine.loop import Engine, EngineOptions, Stopped
from alignmeter.engine.planning import SMOKE_TRIALS, Mode, Plan, make_plan, render
from alignmeter.engine.progress import Progress, Snapshot
from alignmeter.engine.schedule import ClaimState, FixedSchedule, Schedule, SequentialSchedule
from alignmeter.engine.session import (
    Session,
    check_resumable,
    differences,
    drive,
    make_manifest,
    open_session,
)

__all__ = [
    "SMOKE_TRIALS",
    "ClaimState",
    "Engine",
    "EngineOptions",
    "FixedSchedule",
    "JudgeCalls",
    "Limits",
    "Mode",
    "Plan",
    "Prices",
    "Progress",
    "RetryPolicy",
    "Schedule",
    "SequentialSchedule",
    "Session",
    "Snapshot",
    "Stopped",
    "check_resumable",
    "counting",
    "differences",
    "drive",
    "make_manifest",
    "make_plan",
    "open_session",
    "render",
]
