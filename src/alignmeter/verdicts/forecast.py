"""What a design will cost and what it can show, before the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from alignmeter.records import Record
from alignmeter.stats import alpha_spending_design
from alignmeter.verdicts.design import boundaries_of, detectable_rate, is_decidable, judged_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import Claim, ClaimDesign
    from alignmeter.stats import AlphaSpendingDesign

PLAUSIBLE = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""True rates for which a plan says what to expect, as multiples of the limit."""

Reach = Literal["both", "fail_only", "nothing"]
"""Which verdicts a claim can come to: `fail_only` with too few units, `nothing` with too weak a judge."""


class Expected(Record, frozen=True):
    """What happens at one true rate.

    Attributes:
        rate: True rate of bad units.
        p_pass, p_fail: Probability of each verdict.
        units: Expected units.
    """

    rate: float
    p_pass: float
    p_fail: float
    units: float


class Forecast(Record, frozen=True):
    """What one claim will cost and can show.

    Attributes:
        available: Units there are; `floor` clean ones are needed before it can pass.
        reach: Which verdicts it can come to.
        calibrated: Whether the judge of this claim has a card.
        detectable: The largest true rate that passes with 80% power, None where there is none.
        calls_a_unit: Trials asked for one unit on average, what is asked beside it included.
        expected: At plausible rates.
    """

    claim: str
    threshold: float
    available: int
    floor: int
    reach: Reach
    calibrated: bool
    detectable: float | None
    calls_a_unit: float
    expected: tuple[Expected, ...]

    def at(self, multiple: float) -> Expected:
        """What is expected at a multiple of the limit, one of `PLAUSIBLE`."""
        return self.expected[PLAUSIBLE.index(multiple)]


def forecast(claim: Claim, *, calls_a_unit: float) -> Forecast:
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
        calls_a_unit=calls_a_unit,
        expected=expected,
    )


def expect(design: ClaimDesign, rates: Sequence[float]) -> tuple[Expected, ...]:
    """What a decidable design does at some true rates, by the judge's estimated error."""
    found = _sequential(design).operating_characteristics([judged_rate(design, rate) for rate in rates])
    columns = (found.p_pass, found.p_fail, found.expected_n)
    return tuple(
        Expected(rate=rate, p_pass=float(passed), p_fail=float(failed), units=float(units))
        for rate, passed, failed, units in zip(rates, *columns, strict=True)
    )


def _sequential(design: ClaimDesign) -> AlphaSpendingDesign:
    """The design, or the one that looks once, at the end, which is what fixed n is."""
    if design.method != "fixed":
        return boundaries_of(design)
    return alpha_spending_design(
        design.p_pass,
        design.alpha,
        design.n_max,
        design.n_max,
        p_fail=design.p_fail,
        alpha_fail=design.alpha_fail,
        flips=design.flips,
    )


def _never(rate: float, design: ClaimDesign) -> Expected:
    return Expected(rate=rate, p_pass=0.0, p_fail=0.0, units=float(design.n_max))


def expected_calls(forecasts: Iterable[Forecast], multiple: float) -> float:
    """Calls that all claims together are expected to make at a multiple of their limits."""
    return sum(one.at(multiple).units * one.calls_a_unit for one in forecasts)
