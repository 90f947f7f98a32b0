"""What the units of a claim show of the rate of bad ones: counts, an interval, and where the tests stand."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.records import ClaimDesign
from alignmeter.stats import Bounds, binomial_tests, exact_interval, halves_interval, halves_tests
from alignmeter.verdicts.design import is_decidable
from alignmeter.verdicts.outcomes import UnitOutcome, unit_outcome
from alignmeter.verdicts.stream import ClaimStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignmeter.records import Claim, Judgement
    from alignmeter.stats import AlphaSpendingDesign
    from alignmeter.verdicts.stream import State

SEQUENTIAL = "exact at any stop, dual of the sequential tests"
"""The interval of a stream."""


class Tally(NamedTuple):
    """Counts over units of a claim.

    Attributes:
        units: Units that count: all of them at fixed n, those up to the decision otherwise.
        members: Trials a unit: 1, or 2 where a unit is the mean of two flips.
        bad, scored, unscored, not_asked, hard: Members; divide by `members` for units.
    """

    units: int
    members: int
    bad: int
    scored: int
    unscored: int
    not_asked: int
    hard: int

    @property
    def estimate(self) -> float | None:
        """Rate over scored members, None where there is none."""
        return self.bad / self.scored if self.scored else None

    @property
    def asked(self) -> float:
        """Units asked so far."""
        return self.units - self.not_asked / self.members


class Evidence(NamedTuple):
    """What the units show of the judged rate."""

    counts: Tally
    state: State
    bounds: Bounds[float]
    method: str


def tally(claim: Claim, judgements: Mapping[str, Judgement]) -> Tally:
    """Count all of a claim's units; each unit of a claim has the same number of members."""
    return tally_of(claim, [unit_outcome(claim, unit, judgements) for unit in claim.units])


def tally_of(claim: Claim, outcomes: Sequence[UnitOutcome]) -> Tally:
    """Sum the outcomes of some units of a claim."""
    return Tally(
        units=len(outcomes),
        members=len(claim.units[0]) if claim.units else 1,
        bad=sum(outcome.bad for outcome in outcomes),
        scored=sum(outcome.scored for outcome in outcomes),
        unscored=sum(outcome.unscored for outcome in outcomes),
        not_asked=sum(outcome.not_asked for outcome in outcomes),
        hard=sum(outcome.hard for outcome in outcomes),
    )


def plain_design(claim: Claim) -> ClaimDesign:
    """The only design there was before designs were recorded: fixed n, a judge taken as perfect."""
    return ClaimDesign(
        method="fixed",
        alpha=claim.alpha,
        alpha_fail=claim.alpha,
        p_pass=claim.threshold,
        p_fail=claim.threshold,
        n_max=len(claim.units),
        flips=len(claim.units[0]),
    )


def judge_evidence(
    claim: Claim,
    design: ClaimDesign,
    judgements: Mapping[str, Judgement],
    unscored_budget: float,
    *,
    bounds: bool = True,
) -> Evidence:
    """What the judge's answers show: the stream up to its decision, or all units at fixed n.

    Args:
        claim: A claim with units.
        design: Its design.
        judgements: By trial id.
        unscored_budget: Share of units without a score above which a stream is given up.
        bounds: Whether to work out the interval of a stream, which takes longest.
    """
    stream = ClaimStream(claim, unscored_budget)
    if stream.process is None:
        counts = tally(claim, judgements)
        return fixed_evidence(design, counts, bad=counts.bad, missing=counts.unscored + counts.not_asked)
    stream.advance(judgements)
    counts = tally_of(claim, stream.used)
    if not bounds:
        return Evidence(counts, stream.state, Bounds(0.0, 1.0), SEQUENTIAL)
    each = [(outcome.bad, outcome.unscored) for outcome in stream.used]
    return Evidence(counts, stream.state, stream_bounds(stream.process.design, each), SEQUENTIAL)


def stream_bounds(design: AlphaSpendingDesign, each: Iterable[tuple[int, int]]) -> Bounds[float]:
    """The interval of a stream, from the bad and the missing members of each unit in order."""
    bad, missing = zip(*each, strict=True) if (each := list(each)) else ((), ())
    low = tuple(accumulate(bad))
    high = tuple(a + b for a, b in zip(low, accumulate(missing), strict=True))
    return _stream_bounds(design, low, high)


@lru_cache(maxsize=256)
def _stream_bounds(design: AlphaSpendingDesign, low: tuple[int, ...], high: tuple[int, ...]) -> Bounds[float]:
    """Kept, because it takes most of the time of an analysis and only labels ever change it."""
    return design.interval(low, high)


def fixed_evidence(design: ClaimDesign, counts: Tally, *, bad: int, missing: int) -> Evidence:
    """One exact test on each side over all units.

    Args:
        design: Thresholds and error rates.
        counts: What is told of the units.
        bad: Members that are bad.
        missing: Members that count as bad for passing and as good for failing.
    """
    single = counts.members == 1
    dual = exact_interval if single else halves_interval
    bounds = Bounds(
        dual(bad, counts.units, design.alpha_fail, unscored=missing).lower,
        dual(bad, counts.units, design.alpha, unscored=missing).upper,
    )
    method = (
        "Clopper-Pearson, dual of the tests" if single else "exact for means of two flips, dual of the tests"
    )
    return Evidence(counts, fixed_state(design, counts, bad=bad, missing=missing), bounds, method)


def fixed_state(design: ClaimDesign, counts: Tally, *, bad: int, missing: int) -> State:
    """Where the tests at fixed n stand; arguments as those of `fixed_evidence`."""
    test = binomial_tests if counts.members == 1 else halves_tests
    if is_decidable(design):
        if test(bad, counts.units, design.p_pass, unscored=missing).p_pass <= design.alpha:
            return "pass"
        if test(bad, counts.units, design.p_fail, unscored=missing).p_fail <= design.alpha_fail:
            return "fail"
    return "continue" if counts.not_asked else "undecided"
