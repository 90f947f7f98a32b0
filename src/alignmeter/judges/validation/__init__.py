"""How well a judge agrees with people: the figures behind its card.

An unscored reply is one more answer of the judge. It never agrees with a person, so abstaining
cannot make a judge look better.
"""

from __future__ import annotations

from alignmeter.judges.validation.asking import CONCURRENCY, JudgedReply, Progress, Question, ask, questions
from alignmeter.judges.validation.calibration import calibration
from alignmeter.judges.validation.events import Estimate, EventAccuracy, clustered_share, event_accuracy
from alignmeter.judges.validation.report import Agreement, ValidationReport, measure
from alignmeter.judges.validation.run import validate

__all__ = [
    "CONCURRENCY",
    "Agreement",
    "Estimate",
    "EventAccuracy",
    "JudgedReply",
    "Progress",
    "Question",
    "ValidationReport",
    "ask",
    "calibration",
    "clustered_share",
    "event_accuracy",
    "measure",
    "questions",
    "validate",
]
