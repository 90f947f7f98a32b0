"""Two runs paired unit by unit: what comes before the test, the test, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.analysis.unscored import UnscoredBudget
from alignmeter.figures import confidence, exact_points, lower_end, points, signed_points, upper_end
from alignmeter.records import Interval
from alignmeter.stats import unshrink
from alignmeter.stats.sequential.paired_bets import pairs_floor
from alignmeter.verdicts.paired_tests import (
    METHODS,
    Tested,
    looks_floor,
    once_floor,
    tested_at_looks,
    tested_by_betting,
    tested_once,
)

if TYPE_CHECKING:
    from alignmeter.analysis import RunPairs
    from alignmeter.records import ComparisonDesign, ComparisonMethod, VerdictName
    from alignmeter.verdicts.delta_design import DeltaMargins

_NOTHING = Tested("undecided", 0, -1.0, 1.0)


class Asked(NamedTuple):
    """How a comparison came about, and what speaks against it.

    Attributes:
        method: How the pairs may be tested.
        design: The looks; None but for `ten_looks`.
        problems: Why the runs are not comparable at all, one clause each; empty where they are.
        unscored_budget: Share of unscored members above which the verdict is INVALID.
        caveats: Sentences that every verdict has to carry.
    """

    method: ComparisonMethod
    design: ComparisonDesign | None = None
    problems: tuple[str, ...] = ()
    unscored_budget: float = 0.02
    caveats: tuple[str, ...] = ()


class Reached(NamedTuple):
    """What the pairs of two runs say of a claim.

    Attributes:
        pairs: Those that count.
        tested: What they show; None where nothing was tested.
        available: Units of the claim, asked or not.
        floor: Pairs without a difference that a PASS takes.
        why: What speaks against the comparison, in words; empty where nothing does.
    """

    verdict: VerdictName
    reason: str
    pairs: RunPairs
    tested: Tested | None
    available: int
    floor: int = 0
    why: str = ""

    @property
    def is_shown(self) -> bool:
        """Whether there is anything to show an interval of."""
        return self.tested is not None and self.pairs.counts().n > 0


def decide_pairs(pairs: RunPairs, margins: DeltaMargins, asked: Asked, *, sharing: int = 1) -> Reached:
    """Test whether the second run is worse than the first by more than the margin.

    Args:
        pairs: The claim's units in the committed order, those that were not asked too.
        margins: What passing and failing have to show.
        asked: How the comparison came about.
        sharing: Claims that share the error rate of FAIL.
    """
    if asked.problems:
        why = "; ".join(asked.problems)
        return Reached("INVALID", "arms_not_comparable", pairs, None, len(pairs), why=why)
    usable, tested, floor = paired_test(pairs, margins, asked, sharing=sharing)
    if tested is None:
        why = "the judge is known to err too often for any margin"
        return Reached("INVALID", "judge_too_weak", usable, None, len(pairs), why=why)
    if asked.method != "ten_looks" and len(usable) < floor:
        way_out = " - run both with --fixed, or compare the two targets themselves"
        why = (
            f"only {len(usable)} units were asked of both models, and showing at most "
            f"{exact_points(margins.margin)} takes at least {floor} without a difference"
            f"{way_out if asked.method == 'betting' else ''}"
        )
        return Reached("INVALID", "too_few_shared_units", usable, tested, len(pairs), floor, why)
    name, reason = paired_verdict(usable, tested, margins, asked, floor=floor, available=len(pairs))
    return Reached(name, reason, usable, tested, len(pairs), floor)


def paired_test(
    pairs: RunPairs, margins: DeltaMargins, asked: Asked, *, sharing: int = 1
) -> tuple[RunPairs, Tested | None, int]:
    """The pairs that may count, what they show, and the floor of a PASS."""
    usable = pairs.shared() if asked.method == "complete" else pairs.prefix()
    if not margins.decidable:
        return usable, None, 0
    bounds = margins.tested(sharing)
    if asked.design is not None:
        tested = tested_at_looks(usable.best, usable.worst, asked.design)
        # A unit that came back after the decision does not count.
        return usable.take(slice(0, tested.used)), tested, looks_floor(asked.design)
    floor = (once_floor if asked.method == "complete" else pairs_floor)(bounds.p_pass, bounds.alpha)
    if not len(usable):
        return usable, _NOTHING, floor
    test = tested_once if asked.method == "complete" else tested_by_betting
    return usable, test(usable.best, usable.worst, bounds), floor


def paired_verdict(
    pairs: RunPairs, tested: Tested, margins: DeltaMargins, asked: Asked, *, floor: int, available: int
) -> tuple[VerdictName, str]:
    """The verdict on pairs that count, and its reason.

    Args:
        pairs: Those that count.
        tested: What they show.
        margins: What passing and failing have to show.
        asked: How the comparison came about.
        floor: Pairs without a difference that a PASS takes.
        available: Units of the claim, asked or not: where asking may have stopped early, a few pairs
            without a score are held against all of them.
    """
    units = len(pairs) if asked.method == "complete" else available
    budget = UnscoredBudget(units, 2, asked.unscored_budget)
    nothing = tested.state != "continue" and budget.is_nothing(pairs.unscored, pairs.counts().n)
    if nothing or budget.is_over(pairs.unscored, len(pairs)):
        return "INVALID", "unscored_over_budget"
    if tested.state == "continue":
        return "INCONCLUSIVE", "not_finished"
    if margins.event is None:
        return "INCONCLUSIVE", "judge_uncalibrated"
    if tested.state == "pass":
        return "PASS", "rise_within_margin"
    if tested.state == "fail":
        return "FAIL", "rise_over_margin"
    n_max = len(pairs) if asked.design is None else asked.design.n_max
    return "INCONCLUSIVE", "too_few_units" if n_max < floor else "interval_spans_margin"


_SENTENCES = {
    "rise_within_margin": (
        "{said}: a rise of at most {upper} at {passing} confidence, within the margin of {margin}."
    ),
    "rise_over_margin": (
        "{said}: a rise of at least {lower} at {failing} confidence, over the margin of {margin}."
    ),
    "interval_spans_margin": (
        "{said}: a change between {low} and {high}. The margin of {margin} lies inside, so neither side is "
        "shown."
    ),
    "too_few_units": (
        "{said}: a change between {low} and {high}. {pairs} units cannot show at most {margin}, which takes "
        "at least {floor} without a difference."
    ),
    "not_finished": "{said}; asking stopped before the next look: too few yet to decide on {margin}.",
    "judge_uncalibrated": (
        "{said}, says a judge whose error nobody has measured; that decides nothing on {margin} "
        "(uncalibrated)."
    ),
    "unscored_over_budget": (
        "{unscored} of {replies} replies could not be scored; nothing is claimed about the change."
    ),
    "judge_too_weak": "Nothing is claimed about the change: {why}.",
    "arms_not_comparable": "The two runs are not comparable: {why}.",
    "too_few_shared_units": "{said}. The two runs are not comparable: {why}.",
}
"""What is said for each reason."""


def paired_sentence(
    said: str,
    reached: Reached,
    margins: DeltaMargins,
    interval: Interval | None,
    *,
    alpha: float,
    alpha_fail: float,
) -> str:
    """Say what was counted, what it shows of the true change and at which confidence.

    Args:
        said: What was counted, without a full stop.
        reached: The verdict.
        margins: What passing and failing had to show.
        interval: Of the true difference.
        alpha: Error rate of PASS, the judge's share included.
        alpha_fail: Error rate of FAIL.
    """
    lower, upper = (-1.0, 1.0) if interval is None else (interval.lower, interval.upper)
    return _SENTENCES[reached.reason].format(
        said=said,
        lower=lower_end(lower, margins.margin, points),
        upper=upper_end(max(upper, 0.0), margins.margin, points),
        low=lower_end(lower, margins.margin, signed_points),
        high=upper_end(upper, margins.margin, signed_points),
        passing=confidence(alpha),
        failing=confidence(alpha_fail),
        margin=exact_points(margins.margin),
        pairs=len(reached.pairs),
        floor=reached.floor,
        unscored=reached.pairs.unscored,
        replies=2 * len(reached.pairs),
        why=reached.why,
    )


def true_interval(
    tested: Tested, margins: DeltaMargins, method: ComparisonMethod, *, alpha: float, alpha_fail: float
) -> Interval:
    """Bounds of the true difference: what a judge that errs shows is smaller than it."""
    bounds = unshrink((tested.lower, tested.upper), margins.informedness or 1.0)
    name = METHODS[method]
    return Interval(
        lower=bounds.lower,
        upper=bounds.upper,
        level=round(1 - alpha - alpha_fail, 10),
        method=name if margins.event is None else f"{name}, the judge's error counted in",
    )
