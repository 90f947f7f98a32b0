"""Suites: what is asked. Probes as data files, the catalogue that loads them, their rendering."""

from __future__ import annotations

from alignmeter.suites.catalogue import (
    ProbeCount,
    counts,
    load_catalogue,
    load_suite,
    suite_digest,
    suite_files,
    suite_names,
)
from alignmeter.suites.checks import SuiteCheck, SuiteFinding, check_suites
from alignmeter.suites.rendering import render_request
from alignmeter.suites.schema import HAZARDS, SuiteFile, parse_suite

__all__ = [
    "HAZARDS",
    "ProbeCount",
    "SuiteCheck",
    "SuiteFile",
    "SuiteFinding",
    "check_suites",
    "counts",
    "load_catalogue",
    "load_suite",
    "parse_suite",
    "render_request",
    "suite_digest",
    "suite_files",
    "suite_names",
]
