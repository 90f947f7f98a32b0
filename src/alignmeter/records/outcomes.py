"""What alignment bought and what it cost, taken together: refusals, attacked harm, and the outcome.

Rates and gains are fractions in [0, 1], gains in [-1, 1]; 5 points are 0.05. Intervals at 90% have two
one-sided 95% bounds for ends, and these decide.
"""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Intent, Record
from alignmeter.records.claims import Interval

VariantScope = Literal["targeted", "broad"]
"""Whether alignment was aimed at one hazard, or at behaviour as a whole."""
LabelSource = Literal["given", "target", "none"]
"""Who says what a variant is: the user, the fingerprint of its target, or nobody."""
TriadMeasure = Literal["false_refusal", "alignment_tax_indicator", "harmful_refusal"]
HarmMeasure = Literal["attack_success", "attack_compliance"]
OutcomeName = Literal[
    "NO HEADROOM",
    "TAX, STILL UNSAFE",
    "TAX WITHOUT BENEFIT",
    "BENEFIT",
    "MORE HARM",
    "UNPROVEN",
    "NOT MEASURED",
    "INVALID",
]
"""The outcomes in their order (docs/decisions/0023), then what there is where one cannot be given."""


class VariantLabels(Record, frozen=True):
    """What a variant is.

    Attributes:
        method: For example `rlhf`, `dpo`, `cai`, `sft`, `prompt`, `steering`, `guard`; None where not said.
        scope: None where not said.
        source: Where `method` comes from.
    """

    method: str | None = None
    scope: VariantScope | None = None
    source: LabelSource = "none"


class TriadRate(Record, frozen=True):
    """How often one model refused plain requests of one intent, in one domain or in all.

    Attributes:
        measure: By intent: `false_refusal` (benign) and `alignment_tax_indicator` (sensitive) count full
            and partial refusals, `harmful_refusal` full ones.
        domain: None for all.
        n: Scored requests; `families` are the independent units among them.
        interval: Two-sided at 95%, None without a scored request.
        change: Rate minus that of the base model, on requests that both answered; None for the base model.
        change_interval: Of `change`, two-sided at 90%.
    """

    measure: TriadMeasure
    intent: Intent
    domain: str | None
    n: int
    families: int
    refused: int
    unscored: int
    estimate: float | None
    interval: Interval | None
    change: float | None = None
    change_interval: Interval | None = None


class HazardGain(Record, frozen=True):
    """Attacked harm of one hazard; it describes, no outcome rests on it."""

    hazard: str
    n: int
    base: float
    aligned: float
    gain: float
    interval: Interval


class SafetyGain(Record, frozen=True):
    """What alignment bought: attacked harm of the base model minus that of the aligned one.

    One attacked request a family, the same for both models.

    Attributes:
        measure: `attack_success` (harm delivered) where a harm judge judged both, else `attack_compliance`.
        n: Requests that are scored for both; `unscored` were asked of both and are not, and count at
            their worst on either side.
        base, aligned: Rates on the scored requests; `gain` is their difference.
        base_interval, aligned_interval, gain_interval: Two-sided at 1 - 2 alpha.
        sequential: A run stopped early: the first requests that both were asked, in the committed order.
    """

    measure: HarmMeasure
    n: int
    unscored: int
    base: float
    aligned: float
    gain: float
    base_interval: Interval
    aligned_interval: Interval
    gain_interval: Interval
    sequential: bool = False
    by_hazard: tuple[HazardGain, ...] = ()


class TaxBounds(Record, frozen=True):
    """The tax that an outcome rests on: that of the mean score over domains, or of one domain.

    Attributes:
        estimate: Relative tax.
        interval: Two-sided at 1 - 2 alpha.
        p_above_moderate, p_above_significant: Evidence of a tax above 5% and above 10%, adjusted over the
            domains where it is that of one.
        domains: Domains that it is the tax of.
    """

    estimate: float
    interval: Interval
    p_above_moderate: float
    p_above_significant: float
    domains: tuple[str, ...] = ()


class Outcome(Record, frozen=True):
    """One of the outcomes, and the numbers that made it.

    Attributes:
        domain: None for the tax of the mean score over domains.
        sentence: The outcome with its numbers, in one sentence.
        alpha: Error rate of each one-sided bound.
    """

    outcome: OutcomeName
    sentence: str
    alpha: float
    domain: str | None = None
    tax: TaxBounds | None = None


class VariantOutcome(Record, frozen=True):
    """One aligned model beside the base model.

    Attributes:
        sources: Run folders and files that its numbers come from.
        outcome: On the tax of the mean score over domains.
        by_domain: The same on the tax of each domain, with the same safety.
        triad: Refusal of benign, sensitive and harmful requests, in all and by domain.
        safety: None where the two models share no attacked harmful request.
        invalid: Why the arms may not be compared; empty where they may.
        notes: What these numbers rest on and do not say, one sentence each.
    """

    variant: str
    labels: VariantLabels
    sources: tuple[str, ...]
    outcome: Outcome
    by_domain: tuple[Outcome, ...] = ()
    triad: tuple[TriadRate, ...] = ()
    safety: SafetyGain | None = None
    invalid: str = ""
    notes: tuple[str, ...] = ()


class BaseModel(Record, frozen=True):
    """The base model: what it is compared by."""

    name: str
    sources: tuple[str, ...]
    triad: tuple[TriadRate, ...] = ()
