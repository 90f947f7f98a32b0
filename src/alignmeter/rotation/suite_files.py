"""The suite of a cycle: its rows as files in the folder of the user's own suites."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from alignmeter._version import __version__
from alignmeter.identity import digest
from alignmeter.records import HELD_OUT
from alignmeter.rotation.folder import write_file
from alignmeter.suites import (
    SuiteFile,
    SuiteOrigin,
    load_catalogue,
    own_suites,
    parse_suite,
    readable_suite,
    suite_names,
    suite_origin,
    user_folder,
)
from alignmeter.suites.origins import origin_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from alignmeter.records import Probe


def built_in(suite: str) -> bool:
    """Whether a suite comes with the package."""
    return suite not in own_suites()


def not_held_out(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of these suites that may be asked without being named: none with a held-out probe.

    Raises:
        InputError: A row of a user's own suite is not valid.
    """
    return tuple(
        name
        for name in names
        if built_in(name) or not any(probe.pool != "public" for probe in load_catalogue([name]))
    )


def held_out_suites() -> tuple[str, ...]:
    """Return the user's suites with a held-out probe; one that cannot be read is left out with a warning."""
    return tuple(
        name
        for name in suite_names()
        if not built_in(name) and any(probe.pool in HELD_OUT for probe in readable_suite(name))
    )


def suite_probes(name: str) -> tuple[Probe, ...]:
    """Return the probes of a cycle's suite, none where its files are gone.

    Raises:
        InputError: A row is not valid.
    """
    return load_catalogue([name]) if name in suite_names() else ()


def suite_text(name: str, rows: Sequence[Probe], sources: Sequence[str]) -> dict[Path, bytes]:
    """Return the files of a suite: one a language, and the record of an import where its rows were imported.

    Args:
        name: Name of the suite.
        rows: Its probes, under its name.
        sources: The suites that they were selected from.

    Raises:
        InputError: The rows cannot stand together in one suite, for example two of one wording.
    """
    origins = [origin for source in sources if (origin := suite_origin(source)) is not None]
    by_language: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in rows:
        by_language[probe.language].append(probe)
    files: dict[Path, bytes] = {}
    for language, members in sorted(by_language.items()):
        file = SuiteFile(f"{name}.{language}.jsonl", name, language)
        data = b"".join(msgspec.json.encode(probe) + b"\n" for probe in members)
        parse_suite(data, file, rules="imported" if origins else "authored")
        files[user_folder() / file.name] = data
    if origins:
        files[origin_path(user_folder(), name)] = msgspec.json.encode(_joined(name, rows, origins))
    return files


def write_suite(files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """Write the files, readable by their owner alone; returns their paths.

    Raises:
        StorageError: The folder cannot be written.
    """
    for path, data in files.items():
        write_file(path, data, secret=True)
    return tuple(files)


def _joined(name: str, rows: Sequence[Probe], origins: Sequence[SuiteOrigin]) -> SuiteOrigin:
    """One record that names every licence and citation."""

    def all_of(field: str) -> str:
        return "; ".join(dict.fromkeys(str(getattr(origin, field)) for origin in origins))

    return SuiteOrigin(
        suite=name,
        manifest=all_of("manifest"),
        manifest_sha256=digest([origin.manifest_sha256 for origin in origins]),
        title=all_of("title"),
        licence=all_of("licence"),
        citation=all_of("citation"),
        homepage=all_of("homepage"),
        source=tuple(file for origin in origins for file in origin.source),
        source_sha256=digest([origin.source_sha256 for origin in origins]),
        rows=sum(origin.rows for origin in origins),
        probes=len(rows),
        families=len({probe.family for probe in rows}),
        imported_on=time.strftime("%Y-%m-%d", time.gmtime()),
        alignmeter_version=__version__,
    )
