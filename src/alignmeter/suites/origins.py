"""Where an imported suite comes from: the record of its import, beside its rows.

`alignmeter suites import` writes `SUITE.manifest.json` into the folder of the user's own suites. Its
presence says that the rows are somebody else's: they are held to the rules for imported rows, and runs
that ask them name their licence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Record

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

ORIGIN_SUFFIX = ".manifest.json"
"""Ending of the file that records an import, after the name of the suite."""


class SuiteOrigin(Record, frozen=True):
    """One import.

    Attributes:
        suite: Name of the suite.
        manifest: Name of the manifest; `manifest_sha256` is that of its text.
        title, licence, citation, homepage: Of the public file, as the manifest gives them.
        source: Names of the files that were read, without their folders.
        source_sha256: SHA-256 over their bytes, in the order of the names.
        rows: Rows read; `probes` of them were kept or made.
        families: Independent units among the probes.
        imported_on: Day of the import, as YYYY-MM-DD.
        tax_limit: Of a custom domain: the largest relative tax that it may pay, where it says so.
    """

    suite: str
    manifest: str
    manifest_sha256: str
    title: str
    licence: str
    citation: str
    homepage: str
    source: tuple[str, ...]
    source_sha256: str
    rows: int
    probes: int
    families: int
    imported_on: str
    alignmeter_version: str
    tax_limit: float | None = None

    @property
    def sentence(self) -> str:
        """One line for reports: what it is, under which licence, from which bytes."""
        files = self.source[0] if len(self.source) == 1 else f"{len(self.source)} files"
        return (
            f"{self.title}; licence {self.licence}; {self.citation}; imported from {files} "
            f"(SHA-256 {self.source_sha256[:12]}) on {self.imported_on}"
        )


def origin_path(folder: Path, suite: str) -> Path:
    """Return where the record of an import stands."""
    return folder / f"{suite}{ORIGIN_SUFFIX}"


def read_origin(entry: Path | Traversable) -> SuiteOrigin:
    """Read the record of an import.

    Raises:
        InputError: The file is none.
    """
    try:
        return msgspec.json.decode(entry.read_bytes(), type=SuiteOrigin)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"{entry}: expected the record of an import, got {str(error)!r}; import the suite again"
        ) from None
