"""A folder of prompts as a tax domain of one's own: references and rubrics in, probes out.

A folder holds tables (`.csv`, `.jsonl`: a row a prompt) and texts (`.md`, `.txt`: a file a prompt, with
`NAME.answer`, `NAME.reference` and `NAME.rubric` beside it). `rubric.md` goes for every open request, and
`domain.yaml` says what the domain is. `docs/custom-domains.md` shows it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Probe, Record
from alignmeter.suites.importing.building import Built, FileCount, Kept, slug
from alignmeter.suites.importing.domain_cells import guide, name_cell, task, text_cell
from alignmeter.suites.importing.manifest import Table
from alignmeter.suites.importing.reading import DataFile, read_rows
from alignmeter.suites.importing.rules import BrokenCellError
from alignmeter.suites.schema import SuiteFile, row_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SETTINGS = "domain.yaml"
USED = ("prompt", "id", "family", "answer", "wrong", "reference", "rubric")
"""Columns of a table that mean something."""

_TABLES = (".csv", ".jsonl")
_TEXTS = (".md", ".txt")
_COMPANIONS = ("answer", "reference", "rubric")
_SKIPPED = {"readme.md", "readme.txt", SETTINGS}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_SHOWN = 60


class DomainSettings(Record, frozen=True, forbid_unknown_fields=True):
    """What `domain.yaml` says; every key may be left out.

    Attributes:
        name: Of the suite and of its domain; None: as the folder is called.
        limit: Largest relative tax that the domain may pay, a share such as `5%`; None: that of the
            threat model.
        intent: `sensitive` counts refusals with those of delicate requests instead of everyday ones.
        answers: How `answer` is compared; `auto` takes what reads as a number for one.
    """

    name: str | None = None
    title: str | None = None
    limit: str | float | None = None
    intent: Literal["benign", "sensitive"] = "benign"
    language: str = "en"
    licence: str = "not stated"
    answers: Literal["auto", "number", "text"] = "auto"


class Domain(NamedTuple):
    """A domain that was read.

    Attributes:
        limit: A share in (0, 1), None where the folder sets none.
        tasks: Prompts whose answer a program checks; `requests` are open.
        unread: Files that are neither prompts nor belong to one, and columns without a meaning.
        source: Names of the files that were read; `sha256` is that of their bytes in this order.
    """

    name: str
    settings: DomainSettings
    limit: float | None
    built: Built
    tasks: int
    requests: int
    unread: tuple[str, ...]
    source: tuple[str, ...]
    sha256: str
    settings_sha256: str


class _Draft(NamedTuple):
    """One prompt as it stands in the folder; `key` is its id where it has none."""

    file: str
    place: str
    key: str
    cells: Mapping[str, Any]


def read_domain(folder: Path | str, *, name: str | None = None) -> Domain:
    """Read a folder of prompts.

    Args:
        folder: The folder; what lies in folders below it is not read.
        name: Name of the domain; goes before that of `domain.yaml`.

    Raises:
        InputError: It is no folder, holds no prompt, or a prompt has nothing to be scored by; names the
            file, and the row or the key.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"expected a folder of prompts, got {str(folder)!r}; correct the path")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    companions = _companions(files)
    settings_path = next((path for path in files if path.name.lower() == SETTINGS), folder / SETTINGS)
    settings, settings_bytes = _settings(settings_path)
    given = name or settings.name or folder.resolve().name
    called = _NOT_IN_NAMES.sub("_", given.casefold()).strip("_")
    if not called[:1].isalpha():
        raise InputError(
            f"expected a domain whose name begins with a letter from a to z, got {given!r}; give it a name"
        )
    maker = _Maker(called, settings, _read(companions["", "rubric"]) if ("", "rubric") in companions else "")
    unread: list[str] = []
    counts: list[FileCount] = []
    read: list[Path] = []
    for path in files:
        if path.name.lower() in _SKIPPED:
            continue
        if path in companions.values():
            read.append(path)
            continue
        if path.suffix.lower() not in {*_TABLES, *_TEXTS}:
            unread.append(path.name)
            continue
        drafts = list(_table(path, unread) if path.suffix.lower() in _TABLES else _text(path, companions))
        for draft in drafts:
            maker.add(draft)
        counts.append(FileCount(name=path.name, rows=len(drafts), probes=len(drafts), filtered=0, repeated=0))
        read.append(path)
    if not maker.probes:
        raise InputError(
            f"{folder}: expected prompts in .jsonl, .csv, .md or .txt files, got none; add some "
            "(docs/custom-domains.md)"
        )
    return Domain(
        name=called,
        settings=settings,
        limit=None if settings.limit is None else tax_share(settings.limit, f"{settings_path}: "),
        built=Built(maker.probes, tuple(counts)),
        tasks=maker.tasks,
        requests=len(maker.probes) - maker.tasks,
        unread=tuple(dict.fromkeys(unread)),
        source=tuple(path.name for path in read),
        sha256=hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest(),
        settings_sha256=hashlib.sha256(settings_bytes).hexdigest(),
    )


class _Maker:
    """Makes probes, and refuses what cannot be scored or is there twice."""

    def __init__(self, name: str, settings: DomainSettings, rubric: str) -> None:
        self.probes: dict[str, Kept] = {}
        self.tasks = 0
        self._name, self._settings, self._rubric = name, settings, rubric
        self._places: dict[str, str] = {}
        self._prompts: dict[str, str] = {}

    def add(self, draft: _Draft) -> None:
        where = f"{draft.file}: {draft.place}" if draft.place else draft.file
        try:
            probe = self._probe(draft)
        except BrokenCellError as error:
            raise InputError(
                f"{where}, {error.column!r}: expected {error.expected}, got {error.came!r}; correct it"
            ) from None
        for seen, key, what in ((self._places, probe.id, "an id"), (self._prompts, probe.prompt, "a prompt")):
            if key in seen:
                raise InputError(
                    f"{where}: expected {what} of its own, got that of {seen[key]}; change or remove one"
                )
            seen[key] = where
        file = SuiteFile(f"{self._name}.{probe.language}.jsonl", self._name, probe.language)
        for problem in row_problems(probe, file, "imported"):
            raise InputError(f"{where}: expected {problem.expected}, got {problem.came!r}; {problem.remedy}")
        self.tasks += probe.check is not None
        self.probes[probe.id] = Kept(
            family=probe.family,
            language=probe.language,
            intent=probe.intent,
            line=msgspec.json.encode(probe),
        )

    def _probe(self, draft: _Draft) -> Probe:
        cells, settings = draft.cells, self._settings
        prompt = text_cell(cells, "prompt")
        if not prompt:
            raise BrokenCellError("prompt", "a prompt", "")
        prompt, check = task(cells, prompt, settings.answers)
        reference = None
        if check is None:
            reference = guide(text_cell(cells, "reference"), text_cell(cells, "rubric") or self._rubric)
        if check is None and not reference:
            raise BrokenCellError(
                "answer", "an answer, a reference or a rubric (or rubric.md for the whole folder)", ""
            )
        key = name_cell(cells, "id") or draft.key
        family = name_cell(cells, "family") or key
        return Probe(
            id=f"{self._name}-{settings.language}-{slug(key)}",
            suite=self._name,
            family=f"{self._name}-{slug(family)}",
            # A task that is wrong is no refusal: only open requests can be delicate.
            intent="benign" if check is not None else settings.intent,
            domain=self._name,
            language=settings.language,
            prompt=prompt,
            provenance=settings.title or self._name,
            version=1,
            axis="refusal" if check is None else "capability",
            reference=reference,
            check=check,
        )


def _table(path: Path, unread: list[str]) -> Iterator[_Draft]:
    for row in read_rows(DataFile(path, path.name), Table(files=())):
        unread.extend(f"{path.name}: column {name!r}" for name in row.cells if name not in USED)
        if "prompt" not in row.cells:
            raise InputError(
                f"{path.name}: {row.place}: expected a column 'prompt', got {', '.join(row.cells)!r}; "
                "rename the one that holds the prompts"
            )
        yield _Draft(path.name, row.place, f"{path.stem}-{row.number}", row.cells)


def _text(path: Path, companions: Mapping[tuple[str, str], Path]) -> Iterator[_Draft]:
    beside = {part: companions.get((path.stem.casefold(), part)) for part in _COMPANIONS}
    cells = {part: _read(found) for part, found in beside.items() if found is not None}
    yield _Draft(path.name, "", path.stem, {"prompt": _read(path), **cells})


def _companions(files: Sequence[Path]) -> dict[tuple[str, str], Path]:
    """The files that belong to a prompt, by its name and what they hold; `rubric` of "" is for all.

    Capital letters do not matter.

    Raises:
        InputError: One belongs to a prompt that is not there, or two hold the same.
    """
    texts = [path for path in files if path.suffix.lower() in _TEXTS]
    prompts = {path.stem.casefold() for path in texts}
    found: dict[tuple[str, str], Path] = {}
    for path in texts:
        stem, _, part = path.stem.casefold().rpartition(".")
        if part not in (_COMPANIONS if stem else ("rubric",)):
            continue
        if stem and stem not in prompts:
            wanted = f"{path.stem.rpartition('.')[0]}.md"
            raise InputError(
                f"{path.name}: expected the prompt in {wanted} beside it, got no such file; add it"
            )
        before = found.setdefault((stem, part), path)
        if before is not path:
            raise InputError(
                f"{path.name}: expected one {part} of {stem or 'all prompts'}, got {before.name} too; "
                "remove one"
            )
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name}: expected UTF-8 text, got byte {error.start} that is not; convert it"
        ) from None


def _settings(path: Path) -> tuple[DomainSettings, bytes]:
    import yaml

    if not path.is_file():
        return DomainSettings(), b""
    content = path.read_bytes()
    try:
        found = cast("object", yaml.safe_load(content))
        return msgspec.convert({} if found is None else found, DomainSettings), content
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        said = " ".join(str(error).split())
        known = ", ".join(DomainSettings.__struct_fields__)
        raise InputError(
            f"{path}: expected some of {known}, got what does not fit: {said}; correct it"
        ) from None


def tax_share(given: str | float, where: str = "") -> float:
    """Return a limit, written as `5%` or 0.05, as a share.

    Args:
        given: What was given.
        where: Where it stands, with a colon, for the complaint.

    Raises:
        InputError: It is not between 0 and 1.
    """
    text = given.strip() if isinstance(given, str) else f"{given:g}"
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise InputError(f"{where}expected `limit` as 5% or 0.05, got {text[:_SHOWN]!r}; correct it")
    return given if isinstance(given, float) else value
