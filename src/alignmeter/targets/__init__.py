"""Targets: the systems under test behind one Protocol. Only this floor talks to a model."""

from alignmeter.targets.base import (
    Reply,
    Request,
    Target,
    adaptation,
    extra_of,
    learn,
    probe,
    refused_by,
    settled,
)
from alignmeter.targets.resolve import BARE, KINDS, TargetOptions, is_target_spec, resolve_target
from alignmeter.targets.variants import Variant, load_variant

__all__ = [
    "BARE",
    "KINDS",
    "Reply",
    "Request",
    "Target",
    "TargetOptions",
    "Variant",
    "adaptation",
    "extra_of",
    "is_target_spec",
    "learn",
    "load_variant",
    "probe",
    "refused_by",
    "resolve_target",
    "settled",
]
