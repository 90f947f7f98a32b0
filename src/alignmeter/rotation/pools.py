"""Pools: probes by family, the strata that families fall into, and how a selection becomes a suite.

A family is never split: its stratum is made of its domain, all its intents and all its languages, so
that a sensitive probe goes together with its harmful twin, a flip with the other flip, and an original
with its translations.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from alignmeter.errors import InputError
from alignmeter.identity import digest
from alignmeter.records import Pool, Probe, Record
from alignmeter.suites import generate_facts, load_suite
from alignmeter.suites.facts import FACTS_SUITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from alignmeter.records import Trial

PoolKind = Literal["rotating", "sequestered"]
"""`rotating`: asked of any target, replaced every cycle. `sequestered`: asked of local targets only."""

GENERATORS: Mapping[str, Callable[[int], tuple[Probe, ...]]] = MappingProxyType({FACTS_SUITE: generate_facts})
"""Suites that can be generated anew, by name: from a seed to probes."""

_SEED_BYTES = 6
_DRAWS = 8


class PoolFamily(Record, frozen=True):
    """One family as it is committed to: a leaf of the Merkle tree. It shows no prompt.

    Attributes:
        stratum: For example `medical / harmful+sensitive / en`.
        kept: Whether the previous cycle asked it, in the same words; then it can be an anchor.
        probes: SHA-256 of each probe by its id.
    """

    family: str
    stratum: str
    kept: bool
    probes: dict[str, str]


def by_family(probes: Iterable[Probe]) -> dict[str, tuple[Probe, ...]]:
    """Group probes by family, in the order of names."""
    found: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        found[probe.family].append(probe)
    return {family: tuple(found[family]) for family in sorted(found)}


def stratum_of(members: Sequence[Probe | Trial]) -> str:
    """Name the stratum of a family: domain / intents / languages."""
    columns = (
        {probe.domain for probe in members},
        {probe.intent for probe in members},
        {probe.language for probe in members},
    )
    return " / ".join("+".join(sorted(values)) for values in columns)


def content_digest(probe: Probe) -> str:
    """Return the SHA-256 of what a probe is, wherever it stands: its suite and its pool left out."""
    fields: dict[str, Any] = msgspec.to_builtins(probe)
    return digest({name: value for name, value in fields.items() if name not in {"suite", "pool"}})


def pool_family(members: Sequence[Probe], *, kept: bool) -> PoolFamily:
    """Return the leaf of one family, given all its probes under their own names."""
    return PoolFamily(
        family=members[0].family,
        stratum=stratum_of(members),
        kept=kept,
        probes={probe.id: content_digest(probe) for probe in sorted(members, key=lambda one: one.id)},
    )


def generated(suite: str, key: bytes) -> tuple[Probe, ...]:
    """Generate a suite anew, with seeds that follow from the key of a cycle.

    A family of which a probe comes out in the words of the public edition is drawn again, and left out
    where that does not help: it would not be fresh.
    """
    public = {probe.prompt for probe in load_suite(suite)}
    found: dict[str, tuple[Probe, ...]] = {}
    for draw in range(_DRAWS):
        seed = hmac.new(key, f"seed {draw} of {suite}".encode(), hashlib.sha256).digest()[:_SEED_BYTES]
        drawn = by_family(GENERATORS[suite](int.from_bytes(seed, "big")))
        for family, members in drawn.items():
            if not any(probe.prompt in public for probe in members):
                found.setdefault(family, members)
        if len(found) == len(drawn):
            break
    return tuple(probe for family in sorted(found) for probe in found[family])


def renamed(probe: Probe, suite: str, pool: Pool) -> Probe:
    """Return a probe as a row of a cycle's suite, which its id and its family name first."""
    return msgspec.structs.replace(
        probe,
        id=f"{suite}-{probe.language}-{probe.id}",
        suite=suite,
        family=f"{suite}-{probe.family}",
        pool=pool,
    )


def original(probe: Probe, suite: str) -> Probe:
    """Undo `renamed`; the suite that it came from is not known any more and stays as it is.

    Raises:
        InputError: The probe is no row of such a suite.
    """
    prefix = f"{suite}-{probe.language}-"
    if not probe.id.startswith(prefix) or not probe.family.startswith(f"{suite}-"):
        raise InputError(
            f"expected a probe of suite {suite!r} with an id that begins with {prefix!r}, got {probe.id!r}; "
            f"restore the file of the suite"
        )
    return msgspec.structs.replace(
        probe, id=probe.id.removeprefix(prefix), family=original_family(probe.family, suite), pool="public"
    )


def original_family(family: str, suite: str) -> str:
    """Return the name of a family in the pool that a cycle's suite was selected from."""
    return family.removeprefix(f"{suite}-")
