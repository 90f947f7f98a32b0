"""Readers of labelled replies, the truth that a judge is measured against."""

from __future__ import annotations

from alignmeter.judges.labels.formats import load_labels
from alignmeter.judges.labels.own import parse_pairs
from alignmeter.judges.labels.replies import (
    CLASSES,
    Label,
    LabelAxis,
    LabelFormat,
    LabelledReply,
    Split,
)
from alignmeter.judges.labels.shipped import shipped_labels

__all__ = [
    "CLASSES",
    "Label",
    "LabelAxis",
    "LabelFormat",
    "LabelledReply",
    "Split",
    "load_labels",
    "parse_pairs",
    "shipped_labels",
]
