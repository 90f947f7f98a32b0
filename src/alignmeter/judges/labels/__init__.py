"""Readers of labelled replies, the truth that a judge is measured against."""

from __future__ import annotations

from alignmeter.judges.labels.formats import load_labels
from alignmeter.judges.labels.own import parse_pairs
from alignmeter.judges.labels.replies import (
    CLASSES,
    LABEL_FORMATS,
    Label,
    LabelAxis,
    LabelFormat,
    LabelledReply,
    Split,
)
from alignmeter.judges.labels.shipped import ShippedLabels, shipped_labels

__all__ = [
    "CLASSES",
    "LABEL_FORMATS",
    "Label",
    "LabelAxis",
    "LabelFormat",
    "LabelledReply",
    "ShippedLabels",
    "Split",
    "load_labels",
    "parse_pairs",
    "shipped_labels",
]
