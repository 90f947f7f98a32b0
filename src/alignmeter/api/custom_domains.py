"""Custom domains: a folder of prompts becomes a suite, and its tax a claim of its own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from alignmeter._version import __version__
from alignmeter.api.importing import check_name
from alignmeter.errors import InputError
from alignmeter.records import Record
from alignmeter.suites import SuiteOrigin, built_in_domains, user_folder
from alignmeter.suites.importing import read_domain, tax_share, write_suite

if TYPE_CHECKING:
    from alignmeter.suites.importing import Domain

FEWEST = 30
"""Families from which on a tax of 10% can be ruled out at all: 29 clean ones, and one to spare."""


class CustomDomain(Record, frozen=True):
    """A folder of prompts as a suite.

    Attributes:
        name: Of the suite and of its domain.
        tasks: Prompts with a known answer; `requests` are open, graded by reference or rubric.
        families: Independent units.
        limit: Largest relative tax that it may pay; None: that of the threat model.
        written: Files written.
        replaced: Whether an earlier version of the domain was there.
        unread: Files and columns of the folder that mean nothing here.
        notes: What its size allows and how it is to be run.
    """

    name: str
    title: str
    tasks: int
    requests: int
    families: int
    limit: float | None
    origin: SuiteOrigin
    written: tuple[str, ...]
    replaced: bool
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def import_domain(
    folder: Path | str,
    *,
    name: str | None = None,
    limit: float | str | None = None,
    out: Path | str | None = None,
) -> CustomDomain:
    """Turn a folder of prompts with answers, references or rubrics into a tax domain.

    Args:
        folder: Tables (`.csv`, `.jsonl`) and texts (`.md`, `.txt`), and perhaps `domain.yaml`.
        name: Name of the domain; goes before that of `domain.yaml` and that of the folder.
        limit: Largest relative tax that the domain may pay, a share such as 0.05 or "5%"; goes before that
            of `domain.yaml`.
        out: Where the suite goes; None for the folder of the user's own suites.

    Returns:
        What was read and written.

    Raises:
        InputError: The folder or a prompt is not as expected; nothing is written.
        StorageError: The suite cannot be written.
    """
    share = None if limit is None else tax_share(limit)
    read = read_domain(folder, name=name)
    check_name(read.name)
    _check_domain(read)
    settings = read.settings
    families = len({kept.family for kept in read.built.probes.values()})
    origin = SuiteOrigin(
        suite=read.name,
        manifest="domain",
        manifest_sha256=read.settings_sha256,
        title=settings.title or read.name,
        licence=settings.licence,
        citation=f"custom domain from the folder {Path(folder).resolve().name}",
        homepage="",
        source=read.source,
        source_sha256=read.sha256,
        rows=len(read.built.probes),
        probes=len(read.built.probes),
        families=families,
        imported_on=time.strftime("%Y-%m-%d", time.gmtime()),
        alignmeter_version=__version__,
        tax_limit=read.limit if share is None else share,
    )
    target = user_folder() if out is None else Path(out)
    replaced = (target / f"{read.name}.manifest.json").is_file()
    written = write_suite(target, read.built, origin)
    return CustomDomain(
        name=read.name,
        title=origin.title,
        tasks=read.tasks,
        requests=read.requests,
        families=families,
        limit=origin.tax_limit,
        origin=origin,
        written=tuple(str(path) for path in written),
        replaced=replaced,
        unread=read.unread,
        notes=tuple(_notes(families, read.requests)),
    )


def _check_domain(read: Domain) -> None:
    """Refuse the name of a domain of a built-in suite: scores of both would be one mean and one tax.

    Raises:
        InputError: Says so.
    """
    suite = built_in_domains().get(read.name)
    if suite is not None:
        raise InputError(
            f"expected a domain with a name of its own, got {read.name!r}, which is one of the suite "
            f"{suite!r}; give it another by `name=` or `name` in domain.yaml"
        )


def _notes(families: int, requests: int) -> list[str]:
    found: list[str] = []
    if families < FEWEST:
        found.append(
            f"{families} independent prompts: fewer than {FEWEST} cannot show a tax of 10% to be absent, "
            "however well both models do"
        )
    if requests:
        found.append(
            "open requests are scored by whether they are answered; for how well, run with "
            "--judge llm:domain@TARGET"
        )
    return found
