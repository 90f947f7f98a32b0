"""Suites: what is asked. Probes as data files, the catalogue that loads them, their rendering."""

from __future__ import annotations

from alignmeter.suites.catalogue import (
    GENERATED_SUITES,
    ONLY_WHEN_NAMED,
    ProbeCount,
    built_in_domains,
    check_folder,
    check_suite,
    counts,
    generate_suite,
    imported_suites,
    load_catalogue,
    load_suite,
    own_suites,
    readable_probes,
    readable_suite,
    suite_digest,
    suite_files,
    suite_names,
    suite_origin,
    suite_sources,
    suite_tax_limits,
    user_folder,
)
from alignmeter.suites.checks import SuiteFinding, check_suites
from alignmeter.suites.facts import generate_facts
from alignmeter.suites.origins import SuiteOrigin
from alignmeter.suites.rendering import render_request
from alignmeter.suites.schema import HAZARDS, SuiteFile, parse_suite
from alignmeter.suites.variants import VARIANTS, VariantName, variant

__all__ = [
    "GENERATED_SUITES",
    "HAZARDS",
    "ONLY_WHEN_NAMED",
    "VARIANTS",
    "ProbeCount",
    "SuiteFile",
    "SuiteFinding",
    "SuiteOrigin",
    "VariantName",
    "built_in_domains",
    "check_folder",
    "check_suite",
    "check_suites",
    "counts",
    "generate_facts",
    "generate_suite",
    "imported_suites",
    "load_catalogue",
    "load_suite",
    "own_suites",
    "parse_suite",
    "readable_probes",
    "readable_suite",
    "render_request",
    "suite_digest",
    "suite_files",
    "suite_names",
    "suite_origin",
    "suite_sources",
    "suite_tax_limits",
    "user_folder",
    "variant",
]
