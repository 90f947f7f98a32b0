"""The public API: plan a run, run it, resume it, read it back, analyse it again."""

from __future__ import annotations

from alignmeter.analysis.score_means import compare_scores, describe_scores
from alignmeter.api.auditing import GapAudit, audit
from alignmeter.api.checks import check_endpoint
from alignmeter.api.comparing import compare
from alignmeter.api.control_chart import history
from alignmeter.api.custom_domains import CustomDomain, import_domain
from alignmeter.api.frontier import frontier
from alignmeter.api.gating import changes, gate
from alignmeter.api.importing import (
    ImportedCell,
    ImportedSuite,
    KnownManifest,
    import_manifests,
    import_suite,
    new_manifest,
)
from alignmeter.api.judges_of_a_run import JudgeChoice, RunJudges, judges_of
from alignmeter.api.judging import (
    Calibrated,
    calibrate_judge,
    judge_cards,
    open_judge,
    validate_answers,
    validate_judge,
)
from alignmeter.api.lab import ablate, convert_adapter, finetune, steer
from alignmeter.api.label_files import Imported, export_labels, import_labels
from alignmeter.api.label_status import LabelAgreement, LabelStatus, label_agreement, label_status
from alignmeter.api.labelling import Labelling, LabelTask, add_labels, label_queue
from alignmeter.api.planning import (
    judge_calls,
    plan,
    read_prices,
    read_threat_model,
    selected_suites,
    ways_to_pass,
)
from alignmeter.api.reading import Run, analyse, load_run, refresh
from alignmeter.api.regions import regions
from alignmeter.api.rejudging import Disagreement, Rejudged, disagreements, rejudge, under_judge
from alignmeter.api.rotating import (
    Verification,
    rotate_new,
    rotate_retire,
    rotate_reveal,
    rotate_status,
    rotate_verify,
)
from alignmeter.api.running import RUNS, RunRequest, run, run_async, unwritten
from alignmeter.api.score_tables import read_scores, tax_scores
from alignmeter.api.scorer_audit import ScorerAudit, ScorerRequest, audit_scorer
from alignmeter.api.side_by_side import (
    ArmRequest,
    CompareRequest,
    ComparisonProgress,
    LiveComparison,
    compare_targets,
    compare_targets_async,
)
from alignmeter.api.taxing import tax
from alignmeter.api.translating import Translated, TranslateRequest, translate_suite
from alignmeter.rotation import NewCycle

__all__ = [
    "RUNS",
    "ArmRequest",
    "Calibrated",
    "CompareRequest",
    "ComparisonProgress",
    "CustomDomain",
    "Disagreement",
    "GapAudit",
    "Imported",
    "ImportedCell",
    "ImportedSuite",
    "JudgeChoice",
    "KnownManifest",
    "LabelAgreement",
    "LabelStatus",
    "LabelTask",
    "Labelling",
    "LiveComparison",
    "NewCycle",
    "Rejudged",
    "Run",
    "RunJudges",
    "RunRequest",
    "ScorerAudit",
    "ScorerRequest",
    "TranslateRequest",
    "Translated",
    "Verification",
    "ablate",
    "add_labels",
    "analyse",
    "audit",
    "audit_scorer",
    "calibrate_judge",
    "changes",
    "check_endpoint",
    "compare",
    "compare_scores",
    "compare_targets",
    "compare_targets_async",
    "convert_adapter",
    "describe_scores",
    "disagreements",
    "export_labels",
    "finetune",
    "frontier",
    "gate",
    "history",
    "import_domain",
    "import_labels",
    "import_manifests",
    "import_suite",
    "judge_calls",
    "judge_cards",
    "judges_of",
    "label_agreement",
    "label_queue",
    "label_status",
    "load_run",
    "new_manifest",
    "open_judge",
    "plan",
    "read_prices",
    "read_scores",
    "read_threat_model",
    "refresh",
    "regions",
    "rejudge",
    "rotate_new",
    "rotate_retire",
    "rotate_reveal",
    "rotate_status",
    "rotate_verify",
    "run",
    "run_async",
    "selected_suites",
    "steer",
    "tax",
    "tax_scores",
    "translate_suite",
    "under_judge",
    "unwritten",
    "validate_answers",
    "validate_judge",
    "ways_to_pass",
]
