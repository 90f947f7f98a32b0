"""The public API: plan a run, run it, resume it, read it back, analyse it again."""

from __future__ import annotations

from alignmeter.api.checks import check_endpoint
from alignmeter.api.gating import changes, gate
from alignmeter.api.judges_of_a_run import JudgeChoice, RunJudges, judges_of
from alignmeter.api.judging import (
    Calibrated,
    calibrate_judge,
    judge_cards,
    open_judge,
    validate_answers,
    validate_judge,
)
from alignmeter.api.label_files import Imported, export_labels, import_labels
from alignmeter.api.label_status import LabelAgreement, LabelStatus, label_agreement, label_status
from alignmeter.api.labelling import Labelling, LabelTask, add_labels, label_queue
from alignmeter.api.planning import judge_calls, plan, read_prices, read_threat_model, selected_suites
from alignmeter.api.reading import Run, analyse, load_run, refresh
from alignmeter.api.rejudging import Disagreement, Rejudged, disagreements, rejudge, under_judge
from alignmeter.api.running import RUNS, RunRequest, run, run_async, unwritten
from alignmeter.api.score_tables import read_scores, tax_scores
from alignmeter.api.taxing import tax

__all__ = [
    "RUNS",
    "Calibrated",
    "Disagreement",
    "Imported",
    "JudgeChoice",
    "LabelAgreement",
    "LabelStatus",
    "LabelTask",
    "Labelling",
    "Rejudged",
    "Run",
    "RunJudges",
    "RunRequest",
    "add_labels",
    "analyse",
    "calibrate_judge",
    "changes",
    "check_endpoint",
    "disagreements",
    "export_labels",
    "gate",
    "import_labels",
    "judge_calls",
    "judge_cards",
    "judges_of",
    "label_agreement",
    "label_queue",
    "label_status",
    "load_run",
    "open_judge",
    "plan",
    "read_prices",
    "read_scores",
    "read_threat_model",
    "refresh",
    "rejudge",
    "run",
    "run_async",
    "selected_suites",
    "tax",
    "tax_scores",
    "under_judge",
    "unwritten",
    "validate_answers",
    "validate_judge",
]
