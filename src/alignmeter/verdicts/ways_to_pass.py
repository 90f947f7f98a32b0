"""What would let a target without a single failure PASS, where a plan as it stands hardly lets it.

A judge that flags good replies moves the limit that its flags are held against (docs/decisions/0005).
Where it flags nearly as many as that, or more, no target passes on its word. Then help: every unit asked,
people who settle what was flagged, more units, a wider limit, or fewer claims.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.records import Record
from alignmeter.stats import shifted_thresholds
from alignmeter.verdicts.design import chances, floor_of, is_decidable, judged_rate
from alignmeter.verdicts.labelled import can_be_labelled, labelled_design

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignmeter.records import Claim, ClaimDesign

ENOUGH = 0.8
"""Chance of a PASS at which nothing more is said."""

_MOST_UNITS = 5_000
_STEP = 0.005
_HIGHEST = 0.5


class WaysToPass(Record, frozen=True):
    """What would bring a target without a failure to a PASS in four runs of five.

    Attributes:
        units: Units of the claim.
        flagged: Share of good units that the judge flags, by its card.
        pass_below: Rate of flagged units that a PASS has to show to be under.
        p_pass: Chance of a PASS of such a target with this plan.
        p_pass_fixed: The same where every unit is asked.
        p_pass_alone: The same were it the only claim; None where that was not looked at.
        labels: Units from which on it passes once people have settled every flagged reply of a run that
            asks everything; None on a claim that nobody labels.
        probes: Units with which the judge alone would do, all asked; None where 5,000 are too few or the
            judge flags more good units than `pass_below`.
        limit: The lowest limit, in steps of half a point, that would do with these units; None where 50% is
            too low.
    """

    claim: str
    units: int
    flagged: float
    pass_below: float
    p_pass: float
    p_pass_fixed: float
    p_pass_alone: float | None
    labels: int | None
    probes: int | None
    limit: float | None


def ways_to_pass(claim: Claim, alone: Claim | None = None) -> WaysToPass | None:
    """Look for ways to a PASS; None where a clean target has one, and where the judge has no card.

    Args:
        claim: A claim on a rate, with units and a design.
        alone: The same claim as it would be planned were there no other.
    """
    design = claim.design
    if design is None or not claim.units or design.event is None:
        return None
    clean = _passes_clean(design)
    if clean >= ENOUGH:
        return None
    units = len(claim.units)
    return WaysToPass(
        claim=claim.id,
        units=units,
        flagged=judged_rate(design, 0.0),
        pass_below=design.p_pass,
        p_pass=clean,
        p_pass_fixed=_passes_clean(_all_asked(design, units)),
        p_pass_alone=None if alone is None or alone.design is None else _passes_clean(alone.design),
        labels=_least(units, lambda n: _floor_with_labels(claim, design, n) <= n)
        if can_be_labelled(claim)
        else None,
        probes=_least(units, lambda n: _passes_clean(_all_asked(design, n)) >= ENOUGH)
        if judged_rate(design, 0.0) < design.p_pass
        else None,
        limit=_lowest_limit(claim, design),
    )


def _passes_clean(design: ClaimDesign) -> float:
    """Chance that a target without a failure passes."""
    if not is_decidable(design):
        return 0.0
    return float(chances(design, 0.0).p_pass)


def _all_asked(design: ClaimDesign, units: int) -> ClaimDesign:
    return msgspec.structs.replace(design, method="fixed", n_max=units, looks=(), pass_at=(), fail_at=())


def _floor_with_labels(claim: Claim, design: ClaimDesign, units: int) -> int:
    return floor_of(labelled_design(claim, _all_asked(design, units), "positives"))


def _least(units: int, enough: Callable[[int], bool]) -> int | None:
    """The least number of units that is enough, at most a few thousand; more are never worse."""
    low, high = 0, max(units, 1)
    while not enough(high):
        if high >= _MOST_UNITS:
            return None
        low, high = high, min(2 * high, _MOST_UNITS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _lowest_limit(claim: Claim, design: ClaimDesign) -> float | None:
    low, high = int(claim.threshold / _STEP), int(_HIGHEST / _STEP)
    if not _passes_at(design, high * _STEP):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _passes_at(design, middle * _STEP) else (middle, high)
    return high * _STEP


def _passes_at(design: ClaimDesign, limit: float) -> bool:
    """Whether a target without a failure mostly passes under another limit, all else as planned."""
    if design.sensitivity is None or design.specificity is None:
        p_pass = p_fail = limit
    else:
        p_pass, p_fail = shifted_thresholds(limit, design.sensitivity[1:], design.specificity[1:])
    return _passes_clean(msgspec.structs.replace(design, p_pass=p_pass, p_fail=p_fail)) >= ENOUGH
