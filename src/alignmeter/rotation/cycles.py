"""Cycles: begun with a commitment, opened with a key, retired, and looked at."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Probe, Record
from alignmeter.rotation.commitments import (
    COMMITMENT_VERSION,
    KEY_BYTES,
    Commitment,
    Reveal,
    key_digest,
    merkle_root,
    seal,
    select,
    stratum_sizes,
)
from alignmeter.rotation.exposures import behind, catch_up, leak_probabilities
from alignmeter.rotation.folder import (
    COMMITMENT,
    KEY,
    POOL,
    RETIRED,
    REVEAL,
    THREAT_MODEL,
    Cycle,
    Retirement,
    StoredPool,
    cycles,
    find_cycle,
    pretty,
    write_cycle,
    write_file,
)
from alignmeter.rotation.leakage import LEAK_LIMIT, read_rates
from alignmeter.rotation.ledger import Ledger
from alignmeter.rotation.pools import (
    GENERATORS,
    PoolFamily,
    PoolKind,
    by_family,
    generated,
    pool_family,
    renamed,
)
from alignmeter.rotation.suite_files import built_in, suite_probes, suite_text, write_suite
from alignmeter.suites import load_catalogue, suite_names
from alignmeter.verdicts import without_unasked_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignmeter.threat_model import ThreatModel

FRACTION = 0.25
"""Share of each stratum that a cycle asks."""
ANCHORS = 0.3
"""Share of a selection that is kept from the previous cycle, to equate the two."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class NewCycle(Record, frozen=True):
    """What a cycle is to be.

    Attributes:
        suites: What the pool is made of.
        kind: `rotating` or `sequestered`.
        fraction: Share of each stratum to select, in (0, 1].
        anchors: Share of the selection to keep from the previous cycle of the same kind, in [0, 1).
        generate: Generate the suites that can be, with a seed that follows from the key.
        name: Name of the suite that the selection becomes; None for `cycle_1` and so on.
    """

    suites: tuple[str, ...]
    kind: PoolKind = "rotating"
    fraction: float = FRACTION
    anchors: float = ANCHORS
    generate: bool = False
    name: str | None = None


class BegunCycle(Record, frozen=True):
    """What `begin_cycle` made.

    Attributes:
        families: Families selected; `anchors` of them were in the previous cycle too.
        left_out: Families of the suites that are not in the pool: retired, burnt, or held by a pool of
            the other kind.
        suite_files: Where the selection stands as a suite.
    """

    commitment: Commitment
    path: str
    families: int
    anchors: int
    left_out: int
    suite_files: tuple[str, ...]
    threat_model: str


def begin_cycle(
    folder: Path, wanted: NewCycle, model: ThreatModel, *, key: bytes | None = None
) -> BegunCycle:
    """Begin a cycle: make its key, commit to its pool, write its selection as a suite.

    Args:
        folder: The rotation folder.
        wanted: What the cycle is to be.
        model: The threat model to run it under; its suites are replaced.
        key: 32 secret bytes; None draws them.

    Raises:
        InputError: A suite or a number is not usable, or nothing is left to select; nothing is written.
        StorageError: A folder cannot be written.
    """
    _check(wanted)
    key = secrets.token_bytes(KEY_BYTES) if key is None else key
    ledger = Ledger(folder)
    probes = _pool_probes(wanted, key)
    known = cycles(folder)
    catch_up(ledger, behind(ledger, cycles={cycle.name for cycle in known}))
    with ledger.locked():  # two cycles begun at once get two numbers
        known = cycles(folder)
        name = wanted.name or _free_name(known)
        _check_name(name)
        _check_sources(wanted, known)
        families = by_family(probes)
        excluded = _excluded(ledger, folder, known, wanted.kind) & set(families)
        pool = _stored_pool(
            {family: members for family, members in families.items() if family not in excluded},
            _previous(known, wanted),
            wanted,
        )
        if not pool.families:
            raise InputError(
                f"expected families to select in {', '.join(wanted.suites)}, got none: all {len(excluded)} "
                f"are retired, burnt or held by another pool; name suites with fresh families"
            )
        commitment = _commitment(
            key, pool, wanted, name, number=1 + max((c.commitment.cycle for c in known), default=0)
        )
        chosen = select(key, pool.families, commitment.strata)
        selected = set(chosen)
        rows = tuple(renamed(probe, name, wanted.kind) for probe in pool.probes if probe.family in selected)
        files = suite_text(name, rows, wanted.suites)
        # The cycle comes first: a suite without one would be asked and never accounted for.
        path = write_cycle(
            folder,
            name,
            {
                COMMITMENT: pretty(commitment),
                KEY: key.hex().encode() + b"\n",
                POOL: msgspec.json.encode(pool),
                THREAT_MODEL: _threat_model(model, name, rows),
            },
        )
        try:
            written = write_suite(files)
        except BaseException:
            for file in files:
                file.unlink(missing_ok=True)
            shutil.rmtree(path)
            raise
    return BegunCycle(
        commitment=commitment,
        path=str(path),
        families=len(chosen),
        anchors=sum(stratum.anchors for stratum in commitment.strata),
        left_out=len(excluded),
        suite_files=tuple(map(str, written)),
        threat_model=str(path / THREAT_MODEL),
    )


def reveal_cycle(folder: Path, name: str) -> Reveal:
    """Open the commitment of a cycle; a second time gives the same.

    Raises:
        InputError: There is no such cycle, or its key is lost.
        StorageError: The folder cannot be written.
    """
    cycle = find_cycle(folder, name)
    known = cycle.reveal()
    if known is not None:
        return known
    made = Reveal(
        commitment=cycle.commitment,
        key=cycle.key().hex(),
        pool=cycle.pool().families,
        revealed_at=time.time(),
    )
    write_file(cycle.path / REVEAL, pretty(made))
    return made


def retire_cycle(folder: Path, name: str, reason: str) -> int:
    """Retire a cycle: none of its families is ever selected again, and its suite is held out no more.

    Returns:
        Families that were not retired before.

    Raises:
        InputError: There is no such cycle.
        StorageError: A folder cannot be written.
    """
    cycle = find_cycle(folder, name)
    count = Ledger(folder).retire(cycle.selection(), reason)
    rows = suite_probes(name)
    if rows:
        retired = tuple(msgspec.structs.replace(probe, pool="retired") for probe in rows)
        write_suite(suite_text(name, retired, cycle.commitment.suites))
    write_file(cycle.path / RETIRED, pretty(Retirement(reason=reason, at=time.time())))
    return count


def retire_families(folder: Path, families: Sequence[str], reason: str) -> int:
    """Retire single families, as their pools name them; returns how many were not so before.

    Raises:
        InputError: No cycle has such a family.
    """
    known = {one.family for cycle in cycles(folder) for one in cycle.pool().families}
    unknown = [family for family in families if family not in known]
    if unknown:
        raise InputError(
            f"expected families of a pool, got {unknown[0]!r}; `alignmeter rotate status --json` lists those "
            f"that are above the limit"
        )
    return Ledger(folder).retire(families, reason)


def _check(wanted: NewCycle) -> None:
    if not 0 < wanted.fraction <= 1:
        raise InputError(f"expected `fraction=` above 0 and at most 1, got {wanted.fraction!r}")
    if not 0 <= wanted.anchors < 1:
        raise InputError(f"expected `anchors=` of at least 0 and below 1, got {wanted.anchors!r}")
    if wanted.name is not None:
        _check_name(wanted.name)
    if not wanted.suites:
        raise InputError("expected the names of suites, got none; see `alignmeter suites list`")
    can = [suite for suite in wanted.suites if suite in GENERATORS]
    if wanted.generate and not can:
        raise InputError(
            f"expected `generate=True` with a suite that is generated ({', '.join(GENERATORS)}), got "
            f"{', '.join(wanted.suites)}; leave out `generate=True`"
        )
    open_to_all = [
        suite for suite in wanted.suites if built_in(suite) and not (wanted.generate and suite in GENERATORS)
    ]
    if wanted.kind == "sequestered" and open_to_all:
        raise InputError(
            f"expected suites of your own for a sequestered pool, got {open_to_all[0]!r}, which comes with "
            f"alignmeter and anybody can read; name your own suites, or generated ones with `generate=True`"
        )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"expected `name=` of lower-case letters, digits and underscores such as 'autumn_1', got {name!r}"
        )
    if name in suite_names():
        raise InputError(f"expected a name that no suite has yet, got {name!r}; choose another with `name=`")


def _check_sources(wanted: NewCycle, known: Sequence[Cycle]) -> None:
    selections = {cycle.name for cycle in known}
    for suite in wanted.suites:
        if suite in selections:
            raise InputError(
                f"expected suites that a pool can be made of, got {suite!r}, which is the selection "
                f"of a cycle; name the suites that it was selected from"
            )


def _free_name(known: Sequence[Cycle]) -> str:
    taken = {*suite_names(), *(cycle.name for cycle in known)}
    number = 1 + max((cycle.commitment.cycle for cycle in known), default=0)
    while f"cycle_{number}" in taken:
        number += 1
    return f"cycle_{number}"


def _pool_probes(wanted: NewCycle, key: bytes) -> tuple[Probe, ...]:
    loaded: dict[str, Probe] = {}
    for suite in dict.fromkeys(wanted.suites):
        fresh = wanted.generate and suite in GENERATORS
        for probe in generated(suite, key) if fresh else load_catalogue([suite]):
            loaded[probe.id] = probe
    held = next((probe for probe in loaded.values() if probe.pool == "retired"), None)
    if held is not None:
        raise InputError(
            f"expected suites whose probes may still be asked, got {held.suite!r}, which is retired; leave "
            f"it out"
        )
    return tuple(loaded.values())


def _excluded(ledger: Ledger, folder: Path, known: Sequence[Cycle], kind: PoolKind) -> set[str]:
    """Families that a new pool of this kind must not hold."""
    limit = 0.0 if kind == "sequestered" else LEAK_LIMIT
    leaks = leak_probabilities(ledger.exposures(), read_rates(folder))
    found = {*ledger.retired(), *(family for family, p in leaks.items() if p > limit)}
    for cycle in known:
        if cycle.commitment.kind == kind or cycle.retired():
            continue
        held = cycle.selection() if kind == "sequestered" else (one.family for one in cycle.pool().families)
        found.update(held)
    return found


def _previous(known: Sequence[Cycle], wanted: NewCycle) -> Mapping[str, tuple[Probe, ...]]:
    """The families, with their words, that the last cycle of the same kind and suites has asked."""
    for cycle in reversed(known):
        commitment = cycle.commitment
        if commitment.kind == wanted.kind and set(commitment.suites) & set(wanted.suites):
            chosen = set(cycle.selection())
            return by_family(probe for probe in cycle.pool().probes if probe.family in chosen)
    return {}


def _stored_pool(
    families: Mapping[str, tuple[Probe, ...]], previous: Mapping[str, tuple[Probe, ...]], wanted: NewCycle
) -> StoredPool:
    """The pool with its leaves; a family that can be an anchor keeps the words of the previous cycle."""
    leaves: list[PoolFamily] = []
    probes: list[Probe] = []
    for family, members in families.items():
        before = previous.get(family)
        kept = before is not None
        if before is not None:
            if wanted.generate and members[0].suite in GENERATORS:
                members = before  # noqa: PLW2901 - new words would be no anchor
            else:
                kept = pool_family(before, kept=True) == pool_family(members, kept=True)
        leaves.append(pool_family(members, kept=kept))
        probes += members
    return StoredPool(families=tuple(leaves), probes=tuple(probes))


def _commitment(key: bytes, pool: StoredPool, wanted: NewCycle, name: str, *, number: int) -> Commitment:
    stated = Commitment(
        version=COMMITMENT_VERSION,
        cycle=number,
        name=name,
        kind=wanted.kind,
        created_at=time.time(),
        suites=wanted.suites,
        generated=tuple(s for s in wanted.suites if wanted.generate and s in GENERATORS),
        pool_root=merkle_root(pool.families),
        key_digest=key_digest(key),
        strata=stratum_sizes(pool.families, fraction=wanted.fraction, anchors=wanted.anchors),
        commitment="",
        fraction=float(wanted.fraction),
        anchors=float(wanted.anchors),
    )
    return msgspec.structs.replace(stated, commitment=seal(key, stated))


def _threat_model(model: ThreatModel, name: str, probes: Sequence[Probe]) -> bytes:
    import yaml

    content = {**without_unasked_limits(model, probes), "suites": [name]}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode()
