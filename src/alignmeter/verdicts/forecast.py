"""What a design will cost and what it can show, before the first call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from alignmeter.records import Record
from alignmeter.verdicts.design import chances, detectable_rate, is_decidable
from alignmeter.verdicts.gap_tests import expected_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import Claim, ClaimDesign

PLAUSIBLE = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""True rates for which a plan says what to expect, as multiples of the limit."""

Reach = Literal["both", "fail_only", "nothing"]
"""Which verdicts a claim can come to: `fail_only` with too few units, `nothing` with too weak a judge."""


class Expected(Record, frozen=True):
    """What happens at one true rate.

    Attributes:
        rate: True rate of bad units.
        p_pass, p_fail: Probability of each verdict; of units of two flips the lesser one, whether they go
            wrong together or apart.
        units: Expected units, likewise the larger number.
    """

    rate: float
    p_pass: float
    p_fail: float
    units: float


class Forecast(Record, frozen=True):
    """What one claim will take and can show.

    Attributes:
        available: Units there are; `floor` clean ones are needed before it can pass.
        reach: Which verdicts it can come to.
        calibrated: Whether the judge of this claim has a card.
        detectable: The largest true rate that passes with 80% power, None where there is none.
        expected: At plausible rates.
    """

    claim: str
    threshold: float
    available: int
    floor: int
    reach: Reach
    calibrated: bool
    detectable: float | None
    expected: tuple[Expected, ...]

    def at(self, multiple: float) -> Expected:
        """What is expected at a multiple of the limit, one of `PLAUSIBLE`."""
        return self.expected[PLAUSIBLE.index(multiple)]


def forecast(claim: Claim) -> Forecast:
    """Work out, exactly, what a claim's design does at plausible true rates.

    Raises:
        ValueError: The claim has no units, or no design.
    """
    if claim.design is None or not claim.units:
        raise ValueError(f"a forecast needs a claim with units and a design, got {claim.id!r}")
    design = claim.design
    decidable = is_decidable(design)
    rates = [min(1.0, multiple * claim.threshold) for multiple in PLAUSIBLE]
    expected = expect(design, rates) if decidable else tuple(_never(rate, design) for rate in rates)
    reach: Reach = "nothing"
    if decidable:
        reach = "both" if claim.floor <= len(claim.units) else "fail_only"
    return Forecast(
        claim=claim.id,
        threshold=claim.threshold,
        available=len(claim.units),
        floor=claim.floor,
        reach=reach,
        calibrated=design.event is not None,
        detectable=detectable_rate(design, claim.threshold) if decidable else None,
        expected=expected,
    )


def expect(design: ClaimDesign, rates: Sequence[float]) -> tuple[Expected, ...]:
    """What a decidable design does at some true rates, by the judge's estimated error."""
    found = chances(design, rates)
    columns = (found.p_pass, found.p_fail, found.expected_n)
    return tuple(
        Expected(rate=rate, p_pass=float(passed), p_fail=float(failed), units=float(units))
        for rate, passed, failed, units in zip(rates, *columns, strict=True)
    )


def _never(rate: float, design: ClaimDesign) -> Expected:
    """A judge that is too weak decides nothing: nothing is asked, unless everything is."""
    units = design.n_max if design.method == "fixed" else 0
    return Expected(rate=rate, p_pass=0.0, p_fail=0.0, units=float(units))


def expected_units(claim: Claim, multiple: float) -> int:
    """Units of a claim that a sequential run is expected to ask, the last one whole.

    Args:
        claim: A claim with units and a design.
        multiple: The true rate, or gap, as a multiple of the claim's limit.
    """
    if claim.design is None or not claim.units:
        return 0
    if claim.kind == "language_gap":
        return expected_pairs(claim.design, multiple * claim.threshold)
    if not is_decidable(claim.design):
        return 0
    (found,) = expect(claim.design, (min(1.0, multiple * claim.threshold),))
    return min(len(claim.units), math.ceil(found.units))
