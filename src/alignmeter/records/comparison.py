"""A base and a tuned model side by side: how they are compared, and what changed.

Differences are tuned minus base. Every measure is the rate of something bad, so that a positive
difference is a change for the worse.
"""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Record
from alignmeter.records.claims import Interval, VerdictName
from alignmeter.records.gaming import GamingVerdict
from alignmeter.records.judgements import CardEvent

ArmRole = Literal["base", "tuned"]
"""Which side of a comparison a run is."""

ComparedMeasure = Literal[
    "attack_success",
    "attack_compliance",
    "false_refusal_benign",
    "false_refusal_sensitive",
    "confident_hallucination",
]
"""What is counted: harm delivered, anything but a full refusal of a harmful request, refusal of a benign
or a sensitive one, a wrong and confident answer."""

ComparedColumn = Literal["overall", "attack_class", "hazard", "domain", "language", "format"]
"""What the trials of one line share."""

DeltaLabel = Literal["improved", "degraded", "unchanged", "undecided"]
ComparisonMethod = Literal["ten_looks", "complete", "betting"]
"""How a claim was tested: at looks fixed beforehand, once on two complete runs, or as a betting process
because an arm stopped early."""


class ComparisonDesign(Record, frozen=True):
    """How two targets that are asked side by side are compared; fixed, and hashed, before the first call.

    Attributes:
        role: Which arm this run is.
        partner: Fingerprint hash of the other arm.
        margin: Largest rise that is accepted, as a fraction.
        alpha: Error rate of each side, what pays for the judge's bounds left out.
        p_pass: PASS shows that the judged rise is below this; `p_fail`: FAIL shows that it is above.
        n_max: Pairs at most.
        looks: Pairs at each look, ascending, with `pass_at` and `fail_at`: pass where Tango's statistic
            at `p_pass` is at or below minus the one, fail where that at `p_fail` is at or above the other.
        event: The event whose card moved `p_pass`; None without one.
        informedness: Lower bound of the judge's sensitivity + specificity - 1; None without a card.
    """

    role: ArmRole
    partner: str
    margin: float
    alpha: float
    p_pass: float
    p_fail: float
    n_max: int
    looks: tuple[int, ...]
    pass_at: tuple[float, ...]
    fail_at: tuple[float, ...]
    event: CardEvent | None = None
    informedness: float | None = None


class ComparedArm(Record, frozen=True):
    """One run of a comparison.

    Attributes:
        run: Run id; `path` its folder.
        asked: Trials with a reply or an error; `planned` of them there are.
        ended: `fixed`: every trial was asked; `sequential`: stopped when its own claims were decided;
            `side_by_side`: stopped when the comparison was; `unfinished`: interrupted, or out of budget.
    """

    role: ArmRole
    run: str
    path: str
    target: str
    fingerprint: str
    asked: int
    planned: int
    ended: Literal["fixed", "sequential", "side_by_side", "unfinished"]


class DeltaVerdict(Record, frozen=True):
    """The answer to "it got worse by no more than the margin".

    Attributes:
        category: Class of attacks that it is about; None for all of them, the claim itself.
        reason: Short machine-readable reason.
        sentence: One sentence in plain words.
        alpha, alpha_fail: Error rates of PASS and of FAIL.
        base, tuned: Rates on the pairs; `difference` is tuned minus base, on which the verdict rests.
        relative: Change as a share of the base rate; None where nothing was bad before.
        interval: Of the difference, the dual of the tests, missing scores at their worst on either side.
        pairs: Units that counted, `available` those that both runs hold, `unscored` members of the
            pairs without a score.
        worse, better: Pairs that are bad only now, and bad only before.
        floor: Pairs without a difference that a PASS takes.
    """

    measure: ComparedMeasure
    verdict: VerdictName
    reason: str
    sentence: str
    margin: float
    alpha: float
    alpha_fail: float
    method: ComparisonMethod
    category: str | None = None
    base: float | None = None
    tuned: float | None = None
    difference: float | None = None
    relative: float | None = None
    interval: Interval | None = None
    pairs: int = 0
    available: int = 0
    unscored: int = 0
    worse: int = 0
    better: int = 0
    floor: int = 0
    caveats: tuple[str, ...] = ()


class Delta(Record, frozen=True):
    """One line of the table of differences; it describes, the claim decides.

    Attributes:
        by, value: What its trials share, for example `hazard` and `fraud`; `overall` and `all`.
        n: Pairs with both scores, one a family.
        interval: Two-sided; None without a pair.
        p: Evidence of any change, adjusted for all lines of the table; None where an arm stopped early,
            whose lines are flagged by e-values.
        unscored: Pairs of which at least one is unscored.
    """

    measure: ComparedMeasure
    by: ComparedColumn
    value: str
    n: int
    label: DeltaLabel
    base: float | None = None
    tuned: float | None = None
    difference: float | None = None
    relative: float | None = None
    interval: Interval | None = None
    p: float | None = None
    worse: int = 0
    better: int = 0
    unscored: int = 0


class Flip(Record, frozen=True):
    """One trial on which the two models differ.

    Attributes:
        before, after: What the judge said of base and tuned, for example `full` and `none`.
        request: What was asked; empty where it is masked.
    """

    trial: str
    probe: str
    measure: ComparedMeasure
    direction: Literal["worse", "better"]
    before: str
    after: str
    attack: str = "plain"
    domain: str = ""
    hazard: str | None = None
    masked: bool = False
    request: str = ""


class SurfaceChange(Record, frozen=True):
    """Did words of refusal become more frequent without the model becoming safer?

    Attributes:
        verdict: `GAMING`: refusals rose and safety did not; `NOT SHOWN`; `NOT MEASURED`: harm was not
            judged in both runs.
        refusals: Of the change in replies with words of refusal, and `safety` of the change in replies
            without harm; None where not measured.
        least: Gain of safety that would count as one.
        pairs: Harmful requests with all four scores.
    """

    verdict: GamingVerdict
    sentence: str
    least: float
    pairs: int = 0
    refusals: Interval | None = None
    safety: Interval | None = None


class JudgeEquality(Record, frozen=True):
    """Does the judge err alike on both models, as far as labels of people tell?

    Attributes:
        status: `alike`: labels do not show otherwise; `differs`: they do; `unknown`: too few labels.
        labels: Labels of base and tuned that were used.
        p_sensitivity, p_specificity: Evidence of a difference; None where unknown.
    """

    status: Literal["alike", "differs", "unknown"]
    sentence: str
    labels: tuple[int, int] = (0, 0)
    sensitivity: tuple[float, float] | None = None
    specificity: tuple[float, float] | None = None
    p_sensitivity: float | None = None
    p_specificity: float | None = None


class Comparison(Record, frozen=True):
    """What changed from a base to a tuned model.

    Attributes:
        claim: On all attacked harmful requests; with `categories` it makes the exit code.
        categories: The same claim for each class of attacks; a FAIL of one fails the comparison.
        equivalence: Difference within which a line counts as unchanged, as a fraction.
        deltas: Overall and by part, for every measure that both runs have.
        notes: What these numbers rest on and do not say, one sentence each.
        exit_code: 1 something FAILED, 4 INVALID, 3 INCONCLUSIVE, 0 PASS.
    """

    base: ComparedArm
    tuned: ComparedArm
    claim: DeltaVerdict
    categories: tuple[DeltaVerdict, ...]
    equivalence: float
    deltas: tuple[Delta, ...]
    flips: tuple[Flip, ...]
    surface: SurfaceChange
    judge: JudgeEquality
    notes: tuple[str, ...]
    exit_code: int


class HistoryPoint(Record, frozen=True):
    """One cycle of fine-tuning on a control chart.

    Attributes:
        pairs, unscored: Pairs with both scores, and asked pairs without.
        rate: Share of bad replies on the pairs, `reference` that of the run it is compared with.
        interval: Of the difference, at the control limits.
        signal: `rise`, `fall`: outside the control limits; `drift`: the detector of slow drift raised
            its alarm in this cycle; `none`; `not_comparable`.
        evidence: The detector's level as a share of its threshold; 1 is an alarm.
        claim: What `compare` says of the run it is compared with and this one, `categories` of each class
            of attacks; None where it is not comparable, and in `HistoryChart`.
    """

    run: str
    path: str
    target: str
    signal: Literal["none", "rise", "fall", "drift", "not_comparable"]
    pairs: int = 0
    unscored: int = 0
    rate: float | None = None
    reference: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    evidence: float | None = None
    why: str = ""
    claim: DeltaVerdict | None = None
    categories: tuple[DeltaVerdict, ...] = ()


class HistoryChart(Record, frozen=True):
    """A further measure on a control chart: alarms, and no verdict.

    Attributes:
        first: The reference at the start, `points` one a run after it; none of them has a claim.
        limit: As that of `History`.
    """

    measure: ComparedMeasure
    first: HistoryPoint
    points: tuple[HistoryPoint, ...]
    limit: float | None


class History(Record, frozen=True):
    """Many cycles of fine-tuning against the first, or each against the one before.

    Attributes:
        first: The reference at the start; the detector of drift always compares with it.
        margin: Rise that has to be ruled out for the latest run to be in order.
        limit: Upper confidence bound of the first run's rate, above which drift counts; None where every
            reply of the first run was bad.
        cycle_length: Cycles to a false alarm of drift, on average, at least, over all charts.
        rule: When there is an alarm, and how often one is false.
        exit_code: Of the latest run: 4 not comparable, or its claim is INVALID; 1 an alarm of any chart, or
            the claim or one on a class of attacks FAILED; 3 INCONCLUSIVE, or one of `others` cannot be
            charted for it; 0 PASS without an alarm.
        others: The charts of the other measures that are watched: refusals of benign and of sensitive
            requests and confidently wrong answers, where the first run has them.
    """

    measure: ComparedMeasure
    reference: Literal["first", "previous"]
    first: HistoryPoint
    points: tuple[HistoryPoint, ...]
    margin: float
    limit: float | None
    cycle_length: int
    rule: str
    notes: tuple[str, ...]
    exit_code: int
    others: tuple[HistoryChart, ...] = ()

    @property
    def charts(self) -> tuple[HistoryChart, ...]:
        """The chart of each measure that is watched, harm first."""
        harm = HistoryChart(measure=self.measure, first=self.first, points=self.points, limit=self.limit)
        return harm, *self.others
