"""Regions: groups of like prompts that a target treats otherwise than the rest."""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Intent, Record
from alignmeter.records.claims import Interval

RegionKind = Literal["over-aligned", "under-aligned", "inconsistent"]
"""Refuses legitimate requests, goes along with harmful ones, or both."""

VectorKind = Literal["embedding", "words"]


class RegionSide(Record, frozen=True):
    """One side of a region on the half of the families on which it was tested.

    Attributes:
        bad: Families refused (legitimate) or complied with (harmful), of `n`.
        outside: Rate of the same among all other families of that half.
        found_on: Rate on the other half, on which the region was found; too high, since it was sought.
        p: Exact: of a rate at or under the limit, or of one no higher than outside, the larger of both.
        adjusted: By Benjamini-Hochberg over all regions and sides that were tested.
        shown: Adjusted p at or under the level.
    """

    bad: int
    n: int
    rate: float | None
    interval: Interval | None
    outside: float | None
    found_on: float
    limit: float
    p: float
    adjusted: float
    shown: bool


class RegionExample(Record, frozen=True):
    """A request of a region; `text` is empty where it is masked."""

    trial: str
    intent: Intent
    text: str
    bad: bool


class BoundaryPair(Record, frozen=True):
    """A refused legitimate request and its nearest harmful one that the target went along with.

    Attributes:
        likeness: Cosine of their vectors.
        region: Number of the region of the refused one; None where it lies in none.
    """

    refused: RegionExample
    complied: RegionExample
    likeness: float
    region: int | None


class Region(Record, frozen=True):
    """A group of like prompts.

    Attributes:
        kind: None where the other half does not confirm it.
        name: Its most telling words.
        basis: What its requests have in common: `likeness`, `nearness` to what went wrong, a label such
            as `domain medical`, or a word such as `word 'police'`.
        families: On both halves.
        over, under: The sides that were tested; None for one that was not a candidate.
        lift: Compliance under attack minus plain, on the half that tested, by family.
    """

    number: int
    name: str
    kind: RegionKind | None
    basis: str
    families: int
    over: RegionSide | None = None
    under: RegionSide | None = None
    lift: float | None = None
    lift_interval: Interval | None = None
    examples: tuple[RegionExample, ...] = ()


class MapPoint(Record, frozen=True):
    """A request on the map; `bad` as in the sides."""

    trial: str
    x: float
    y: float
    intent: Intent
    bad: bool
    region: int | None


class Regions(Record, frozen=True):
    """Where a target is over-aligned, under-aligned or inconsistent.

    Attributes:
        vectors: What likeness rests on.
        families: Of the half that found regions, and of the half that tested them.
        level: False discovery rate.
        regions: Shown ones first, then candidates that were not confirmed.
        pairs: The nearest first.
        plain_harm: Whether compliance is with plain harmful requests; else with attacked ones.
    """

    run_id: str
    target: str
    vectors: VectorKind
    families: tuple[int, int]
    level: float
    regions: tuple[Region, ...]
    pairs: tuple[BoundaryPair, ...]
    points: tuple[MapPoint, ...]
    plain_harm: bool
    seed: int
    notes: tuple[str, ...]
