"""From rows to probes: fields are filled, families found, ids given, repeated prompts left out."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Intent, Probe, Record
from alignmeter.suites.importing.manifest import REQUIRED, ProbeField
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
    from alignmeter.records.tasks import TaskCheck
    from alignmeter.suites.importing.manifest import Manifest, Rule, Table
    from alignmeter.suites.importing.matching import Matched
    from alignmeter.suites.importing.reading import DataFile, Row
    from alignmeter.suites.importing.rules import Compiled

_INTENTS: tuple[Intent, ...] = get_args(Intent)
_OPTIONAL: tuple[ProbeField, ...] = (
    "reference", "explanation", "source", "jurisdiction", "checked_on", "expires", "cwe", "code_language",
)  # fmt: skip
_LOOKED_AT: tuple[ProbeField, ...] = (
    "language", "intent", "domain", "hazard", "reference", "checked_on", "expires", "cwe", "code_language",
)  # fmt: skip
_SLUG = re.compile(r"[a-z0-9_]+(-[a-z0-9_]+)*")
_LONGEST_SLUG = 48
_SHOWN = 60


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


class _Fields(NamedTuple):
    """The rules of one probe, made ready for many rows.

    Attributes:
        constants: Values that every row has.
        others: What fills the other fields, from a row.
        columns: The column behind each field, for errors.
        optional: Fields that are copied to the probe as they are.
        looked_at: Takes from the values those that the rules for imported rows look at.
    """

    constants: dict[ProbeField, str | None]
    others: tuple[tuple[ProbeField, Callable[[Mapping[str, Any]], str | None]], ...]
    columns: dict[ProbeField, str | None]
    optional: tuple[ProbeField, ...]
    looked_at: Callable[[Mapping[ProbeField, str | None]], object]


class _Rules(NamedTuple):
    """The rules of one table, compiled."""

    table: Table
    derive: tuple[tuple[str, Callable[[Mapping[str, Any]], str | None]], ...]
    filters: tuple[Callable[[Mapping[str, Any]], bool], ...]
    probes: tuple[_Fields, ...]
    task: Callable[[Mapping[str, Any], str], MadeTask] | None


class _Draft(NamedTuple):
    """What one set of rules makes of a row; `asked` is the digest of what a target would read."""

    values: dict[ProbeField, str | None]
    fields: _Fields
    prompt: str
    axis: Axis
    check: TaskCheck | None
    asked: bytes


class _Seen(Record, frozen=True, gc=False):
    """Where an id stood first, and what it asks."""

    file: str
    row: int
    asked: bytes


class _Builder:
    def __init__(self, manifest: Manifest) -> None:
        self.probes: dict[str, Kept] = {}
        self._manifest = manifest
        self._asked: dict[bytes, str] = {}
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
        return _Rules(
            table=table,
            derive=tuple((name, compile_rule(rule).value) for name, rule in derive.items()),
            filters=tuple(compile_filter(condition) for condition in table.filters),
            probes=tuple(_fields(rules) for rules in self._manifest.rules_of(table)),
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
            if draft.asked in self._asked:
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
            del self._asked[seen.asked]
            self._repeated += 1
        self._asked[draft.asked] = probe.id
        self._seen[probe.id] = _Seen(file=file.name, row=row.number, asked=draft.asked)
        self.probes[probe.id] = Kept(
            family=probe.family,
            language=probe.language,
            intent=probe.intent,
            line=msgspec.json.encode(probe),
        )

    def _probe(self, draft: _Draft, table: Table) -> Probe:
        suite, values = self._manifest.name, draft.values
        language, hazard = str(values["language"]), values.get("hazard")
        named = values.get("id")
        own = slug(named) if named else draft.asked.hex()[:12]
        family = self._family(draft, table)
        probe = Probe(
            id=f"{suite}-{language}-{own}",
            suite=suite,
            family=f"{suite}-{slug(family) if family else own}",
            intent=cast("Intent", values["intent"]),
            domain=_name(str(values["domain"])),
            language=language,
            prompt=draft.prompt,
            provenance=self._manifest.title,
            version=1,
            axis=draft.axis,
            hazard=_name(hazard) if hazard else None,
            check=draft.check,
        )
        if draft.fields.optional:
            own_values = {field: values[field] for field in draft.fields.optional}
            probe = msgspec.structs.replace(probe, **own_values)
        self._check(probe, draft)
        return probe

    def _check(self, probe: Probe, draft: _Draft) -> None:
        """Hold a probe to the rules for imported rows.

        Ids, families and prompts are well-formed by how they are made; what is left for the rules comes
        again and again, and is looked at once.
        """
        looked_at = (draft.axis, draft.check is None, draft.fields.looked_at(draft.values))
        if looked_at in self._checked:
            return
        file = SuiteFile(f"{probe.suite}.{probe.language}.jsonl", probe.suite, probe.language)
        for problem in row_problems(probe, file, "imported"):
            column = _column_of(problem.remedy, draft.fields.columns)
            raise BrokenCellError(column, problem.expected, problem.came)
        self._checked.add(looked_at)

    def _family(self, draft: _Draft, table: Table) -> str | None:
        family = draft.values.get("family")
        if not family or not table.contrast_pairs:
            return family
        # The n-th of each intent belong together.
        cell = (family, str(draft.values["language"]), str(draft.values["intent"]))
        self._paired[cell] += 1
        return f"{family}-{self._paired[cell]}"


def _fields(rules: Mapping[ProbeField, Rule]) -> _Fields:
    compiled: dict[ProbeField, Compiled] = {field: compile_rule(rule) for field, rule in rules.items()}
    plain: set[ProbeField] = {
        field for field, rule in rules.items() if rule.value is not None and rule.map is None
    }
    return _Fields(
        constants={field: compiled[field].value({}) for field in plain},
        others=tuple((field, one.value) for field, one in compiled.items() if field not in plain),
        columns={field: one.column for field, one in compiled.items()},
        optional=tuple(field for field in _OPTIONAL if field in rules),
        looked_at=itemgetter(*(field for field in _LOOKED_AT if field in rules)),
    )


def _draft(
    cells: Mapping[str, Any],
    fields: _Fields,
    task: Callable[[Mapping[str, Any], str], MadeTask] | None,
) -> _Draft:
    """Fill the fields of one probe and check those on which the rest depends."""
    values = fields.constants.copy()
    for field, value in fields.others:
        values[field] = value(cells)
    for field in REQUIRED:
        if not values[field]:
            raise BrokenCellError(fields.columns[field], f"a text for {field!r}", "")
    if values["intent"] not in _INTENTS:
        came = str(values["intent"])[:_SHOWN]
        raise BrokenCellError(fields.columns["intent"], f"an intent from {', '.join(_INTENTS)}", came)
    prompt, check = str(values["prompt"]), None
    if task is not None:
        prompt, check = task(cells, prompt)
    axis = cast("Axis", values.get("axis") or ("refusal" if task is None else "capability"))
    asked = hashlib.sha256(f"{axis}\x1f{prompt}".encode()).digest()
    return _Draft(values, fields, prompt, axis, check, asked)


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


@lru_cache(maxsize=4096)
def _name(text: str) -> str:
    """A domain or hazard: lower-case letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or text.strip()
