"""Two models' scores of the same items, side by side: what every paired comparison of capability rests on.

A pair is one item of one domain that both models were scored on. Nothing is compared that was not
measured alike: another version of an item, another prompt or another scorer is an error, and a domain
of another metric or other settings is invalid; neither is a small difference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from alignmeter.analysis.absent_items import absent_note, is_stand_in, stand_in
from alignmeter.analysis.measured_alike import (
    check_prompts,
    check_scorer,
    check_versions,
    guessing,
    named_items,
    scored_otherwise,
)
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignmeter.analysis.absent_items import Items
    from alignmeter.analysis.measured_alike import Prompts
    from alignmeter.records import ItemScores, ScoredItem

FEWEST_FAMILIES = 2
"""Fewer independent units than this have no spread, and so no interval."""

_Keyed: TypeAlias = "dict[tuple[str, str], ScoredItem]"


class ItemPair(NamedTuple):
    """One item as both models were scored on it."""

    base: ScoredItem
    other: ScoredItem


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDomain:
    """The pairs of one domain.

    Attributes:
        pairs: Items that both sides hold, scored or not, in the order of the base; where a side may have
            lost items, it holds them without a score (`absent_items`), those of the base at the end.
        scored: The pairs with a score on both sides.
        base: Scores of the base in [0, 1], shape (len(scored),).
        other: Scores of the other model on the same items, likewise.
        families: Family of each scored pair as a number from 0, likewise.
        clustered: Whether a family holds several scored pairs, so that items are not independent.
        n_families: Independent units among the scored pairs.
        unscored_base: Pairs without a score of the base; one without either counts on both sides.
        unscored_other: Pairs without a score of the other model.
        absent_base: Pairs that the base has no row of, `absent_other` likewise.
        only_base: Items that only the base has, absent from the other side or left out.
        only_other: Items that only the other model has, likewise.
        metric: Name of the score, empty where neither source names one.
        chance: Score of guessing on these pairs, in [0, 1].
        invalid: Why no conclusion may rest on these pairs; empty where one may.
    """

    domain: str
    pairs: tuple[ItemPair, ...]
    scored: tuple[ItemPair, ...]
    base: NDArray[np.float64]
    other: NDArray[np.float64]
    families: NDArray[np.intp]
    clustered: bool
    n_families: int
    unscored_base: int
    unscored_other: int
    absent_base: int
    absent_other: int
    only_base: int
    only_other: int
    metric: str = ""
    chance: float = 0.0
    invalid: str = ""

    @property
    def shared(self) -> int:
        """Items that both sides have a row of."""
        return len(self.pairs) - self.absent_base - self.absent_other


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedItems:
    """Two models' scores, paired by item.

    Attributes:
        base, other: What was paired.
        domains: Domains with at least one shared item, in the order of the base.
        only_base: Domains without a shared item that only the base has, and `only_other` likewise.
        versioned: Shared items whose versions are known on both sides, and equal.
        notes: What the pairing does not show, one sentence each.
    """

    base: ItemScores
    other: ItemScores
    domains: tuple[PairedDomain, ...]
    only_base: tuple[str, ...]
    only_other: tuple[str, ...]
    versioned: int
    notes: tuple[str, ...]

    @property
    def shared(self) -> int:
        """Items that both sides hold."""
        return sum(domain.shared for domain in self.domains)


def pair_items(
    base: ItemScores,
    other: ItemScores,
    *,
    prompts: Prompts = "same",
    items: Items = "all",
    fewest: int = FEWEST_FAMILIES,
) -> PairedItems:
    """Pair two models' scores by domain and item.

    Args:
        base: Scores of the model that is the reference.
        other: Scores of the model that is compared with it.
        prompts: `any` pairs items although the two models were sent different texts for them, such as
            a base model without and an aligned model with a chat template; a note says so.
        items: `all`: an item that one side has no row of, without stating that it was not asked, has no
            score there; `shared`: it is left out.
        fewest: Scored families below which a domain is invalid, at least 2.

    Returns:
        The pairs by domain. A domain with too few, or one that was not scored alike (another metric,
        settings or score of guessing), is there and says why it is `invalid`.

    Raises:
        InputError: An item comes twice on one side; no item is shared; shared items differ in version
            or prompt; or all was scored by another scorer. Names the items.
    """
    if fewest < FEWEST_FAMILIES:
        raise InputError(f"expected fewest to be at least {FEWEST_FAMILIES} families, got {fewest!r}")
    keyed = items_by_name(base), items_by_name(other)
    counts = tuple(Counter(item.domain for item in scores.items) for scores in (base, other))
    shared: dict[str, list[ItemPair]] = {}
    for key, item in keyed[0].items():
        twin = keyed[1].get(key)
        if twin is not None:
            shared.setdefault(item.domain, []).append(ItemPair(item, twin))
    if not shared:
        raise InputError(_nothing_shared(base, other))
    check_scorer(base, other, shared)
    every = [pair for pairs in shared.values() for pair in pairs]
    paired = _with_absent(keyed, (base, other), shared, items)
    check_versions(base, other, every)
    sent_other_texts = check_prompts(base, other, every, prompts)
    versioned = sum(1 for one, two in every if one.version and two.version)
    domains = tuple(
        _paired_domain((base, other), domain, tuple(pairs), (counts[0][domain], counts[1][domain]), fewest)
        for domain, pairs in paired.items()
    )
    return PairedItems(
        base=base,
        other=other,
        domains=domains,
        only_base=tuple(domain for domain in counts[0] if domain not in shared),
        only_other=tuple(domain for domain in counts[1] if domain not in shared),
        versioned=versioned,
        notes=_notes(base, other, domains, len(every) - versioned, sent_other_texts),
    )


def _with_absent(
    keyed: tuple[_Keyed, _Keyed],
    sides: tuple[ItemScores, ItemScores],
    shared: dict[str, list[ItemPair]],
    items: Items,
) -> dict[str, list[ItemPair]]:
    """Add the items that one side of a shared domain has no row of, where it should have one."""
    found: dict[str, list[ItemPair]] = {domain: [] for domain in shared}
    for key, item in keyed[0].items():
        if item.domain in found:
            twin = keyed[1].get(key) or stand_in(item, sides[1], items)
            if twin is not None:
                found[item.domain].append(ItemPair(item, twin))
    for key, item in keyed[1].items():
        if item.domain in found and key not in keyed[0]:
            twin = stand_in(item, sides[0], items)
            if twin is not None:
                found[item.domain].append(ItemPair(twin, item))
    return found


def items_by_name(scores: ItemScores) -> dict[tuple[str, str], ScoredItem]:
    """Index items by domain and id, each of which must come once.

    Raises:
        InputError: One comes twice; names the first of them.
    """
    found = {(item.domain, item.item): item for item in scores.items}
    if len(found) < len(scores.items):
        times = Counter((item.domain, item.item) for item in scores.items)
        repeated = [item for key, item in found.items() if times[key] > 1]
        raise InputError(
            f"{scores.origin}: expected each item once in its domain, got {len(repeated):,} that come again: "
            f"{named_items(repeated)}; keep one score an item, or give repeats ids of their own and one "
            "family"
        )
    return found


def _nothing_shared(base: ItemScores, other: ItemScores) -> str:
    shown = [
        f"{len(scores.items):,} in {scores.origin}"
        + (f" ({named_items(scores.items)})" if scores.items else "")
        for scores in (base, other)
    ]
    return (
        f"expected two files that share items, got {shown[0]} and {shown[1]} without one in common; "
        "score both models on the same items, under the same domain and item names"
    )


def _paired_domain(
    sides: tuple[ItemScores, ItemScores],
    domain: str,
    pairs: tuple[ItemPair, ...],
    sizes: tuple[int, int],
    fewest: int,
) -> PairedDomain:
    base, other = sides
    bases, others = [one.score for one, _ in pairs], [two.score for _, two in pairs]
    absent = [sum(is_stand_in(pair[side]) for pair in pairs) for side in (0, 1)]
    # Absent items stand on one side alone, so that each side's rows are what is shared and what only it has.
    shared = len(pairs) - sum(absent)
    scored = tuple(
        pair
        for pair, one, two in zip(pairs, bases, others, strict=True)
        if one is not None and two is not None
    )
    numbers: dict[str, int] = {}
    families = [numbers.setdefault(one.family, len(numbers)) for one, _ in scored]
    asked = [pair for pair in pairs if not any(map(is_stand_in, pair))]
    chance, invalid = guessing(base, other, domain, asked)
    invalid = scored_otherwise(base, other, domain) or invalid
    if not invalid and len(numbers) < fewest:
        invalid = (
            f"{len(numbers)} of {shared} shared items are independent and scored for both models; "
            f"at least {fewest} are needed"
        )
    return PairedDomain(
        domain=domain,
        pairs=pairs,
        scored=scored,
        base=np.array([one.score for one, _ in scored], dtype=np.float64),
        other=np.array([two.score for _, two in scored], dtype=np.float64),
        families=np.array(families, dtype=np.intp),
        clustered=len(numbers) < len(scored),
        n_families=len(numbers),
        unscored_base=bases.count(None),
        unscored_other=others.count(None),
        absent_base=absent[0],
        absent_other=absent[1],
        only_base=sizes[0] - shared,
        only_other=sizes[1] - shared,
        metric=base.metric.get(domain) or other.metric.get(domain, ""),
        chance=chance,
        invalid=invalid,
    )


def _notes(
    base: ItemScores,
    other: ItemScores,
    domains: Sequence[PairedDomain],
    unversioned: int,
    prompts_differ: int,
) -> tuple[str, ...]:
    notes: list[str] = []
    if unversioned:
        notes.append(
            f"{unversioned:,} shared items have no version on both sides: that their content is the same is "
            "taken from their names."
        )
    if prompts_differ:
        notes.append(
            f"The two models were sent different texts for {prompts_differ:,} shared items; what that "
            "changed is in the difference."
        )
    for silent, said in ((base, other), (other, base)):
        names = [one.domain for one in domains if not silent.scorer_of(one.domain)]
        if any(said.scorer_of(name) for name in names):
            notes.append(
                f"{silent.origin} does not say who scored; that both were scored alike is not checked."
            )
    for one in domains:
        left_out = one.only_base - one.absent_other, one.only_other - one.absent_base
        if any(left_out):
            notes.append(
                f"{one.domain}: {one.shared:,} items are shared; {left_out[0]:,} are only in "
                f"{base.origin} and {left_out[1]:,} only in {other.origin}, and are left out."
            )
        for absent, scores in ((one.absent_base, base), (one.absent_other, other)):
            if absent:
                notes.append(absent_note(one.domain, absent, scores.origin))
        if any(first.family != second.family for first, second in one.pairs):
            notes.append(
                f"{one.domain}: the two sides put items into different families; those of "
                f"{base.origin} count."
            )
    return tuple(notes)
