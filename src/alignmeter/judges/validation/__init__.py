"""How well a judge agrees with people: the figures behind its card.

In figures over all replies an unscored one is one more answer of the judge, which never agrees with a person,
so that abstaining cannot make a judge look better. Events, and the kappa of a card, are over the scored
replies, with the share that has no score beside them: claims count such replies apart.
"""

from __future__ import annotations

from alignmeter.judges.validation.asking import CONCURRENCY, JudgedReply, Progress, Question, ask, questions
from alignmeter.judges.validation.calibration import calibration
from alignmeter.judges.validation.drawn import Draws, RunReply
from alignmeter.judges.validation.events import Estimate, EventAccuracy, clustered_share, event_accuracy
from alignmeter.judges.validation.report import Agreement, ValidationReport, measure
from alignmeter.judges.validation.run import validate

__all__ = [
    "CONCURRENCY",
    "Agreement",
    "Draws",
    "Estimate",
    "EventAccuracy",
    "JudgedReply",
    "Progress",
    "Question",
    "RunReply",
    "ValidationReport",
    "ask",
    "calibration",
    "clustered_share",
    "event_accuracy",
    "measure",
    "questions",
    "validate",
]
