"""Commitments: what is published before a cycle, and what opens it afterwards.

commitment = SHA-256(key || all else that commitment.json states, as canonical JSON). The key has 256 random
bits, so the commitment tells nothing before the key is out, and nobody finds another key, pool, size or date
that fits it. The root of the pool and a digest of the key are part of what is stated, so that a check can
say what was swapped. Version 1 sealed the key, the root and the sizes alone.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from alignmeter.identity import canonical_json
from alignmeter.records import Record
from alignmeter.rotation.pools import PoolFamily, PoolKind

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMITMENT_VERSION = 2
KEY_BYTES = 32

_LEAF, _NODE, _KEY = b"\x00", b"\x01", b"alignmeter rotation key\x00"


class Stratum(Record, frozen=True):
    """The sizes of one stratum.

    Attributes:
        families: In the pool.
        fresh: Of those that the previous cycle did not ask, so many are selected.
        anchors: Of those that it did ask, so many are kept.
    """

    name: str
    families: int
    fresh: int
    anchors: int


class Commitment(Record, frozen=True):
    """`commitment.json`: what is published before the first call of a cycle.

    Attributes:
        cycle: Number of the cycle, from 1.
        name: Name of the suite that the selection became.
        created_at: UTC epoch seconds, by the clock of whoever made it.
        suites: What the pool was made of; `generated` of them anew, from the key.
        pool_root: Merkle root over the families of the pool.
        key_digest: SHA-256 of the key.
        strata: Follow from the pool, `fraction` and `anchors`; see `stratum_sizes`.
        fraction, anchors: Share of each stratum that is asked, and share of these that the previous cycle
            asked too; None in version 1.
        commitment: See `seal`.
    """

    version: int
    cycle: int
    name: str
    kind: PoolKind
    created_at: float
    suites: tuple[str, ...]
    generated: tuple[str, ...]
    pool_root: str
    key_digest: str
    strata: tuple[Stratum, ...]
    commitment: str
    fraction: float | None = None
    anchors: float | None = None

    def __post_init__(self) -> None:
        """Refuse a version that this reader does not know, and shares that are none."""
        if not 1 <= self.version <= COMMITMENT_VERSION:
            raise ValueError(
                f"version {self.version}, and this alignmeter reads up to {COMMITMENT_VERSION}: upgrade it"
            )
        if self.version == 1:
            return
        if self.fraction is None or not 0 < self.fraction <= 1:
            raise ValueError("a fraction that is not above 0 and at most 1")
        if self.anchors is None or not 0 <= self.anchors < 1:
            raise ValueError("a share of anchors that is not at least 0 and below 1")


class Reveal(Record, frozen=True):
    """`reveal.json`: what opens a commitment; no prompt is in it.

    Attributes:
        key: 64 hex digits.
        pool: Every family of the pool.
    """

    commitment: Commitment
    key: str
    pool: tuple[PoolFamily, ...]
    revealed_at: float


def merkle_root(pool: Iterable[PoolFamily]) -> str:
    """Return the Merkle root over the families in the order of their names, as 64 hex digits.

    Leaves and nodes are told apart by a first byte, and an odd node moves up as it is, as in RFC 6962.
    """
    level = [
        hashlib.sha256(_LEAF + canonical_json(one)).digest()
        for one in sorted(pool, key=lambda one: one.family)
    ]
    while len(level) > 1:
        above = [
            hashlib.sha256(_NODE + level[place] + level[place + 1]).digest()
            for place in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0].hex() if level else hashlib.sha256(b"").hexdigest()


def key_digest(key: bytes) -> str:
    """Return the digest by which a key is known before it is revealed."""
    return hashlib.sha256(_KEY + key).hexdigest()


def seal(key: bytes, stated: Commitment) -> str:
    """Return SHA-256(key || what is stated, as canonical JSON), as 64 hex digits.

    What is stated is every field but `commitment` itself; version 1 hashes the pool's root as bytes and
    the strata, and nothing else.
    """
    if stated.version == 1:
        sealed = bytes.fromhex(stated.pool_root) + canonical_json(list(stated.strata))
    else:
        fields: dict[str, Any] = msgspec.to_builtins(stated)
        sealed = canonical_json({name: value for name, value in fields.items() if name != "commitment"})
    return hashlib.sha256(key + sealed).hexdigest()


def stratum_sizes(pool: Iterable[PoolFamily], *, fraction: float, anchors: float) -> tuple[Stratum, ...]:
    """Decide how many families each stratum gives.

    Args:
        pool: The families.
        fraction: Share of each stratum to select, in (0, 1]; at least one family each.
        anchors: Share of the selection to keep from the previous cycle, in [0, 1); where fresh families
            run out, more are kept.
    """
    sizes: defaultdict[str, list[bool]] = defaultdict(list)
    for one in pool:
        sizes[one.stratum].append(one.kept)
    found: list[Stratum] = []
    for name, kept in sorted(sizes.items()):
        wanted = min(len(kept), max(1, round(fraction * len(kept))))
        old, new = sum(kept), len(kept) - sum(kept)
        fresh = min(new, wanted - min(old, round(anchors * wanted)))
        found.append(Stratum(name=name, families=len(kept), fresh=fresh, anchors=min(old, wanted - fresh)))
    return tuple(found)


def select(key: bytes, pool: Iterable[PoolFamily], strata: Iterable[Stratum]) -> tuple[str, ...]:
    """Return the families of a cycle, in the order of their names.

    In each stratum those that come first by HMAC-SHA256(key, family): of the families that the previous
    cycle asked the anchors, of the others the fresh ones.
    """
    ordered = sorted(pool, key=lambda one: hmac.new(key, one.family.encode(), hashlib.sha256).digest())
    chosen: list[str] = []
    for stratum in strata:
        mine = [one for one in ordered if one.stratum == stratum.name]
        chosen += [one.family for one in mine if one.kept][: stratum.anchors]
        chosen += [one.family for one in mine if not one.kept][: stratum.fresh]
    return tuple(sorted(chosen))
