"""The alignment tax from pairs: the same items, scored for the base model and for a variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from alignmeter.analysis.absent_items import is_stand_in, over_budget
from alignmeter.analysis.tax_flags import ALPHA, LEVEL, Limits, LimitTests, Measured, changed, flagged
from alignmeter.analysis.unscored import UNSCORED_BUDGET
from alignmeter.records import AnsweredTax, Interval, MeanScore, Tax, TaxBounds
from alignmeter.stats.arms import point_tier
from alignmeter.stats.paired_means import PairedMeans, paired_means
from alignmeter.stats.ratio import DEFAULT_HEADROOM, fieller
from alignmeter.stats.sequential.ratio_bets import RatioBets, bet_on_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignmeter.analysis.pairing import ItemPair, PairedDomain, PairedItems
    from alignmeter.records import TaxCorrection, TaxNotEstimable

RATIO_METHOD = "Fieller, one more family at its worst"
DIFFERENCE_METHOD = "Student, one more family at its worst"
BETTING_METHOD = "betting confidence sequence"
MODERATE, SIGNIFICANT = 0.05, 0.10

Floats: TypeAlias = "NDArray[np.float64]"


class TaxArm(NamedTuple):
    """One variant beside the base model.

    Attributes:
        items: Its pairs with the base model; None where there are none.
        invalid: Why the two may not be compared; empty where they may.
        stopped: Domains of which a run stopped asking early, with their items in the committed order.
        unscored_budget: Share of items without a score above which a domain is invalid.
        unpaired: Domains of which the two share no item, with the reason.
    """

    variant: str
    items: PairedItems | None
    invalid: str = ""
    stopped: Mapping[str, tuple[str, ...]] = {}
    unscored_budget: float = UNSCORED_BUDGET
    unpaired: Mapping[str, str] = {}


class _Means(NamedTuple):
    """Mean scores on the `n` items that are scored for both models, at least one."""

    base: float
    other: float
    n: int


class _Scores(NamedTuple):
    """The items of a domain as columns, NaN without a score; families as numbers from 0."""

    base: Floats
    other: Floats
    families: NDArray[np.intp]

    @property
    def clusters(self) -> NDArray[np.intp] | None:
        """Families where some hold several items, else None."""
        return self.families if len(self.families) > int(self.families.max(initial=-1)) + 1 else None


def tax_of_pairs(
    arms: Sequence[TaxArm],
    *,
    limits: Limits | None = None,
    correction: TaxCorrection = "benjamini_hochberg",
    order: Sequence[str] = (),
) -> tuple[Tax, ...]:
    """Compute absolute and relative tax, tier and flag of every variant in every domain.

    The verdict rests on the contrast (1 - limit) base - variant, clustered by family
    (`alignmeter.stats.paired_means`); in domains of which a run stopped asking early on a betting
    process over the first items that both were asked. Items without a score count at their worst on
    either side.

    Args:
        arms: At least one variant.
        limits: Relative taxes above which domains are flagged; None: 10% everywhere.
        correction: Over domains and variants together, for the flags.
        order: Domains in the order of the report; those that are not among them come last.

    Returns:
        One tax a domain and variant, by domain and then by variant; one that was not measured has its
        reason and no number.
    """
    limits = limits or Limits()
    measured = [
        made
        for domain in dict.fromkeys((*order, *_domains(arms)))
        for arm in arms
        if (made := _of_domain(arm, domain, limits)) is not None
    ]
    return flagged(measured, correction=correction)


def overall_tax(arm: TaxArm, taxes: Sequence[Tax], alpha: float = ALPHA) -> TaxBounds | None:
    """Compute the tax of the mean score over domains: 1 - mean of scores / mean of base scores.

    Each domain has the same weight. Domains whose own tax is not estimable, invalid or was stopped
    early are left out.

    Args:
        arm: The variant.
        taxes: The taxes of the report.
        alpha: Error rate of each side.

    Returns:
        None where no domain is left, or the ratio is not bounded.
    """
    usable = {
        tax.domain
        for tax in taxes
        if tax.variant == arm.variant and tax.basis == "pairs" and tax.interval is not None
    }
    if arm.items is None or not usable:
        return None
    kept = [paired for paired in arm.items.domains if paired.domain in usable]
    parts = [(paired.domain, _columns(paired.pairs)) for paired in kept]
    # A family may lie in several domains, so families are numbered over all of them.
    numbers: dict[str, int] = {}
    families = [
        numbers.setdefault(pair.base.family, len(numbers)) for paired in kept for pair in paired.pairs
    ]
    found = paired_means(
        np.concatenate([scores.base for _, scores in parts]),
        np.concatenate([scores.other for _, scores in parts]),
        clusters=np.array(families, dtype=np.intp),
        strata=np.repeat(np.arange(len(parts)), [len(scores.base) for _, scores in parts]),
    )
    bounds = found.ratio(1 - 2 * alpha)
    if bounds is None:
        return None
    return TaxBounds(
        estimate=found.relative,
        interval=Interval(
            lower=bounds.lower, upper=bounds.upper, level=round(1 - 2 * alpha, 10), method=RATIO_METHOD
        ),
        p_above_moderate=found.p_above(MODERATE),
        p_above_significant=found.p_above(SIGNIFICANT),
        domains=tuple(domain for domain, _ in parts),
    )


def domain_bounds(arm: TaxArm, tax: Tax) -> TaxBounds | None:
    """Return what an outcome needs of the tax of one domain, not adjusted; None where not estimable."""
    if arm.items is None or tax.interval is None or tax.relative is None:
        return None
    paired = next(one for one in arm.items.domains if one.domain == tax.domain)
    found: PairedMeans | RatioBets
    if tax.basis == "sequential":
        found = _bets(_prefix(paired, arm.stopped[tax.domain]))
    else:
        scores = _columns(paired.pairs)
        found = paired_means(scores.base, scores.other, clusters=scores.clusters)
    return TaxBounds(
        estimate=tax.relative,
        interval=tax.interval,
        p_above_moderate=found.p_above(MODERATE),
        p_above_significant=found.p_above(SIGNIFICANT),
        domains=(tax.domain,),
    )


def _domains(arms: Sequence[TaxArm]) -> tuple[str, ...]:
    paired = (one.domain for arm in arms if arm.items for one in arm.items.domains)
    return tuple(dict.fromkeys((*paired, *(domain for arm in arms for domain in arm.unpaired))))


def _of_domain(arm: TaxArm, domain: str, limits: Limits) -> Measured | None:
    """The tax of one variant in one domain; None where neither pairs nor a reason for none are known."""
    if domain in arm.unpaired:
        tax = Tax(
            domain=domain,
            variant=arm.variant,
            base_source="measured",
            flag="unmeasured",
            basis="pairs",
            limit=limits.own(domain),
            invalid=arm.unpaired[domain],
        )
        return Measured(tax, None)
    paired = next((one for one in arm.items.domains if one.domain == domain), None) if arm.items else None
    return None if paired is None else _measured(arm, paired, limits)


def _measured(arm: TaxArm, paired: PairedDomain, limits: Limits) -> Measured:
    limit = limits.of(paired.domain)
    stopped = paired.domain in arm.stopped
    pairs = _prefix(paired, arm.stopped[paired.domain]) if stopped else paired.pairs
    means = _means(pairs)
    tax = Tax(
        domain=paired.domain,
        variant=arm.variant,
        base=MeanScore(value=means.base, n=means.n) if means else None,
        score=MeanScore(value=means.other, n=means.n) if means else None,
        base_source="measured",
        absolute=means.base - means.other if means else None,
        flag="undecided",
        basis="sequential" if stopped else "pairs",
        limit=limits.own(paired.domain),
        families=len({pair.base.family for pair in pairs}),
        unscored=len(pairs) - (means.n if means else 0),
    )
    absent = sum(is_stand_in(pair.base) or is_stand_in(pair.other) for pair in pairs)
    invalid = (
        arm.invalid or paired.invalid or over_budget(len(pairs), tax.unscored, absent, arm.unscored_budget)
    )
    if not invalid and tax.families < 2:  # noqa: PLR2004 - an interval needs two
        invalid = f"{tax.families} independent items were asked of both models; at least 2 are needed"
    if means is None and not invalid:
        invalid = f"none of {len(pairs)} items has a score on both sides"
    if means is None or invalid:
        return Measured(changed(tax, flag="invalid", invalid=invalid), None)
    if stopped:
        return _stopped(tax, means, pairs, limit, paired.chance)
    return _whole(tax, means, paired, limit)


def _means(pairs: Sequence[ItemPair]) -> _Means | None:
    """The means of the items that are scored on both sides; None without one."""
    both = [
        (pair.base.score, pair.other.score)
        for pair in pairs
        if pair.base.score is not None and pair.other.score is not None
    ]
    n = len(both)
    return _Means(sum(one for one, _ in both) / n, sum(two for _, two in both) / n, n) if n else None


def _whole(tax: Tax, means: _Means, paired: PairedDomain, limit: float) -> Measured:
    scores = _columns(paired.pairs)
    found = paired_means(scores.base, scores.other, clusters=scores.clusters)
    lost = found.difference(LEVEL)
    tax = changed(
        tax,
        absolute_interval=Interval(lower=lost.lower, upper=lost.upper, level=LEVEL, method=DIFFERENCE_METHOD),
        answered=_answered(paired.pairs, found.lost),
    )
    bounds = found.ratio(LEVEL)
    reason = _not_estimable(scores, paired.chance) or (None if bounds else "unbounded")
    if reason is not None or bounds is None:
        return Measured(changed(tax, not_estimable=reason), None)
    tiers = found.tiers(ALPHA)
    tax = changed(
        tax,
        relative=found.relative,
        interval=Interval(lower=bounds.lower, upper=bounds.upper, level=LEVEL, method=RATIO_METHOD),
        tier=point_tier(means.base, means.other),
        confirmed=tiers.confirmed,
        cleared=tiers.cleared,
    )
    return Measured(tax, LimitTests(found.p_above(limit), found.p_below(limit)))


def _not_estimable(scores: _Scores, chance: float) -> TaxNotEstimable | None:
    """Why a share of the base score means nothing; what has no score counts as a base score of 0."""
    base = np.where(np.isnan(scores.base), 0.0, scores.base)
    if not base.any():
        return "zero_base"
    found = fieller(base, base, level=LEVEL, clusters=scores.clusters, chance=chance)
    return "no_headroom" if found.kind == "not_estimable" and found.reason == "no_headroom" else None


def _stopped(tax: Tax, means: _Means, pairs: Sequence[ItemPair], limit: float, chance: float) -> Measured:
    """A tax on the items that both were asked before the first of the two stopped."""
    tax = changed(tax, answered=_answered(pairs, means.base - means.other))
    found = _bets(pairs)
    base = found.least[:, 0]
    # That the base score reaches the headroom is a bet too: on what is above a constant.
    shown = bet_on_ratio(base, np.full(len(base), min(1.0, chance + DEFAULT_HEADROOM))).p_above(0.0)
    if shown > ALPHA:
        reason: TaxNotEstimable = "no_headroom" if base.any() else "zero_base"
        return Measured(changed(tax, not_estimable=reason), None)
    bounds, tiers = found.ratio(LEVEL), found.tiers(ALPHA)
    tax = changed(
        tax,
        relative=1 - means.other / means.base,
        interval=Interval(lower=bounds.lower, upper=bounds.upper, level=LEVEL, method=BETTING_METHOD),
        tier=point_tier(means.base, means.other),
        confirmed=tiers.confirmed,
        cleared=tiers.cleared,
    )
    return Measured(tax, LimitTests(found.p_above(limit), found.p_below(limit)))


def _prefix(paired: PairedDomain, order: Sequence[str]) -> tuple[ItemPair, ...]:
    """The first items of the committed order, up to the first that one of the two was not asked."""
    known = {pair.base.item: pair for pair in paired.pairs}
    found: list[ItemPair] = []
    for item in order:
        if item not in known:
            break
        found.append(known[item])
    return tuple(found)


def _bets(pairs: Sequence[ItemPair]) -> RatioBets:
    """Bet on families in their order; one with an unscored item is unscored."""
    scores = _columns(pairs)
    sizes = np.bincount(scores.families)
    means = [np.bincount(scores.families, weights=column) / sizes for column in (scores.base, scores.other)]
    return bet_on_ratio(*means)


def _columns(pairs: Sequence[ItemPair]) -> _Scores:
    numbers: dict[str, int] = {}
    return _Scores(
        base=np.array([_number(pair.base.score) for pair in pairs], dtype=np.float64),
        other=np.array([_number(pair.other.score) for pair in pairs], dtype=np.float64),
        families=np.array(
            [numbers.setdefault(pair.base.family, len(numbers)) for pair in pairs], dtype=np.intp
        ),
    )


def _number(score: float | None) -> float:
    return np.nan if score is None else score


def _answered(pairs: Sequence[ItemPair], lost: float) -> AnsweredTax | None:
    """Leave refusals aside; None unless somebody looked for them on every scored item of both models."""
    scored = [pair for pair in pairs if pair.base.score is not None and pair.other.score is not None]
    if not scored or any(pair.base.refused is None or pair.other.refused is None for pair in scored):
        return None
    both = [pair for pair in scored if not (pair.base.refused or pair.other.refused)]
    scores = _columns(both)
    n = len(both)
    kept = float((scores.base - scores.other).sum()) / len(scored)
    refusal = lost - kept
    base = float(scores.base.mean()) if n else 0.0
    other = float(scores.other.mean()) if n else 0.0
    bounds = None
    if n and int(scores.families.max()) > 0:
        bounds = paired_means(scores.base, scores.other, clusters=scores.clusters).ratio(LEVEL)
    return AnsweredTax(
        n=n,
        absolute=base - other,
        relative=1 - other / base if base > 0 else None,
        interval=None
        if bounds is None
        else Interval(lower=bounds.lower, upper=bounds.upper, level=LEVEL, method=RATIO_METHOD),
        lost_to_refusal=refusal,
        refusal_share=refusal / lost if lost > 1e-12 else None,  # noqa: PLR2004 - below, it is rounding
    )
