"""The fields of a probe, filled from the cells of a row.

Most fields say what kind of request a row holds: intent, domain, language and the like. Rows by the
thousand share them, so a kind is made once for all rows with the same cells in the columns it is made of;
what is left to do for each row are the fields of its own.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from alignmeter.records import Axis, Intent, Record
from alignmeter.suites.importing.manifest import REQUIRED, ProbeField
from alignmeter.suites.importing.rules import BrokenCellError, columns_of, compile_rule, lookup, text_of
from alignmeter.suites.importing.turns import prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from alignmeter.suites.importing.manifest import Rule
    from alignmeter.suites.importing.rules import Compiled

    Cells = Mapping[str, Any]
    Value = Callable[[Cells], str | None]

_INTENTS: tuple[Intent, ...] = get_args(Intent)
_TOLD: tuple[ProbeField, ...] = ("reference", "explanation", "source")
_OF_A_ROW: tuple[ProbeField, ...] = ("id", "family", "prompt", *_TOLD)
_MOST_KINDS = 10_000
"""Kinds remembered; where the cells of every row differ, remembering more would only cost memory."""
_SHOWN = 60


class Kind(Record, frozen=True, eq=False):
    """What rows with the same cells in some columns have in common; compared by identity.

    Attributes:
        others: Dates and the like, by field; copied to the probe as they are.
    """

    language: str
    intent: Intent
    domain: str
    hazard: str | None
    axis: Axis
    others: dict[ProbeField, str | None]


class Fields(NamedTuple):
    """The rules of one probe, made ready for many rows.

    Attributes:
        kind: From a row to its kind.
        own: What fills the fields that each row has for itself.
        told: Those of them that are copied to the probe as they are.
        columns: The column behind each field, for errors.
    """

    kind: Callable[[Cells], Kind]
    own: tuple[tuple[ProbeField, Value], ...]
    told: tuple[ProbeField, ...]
    columns: dict[ProbeField, str | None]

    def fill(self, cells: Cells) -> tuple[Kind, dict[ProbeField, str | None]]:
        """Return the kind of a row and its own fields; `prompt` is never empty.

        Raises:
            BrokenCellError: A cell does not fit its rule.
            Skipped: The row is not wanted.
        """
        own: dict[ProbeField, str | None] = {field: value(cells) for field, value in self.own}
        kind = self.kind(cells)
        if not own["prompt"]:
            raise _missing("prompt", self.columns)
        return kind, own


def compile_fields(rules: Mapping[ProbeField, Rule], axis: Axis) -> Fields:
    """Compile the rules of one probe, which fill all required fields; `axis` stands for one not named."""
    compiled: dict[ProbeField, Compiled] = {
        field: compile_rule(rule, read=prompt_of if field == "prompt" else None)
        for field, rule in rules.items()
    }
    of_kind: list[ProbeField] = [field for field in rules if field not in _OF_A_ROW]
    columns: dict[ProbeField, str | None] = {field: one.column for field, one in compiled.items()}
    make = _kind_maker(tuple((field, compiled[field].value) for field in of_kind), columns, axis)
    return Fields(
        kind=_remembered(make, sorted(columns_of([rules[field] for field in of_kind]))),
        own=tuple((field, one.value) for field, one in compiled.items() if field in _OF_A_ROW),
        told=tuple(field for field in _TOLD if field in rules),
        columns=columns,
    )


def _kind_maker(
    rules: tuple[tuple[ProbeField, Value], ...], columns: Mapping[ProbeField, str | None], default: Axis
) -> Callable[[Cells], Kind]:
    def make(cells: Cells) -> Kind:
        values: dict[ProbeField, str | None] = {field: value(cells) for field, value in rules}
        for field in REQUIRED:
            if field in values and not values[field]:
                raise _missing(field, columns)
        intent, language, domain, hazard, axis = (
            values.pop(field, None) for field in ("intent", "language", "domain", "hazard", "axis")
        )
        if intent not in _INTENTS:
            expected = f"an intent from {', '.join(_INTENTS)}"
            raise BrokenCellError(columns["intent"], expected, str(intent)[:_SHOWN])
        return Kind(
            language=str(language),
            intent=intent,
            domain=_name(str(domain)),
            hazard=_name(hazard) if hazard else None,
            axis=cast("Axis", axis) if axis else default,  # the rules for imported rows look at it
            others=dict(values),
        )

    return make


def _remembered(make: Callable[[Cells], Kind], columns: Sequence[str]) -> Callable[[Cells], Kind]:
    """Return a function that makes a kind once for the same texts in some columns.

    Rules see cells as texts, so nothing else can make a difference. What `make` raises is raised each time.
    """
    known: dict[tuple[str, ...], Kind] = {}
    find = tuple(lookup(column) for column in columns)

    def kind(cells: Cells) -> Kind:
        key = tuple([text_of(cell(cells)) for cell in find])
        found = known.get(key)
        if found is None:
            found = make(cells)
            if len(known) < _MOST_KINDS:
                known[key] = found
        return found

    return kind


def _missing(field: ProbeField, columns: Mapping[ProbeField, str | None]) -> BrokenCellError:
    return BrokenCellError(columns[field], f"a text for {field!r}", "")


def _name(text: str) -> str:
    """A domain or hazard: lower-case letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or text.strip()
