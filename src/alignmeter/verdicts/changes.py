"""What changed from a baseline run to another, claim by claim, on the units that both have."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.records import Interval, Record, VerdictName
from alignmeter.verdicts.outcomes import unit_outcome
from alignmeter.verdicts.paired_tests import METHODS, Margins, tested_by_betting, tested_once
from alignmeter.verdicts.sentences import exact_percent, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Claim, Judgement

FEWEST_PAIRS = 5
"""Shared units below which two runs are not comparable on a claim."""


class Change(Record, frozen=True):
    """A claim's rate in two runs, on shared units.

    Attributes:
        margin: Largest rise that is accepted, in points.
        shared: Units that both runs have scored, in the committed order.
        worse, better: Shared units that are bad only now, and bad only before.
        before, after: Rates on the shared units; `difference` is after minus before.
        relative: Relative change, None where nothing was bad before. Points decide.
        interval: Of the difference, the dual of the tests.
    """

    claim: str
    title: str
    verdict: VerdictName
    reason: str
    sentence: str
    margin: float
    shared: int
    worse: int = 0
    better: int = 0
    before: float | None = None
    after: float | None = None
    difference: float | None = None
    relative: float | None = None
    interval: Interval | None = None


class Arm(NamedTuple):
    """One run as a comparison sees it; `complete` says that every unit was asked, whatever came back."""

    judgements: Mapping[str, Judgement]
    judges: Mapping[str, str]
    complete: bool


def change(claim: Claim, before: Arm, after: Arm, *, margin: float) -> Change:
    """Test whether a claim's rate rose by more than a margin.

    Two complete runs are compared by Tango's score test. Where one stopped early the pairs enter in
    the committed order as a betting process, which holds whenever either stopped (METHODS.md 4, rule
    7). Units of two flips count as bad where any flip is.

    Args:
        claim: The claim, with the units of the later run.
        before: The baseline.
        after: The run under test.
        margin: Largest accepted rise, in (0, 1).
    """
    if before.judges != after.judges:
        return _unpaired(
            claim, margin, "INVALID", "the two runs were judged by different judges: judge again"
        )
    pairs = list(_pairs(claim, before, after))
    if len(pairs) < FEWEST_PAIRS:
        return _unpaired(
            claim,
            margin,
            "INVALID",
            f"only {len(pairs)} units are scored in both runs, {FEWEST_PAIRS} are needed",
        )
    worse = sum(now and not was for was, now in pairs)
    better = sum(was and not now for was, now in pairs)
    n = len(pairs)
    complete = before.complete and after.complete
    differences = np.asarray([int(now) - int(was) for was, now in pairs], np.int8)
    test = tested_once if complete else tested_by_betting
    tested = test(differences, differences, Margins(margin, margin, claim.alpha, claim.alpha))
    was, now = sum(was for was, _ in pairs), sum(now for _, now in pairs)
    said = f"{was} of {n} bad before and {now} of {n} after, on the units of both runs"
    level = exact_percent(1 - claim.alpha)
    if tested.state == "fail":
        verdict: VerdictName = "FAIL"
        reason, shown = (
            "rise_over_margin",
            f"a rise of at least {percent(tested.lower)} at {level} confidence, over",
        )
    elif tested.state == "pass":
        verdict, reason = "PASS", "rise_within_margin"
        shown = f"a rise of at most {percent(max(tested.upper, 0.0))} at {level} confidence, within"
    else:
        verdict, reason = "INCONCLUSIVE", "interval_spans_margin"
        shown = (
            f"a change between {_points(tested.lower)} and {_points(tested.upper)}, which does not decide on"
        )
    return Change(
        claim=claim.id,
        title=claim.title,
        verdict=verdict,
        reason=reason,
        sentence=f"{said}: {shown} the margin of {exact_percent(margin)}.",
        margin=margin,
        shared=n,
        worse=worse,
        better=better,
        before=was / n,
        after=now / n,
        difference=(now - was) / n,
        relative=(now - was) / was if was else None,
        interval=Interval(
            lower=tested.lower,
            upper=tested.upper,
            level=round(1 - 2 * claim.alpha, 10),
            method=METHODS["complete" if complete else "betting"],
        ),
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"


def _pairs(claim: Claim, before: Arm, after: Arm) -> list[tuple[bool, bool]]:
    """Whether each shared unit was bad, and is: scored in full in both runs, in the committed order."""
    found: list[tuple[bool, bool]] = []
    for unit in claim.units:
        was, now = (unit_outcome(claim, unit, arm.judgements) for arm in (before, after))
        if was.scored == now.scored == len(unit):
            found.append((was.bad > 0, now.bad > 0))
    return found


def _unpaired(claim: Claim, margin: float, verdict: VerdictName, why: str) -> Change:
    return Change(
        claim=claim.id,
        title=claim.title,
        verdict=verdict,
        reason="arms_not_comparable",
        sentence=f"Not comparable: {why}.",
        margin=margin,
        shared=0,
    )
