"""Claims, their designs and the verdicts; sees records of trials and judgements only."""

from alignmeter.verdicts.changes import Change, change
from alignmeter.verdicts.claims import build_claims, dispatch_order
from alignmeter.verdicts.coverage import (
    claimed_limits,
    coverage,
    coverage_claims,
    unlike_users,
    unmeasured_limits,
    without_unasked_limits,
)
from alignmeter.verdicts.decide import RULE, RULES, decide
from alignmeter.verdicts.delta_design import DeltaMargins, delta_margins, design_comparison
from alignmeter.verdicts.deltas import (
    comparison_exit_code,
    decide_categories,
    decide_delta,
)
from alignmeter.verdicts.design import (
    ClaimSize,
    ErrorRates,
    boundaries_of,
    corrected_rate,
    design_claim,
    detectable_rate,
    floor_of,
    is_decidable,
    judged_rate,
)
from alignmeter.verdicts.evidence import tally
from alignmeter.verdicts.forecast import PLAUSIBLE, Forecast, expect, expected_units, forecast
from alignmeter.verdicts.gap_errors import counts_full_refusals
from alignmeter.verdicts.gap_forecast import GapForecast, gap_forecast
from alignmeter.verdicts.gap_tests import FLOOR_SOUGHT
from alignmeter.verdicts.gaps import gap_under
from alignmeter.verdicts.gate import (
    Check,
    Gate,
    Policy,
    Status,
    exit_code,
    gate_exit_code,
    gate_notes,
    open_gate,
)
from alignmeter.verdicts.judge_bounds import card_for, mix_caveat, stratum_of
from alignmeter.verdicts.label_estimate import claim_labels, label_draws, label_shares
from alignmeter.verdicts.label_queue import claim_queue
from alignmeter.verdicts.labelled import can_be_labelled
from alignmeter.verdicts.labelled_stream import resumed_stream
from alignmeter.verdicts.outcomes import UnitOutcome, counted_against, is_bad, unit_outcome
from alignmeter.verdicts.pair_outcomes import judged_outcomes
from alignmeter.verdicts.paired_decision import Asked
from alignmeter.verdicts.paired_tests import (
    Tested,
    tested_at_looks,
)
from alignmeter.verdicts.people import is_disputed, opinions, people_answers, settled, standing
from alignmeter.verdicts.sentences import CAVEATS
from alignmeter.verdicts.shapes import ATTACKED, BASELINE
from alignmeter.verdicts.stream import ClaimStream, GapStream, State, Stream
from alignmeter.verdicts.ways_to_pass import ENOUGH, WaysToPass, ways_to_pass

__all__ = [
    "ATTACKED",
    "BASELINE",
    "CAVEATS",
    "ENOUGH",
    "FLOOR_SOUGHT",
    "PLAUSIBLE",
    "RULE",
    "RULES",
    "Asked",
    "Change",
    "Check",
    "ClaimSize",
    "ClaimStream",
    "DeltaMargins",
    "ErrorRates",
    "Forecast",
    "GapForecast",
    "GapStream",
    "Gate",
    "Policy",
    "State",
    "Status",
    "Stream",
    "Tested",
    "UnitOutcome",
    "WaysToPass",
    "boundaries_of",
    "build_claims",
    "can_be_labelled",
    "card_for",
    "change",
    "claim_labels",
    "claim_queue",
    "claimed_limits",
    "comparison_exit_code",
    "corrected_rate",
    "counted_against",
    "counts_full_refusals",
    "coverage",
    "coverage_claims",
    "decide",
    "decide_categories",
    "decide_delta",
    "delta_margins",
    "design_claim",
    "design_comparison",
    "detectable_rate",
    "dispatch_order",
    "exit_code",
    "expect",
    "expected_units",
    "floor_of",
    "forecast",
    "gap_forecast",
    "gap_under",
    "gate_exit_code",
    "gate_notes",
    "is_bad",
    "is_decidable",
    "is_disputed",
    "judged_outcomes",
    "judged_rate",
    "label_draws",
    "label_shares",
    "mix_caveat",
    "open_gate",
    "opinions",
    "people_answers",
    "resumed_stream",
    "settled",
    "standing",
    "stratum_of",
    "tally",
    "tested_at_looks",
    "unit_outcome",
    "unlike_users",
    "unmeasured_limits",
    "ways_to_pass",
    "without_unasked_limits",
]
