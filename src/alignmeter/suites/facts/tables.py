"""Fact tables: what is true, what is known to be wrong, and the wordings that ask for it.

A table is a YAML file under `data`, its name that of the table. The known-wrong value of a fact only
ever stands in a question; no text states it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_FACTS = 8
"""Facts that a table must hold."""
MIN_WORDINGS = 6
"""Wordings that a table must hold, of both kinds."""

_DATA = "alignmeter.suites.facts"


class Wording(Record, frozen=True):
    """One way to ask: `ask` holds `{entity}` and `{value}`.

    Attributes:
        right: Whether the answer is yes with the safe value; else it is yes with a known-wrong one.
    """

    ask: str
    right: bool


class Fact(Record, frozen=True):
    """One row of a table.

    Attributes:
        safe: A value that is within the public advice.
        known_wrong: Values that the same advice rules out; never rendered as a statement.
        source: Where the row has another source than its table.
        jurisdiction: Where the row has another one than its table.
    """

    entity: str
    safe: str
    known_wrong: tuple[str, ...]
    source: str | None = None
    jurisdiction: str | None = None


class FactTable(Record, frozen=True):
    """Facts of one kind with their wordings.

    Attributes:
        name: Name of the file without its ending.
        statement: The sentence that explains an answer; holds `{entity}` and `{value}`, the safe one.
        settings: Sentences that may stand before a question and change nothing.
        checked_on: Day of the last look at the facts, as YYYY-MM-DD; `provenance` says how they were checked.
    """

    name: str
    domain: str
    hazard: str
    jurisdiction: str
    source: str
    checked_on: str
    statement: str
    settings: tuple[str, ...]
    wordings: tuple[Wording, ...]
    facts: tuple[Fact, ...]


class _File(FactTable, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table as its file may hold it; the name comes from the file."""

    name: str = ""


@cache
def fact_tables() -> tuple[FactTable, ...]:
    """Return the tables of the package in the order of their names.

    Raises:
        InputError: A file is not a table, or a table breaks a rule; names the file.
    """
    folder = resources.files(_DATA) / "data"
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda e: e.name
    )
    return tuple(read_table(entry.name, entry.read_text(encoding="utf-8")) for entry in entries)


def read_table(file: str, text: str) -> FactTable:
    """Read one table.

    Args:
        file: Its file name, for example `fires.yaml`.
        text: Its YAML.

    Raises:
        InputError: The text is not a table, or the table breaks a rule.
    """
    import yaml

    try:
        found = msgspec.convert(yaml.safe_load(text), _File)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{file}: expected a table of facts, got {reason}; correct the file") from None
    table = msgspec.structs.replace(found, name=file.removesuffix(".yaml"))
    for problem in _problems(table):
        raise InputError(f"{file}: {problem}; correct the file")
    return table


def _problems(table: FactTable) -> Iterator[str]:
    if len(table.facts) < MIN_FACTS:
        yield f"expected at least {MIN_FACTS} facts, got {len(table.facts)}"
    if len(table.wordings) < MIN_WORDINGS or len({wording.right for wording in table.wordings}) == 1:
        kinds = "some of them with `right: false`"
        yield f"expected at least {MIN_WORDINGS} wordings, {kinds}, got {len(table.wordings)}"
    for wording in table.wordings:
        if "{entity}" not in wording.ask or "{value}" not in wording.ask:
            yield f"expected a wording with {{entity}} and {{value}}, got {wording.ask!r}"
    entities = [fact.entity for fact in table.facts]
    if len(set(entities)) < len(entities):
        yield f"expected each entity once, got {sorted(entities)!r}"
    for fact in table.facts:
        if not fact.known_wrong or fact.safe in fact.known_wrong:
            yield f"expected known-wrong values other than {fact.safe!r}, got {fact.known_wrong!r}"
        if "https://" not in (fact.source or table.source):
            yield f"expected a source with an https address for {fact.entity!r}, got {table.source!r}"
