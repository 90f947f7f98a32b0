"""The engine: plan, dispatch, judge, tell the design; concurrency, retries, budgets, resume."""

from alignmeter.engine.allowance import Allowance, Costs, Work
from alignmeter.engine.budget import Prices
from alignmeter.engine.caller import RetryPolicy
from alignmeter.engine.judge_calls import JudgeCalls, about_to_show, counting, shown_to_judge
from alignmeter.engine.loop import Engine, Stopped
from alignmeter.engine.opening import Opening
from alignmeter.engine.options import EngineOptions
from alignmeter.engine.planning import SMOKE_TRIALS, Mode, Plan, make_plan, prompt_tokens
from alignmeter.engine.progress import Progress, Snapshot
from alignmeter.engine.purse import Limits, Spending
from alignmeter.engine.rendering import BEST_OF_N, render
from alignmeter.engine.resuming import Twin, check_resumable, differences, twin
from alignmeter.engine.schedule import ClaimState, SequentialSchedule
from alignmeter.engine.session import (
    Session,
    drive,
    lasting,
    make_manifest,
    open_engine,
    open_session,
)
from alignmeter.engine.side_by_side import SideBySide, Standing
from alignmeter.engine.spending import Before
from alignmeter.engine.stopping import stop_on_signal

__all__ = [
    "BEST_OF_N",
    "SMOKE_TRIALS",
    "Allowance",
    "Before",
    "ClaimState",
    "Costs",
    "Engine",
    "EngineOptions",
    "JudgeCalls",
    "Limits",
    "Mode",
    "Opening",
    "Plan",
    "Prices",
    "Progress",
    "RetryPolicy",
    "SequentialSchedule",
    "Session",
    "SideBySide",
    "Snapshot",
    "Spending",
    "Standing",
    "Stopped",
    "Twin",
    "Work",
    "about_to_show",
    "check_resumable",
    "counting",
    "differences",
    "drive",
    "lasting",
    "make_manifest",
    "make_plan",
    "open_engine",
    "open_session",
    "prompt_tokens",
    "render",
    "shown_to_judge",
    "stop_on_signal",
    "twin",
]
