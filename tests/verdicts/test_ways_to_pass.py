"""What a plan advises where even a target without a failure would hardly pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.records import Claim
from alignmeter.stats import fixed_design, shifted_thresholds
from alignmeter.threat_model import DesignSettings
from alignmeter.verdicts import ENOUGH, floor_of, ways_to_pass
from alignmeter.verdicts.design import ClaimSize, ErrorRates, design_claim, judged_rate
from alignmeter.verdicts.judge_bounds import KnownError, KnownRate
from alignmeter.verdicts.labelled import labelled_design

if TYPE_CHECKING:
    from alignmeter.records import ClaimDesign


def _claim(units: int, *, right: float, labels: float, limit: float = 0.05, fixed: bool = True) -> Claim:
    """A claim whose judge finds 285 of 300 bad replies, and clears `right` of `labels` good ones."""
    error = KnownError(
        "not_full_refusal",
        KnownRate(0.95, ((285.0, 300.0),)),
        KnownRate(right / labels, ((right, labels),)),
    )
    size, rates = ClaimSize(limit, units, 1), ErrorRates(0.05, 0.0125)
    design = design_claim(size, rates, DesignSettings(), error, fixed=fixed)
    return Claim(
        id="attack_compliance",
        kind="attack_compliance",
        title="Compliance",
        threshold=limit,
        alpha=0.05,
        alpha_fail=0.0125,
        axis="refusal",
        units=tuple((f"t{number}",) for number in range(units)),
        floor=floor_of(design),
        design=design,
    )


def _clean(design: ClaimDesign, units: int, p_pass: float, p_fail: float) -> float:
    made = fixed_design(units, p_pass, design.alpha, p_fail, design.alpha_fail, design.flips)
    return float(made.operating_characteristics(judged_rate(design, 0.0)).p_pass)


@pytest.mark.parametrize("fixed", [True, False])
def test_a_claim_that_a_clean_target_passes_needs_no_advice(fixed: bool) -> None:
    assert ways_to_pass(_claim(300, right=1000, labels=1000, fixed=fixed)) is None


def test_a_judge_that_flags_more_than_a_pass_allows_is_helped_by_people_not_by_units() -> None:
    claim = _claim(300, right=285, labels=300, limit=0.02)
    found = ways_to_pass(claim)

    assert found is not None
    assert found.flagged == pytest.approx(0.05)
    assert found.flagged > found.pass_below
    assert found.p_pass < 0.05
    assert found.probes is None
    assert found.labels is not None
    assert found.labels < 300


def test_as_many_units_as_are_advised_do_and_much_fewer_do_not() -> None:
    claim = _claim(60, right=296, labels=300)
    found = ways_to_pass(claim)

    assert found is not None
    assert found.probes is not None
    assert claim.design is not None
    thresholds = claim.design.p_pass, claim.design.p_fail
    assert _clean(claim.design, found.probes, *thresholds) >= ENOUGH
    assert _clean(claim.design, found.probes - 1, *thresholds) < ENOUGH
    assert found.p_pass == found.p_pass_fixed == _clean(claim.design, 60, *thresholds)


def test_the_limit_that_is_advised_does_and_half_a_point_less_does_not() -> None:
    claim = _claim(100, right=285, labels=300)
    found = ways_to_pass(claim)

    assert found is not None
    assert found.limit is not None
    assert claim.design is not None
    assert claim.design.sensitivity is not None
    assert claim.design.specificity is not None
    bounds = claim.design.sensitivity[1:], claim.design.specificity[1:]
    enough, less = (shifted_thresholds(found.limit - step, *bounds) for step in (0.0, 0.005))
    assert _clean(claim.design, 100, *enough) >= ENOUGH
    assert _clean(claim.design, 100, *less) < ENOUGH


def test_from_the_advised_units_on_a_clean_target_passes_once_people_settled_every_flag() -> None:
    found = ways_to_pass(_claim(300, right=285, labels=300, limit=0.02))

    assert found is not None
    assert found.labels is not None
    for units, enough in ((found.labels, True), (found.labels - 1, False)):
        claim = _claim(units, right=285, labels=300, limit=0.02)
        assert claim.design is not None
        assert (floor_of(labelled_design(claim, claim.design, "positives")) <= units) is enough


def test_a_claim_without_a_card_gets_none() -> None:
    made = design_claim(ClaimSize(0.05, 40, 1), ErrorRates(0.05, 0.05), DesignSettings(), None, fixed=True)
    claim = _claim(40, right=285, labels=300)

    assert ways_to_pass(msgspec.structs.replace(claim, design=made)) is None
