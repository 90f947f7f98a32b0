"""Importers: a declarative manifest turns a public file into a suite of probes."""

from __future__ import annotations

from alignmeter.suites.importing.building import Built, FileCount, build, draw_families
from alignmeter.suites.importing.domains import Domain, read_domain, tax_share
from alignmeter.suites.importing.drafting import draft_manifest
from alignmeter.suites.importing.library import (
    built_in_manifests,
    find_manifest,
    manifest_names,
    parse_manifest,
)
from alignmeter.suites.importing.manifest import Manifest
from alignmeter.suites.importing.matching import Matched, match_files
from alignmeter.suites.importing.source import open_source
from alignmeter.suites.importing.writing import write_suite

__all__ = [
    "Built",
    "Domain",
    "FileCount",
    "Manifest",
    "Matched",
    "build",
    "built_in_manifests",
    "draft_manifest",
    "draw_families",
    "find_manifest",
    "manifest_names",
    "match_files",
    "open_source",
    "parse_manifest",
    "read_domain",
    "tax_share",
    "write_suite",
]
