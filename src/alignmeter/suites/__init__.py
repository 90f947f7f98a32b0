"""Suites: what is asked. Probes as data files, the catalogue that loads them, their rendering."""

from __future__ import annotations

from alignmeter.suites.catalogue import (
    GENERATED_SUITES,
    ProbeCount,
    counts,
    load_catalogue,
    load_suite,
    suite_digest,
    suite_files,
    suite_names,
)
from alignmeter.suites.checks import SuiteCheck, SuiteFinding, check_suites
from alignmeter.suites.facts import generate_facts
from alignmeter.suites.rendering import render_request
from alignmeter.suites.schema import HAZARDS, SuiteFile, parse_suite
from alignmeter.suites.variants import VARIANTS, VariantName, variant

__all__ = [
    "GENERATED_SUITES",
    "HAZARDS",
    "VARIANTS",
    "ProbeCount",
    "SuiteCheck",
    "SuiteFile",
    "SuiteFinding",
    "VariantName",
    "check_suites",
    "counts",
    "generate_facts",
    "load_catalogue",
    "load_suite",
    "parse_suite",
    "render_request",
    "suite_digest",
    "suite_files",
    "suite_names",
    "variant",
]
