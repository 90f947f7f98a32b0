"""Means of scored items by domain, and paired differences of two models: what results say, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from alignmeter.analysis.absent_items import over_budget
from alignmeter.analysis.pairing import FEWEST_FAMILIES, items_by_name, pair_items
from alignmeter.figures import one_decimal, signed_number
from alignmeter.records import (
    DomainDifference,
    DomainMean,
    Interval,
    ScoresComparison,
    ScoresSummary,
)
from alignmeter.stats import cluster_mean, tango, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignmeter.analysis.absent_items import Items
    from alignmeter.analysis.measured_alike import Prompts
    from alignmeter.analysis.pairing import PairedDomain, PairedItems
    from alignmeter.records import ItemScores, ScoredItem
    from alignmeter.stats import ClusterMethod

LEVEL = 0.95
INVALID = 4
_METHODS: dict[ClusterMethod, str] = {
    "cluster_robust_t": "Student by family",
    "wild_cluster_bootstrap": "wild bootstrap by family",
    "any_event": "exact by family",
}


def describe_scores(scores: ItemScores) -> ScoresSummary:
    """Return the mean of each domain with its interval, beside what the source printed.

    Args:
        scores: Of one model, from any source.

    Returns:
        Domains in the order in which they come. Intervals take the family as the unit; Wilson's where
        every item is a family of its own and scores are 0 or 1.

    Raises:
        InputError: An item comes twice in its domain, so that it would count twice.
    """
    summary = _described(scores)
    return msgspec.structs.replace(summary, notes=(*summary.notes, *_not_in_the_mean(summary)))


def _described(scores: ItemScores) -> ScoresSummary:
    """Describe scores without saying what their items without a score may do to the means."""
    by_domain: dict[str, list[ScoredItem]] = {}
    for item in items_by_name(scores).values():
        by_domain.setdefault(item.domain, []).append(item)
    return ScoresSummary(
        model=scores.model,
        source=scores.source,
        origin=scores.origin,
        domains=tuple(_mean(scores, domain, items) for domain, items in by_domain.items()),
        scored_by=scores.scored_by,
        provenance=scores.provenance,
        notes=scores.notes,
    )


def compare_scores(
    base: ItemScores, other: ItemScores, *, prompts: Prompts = "same", items: Items = "all"
) -> ScoresComparison:
    """Pair two models' scores by item and return the differences by domain.

    Args:
        base: The model that is the reference.
        other: The model that is compared with it.
        prompts: As in `pair_items`.
        items: Likewise.

    Returns:
        Differences other - base on the items that both have a score for. A domain is invalid where more than
        2% of its items have no score on both sides; of fewer than 50 items, where more than chance leaves at
        that share have none.

    Raises:
        InputError: As `pair_items`.
    """
    paired = pair_items(base, other, prompts=prompts, items=items)
    differences = tuple(_difference(domain) for domain in paired.domains)
    return ScoresComparison(
        base=_described(base),
        other=_described(other),
        shared=paired.shared,
        versioned=paired.versioned,
        domains=differences,
        only_base=paired.only_base,
        only_other=paired.only_other,
        notes=(*paired.notes, *_left_out(paired)),
        exit_code=INVALID if any(domain.invalid for domain in differences) else 0,
    )


def _left_out(paired: PairedItems) -> tuple[str, ...]:
    missing = [
        f"{one.domain} {one.unscored_base:,} and {one.unscored_other:,} of {len(one.pairs):,} "
        f"({_points(_whole_difference(one))})"
        for one in paired.domains
        if one.unscored_base or one.unscored_other
    ]
    if not missing:
        return ()
    return (
        f"Items left out for want of a score, of {paired.base.model} and of {paired.other.model}: "
        f"{', '.join(missing)}. What they would have scored is not known: in brackets where the difference "
        "over all items may lie, without any error of sampling.",
    )


def _whole_difference(domain: PairedDomain) -> tuple[float, float]:
    """Return the least and greatest difference over all items, those without a score at their worst."""
    base = [pair.base.score for pair in domain.pairs]
    other = [pair.other.score for pair in domain.pairs]
    least = sum((two or 0.0) - (1.0 if one is None else one) for one, two in zip(base, other, strict=True))
    most = sum((1.0 if two is None else two) - (one or 0.0) for one, two in zip(base, other, strict=True))
    return least / len(base), most / len(base)


def _points(between: tuple[float, float]) -> str:
    return f"{signed_number(between[0])} to {signed_number(between[1])} points"


def _not_in_the_mean(summary: ScoresSummary) -> tuple[str, ...]:
    missing = [
        f"{one.domain} {one.unscored:,} of {one.n + one.unscored:,} ({_whole_mean(one)})"
        for one in summary.domains
        if one.unscored
    ]
    if not missing:
        return ()
    return (
        f"Items without a score, which are not in the mean: {', '.join(missing)}. In brackets where the mean "
        "of all items may lie, without any error of sampling.",
    )


def _whole_mean(domain: DomainMean) -> str:
    n, scored = domain.n + domain.unscored, (domain.mean or 0.0) * domain.n
    return f"{one_decimal(scored / n)} to {one_decimal((scored + domain.unscored) / n)}"


def _mean(scores: ItemScores, domain: str, items: Sequence[ScoredItem]) -> DomainMean:
    scored = [(item.family, item.score) for item in items if item.score is not None]
    numbers: dict[str, int] = {}
    families = np.array([numbers.setdefault(family, len(numbers)) for family, _ in scored], dtype=np.intp)
    values = np.array([score for _, score in scored], dtype=np.float64)
    looked = [item.refused for item in items if item.refused is not None]
    return DomainMean(
        domain=domain,
        n=len(scored),
        unscored=len(items) - len(scored),
        families=len(numbers),
        mean=float(values.mean()) if scored else None,
        interval=_interval(values, families, len(numbers)),
        metric=scores.metric.get(domain, ""),
        chance=scores.chance.get(domain, 0.0),
        reported=scores.reported.get(domain),
        refused=sum(looked) if looked else None,
    )


def _interval(values: NDArray[np.float64], families: NDArray[np.intp], n_families: int) -> Interval | None:
    if n_families < FEWEST_FAMILIES:
        return None
    if n_families == len(values) and _is_binary(values):
        bounds = wilson(int(values.sum()), len(values), LEVEL)
        return Interval(lower=bounds.lower, upper=bounds.upper, level=LEVEL, method="Wilson")
    found = cluster_mean(values, families, level=LEVEL)
    return Interval(lower=found.lower, upper=found.upper, level=LEVEL, method=_METHODS[found.method])


def _difference(domain: PairedDomain) -> DomainDifference:
    differences = domain.other - domain.base
    n, absent = len(domain.pairs), domain.absent_base + domain.absent_other
    invalid = domain.invalid or over_budget(n, n - len(domain.scored), absent)
    return DomainDifference(
        domain=domain.domain,
        shared=domain.shared,
        pairs=len(domain.scored),
        families=domain.n_families,
        base=float(domain.base.mean()) if domain.scored else None,
        other=float(domain.other.mean()) if domain.scored else None,
        difference=float(differences.mean()) if domain.scored and not invalid else None,
        interval=None if invalid else _paired_interval(domain, differences),
        unscored_base=domain.unscored_base,
        unscored_other=domain.unscored_other,
        absent_base=domain.absent_base,
        absent_other=domain.absent_other,
        only_base=domain.only_base,
        only_other=domain.only_other,
        metric=domain.metric,
        invalid=invalid,
    )


def _paired_interval(domain: PairedDomain, differences: NDArray[np.float64]) -> Interval:
    """Return Tango's interval for independent pairs of 0 and 1, else one by family."""
    if not domain.clustered and _is_binary(domain.base) and _is_binary(domain.other):
        won, lost = int((differences > 0).sum()), int((differences < 0).sum())
        test = tango(won, lost, len(differences), level=LEVEL)
        return Interval(lower=test.lower, upper=test.upper, level=LEVEL, method="Tango")
    found = cluster_mean(differences, domain.families, level=LEVEL, support=(-1.0, 1.0))
    return Interval(lower=found.lower, upper=found.upper, level=LEVEL, method=_METHODS[found.method])


def _is_binary(values: NDArray[np.float64]) -> bool:
    return bool(((values == 0) | (values == 1)).all())
