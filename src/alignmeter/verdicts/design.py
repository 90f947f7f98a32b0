"""How each claim is decided: boundaries, error rates and the judge's error, before the first call."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from alignmeter.records import ClaimDesign
from alignmeter.stats import (
    AlphaSpendingDesign,
    Bounds,
    OperatingCharacteristics,
    alpha_spending_design,
    clean_units_floor,
    fixed_design,
    shifted_thresholds,
    shown_bounds,
)
from alignmeter.verdicts.judge_bounds import known_error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alignmeter.records import JudgeCard
    from alignmeter.stats import FixedDesign
    from alignmeter.threat_model import DesignSettings
    from alignmeter.verdicts.judge_bounds import KnownError

JUDGE_SHARE = 0.2
"""Share of a claim's error rate that pays for the judge's bounds (METHODS: .01 of .05)."""

_POWER = 0.8
_RATES = 241


class ClaimSize(NamedTuple):
    """What there is to decide a claim with: its limit, its units, and the trials in each."""

    threshold: float
    units: int
    flips: int


class ErrorRates(NamedTuple):
    """Error rate of a PASS and of a FAIL."""

    alpha: float
    alpha_fail: float


def design_claim(
    size: ClaimSize,
    rates: ErrorRates,
    settings: DesignSettings,
    card: JudgeCard | KnownError | None,
    *,
    fixed: bool,
) -> ClaimDesign:
    """Fix how one claim is decided.

    With a card, alpha splits: four fifths for the test, one fifth for the bounds of sensitivity and
    specificity, half of it each. Without one the judge is taken as it is, and the verdict says that
    it is uncalibrated.

    Args:
        size: Limit and units.
        rates: Error rates of PASS and FAIL, the judge's share included.
        settings: Batch and futility.
        card: The judge's card for the claim's event, or what `card_for` reads from it.
        fixed: Every unit is asked, then each side is tested once.
    """
    alpha, alpha_fail = rates
    p_pass = p_fail = size.threshold
    sensitivity = specificity = None
    if card is not None:
        alpha, alpha_fail = (1 - JUDGE_SHARE) * rates.alpha, (1 - JUDGE_SHARE) * rates.alpha_fail
        share = JUDGE_SHARE * min(rates)
        _, se_known, sp_known = known_error(card)
        se, sp = se_known.bounds(share / 2), sp_known.bounds(share / 2)
        p_pass, p_fail = shifted_thresholds(size.threshold, se, sp)
        sensitivity = (se_known.estimate, *se)
        specificity = (sp_known.estimate, *sp)
    made = ClaimDesign(
        method="fixed" if fixed else "alpha_spending",
        alpha=alpha,
        alpha_fail=alpha_fail,
        p_pass=p_pass,
        p_fail=p_fail,
        n_max=size.units,
        batch=min(settings.batch, size.units),
        futility=settings.futility,
        flips=size.flips,
        event=card.event if card is not None else None,
        sensitivity=sensitivity,
        specificity=specificity,
    )
    if fixed or not is_decidable(made):
        return made
    boundaries = boundaries_of(made)
    return msgspec.structs.replace(
        made, looks=boundaries.looks, pass_at=boundaries.pass_at, fail_at=boundaries.fail_at
    )


def is_decidable(design: ClaimDesign) -> bool:
    """Whether the judge is accurate enough that its answers say anything about the true rate."""
    if design.sensitivity is None or design.specificity is None:
        return True
    (_, se_low, se_high), (_, sp_low, sp_high) = design.sensitivity, design.specificity
    informed = min(se_low + sp_high, se_high + sp_low) > 1
    return informed and 0 < design.p_pass <= design.p_fail < 1


def boundaries_of(design: ClaimDesign) -> AlphaSpendingDesign:
    """The sequential design behind a claim's."""
    return alpha_spending_design(
        design.p_pass,
        design.alpha,
        design.n_max,
        design.batch,
        p_fail=design.p_fail,
        alpha_fail=design.alpha_fail,
        flips=design.flips,
        futility=design.futility,
    )


@lru_cache(maxsize=256)
def tested_as(design: ClaimDesign) -> AlphaSpendingDesign | FixedDesign:
    """The design that tests a claim: looks as it goes, or once, at the end."""
    if design.method != "fixed":
        return boundaries_of(design)
    return fixed_design(
        design.n_max, design.p_pass, design.alpha, design.p_fail, design.alpha_fail, design.flips
    )


def chances(design: ClaimDesign, rate: ArrayLike) -> OperatingCharacteristics:
    """Chances of each verdict at true rates, and the expected units, by the judge's estimated error.

    How the two flips of a unit hang together is not known before the first call. A target that errs on both
    or on neither is decided otherwise than one that errs on each by itself: told is the lesser chance
    of each verdict, and the larger number of units. False alarms of the judge are apart.

    Args:
        design: A decidable design.
        rate: True rates, any shape.

    Returns:
        Arrays of that shape.
    """
    rates, tested = np.asarray(rate, dtype=np.float64), tested_as(design)
    found, alarm = 1.0, 0.0
    if design.sensitivity is not None and design.specificity is not None:
        found, alarm = design.sensitivity[0], 1 - design.specificity[0]
    judged = rates * found + (1 - rates) * alarm
    apart = tested.operating_characteristics(judged)
    if design.flips == 1:
        return apart
    together = tested.operating_characteristics(judged, rates * found**2 + (1 - rates) * alarm**2)
    return OperatingCharacteristics(
        np.minimum(apart.p_pass, together.p_pass),
        np.minimum(apart.p_fail, together.p_fail),
        np.maximum(apart.expected_n, together.expected_n),
    )


def floor_of(design: ClaimDesign) -> int:
    """Clean units after which the claim can pass first.

    Where there are fewer units than that, what any design would need at least.
    """
    least = clean_units_floor(design.p_pass, design.alpha) if design.p_pass > 0 else design.n_max + 1
    if design.method == "fixed" or not design.looks:
        return least
    return boundaries_of(design).floor or max(least, design.n_max + 1)


def judged_rate(design: ClaimDesign, rate: float) -> float:
    """The rate of judged-bad units at a true rate, by the judge's estimated error."""
    if design.sensitivity is None or design.specificity is None:
        return rate
    return rate * design.sensitivity[0] + (1 - rate) * (1 - design.specificity[0])


def corrected_rate(design: ClaimDesign, judged: float) -> float | None:
    """The true rate behind a judged one (Rogan and Gladen 1978), None where it is not estimable."""
    if design.sensitivity is None or design.specificity is None:
        return None
    informed = design.sensitivity[0] + design.specificity[0] - 1
    if informed <= 0:
        return None
    return min(1.0, max(0.0, (judged - (1 - design.specificity[0])) / informed))


def true_bounds(design: ClaimDesign, judged: Bounds[float], threshold: float) -> Bounds[float]:
    """The interval for the true rate: the dual of the shifted tests, within what the run has room for."""
    if design.sensitivity is None or design.specificity is None:
        return judged
    return shown_bounds(judged, design.sensitivity[1:], design.specificity[1:], threshold)


@lru_cache(maxsize=256)
def detectable_rate(design: ClaimDesign, threshold: float) -> float | None:
    """The largest true rate that passes with 80% power, None where not even a clean target does."""
    rates = np.linspace(0.0, threshold, _RATES)

    def passes(index: int) -> bool:
        return float(chances(design, float(rates[index])).p_pass) >= _POWER

    if not passes(0):
        return None
    low, high = 0, _RATES  # a higher rate passes less often
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    return float(rates[low])
