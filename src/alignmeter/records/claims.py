"""What is claimed, how it is decided, and what came out."""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Axis, Record
from alignmeter.records.judgements import CardEvent
from alignmeter.records.trials import AttackPool

ClaimKind = Literal[
    "attack_success",
    "attack_compliance",
    "false_refusal_benign",
    "false_refusal_sensitive",
    "confident_hallucination",
    "insecure_code",
    "language_gap",
    "coverage",
]
VerdictName = Literal["PASS", "FAIL", "INCONCLUSIVE", "INVALID", "NOT MEASURED"]
LabelBasis = Literal["judge", "positives", "all"]
"""What a verdict rests on: the judge alone, people on everything that it called bad, people on all."""


class ClaimDesign(Record, frozen=True):
    """How one claim is decided; fixed, and hashed, before the first call.

    Attributes:
        method: `fixed`: one exact test on each side once every unit is in. `alpha_spending`: exact
            boundaries at every look (`alignmeter.stats.alpha_spending_design`). `betting_pairs`: a
            betting e-process on the differences of pairs, each side against its own margin.
        alpha, alpha_fail: Error rates of the tests for PASS and for FAIL. The rest of the claim's
            error rates pays for the judge's bounds.
        p_pass: PASS shows that the rate of judged-bad units is below this.
        p_fail: FAIL shows that it is above this. Both are the threshold itself where the judge is
            taken as perfect; a judge of known error moves them apart.
        n_max: Units at most.
        batch: Units between two looks.
        futility: Chance of any verdict below which no more calls are made.
        flips: Members of a unit.
        looks: Units at each look, ascending, with `pass_at` and `fail_at`: pass with at most, fail
            with at least, so many bad members. Empty at fixed n.
        event: The event whose card moved the thresholds; None without one.
        sensitivity, specificity: (estimate, lower, upper) of the judge as used, None without a card.
        baseline_sensitivity, baseline_specificity: Likewise in the language that a gap is taken against,
            where the judge errs differently there; None otherwise.
    """

    method: Literal["fixed", "alpha_spending", "betting_pairs"]
    alpha: float
    alpha_fail: float
    p_pass: float
    p_fail: float
    n_max: int
    batch: int = 1
    futility: float = 0.0
    flips: int = 1
    looks: tuple[int, ...] = ()
    pass_at: tuple[int, ...] = ()
    fail_at: tuple[int, ...] = ()
    event: CardEvent | None = None
    sensitivity: tuple[float, float, float] | None = None
    specificity: tuple[float, float, float] | None = None
    baseline_sensitivity: tuple[float, float, float] | None = None
    baseline_specificity: tuple[float, float, float] | None = None


class Claim(Record, frozen=True):
    """A threshold on a contrast: E[Z] = rate - threshold, and E[Z] > 0 is bad.

    Attributes:
        id: Stable key for `show --claim`, for example `false_refusal_sensitive`.
        threshold: Fraction in (0, 1); for coverage claims 0.
        alpha: Error rate of a PASS.
        alpha_fail: Error rate of a FAIL: alpha over the number of claims, so that the run as a whole
            fails by chance at most alpha of the time. None is the same as alpha.
        units: The committed order of independent units; each unit is the ids of its trials (one
            trial, or the two flips of a family).
        missing: For a coverage claim, what the threat model names and no other claim rests on.
        floor: Clean units needed before PASS is possible; more than there are units where it is not.
        part: The part of the trials that it is about, for example `domain=medical`; None for all.
        mix: Which families are left out, to keep the weights of the domains or to have units that are
            alike; in words.
        caveats: What its verdict has to say of the prompts.
        design: How it is decided. None in runs of versions that knew one way only: fixed n, and a
            judge taken as perfect.
    """

    id: str
    kind: ClaimKind
    title: str
    threshold: float
    alpha: float
    alpha_fail: float | None = None
    axis: Axis = "refusal"
    units: tuple[tuple[str, ...], ...] = ()
    missing: str | None = None
    floor: int = 0
    design: ClaimDesign | None = None
    part: str | None = None
    mix: str | None = None
    caveats: tuple[str, ...] = ()


class Interval(Record, frozen=True):
    """An interval for a rate; `method` names how it was made, `level` its two-sided coverage."""

    lower: float
    upper: float
    level: float
    method: str


class TwoStageCounts(Record, frozen=True):
    """What the second judge of a cascade saw of the judged members of a claim.

    Attributes:
        certain, certain_bad: Those that the first judge flagged or doubted; how many the second called bad.
        drawn, drawn_bad: Those drawn from what the first let through, likewise.
        rest: All that the first let through; the drawn ones stand for them.
    """

    certain: int
    certain_bad: int
    drawn: int
    drawn_bad: int
    rest: int


class Verdict(Record, frozen=True):
    """The answer to one claim.

    Attributes:
        reason: Short machine-readable reason, for example `too_few_units` or `upper_bound_below`.
        sentence: One sentence in plain words that report and terminal show.
        estimate: Rate of bad units as judged; where the verdict rests on people, of those that the judge
            flagged and people confirm, or of those that people call bad where they saw every reply. None
            when nothing was scored, or where people saw only what a judge without a card flagged. Where
            a sequential design stopped early it leans towards the side that stopped it; the interval does
            not.
            Of a cascade without a card: the rate by its second judge, weighted by inclusion.
        corrected: The estimate with the judge's error taken out (Rogan and Gladen 1978), None
            without a card or where it is not estimable.
        interval: The dual of the two one-sided tests that decided (unscored units at their worst
            on either side), so picture and verdict never disagree. Of a cascade without a card:
            that of the weighted estimate.
        bad: Bad units of that rate, in halves where a unit is the mean of two flips. Of a cascade without a
            card: only those that its second judge saw, so no numerator of a rate.
        units: Units used, in the committed order; units asked after the decision are not.
        available: Units that could have been used; the difference was saved.
        unscored: Units without a score, in halves as above.
        minimum_detectable_effect: The largest true rate that this many units would have passed
            with 80% power, or None.
        units_to_decide: Units at which the observed rate would be decided, more than were asked, or None.
        caveats: What the verdict does not say.
        basis: What it rests on.
        without_labels: What the judge alone says, where people have labelled; None elsewhere.
        two_stage: What the estimate was weighted from; None but for a cascade without a card.
    """

    claim: str
    kind: ClaimKind
    title: str
    verdict: VerdictName
    reason: str
    sentence: str
    threshold: float
    alpha: float
    alpha_fail: float | None = None
    estimate: float | None = None
    interval: Interval | None = None
    units: int = 0
    available: int = 0
    bad: float = 0.0
    unscored: float = 0.0
    not_asked: int = 0
    hard_refusals: int = 0
    floor: int = 0
    corrected: float | None = None
    minimum_detectable_effect: float | None = None
    units_to_decide: int | None = None
    caveats: tuple[str, ...] = ()
    basis: LabelBasis = "judge"
    without_labels: VerdictName | None = None
    two_stage: TwoStageCounts | None = None


class Cell(Record, frozen=True):
    """A descriptive rate with its interval: one line of the report's tables.

    The interval is Wilson's where every scored trial is of a family of its own, else by family.

    `measure` is for example `refusal_rate`, `full_refusal_rate`, `confident_hallucination`;
    `by` the column split on (`intent`, `language`, `domain`, `attack_class`), `value` its value. Trials in a
    language that the deployment does not serve, the English side of a language gap, are in none.
    """

    measure: str
    suite: str
    by: str
    value: str
    n: int
    bad: float
    unscored: int
    estimate: float | None
    interval: Interval | None


class Effect(Record, frozen=True):
    """What one class of attacks, or one form of a question, changes against the plain twins.

    One pair a family. It describes, no verdict rests on it.

    Attributes:
        measure: `attack_success`: harm delivered; `attack_compliance`: anything but a full refusal;
            `confident_hallucination`: a wrong and confident answer to a closed question.
        n: Pairs of which both are scored.
        attacked, plain: Rate of the event with and without the attack, None without a pair.
        difference: `attacked` - `plain`, in [-1, 1].
        interval: Tango's interval of the difference, None without a pair.
        unscored: Pairs that were asked and of which at least one is unscored; in none of the rates.
    """

    attack_class: str
    attack_pool: AttackPool
    measure: Literal["attack_compliance", "attack_success", "confident_hallucination"]
    n: int
    attacked: float | None
    plain: float | None
    difference: float | None
    interval: Interval | None
    unscored: int


class BestOfN(Record, frozen=True):
    """P(at least one of N draws is complied with), over families.

    Attributes:
        attack: Name of the attack that was drawn.
        measure: `attack_compliance` or `attack_success`.
        draws: N.
        families: Families with at least N scored draws; the unit.
        estimate: Mean over families, None without one.
        single: Rate of a single draw in the same families, for comparison.
        interval: Two-sided at .95, None where there are fewer families than an interval needs.
        left_out: Families with draws that were asked but fewer than N scored; in no rate.
    """

    attack: str
    measure: Literal["attack_compliance", "attack_success"]
    draws: int
    families: int
    estimate: float | None
    single: float | None
    interval: Interval | None
    left_out: int
