"""What changed from a baseline run to another, claim by claim, on the units that both were asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.records import Interval, Record, VerdictName
from alignmeter.verdicts.paired_decision import decide_pairs, paired_sentence, true_interval

if TYPE_CHECKING:
    from alignmeter.analysis import RunPairs
    from alignmeter.analysis.run_pairs import PairCounts
    from alignmeter.records import Claim
    from alignmeter.verdicts.delta_design import DeltaMargins
    from alignmeter.verdicts.paired_decision import Asked


class Change(Record, frozen=True):
    """A claim's rate in two runs, on shared units.

    Attributes:
        margin: Largest rise that is accepted, in points.
        shared: Units that count: both runs were asked them, in the committed order.
        unscored: Replies among them without a score; at their worst in both tests.
        floor: Shared units without a difference that a PASS takes.
        worse, better: Shared units that are bad only now, and bad only before.
        before, after: Judged rates on the units with both scores; `difference` is after minus before.
        relative: Relative change, None where nothing was bad before. Points decide.
        interval: Of the true difference, the dual of the tests.
    """

    claim: str
    title: str
    verdict: VerdictName
    reason: str
    sentence: str
    margin: float
    shared: int
    unscored: int = 0
    floor: int = 0
    worse: int = 0
    better: int = 0
    before: float | None = None
    after: float | None = None
    difference: float | None = None
    relative: float | None = None
    interval: Interval | None = None


def change(claim: Claim, pairs: RunPairs, margins: DeltaMargins, asked: Asked) -> Change:
    """Test whether a claim's rate rose by more than a margin, as `decide_delta` does.

    PASS is at the claim's alpha and FAIL at its `alpha_fail`, so that one of many claims fails by chance
    at most alpha of the time. Units of two flips count as bad where any flip is.

    Args:
        claim: The claim of the later run.
        pairs: Its units in the committed order, those that were not asked too; the baseline is the base.
        margins: What passing and failing have to show, at the claim's alpha.
        asked: How the comparison came about.
    """
    alpha_fail = claim.alpha_fail or claim.alpha
    reached = decide_pairs(pairs, margins, asked, sharing=round(claim.alpha / alpha_fail))
    counts, shown = reached.pairs.counts(), reached.is_shown
    interval = None
    if shown and reached.tested is not None:
        interval = true_interval(
            reached.tested, margins, asked.method, alpha=claim.alpha, alpha_fail=alpha_fail
        )
    return Change(
        claim=claim.id,
        title=claim.title,
        verdict=reached.verdict,
        reason=reached.reason,
        sentence=paired_sentence(
            _said(counts), reached, margins, interval, alpha=claim.alpha, alpha_fail=alpha_fail
        ),
        margin=margins.margin,
        shared=len(reached.pairs) if reached.tested is not None else 0,
        unscored=reached.pairs.unscored,
        floor=reached.floor,
        worse=counts.worse,
        better=counts.better,
        before=counts.base / counts.n if shown else None,
        after=counts.tuned / counts.n if shown else None,
        difference=(counts.tuned - counts.base) / counts.n if shown else None,
        relative=(counts.tuned - counts.base) / counts.base if shown and counts.base else None,
        interval=interval,
    )


def _said(counts: PairCounts) -> str:
    if not counts.n:
        return "No unit has a score in both runs"
    lost = f" ({counts.unscored} more have no score in one of them)" if counts.unscored else ""
    return (
        f"{counts.base} of {counts.n} judged bad before and {counts.tuned} of {counts.n} after, on the units "
        f"of both runs{lost}"
    )
