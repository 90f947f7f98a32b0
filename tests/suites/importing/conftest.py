"""Public files beside the repository, made-up ones in a temporary folder, and imports of both."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from alignmeter.suites import parse_suite
from alignmeter.suites.importing import Built, Manifest, build, find_manifest, match_files, parse_manifest
from alignmeter.suites.schema import SuiteFile

if TYPE_CHECKING:
    from alignmeter.records import Probe

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """The folder of public data sets, or the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip("the public data sets are not beside the repository, in ../shared/data")
    return SHARED


class Importing:
    """Imports with the manifests of the package; nothing is written."""

    def run(self, name: str, path: Path) -> Built:
        """What comes of a file or folder."""
        manifest = find_manifest(name).manifest
        return build(manifest, match_files(path, manifest))

    def probes(self, built: Built) -> list[Probe]:
        """The probes as a run would load them: by language, held to the rules for imported rows."""
        suite = next(iter(built.probes)).partition("-")[0]
        found: list[Probe] = []
        for language in dict.fromkeys(kept.language for kept in built.probes.values()):
            lines = [kept.line for kept in built.probes.values() if kept.language == language]
            file = SuiteFile(f"{suite}.{language}.jsonl", suite, language)
            found.extend(parse_suite(b"\n".join(lines), file, rules="imported"))
        return found

    def count(self, built: Built, field: str) -> dict[str, int]:
        """How many probes have each value of a field."""
        return dict(Counter(str(getattr(probe, field)) for probe in self.probes(built)))


@pytest.fixture
def importing() -> Importing:
    """Imports with the manifests of the package."""
    return Importing()


_FIELDS: dict[str, Any] = {
    "prompt": {"column": "text"},
    "language": {"value": "en"},
    "intent": {"value": "harmful"},
    "domain": {"value": "general"},
}


def _manifest_of(**table: Any) -> Manifest:  # noqa: ANN401 - keys of a table
    """A manifest with one table, whose fields are those of `_FIELDS` and what is given."""
    fields = _FIELDS | table.pop("fields", {})
    document = {
        "name": "made_up",
        "title": "Made up",
        "licence": "CC0",
        "citation": "Nobody 2026",
        "homepage": "https://example.org",
        "tables": [{"files": ["*"], "fields": fields} | table],
    }
    return parse_manifest(json.dumps(document), "made_up.yaml")


class Made(Protocol):
    """Imports a file with this content."""

    def __call__(self, content: str | bytes, name: str = "rows.csv", **table: Any) -> Built: ...  # noqa: ANN401


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Imports a made-up file with a manifest of one table."""

    def build_it(content: str | bytes, name: str = "rows.csv", **table: Any) -> Built:  # noqa: ANN401
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        manifest = _manifest_of(**table)
        return build(manifest, match_files(path, manifest))

    return build_it
