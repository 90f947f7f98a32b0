"""What alignment cost: scores that were given, and the tax that they show.

A tax can come from a table of mean scores or from two runs; the same records carry both. Relative
taxes are fractions (0.1 is 10% of the base score), absolute taxes are in the unit of the scores.
"""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Record
from alignmeter.records.claims import Interval
from alignmeter.records.outcomes import BaseModel, VariantOutcome

BaseSource = Literal["measured", "published", "proxy", "unstated"]
"""Where a base score comes from: measured beside the variants, taken from a publication, measured on
another model that stands in for the base model, or not said."""
TaxTier = Literal["minimal", "moderate", "significant", "critical"]
"""minimal <= 5% < moderate <= 10% < significant <= 20% < critical."""
TaxFlag = Literal["above", "within", "undecided", "invalid", "unmeasured"]
"""As a verdict on "tax <= limit": FAIL, PASS, INCONCLUSIVE, INVALID and NOT MEASURED."""
TaxBasis = Literal["point", "test", "pairs", "sequential"]
"""What a flag rests on: the numbers as they are, a test of two independent arms, a test of pairs, or a
betting process on pairs of which a run stopped asking early."""
TaxNotEstimable = Literal["zero_base", "no_headroom", "unbounded", "no_variation"]
TaxCorrection = Literal["benjamini_hochberg", "holm"]


class MeanScore(Record, frozen=True):
    """A mean score, higher is better.

    Attributes:
        value: In the unit of its scale, at least 0.
        n: Items that it is the mean of, None where not known.
    """

    value: float
    n: int | None = None


class DomainScores(Record, frozen=True):
    """One domain: the base model's score and one of each variant.

    Attributes:
        variants: In the order of `ScoreTable.variants`; None where one was not measured.
        maximum: Best possible score; None where not known, and then no interval can be drawn.
        assumed_maximum: The maximum was not given but taken from the size of the scores.
        chance: Score of guessing, in the unit of the scores.
    """

    domain: str
    base: MeanScore
    variants: tuple[MeanScore | None, ...]
    base_source: BaseSource = "unstated"
    maximum: float | None = None
    assumed_maximum: bool = False
    chance: float = 0.0


class ScoreTable(Record, frozen=True):
    """Mean scores by domain and variant.

    Attributes:
        source: Where they come from, for people: a file, or the names of runs.
    """

    source: str
    variants: tuple[str, ...]
    domains: tuple[DomainScores, ...]


class AnsweredTax(Record, frozen=True):
    """The tax on items that both models answered, refused neither by the one nor by the other.

    Attributes:
        n: Items.
        absolute: Base minus variant on these items.
        relative: As a share of the base score, None where that is 0; `interval` is its interval.
        lost_to_refusal: Points lost, over all items, on the items that one of them refused.
        refusal_share: `lost_to_refusal` as a share of all that was lost; None where nothing was lost.
    """

    n: int
    absolute: float
    relative: float | None
    lost_to_refusal: float
    interval: Interval | None = None
    refusal_share: float | None = None


class Tax(Record, frozen=True):
    """What one variant lost in one domain; negative where it scores higher than the base model.

    Attributes:
        base, score: On the items that are scored for both models; None where there are none.
        absolute: Base minus variant, in the unit of the scores; None as above.
        absolute_interval: None where a number of items or the maximum is not known.
        relative: Share of the base score that was lost; None where it cannot be estimated.
        interval: Of `relative`; None as above, and where the ratio cannot be estimated.
        not_estimable: Why there is no relative tax.
        tier: Of `relative` as it is.
        confirmed: The tax is in this tier or above; None without an interval.
        cleared: The tax is in this tier or below; None without an interval.
        flag: Whether the tax is above the limit of its report.
        p_above: Evidence of a tax above the limit, adjusted for all tests of the report; None
            without a test.
        limit: Relative tax above which this domain is flagged, where it is not that of the report.
        families: Independent units of the pairs, 0 where there are no pairs.
        unscored: Pairs that one side has no score of; they count at their worst on either side.
        answered: Leaving refusals aside; None where nobody looked for them.
        invalid: Why nothing may be concluded, or was not measured; empty where something may.
    """

    domain: str
    variant: str
    base_source: BaseSource
    flag: TaxFlag
    basis: TaxBasis
    base: MeanScore | None = None
    score: MeanScore | None = None
    absolute: float | None = None
    absolute_interval: Interval | None = None
    relative: float | None = None
    interval: Interval | None = None
    not_estimable: TaxNotEstimable | None = None
    tier: TaxTier | None = None
    confirmed: TaxTier | None = None
    cleared: TaxTier | None = None
    p_above: float | None = None
    limit: float | None = None
    families: int = 0
    unscored: int = 0
    answered: AnsweredTax | None = None
    invalid: str = ""


class VariantTax(Record, frozen=True):
    """One variant over all domains; it describes, nothing is decided on it.

    Attributes:
        ranking: Domains with a relative tax, highest first.
        high: Domains whose tax is above the limit as it is, highest first.
        low: Domains whose tax is minimal as it is, lowest first.
        mean: Mean of the relative taxes, each domain with the same weight; None without any.
    """

    variant: str
    ranking: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    low: tuple[str, ...] = ()
    mean: float | None = None


class TaxReport(Record, frozen=True):
    """The tax of every variant in every domain.

    Attributes:
        limit: Relative tax above which a domain is flagged.
        alpha: Error rate of each side of a tier, and share of wrong flags at most on average.
        taxes: By domain, then by variant, in the order of the table.
        notes: What these numbers rest on and do not say, one sentence each.
        exit_code: 1 where a tax is flagged, or an outcome is one of a tax; else 4 where something is
            invalid or not measured; else 3 where something is undecided; else 0.
        base: The base model; None where only mean scores are known, as `outcomes` is empty then.
        outcomes: Tax and safety of each variant together.
        correction: How `p_above` is adjusted.
    """

    source: str
    limit: float
    alpha: float
    variants: tuple[VariantTax, ...]
    taxes: tuple[Tax, ...]
    notes: tuple[str, ...]
    exit_code: int
    base: BaseModel | None = None
    outcomes: tuple[VariantOutcome, ...] = ()
    correction: TaxCorrection = "benjamini_hochberg"
