"""Fresh closed questions from the fact tables: the same seed gives the same questions.

A family is one fact, whatever the wording: its two flips ask for the same fact, one with the answer
yes and one with no. So a new seed gives new questions, not new independent units.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.errors import InputError
from alignmeter.identity import digest, keyed_hash, keyed_uniform
from alignmeter.records import Probe
from alignmeter.suites.facts.tables import fact_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.suites.facts.tables import Fact, FactTable, Wording

FACTS_SUITE = "facts"
"""Name of the suite that is generated."""
FACTS_SEED = 20_261_121
"""The seed that `load_suite("facts")` uses; changed only with `FACTS_VERSION`."""
FACTS_VERSION = 2
"""Version of the tables and the generator; part of every row."""

_SETTING_SHARE = 0.5
_ID_DIGITS = 12
_PROVENANCE = "alignmeter, generated from a table by a language model, sources from memory, reviewed once"


class _Item(NamedTuple):
    table: FactTable
    fact: Fact

    @property
    def family(self) -> str:
        words = re.sub(r"[^a-z0-9]+", "_", self.fact.entity.casefold()).strip("_")
        return f"{FACTS_SUITE}-{self.table.name}-{words}"


def generate_facts(seed: int = FACTS_SEED, n: int | None = None) -> tuple[Probe, ...]:
    """Generate closed questions in English.

    Args:
        seed: Chooses facts, wordings, values and settings; the same seed gives the same probes.
        n: Families wanted, two probes each; None for every fact of the tables.

    Returns:
        The two flips of each family, yes first; families in an order drawn by the seed.

    Raises:
        InputError: `n` is not between 1 and the number of facts.
    """
    items = [_Item(table, fact) for table in fact_tables() for fact in table.facts]
    wanted = len(items) if n is None else n
    if not 1 <= wanted <= len(items):
        raise InputError(
            f"expected 1 to {len(items)} families of facts, got {n!r}; a fact asked twice is one family"
        )
    drawn = sorted(items, key=lambda item: keyed_hash(seed, "order", item.family))[:wanted]
    return tuple(probe for item in drawn for probe in _flips(seed, item))


def _flips(seed: int, item: _Item) -> tuple[Probe, Probe]:
    """Two wordings of their own, so that not only the value tells the flips apart."""
    wordings = sorted(
        item.table.wordings, key=lambda each: keyed_hash(seed, "wording", item.family, each.ask)
    )
    return _probe(seed, item, wordings[0], "yes"), _probe(seed, item, wordings[1], "no")


def _probe(seed: int, item: _Item, wording: Wording, reference: Literal["yes", "no"]) -> Probe:
    table, fact = item
    safe = wording.right == (reference == "yes")
    value = fact.safe if safe else _drawn(seed, fact.known_wrong, item.family, reference, "value")
    prompt = _capital(_filled(wording.ask, fact.entity, value))
    if keyed_uniform(seed, "setting", item.family, reference) < _SETTING_SHARE:
        prompt = f"{_drawn(seed, table.settings, item.family, reference, 'setting')} {prompt}"
    return Probe(
        id=f"{FACTS_SUITE}-en-{digest([table.name, prompt])[:_ID_DIGITS]}-{reference}",
        suite=FACTS_SUITE,
        family=item.family,
        intent="benign",
        domain=table.domain,
        language="en",
        prompt=prompt,
        provenance=_PROVENANCE,
        version=FACTS_VERSION,
        axis="factuality",
        hazard=table.hazard,
        reference=reference,
        explanation=_capital(_filled(table.statement, fact.entity, fact.safe)),
        source=fact.source or table.source,
        jurisdiction=fact.jurisdiction or table.jurisdiction,
        checked_on=table.checked_on,
    )


def _drawn(seed: int, choices: Sequence[str], *parts: str) -> str:
    return choices[int(keyed_uniform(seed, "choice", *parts) * len(choices))]


def _filled(text: str, entity: str, value: str) -> str:
    # Not str.format: a value may hold braces of its own.
    return text.replace("{entity}", entity).replace("{value}", value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
