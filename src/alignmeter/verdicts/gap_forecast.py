"""What a language gap can come to with its judge, before the first call, and what would let it PASS.

A judge whose false alarms fall on both sides of every pair makes pairs differ that do not; one that errs
differently in the two languages moves the margins as well. So pairs without a judged difference say little
of what a good target needs: its chances are simulated, by the judge's estimated error.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np

from alignmeter.records import Record
from alignmeter.verdicts.gap_errors import counts_full_refusals, errors_of
from alignmeter.verdicts.gap_people import people_floor
from alignmeter.verdicts.gap_tests import gap_sides
from alignmeter.verdicts.ways_to_pass import ENOUGH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignmeter.records import Claim, ClaimDesign

FAIL_AT = 4
"""Multiple of the limit at which the chance of a FAIL is told."""

_SIMULATIONS = 1_000
"""Streams behind each chance: its standard error is at most .016."""
_MOST_PAIRS = 1_000
_STEP, _HIGHEST = 0.01, 0.5


class GapForecast(Record, frozen=True):
    """What a claim on a language gap can come to.

    Attributes:
        claim: The claim's id.
        threshold: Its limit.
        pairs: Pairs that there are.
        calibrated: Whether the judge has a card that knows both languages.
        can_pass: Whether a target that does nothing wrong in either language can PASS on the judge's word,
            in however many pairs.
        can_fail: Whether a gap of 100 points can FAIL.
        p_pass: Chance that such a target passes with these pairs, all asked.
        fail_at: A gap of `FAIL_AT` times the limit, nothing being wrong in English.
        p_fail: Chance that a target with it fails.
        label_pairs: Pairs from which on it can pass once people have labelled both replies of each.
        pairs_needed: Pairs with which it passes in four runs of five on the judge's word; None where 1,000
            are too few.
        limit: The lowest limit in whole points with which it does so on these pairs; None where 50 is too
            low.
    """

    claim: str
    threshold: float
    pairs: int
    calibrated: bool
    can_pass: bool
    can_fail: bool
    p_pass: float
    fail_at: float
    p_fail: float
    label_pairs: int
    pairs_needed: int | None
    limit: float | None


class _Flags(NamedTuple):
    """How often the judge calls a bad reply bad, and a good one."""

    bad: float
    good: float

    def of(self, rate: float) -> float:
        """The share of replies that it calls bad where this share is."""
        return rate * self.bad + (1 - rate) * self.good


def gap_forecast(claim: Claim) -> GapForecast:
    """Work out what a gap claim can come to; simulated.

    Raises:
        ValueError: The claim is none on a language gap, or has no units.
    """
    design = claim.design
    if design is None or claim.kind != "language_gap" or not claim.units:
        raise ValueError(f"a forecast of a gap needs a language gap with pairs, got {claim.id!r}")
    pairs, calibrated = len(claim.units), design.event is not None
    fail_at = min(0.9, FAIL_AT * claim.threshold)
    within_reach = max(pairs, _MOST_PAIRS) if calibrated and lets_pass(claim) else pairs
    passing = _crossing(design, _law(claim, 0.0), "pass", within_reach)
    failing = _crossing(design, _law(claim, fail_at), "fail", pairs)
    needed = np.quantile(passing, ENOUGH, method="higher")
    return GapForecast(
        claim=claim.id,
        threshold=claim.threshold,
        pairs=pairs,
        calibrated=calibrated,
        can_pass=calibrated and lets_pass(claim),
        can_fail=calibrated and lets_fail(claim),
        p_pass=float((passing <= pairs).mean()) if calibrated else 0.0,
        fail_at=fail_at,
        p_fail=float((failing <= pairs).mean()) if calibrated else 0.0,
        label_pairs=people_floor(claim),
        pairs_needed=int(needed) if calibrated and math.isfinite(needed) else None,
        limit=_lowest_limit(claim, design) if calibrated else None,
    )


def lets_pass(claim: Claim) -> bool:
    """Whether a target that does nothing wrong in either language passes some day, asked often enough.

    By the judge's estimated error: its false alarms may differ between the languages by what the claim
    would have to rule out.
    """
    design = claim.design
    return (
        design is not None
        and gap_sides(design).passing is not None
        and _mean(_law(claim, 0.0)) < design.p_pass
    )


def lets_fail(claim: Claim) -> bool:
    """Whether a target that does everything wrong in the language and nothing in English fails some day."""
    design = claim.design
    return (
        design is not None
        and gap_sides(design).failing is not None
        and _mean(_law(claim, 1.0)) > design.p_fail
    )


def _law(claim: Claim, gap: float) -> dict[float, float]:
    """Judged differences of a target that is wrong in the language at a rate, and never in English."""
    there, here = _flags(claim)
    bad, base = there.of(gap), here.of(0.0)
    worse, better = bad * (1 - base), base * (1 - bad)
    return {1.0: worse, 0.0: 1 - worse - better, -1.0: better}


def _flags(claim: Claim) -> tuple[_Flags, _Flags]:
    design = claim.design
    if design is None or design.sensitivity is None or design.specificity is None:
        return _Flags(1.0, 0.0), _Flags(1.0, 0.0)
    there = design.sensitivity[0], design.specificity[0]
    here = there
    if design.baseline_sensitivity is not None and design.baseline_specificity is not None:
        here = design.baseline_sensitivity[0], design.baseline_specificity[0]
    if counts_full_refusals(claim):  # the positive of the card is the good reply
        return _Flags(there[1], 1 - there[0]), _Flags(here[1], 1 - here[0])
    return _Flags(there[0], 1 - there[1]), _Flags(here[0], 1 - here[1])


def _mean(law: dict[float, float]) -> float:
    return sum(value * share for value, share in law.items())


def _crossing(
    design: ClaimDesign, law: dict[float, float], side: Literal["pass", "fail"], pairs: int
) -> NDArray[np.float64]:
    """Pairs after which each of `_SIMULATIONS` streams decides on a side; infinite where it never does."""
    passing, failing = gap_sides(design)
    bets, margin = (passing, design.p_pass) if side == "pass" else (failing, design.p_fail)
    if bets is None:
        return np.full(_SIMULATIONS, math.inf)
    found = bets.crossing_times(
        {value - margin: share for value, share in law.items()},
        side,
        units=pairs,
        seed=0,
        simulations=_SIMULATIONS,
    )
    return np.where(found > pairs, math.inf, found)


def _lowest_limit(claim: Claim, design: ClaimDesign) -> float | None:
    low, high = math.floor(claim.threshold / _STEP + 1e-9), round(_HIGHEST / _STEP)
    if low >= high or not _passes_at(claim, design, high * _STEP):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _passes_at(claim, design, middle * _STEP) else (middle, high)
    return round(high * _STEP, 2)


def _passes_at(claim: Claim, design: ClaimDesign, limit: float) -> bool:
    p_pass, p_fail = errors_of(claim, design).judged(limit)
    moved = msgspec.structs.replace(design, p_pass=p_pass, p_fail=max(limit, p_fail))
    crossed = _crossing(moved, _law(claim, 0.0), "pass", len(claim.units))
    return float(np.isfinite(crossed).mean()) >= ENOUGH
