"""Import a public data set as a suite: a manifest and a source in, a suite file and its record out."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from alignmeter._version import __version__
from alignmeter.errors import InputError
from alignmeter.files import write_text
from alignmeter.records import Record
from alignmeter.suites import (
    SuiteOrigin,
    imported_suites,
    suite_names,
    user_folder,
)
from alignmeter.suites.importing import (
    FileCount,
    Manifest,
    build,
    built_in_manifests,
    draft_manifest,
    draw_families,
    find_manifest,
    match_files,
    open_source,
    write_suite,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alignmeter.suites.importing import Built, Matched

_BLOCK = 1 << 20


class ImportedCell(Record, frozen=True):
    """Probes of one intent and language of an import."""

    intent: str
    language: str
    probes: int


class ImportedSuite(Record, frozen=True):
    """What an import did.

    Attributes:
        origin: The record of the import, as it stands beside the rows.
        files: What each file that was read gave.
        cells: Probes by intent and language.
        written: Files written.
        replaced: Whether an earlier import of the same suite was there.
        notes: What the manifest says a reader has to know.
        limit: Families that were drawn; None for all.
    """

    origin: SuiteOrigin
    files: tuple[FileCount, ...]
    cells: tuple[ImportedCell, ...]
    written: tuple[str, ...]
    replaced: bool
    notes: tuple[str, ...] = ()
    limit: int | None = None


class KnownManifest(Record, frozen=True):
    """One line of the list of manifests.

    Attributes:
        axes: What scores its probes.
        imported: Whether a suite of that name was imported here.
    """

    name: str
    title: str
    licence: str
    homepage: str
    citation: str
    tested_on: str
    axes: tuple[str, ...]
    download: tuple[str, ...]
    imported: bool


def import_manifests() -> tuple[KnownManifest, ...]:
    """Return the manifests of the package, in alphabetical order."""
    imported = imported_suites()
    return tuple(
        KnownManifest(
            name=name,
            title=loaded.manifest.title,
            licence=loaded.manifest.licence,
            homepage=loaded.manifest.homepage,
            citation=loaded.manifest.citation,
            tested_on=loaded.manifest.tested_on,
            axes=_axes(loaded.manifest),
            download=loaded.manifest.download,
            imported=name in imported,
        )
        for name, loaded in built_in_manifests().items()
    )


def import_suite(
    manifest: str, source: str | Path, *, folder: Path | str | None = None, limit: int | None = None
) -> ImportedSuite:
    """Turn a public file into a suite that runs like any other.

    Args:
        manifest: Name of a manifest of the package, or a YAML file.
        source: A file, a folder, or an http or https address.
        folder: Where the suite goes; None for the folder of the user's own suites.
        limit: Keep so many families, drawn the same every time; None keeps all.

    Returns:
        What was read, kept and written.

    Raises:
        InputError: The manifest, the source or a row is not as expected; nothing is written.
        StorageError: The suite cannot be written.
    """
    loaded = find_manifest(manifest)
    check_name(loaded.manifest.name)
    matched = match_files(open_source(str(source)), loaded.manifest)
    built = build(loaded.manifest, matched)
    if limit is not None:
        built = draw_families(built, limit)
    made = loaded.manifest
    origin = SuiteOrigin(
        suite=made.name,
        manifest=made.name,
        manifest_sha256=loaded.sha256,
        title=made.title,
        licence=made.licence,
        citation=made.citation,
        homepage=made.homepage,
        source=tuple(file.name for file, _ in matched),
        source_sha256=_digest(matched),
        rows=sum(count.rows for count in built.files),
        probes=len(built.probes),
        families=len({kept.family for kept in built.probes.values()}),
        imported_on=time.strftime("%Y-%m-%d", time.gmtime()),
        alignmeter_version=__version__,
    )
    target = user_folder() if folder is None else Path(folder)
    replaced = (target / f"{made.name}.manifest.json").is_file()
    written = write_suite(target, built, origin)
    return ImportedSuite(
        origin=origin,
        files=built.files,
        cells=_cells(built),
        written=tuple(str(path) for path in written),
        replaced=replaced,
        notes=made.notes,
        limit=limit,
    )


def new_manifest(path: Path | str, data: str | Path) -> Path:
    """Write a commented manifest from a look at a data file.

    Args:
        path: The manifest to write; must not exist.
        data: A file, or an http or https address.

    Returns:
        `path`.

    Raises:
        InputError: The manifest exists or is not to end in `.yaml`, or the data cannot be read.
        StorageError: The manifest cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in {".yaml", ".yml"}:
        raise InputError(f"expected a new manifest that ends in .yaml, got {str(path)!r}")
    if path.exists():
        raise InputError(f"{path}: expected a file that is not there yet; name another, or remove it")
    text = draft_manifest(open_source(str(data)), path)
    write_text(path, text)
    return path


def _axes(manifest: Manifest) -> tuple[str, ...]:
    found: set[str] = set()
    for table in manifest.tables:
        for rules in manifest.rules_of(table):
            axis = rules.get("axis")
            default = "refusal" if table.task is None else "capability"
            found.add(default if axis is None else axis.value or default)
    return tuple(sorted(found))


def check_name(name: str) -> None:
    """Refuse the name of a suite that is built in.

    Raises:
        InputError: Says so.
    """
    taken = set(suite_names()) - set(imported_suites())
    if name in taken:
        raise InputError(
            f"expected a manifest with a name of its own, got {name!r}, which is a suite already; give it "
            "another `name`"
        )


def _cells(built: Built) -> tuple[ImportedCell, ...]:
    counted = Counter((kept.intent, kept.language) for kept in built.probes.values())
    return tuple(
        ImportedCell(intent=intent, language=language, probes=probes)
        for (intent, language), probes in sorted(counted.items())
    )


def _digest(matched: Iterable[Matched]) -> str:
    """SHA-256 over the bytes of the files, in their order."""
    found = hashlib.sha256()
    for file, _ in matched:
        with file.path.open("rb") as data:
            while block := data.read(_BLOCK):
                found.update(block)
    return found.hexdigest()
