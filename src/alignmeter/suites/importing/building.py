"""From rows to probes: fields are filled, families found, ids given, repeated prompts left out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Intent, Probe, Record
from alignmeter.records.tasks import TaskCheck
from alignmeter.suites.importing.fields import Fields, Kind, compile_fields
from alignmeter.suites.importing.manifest import ProbeField
from alignmeter.suites.importing.reading import read_rows
from alignmeter.suites.importing.rules import (
    FILE,
    ROW,
    BrokenCellError,
    Skipped,
    compile_filter,
    compile_rule,
)
from alignmeter.suites.importing.tasks import MadeTask, compile_task
from alignmeter.suites.schema import SuiteFile, row_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from alignmeter.records import Axis
    from alignmeter.suites.importing.manifest import Manifest, Table
    from alignmeter.suites.importing.matching import Matched
    from alignmeter.suites.importing.reading import DataFile, Row

_SLUG = re.compile(r"[a-z0-9_]+(-[a-z0-9_]+)*")
_LONGEST_SLUG = 48


class FileCount(Record, frozen=True):
    """What one file gave.

    Attributes:
        name: Its path below the imported folder.
        rows: Rows read; `probes` came of them.
        filtered: Rows that the manifest does not take.
        repeated: Probes left out because an earlier one asks the same.
        published_rows, published_probes: What the manifest says there should be; None where it does not.
    """

    name: str
    rows: int
    probes: int
    filtered: int
    repeated: int
    published_rows: int | None = None
    published_probes: int | None = None

    @property
    def as_published(self) -> bool:
        """Whether the counts are those that the manifest documents, or it documents none."""
        return self.published_rows in {None, self.rows} and self.published_probes in {None, self.probes}


class Kept(Record, frozen=True, gc=False):
    """A probe as it will be written, with what counting needs; there are as many as rows."""

    family: str
    language: str
    intent: Intent
    line: bytes


class Built(NamedTuple):
    """All the probes of an import, by id in file order, and what each file gave."""

    probes: dict[str, Kept]
    files: tuple[FileCount, ...]


def build(manifest: Manifest, matched: Sequence[Matched]) -> Built:
    """Turn the rows of files into probes.

    Raises:
        InputError: A row is broken: names file, row and column.
    """
    builder = _Builder(manifest)
    counts = tuple(builder.read(file, table) for file, table in matched)
    if not builder.probes:
        names = ", ".join(file.name for file, _ in matched)
        raise InputError(f"{names}: expected rows that {manifest.name} takes, got none; check its filters")
    return Built(builder.probes, counts)


def draw_families(built: Built, number: int) -> Built:
    """Keep so many families, drawn by the hash of their names: the same every time, never a part of one."""
    families = sorted({kept.family for kept in built.probes.values()}, key=_drawing_key)
    drawn = set(families[:number])
    return built._replace(probes={name: kept for name, kept in built.probes.items() if kept.family in drawn})


def _drawing_key(family: str) -> bytes:
    return hashlib.sha256(family.encode()).digest()


class _Rules(NamedTuple):
    """The rules of one table, compiled."""

    table: Table
    derive: tuple[tuple[str, Callable[[Mapping[str, Any]], str | None]], ...]
    filters: tuple[Callable[[Mapping[str, Any]], bool], ...]
    probes: tuple[Fields, ...]
    task: Callable[[Mapping[str, Any], str], MadeTask] | None


class _Draft(Record, frozen=True, gc=False):
    """What one set of rules makes of a row.

    Attributes:
        asked: Digest of what a target would read.
        held_against: What a reply to it is held against: intent, reference and answer.
    """

    kind: Kind
    own: dict[ProbeField, str | None]
    fields: Fields
    prompt: str
    check: TaskCheck | None
    asked: bytes
    held_against: bytes


class _Asked(Record, frozen=True, gc=False):
    """Where a prompt stood first, and the digest of what a reply to it is held against."""

    file: str
    place: str
    held_against: bytes
    intent: str


class _Seen(Record, frozen=True, gc=False):
    """Where an id stood first, and what it asks."""

    file: str
    row: int
    asked: bytes


class _Builder:
    def __init__(self, manifest: Manifest) -> None:
        self.probes: dict[str, Kept] = {}
        self._manifest = manifest
        self._asked: dict[bytes, _Asked] = {}
        self._seen: dict[str, _Seen] = {}
        self._paired: Counter[tuple[str, str, str]] = Counter()
        self._checked: set[tuple[object, ...]] = set()
        self._repeated = 0

    def read(self, file: DataFile, table: Table) -> FileCount:
        before = len(self.probes)
        self._repeated = rows = filtered = 0
        rules = self._compiled(table)
        for row in read_rows(file, table):
            rows += 1
            try:
                self._row(row, file, rules)
            except Skipped:
                filtered += 1
            except BrokenCellError as error:
                column = f", column {error.column!r}" if error.column else ""
                raise InputError(
                    f"{file.name}: {row.place}{column}: expected {error.expected}, got {error.came!r}; "
                    "correct the row, or the manifest"
                ) from None
        return FileCount(
            name=file.name,
            rows=rows,
            probes=len(self.probes) - before,
            filtered=filtered,
            repeated=self._repeated,
            published_rows=table.rows,
            published_probes=table.probes,
        )

    def _compiled(self, table: Table) -> _Rules:
        derive = {**self._manifest.derive, **table.derive}
        axis: Axis = "refusal" if table.task is None else "capability"
        return _Rules(
            table=table,
            derive=tuple((name, compile_rule(rule).value) for name, rule in derive.items()),
            filters=tuple(compile_filter(condition) for condition in table.filters),
            probes=tuple(compile_fields(rules, axis) for rules in self._manifest.rules_of(table)),
            task=compile_task(table.task) if table.task is not None else None,
        )

    def _row(self, row: Row, file: DataFile, rules: _Rules) -> None:
        cells = row.cells
        cells[FILE], cells[ROW] = file.name, row.number
        for name, value in rules.derive:
            cells[name] = value(cells)
        for takes in rules.filters:
            if not takes(cells):
                raise Skipped
        for fields in rules.probes:
            draft = _draft(cells, fields, rules.task)
            first = self._asked.get(draft.asked)
            if first is not None:
                _check_alike(draft, first, file, row)
                self._repeated += 1
            else:
                self._keep(draft, rules.table, file, row)

    def _keep(self, draft: _Draft, table: Table, file: DataFile, row: Row) -> None:
        probe = self._probe(draft, table)
        seen = self._seen.get(probe.id)
        if seen is not None:
            if table.repeated_id == "error":
                raise InputError(
                    f"{file.name}: {row.place}: expected an id of its own, got {probe.id!r} as in "
                    f"{seen.file}: row {seen.row}; correct the row, or the manifest's rule for `id`"
                )
            self._asked.pop(seen.asked, None)
            self._repeated += 1
        self._asked[draft.asked] = _Asked(
            file=file.name,
            place=row.place,
            held_against=draft.held_against,
            intent=draft.kind.intent,
        )
        self._seen[probe.id] = _Seen(file=file.name, row=row.number, asked=draft.asked)
        self.probes[probe.id] = Kept(
            family=probe.family,
            language=probe.language,
            intent=probe.intent,
            line=msgspec.json.encode(probe),
        )

    def _probe(self, draft: _Draft, table: Table) -> Probe:
        suite, kind, named = self._manifest.name, draft.kind, draft.own.get("id")
        own = slug(named) if named else draft.asked.hex()[:12]
        family = self._family(draft, table)
        probe = Probe(
            id=f"{suite}-{kind.language}-{own}",
            suite=suite,
            family=f"{suite}-{slug(family) if family else own}",
            intent=kind.intent,
            domain=kind.domain,
            language=kind.language,
            prompt=draft.prompt,
            provenance=self._manifest.title,
            version=1,
            axis=kind.axis,
            hazard=kind.hazard,
            check=draft.check,
        )
        if kind.others or draft.fields.told:
            told = {field: draft.own[field] for field in draft.fields.told}
            probe = msgspec.structs.replace(probe, **kind.others, **told)
        self._check(probe, draft)
        return probe

    def _check(self, probe: Probe, draft: _Draft) -> None:
        """Hold a probe to the rules for imported rows.

        Ids, families and prompts are well-formed by how they are made; what is left for the rules comes
        again and again, and is looked at once. Only checks of tasks are all different.
        """
        looked_at = (draft.kind, draft.own.get("reference"))
        if draft.check is None and looked_at in self._checked:
            return
        file = SuiteFile(f"{probe.suite}.{probe.language}.jsonl", probe.suite, probe.language)
        for problem in row_problems(probe, file, "imported"):
            column = _column_of(problem.remedy, draft.fields.columns)
            raise BrokenCellError(column, problem.expected, problem.came)
        self._checked.add(looked_at)

    def _family(self, draft: _Draft, table: Table) -> str | None:
        family = draft.own.get("family")
        if not family or not table.contrast_pairs:
            return family
        # The n-th of each intent belong together.
        cell = (family, draft.kind.language, draft.kind.intent)
        self._paired[cell] += 1
        return f"{family}-{self._paired[cell]}"


def _draft(
    cells: Mapping[str, Any],
    fields: Fields,
    task: Callable[[Mapping[str, Any], str], MadeTask] | None,
) -> _Draft:
    """Fill the fields of one probe, and say what would be asked."""
    kind, own = fields.fill(cells)
    prompt, check = str(own["prompt"]), None
    if task is not None:
        prompt, check = task(cells, prompt)
    asked = hashlib.sha256(f"{kind.axis}\x1f{prompt}".encode()).digest()
    # A suite of millions of rows is kept in mind by digests.
    meaning = msgspec.json.encode((kind.intent, own.get("reference"), check))
    held_against = hashlib.sha256(meaning).digest()[:16]
    return _Draft(
        kind=kind, own=own, fields=fields, prompt=prompt, check=check, asked=asked, held_against=held_against
    )


def _check_alike(draft: _Draft, first: _Asked, file: DataFile, row: Row) -> None:
    """Refuse a prompt that comes again and means another thing: which one counts is not for the order to say.

    Raises:
        InputError: Names both rows.
    """
    if draft.held_against == first.held_against:
        return
    other = (
        f"the intent {first.intent}, got {draft.kind.intent}"
        if draft.kind.intent != first.intent
        else "the same answer or reference, got another"
    )
    raise InputError(
        f"{file.name}: {row.place}: expected what the same prompt has in {first.file}: {first.place}, {other}"
        "; correct one of the two rows, or leave it out by a filter of the manifest"
    )


def _column_of(remedy: str, columns: Mapping[ProbeField, str | None]) -> str | None:
    """The column behind the field that a remedy names, as in "correct `cwe`"."""
    named = re.search(r"`(\w+)`", remedy)
    return next((column for field, column in columns.items() if named and field == named[1]), None)


def slug(text: str) -> str:
    """Return a part of an id: the text where it can be one, else what is left of it and a digest of all."""
    folded = text.casefold()
    if len(folded) <= _LONGEST_SLUG and _SLUG.fullmatch(folded):
        return folded
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    left = re.sub(r"[^a-z0-9_]+", "-", folded)[:_LONGEST_SLUG].strip("-")
    return f"{left}-{digest}" if left else digest
