"""What a plan promises: exact, and in step with what the run then does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from alignmeter.records import JudgeCard
from alignmeter.stats import MAX_UNITS, fixed_design
from alignmeter.verdicts import PLAUSIBLE, build_claims, design_claim, expect, expected_units, forecast
from alignmeter.verdicts.design import ClaimSize, ErrorRates, boundaries_of

if TYPE_CHECKING:
    from conftest import Build

    from alignmeter.records import Claim, ClaimDesign


def _card(share: float, labels: float = 100_000.0) -> JudgeCard:
    right = (share * labels, labels)
    return JudgeCard(
        judge_hash="h",
        axis="refusal",
        data="labels",
        split="all",
        n=int(labels),
        kappa=0.9,
        sensitivity=(share, share, share),
        specificity=(share, share, share),
        event="refused",
        sensitivity_counts=right,
        specificity_counts=right,
    )


def _claim(build: Build, n: int, card: JudgeCard | None, *, fixed: bool = False) -> Claim:
    trials = [build.trial(f"b{i}") for i in range(n)]
    model = build.model(thresholds={"false_refusal_benign": "5%"})
    cards = {"refused": card} if card is not None else {}
    return build_claims(model, trials, cards=cards, fixed=fixed)[0]  # type: ignore[arg-type] - one event


def test_given_a_perfect_judge_when_forecast_then_calls_rise_towards_the_limit_and_fall_beyond(
    build: Build,
) -> None:
    made = forecast(_claim(build, 294, _card(1.0)))
    units = [one.units for one in made.expected]
    assert [one.rate for one in made.expected] == pytest.approx([0.05 * multiple for multiple in PLAUSIBLE])
    assert made.reach == "both"
    assert units[0] == pytest.approx(made.floor)
    assert max(units) < made.available
    assert made.at(4.0).units < made.at(1.0).units
    assert made.at(1.0).p_pass <= 0.05
    assert made.at(1.0).p_fail <= 0.05
    assert made.detectable is not None
    assert 0.01 < made.detectable < 0.05


def test_given_too_few_units_when_forecast_then_it_can_only_fail(build: Build) -> None:
    made = forecast(_claim(build, 40, _card(1.0)))
    assert (made.reach, made.detectable) == ("fail_only", None)
    assert made.floor > 40
    assert made.at(0.0).p_pass == 0
    assert made.at(4.0).p_fail > 0.3


def test_given_a_judge_that_errs_when_forecast_then_a_pass_is_less_likely_than_with_a_better_one(
    build: Build,
) -> None:
    perfect, good, poor = (forecast(_claim(build, 294, _card(share, 300.0))) for share in (1.0, 0.97, 0.9))
    assert perfect.at(0.25).p_pass > good.at(0.25).p_pass > poor.at(0.25).p_pass


def test_given_a_judge_no_better_than_a_coin_when_forecast_then_nothing_can_be_decided(build: Build) -> None:
    made = forecast(_claim(build, 294, _card(0.5, 300.0)))
    assert (made.reach, made.detectable, made.at(0.0).p_pass) == ("nothing", None, 0.0)
    assert [one.units for one in made.expected] == [0.0] * len(PLAUSIBLE)  # nor is it asked


def test_given_no_card_when_forecast_then_it_says_uncalibrated(build: Build) -> None:
    assert not forecast(_claim(build, 294, None)).calibrated


def test_given_fixed_n_when_forecast_then_every_unit_is_asked_at_every_rate(build: Build) -> None:
    made = forecast(_claim(build, 234, _card(1.0), fixed=True))
    assert [one.units for one in made.expected] == pytest.approx([234.0] * len(PLAUSIBLE))


def test_given_fixed_n_when_forecast_then_what_it_can_detect_is_by_its_one_look_at_the_end(
    build: Build,
) -> None:
    made = forecast(_claim(build, 294, _card(1.0), fixed=True))
    stopping = forecast(_claim(build, 294, _card(1.0)))
    assert made.detectable is not None
    assert stopping.detectable is not None
    assert made.detectable > stopping.detectable
    (there,) = expect(_designed(build, fixed=True), [made.detectable])
    (beyond,) = expect(_designed(build, fixed=True), [made.detectable + 0.05 / 200])
    assert beyond.p_pass < 0.8 <= there.p_pass


def _designed(build: Build, *, fixed: bool) -> ClaimDesign:
    design = _claim(build, 294, _card(1.0), fixed=fixed).design
    assert design is not None
    return design


def test_given_a_multiple_of_the_limit_when_units_are_expected_then_they_are_whole_and_no_more_than_there_are(
    build: Build,
) -> None:
    claim = _claim(build, 294, _card(1.0))
    made = forecast(claim)
    for multiple in PLAUSIBLE:
        assert 0 <= expected_units(claim, multiple) - made.at(multiple).units < 1
    assert expected_units(_claim(build, 40, _card(1.0)), 0.0) <= 40
    assert expected_units(_claim(build, 294, _card(0.5, 300.0)), 0.0) == 0


def test_given_a_claim_without_units_when_forecast_then_it_is_refused(build: Build) -> None:
    with pytest.raises(ValueError, match="needs a claim with units"):
        forecast(build.claim(0))


@pytest.mark.parametrize("flips", [1, 2])
def test_given_more_units_than_looks_can_take_when_all_are_asked_then_the_forecast_is_that_of_the_tests(
    build: Build, flips: int
) -> None:
    size, rates = ClaimSize(0.05, MAX_UNITS + 1, flips), ErrorRates(0.05, 0.05)
    design = design_claim(size, rates, build.model().design, None, fixed=True)
    at_limit, far_over = expect(design, [0.05, 0.1])
    assert 0 < at_limit.p_pass <= 0.05
    assert 0 < at_limit.p_fail <= 0.05
    assert far_over.p_fail == pytest.approx(1)
    assert far_over.units == MAX_UNITS + 1


def test_given_more_units_than_looks_can_take_when_it_stops_early_then_the_first_of_the_order_count(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _claim(build, 90, _card(1.0))
    monkeypatch.setattr("alignmeter.verdicts.order.MAX_UNITS", 80)
    claim, fixed = (_claim(build, 90, _card(1.0), fixed=fixed) for fixed in (False, True))
    assert claim.units == whole.units[:80]
    assert "the first 80 of 90 families" in " ".join(claim.caveats)
    assert fixed.units == whole.units
    assert fixed.caveats == whole.caveats
    assert forecast(claim).available == 80


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize(("units", "rate"), [(60, 0.0125), (240, 0.025), (240, 0.1)])
def test_a_plan_of_two_flips_promises_no_more_than_happens_however_they_hang_together(
    build: Build, units: int, rate: float, fixed: bool
) -> None:
    size, rates = ClaimSize(0.05, units, 2), ErrorRates(0.05, 0.0125)
    design = design_claim(size, rates, build.model().design, None, fixed=fixed)
    (planned,) = expect(design, [rate])

    apart, together = (_played(design, rate, together=one) for one in (False, True))

    for side, promised in enumerate((planned.p_pass, planned.p_fail)):
        lesser = min(apart[side], together[side])
        assert promised == pytest.approx(lesser, abs=3 * (0.25 / _RUNS) ** 0.5)


_RUNS = 600


def _played(design: ClaimDesign, rate: float, *, together: bool) -> tuple[float, float]:
    """Shares of simulated runs that pass and that fail, both flips going wrong at once or each by itself."""
    generator = np.random.default_rng(design.n_max)
    wrong = generator.random((_RUNS, design.n_max, 2)) < rate
    bad = 2 * wrong[:, :, 0] if together else wrong.sum(axis=2)
    if design.method == "fixed":
        tested = fixed_design(
            design.n_max, design.p_pass, design.alpha, design.p_fail, design.alpha_fail, design.flips
        )
        total = bad.sum(axis=1)
        return float((total <= tested.pass_at).mean()), float((total >= tested.fail_at).mean())
    ends: list[str] = []
    for run in bad:
        process = boundaries_of(design).start()
        ends.append(next((end for one in run if (end := process.update(one / 2)) != "continue"), "undecided"))
    return ends.count("pass") / _RUNS, ends.count("fail") / _RUNS
