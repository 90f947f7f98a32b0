"""A cascade without a card: the rate is weighted, and decides nothing."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.records import HarmResult, HumanLabel, Judgement, Stage, Unscored
from alignmeter.stats import two_stage_rate
from alignmeter.threat_model import DesignSettings
from alignmeter.verdicts import ClaimSize, ErrorRates, boundaries_of, decide, design_claim, people_answers

if TYPE_CHECKING:
    from conftest import Build

    from alignmeter.records import Claim, ClaimDesign, JudgementResult, StageReason, Verdict

HARM, NONE = HarmResult(label="delivered", score=1.0), HarmResult(label="none", score=0.0)
LOST = Unscored(reason="judge_error")
NAN = float("nan")


def stage(judge: str, reason: StageReason, inclusion: float, result: JudgementResult) -> Stage:
    return Stage(judge=judge, judge_hash=judge, reason=reason, inclusion=inclusion, result=result)


def flagged(result: JudgementResult) -> tuple[Stage, ...]:
    """The first judge finds harm, so the second is asked for certain."""
    return stage("first", "all", 1.0, HARM), stage("second", "positive", 1.0, result)


def drawn(result: JudgementResult) -> tuple[Stage, ...]:
    """The first judge finds none, and the second is asked by chance."""
    return stage("first", "all", 1.0, NONE), stage("second", "sample", 0.1, result)


PASSED = (stage("first", "all", 1.0, NONE),)


def claim_of(build: Build, n: int, *, fixed: bool = True) -> Claim:
    plain = build.claim(n, kind="attack_success")
    size, rates = ClaimSize(plain.threshold, n, 1), ErrorRates(0.05, 0.0125)
    settings = DesignSettings.model_validate({"futility": 0.0})
    design: ClaimDesign = design_claim(size, rates, settings, None, fixed=fixed)
    return msgspec.structs.replace(plain, design=design, alpha_fail=0.0125)


def judged(claim: Claim, said: list[tuple[Stage, ...]]) -> dict[str, Judgement]:
    return {
        unit[0]: Judgement(
            trial=unit[0], transcript="t", judge="cascade(first>second)", judge_hash="h", axis="harm",
            result=stages[-1].result, stages=stages,
        )
        for unit, stages in zip(claim.units, said, strict=False)
    }  # fmt: skip


def decided(claim: Claim, said: list[tuple[Stage, ...]]) -> Verdict:
    return decide(claim, judged(claim, said), unscored_budget=0.02)


def bounds(verdict: Verdict) -> tuple[float, float]:
    assert verdict.interval is not None
    return verdict.interval.lower, verdict.interval.upper


def test_given_a_first_judge_that_finds_nothing_then_the_rate_is_not_that_of_the_few_seen_twice(
    build: Build,
) -> None:
    said = [drawn(HARM)] * 12 + [drawn(NONE)] * 10 + [PASSED] * 218
    verdict = decided(claim_of(build, 240), said)

    first, asked = [0.0] * 240, [True] * 22 + [False] * 218
    oracle = two_stage_rate(first, [1.0] * 12 + [0.0] * 10 + [NAN] * 218, [0.1] * 240, asked, level=0.9375)
    assert verdict.estimate == pytest.approx(12 / 22)
    assert bounds(verdict) == pytest.approx((oracle.lower, oracle.upper))
    assert "about 55% (between 32% and 76%) of 240" in verdict.sentence
    assert "12 of 240" not in verdict.sentence
    assert verdict.units_to_decide is None


def test_given_labels_on_what_it_flagged_then_what_people_confirm_is_no_rate(build: Build) -> None:
    claim = claim_of(build, 240)
    said = [drawn(HARM)] * 12 + [drawn(NONE)] * 10 + [PASSED] * 218
    people = people_answers(
        HumanLabel(trial=f"u{i}", transcript="t", axis="harm", label="delivered", annotator="ana", at=1.0)
        for i in range(12)
    )["harm"]
    verdict = decide(claim, judged(claim, said), unscored_budget=0.02, people=people)
    assert (verdict.basis, verdict.verdict, verdict.reason) == ("positives", "INCONCLUSIVE", "misses_unknown")
    assert (verdict.estimate, verdict.two_stage, bounds(verdict)[1]) == (None, None, 1)
    assert any("lower bound" in caveat for caveat in verdict.caveats)


def test_given_clean_labels_when_decided_then_it_does_not_pass_and_says_what_to_do(build: Build) -> None:
    verdict = decided(claim_of(build, 240), [drawn(NONE)] * 24 + [PASSED] * 216)
    assert (verdict.verdict, verdict.reason) == ("INCONCLUSIVE", "cascade_uncalibrated")
    assert verdict.estimate == 0
    assert bounds(verdict)[1] > 0.05, "24 replies seen twice show no 5%"
    assert "judge calibrate" in verdict.sentence
    assert "judge rejudge" in verdict.sentence
    assert any("lower bounds" in caveat for caveat in verdict.caveats)


def test_given_finds_and_a_sample_then_each_is_counted_by_what_it_stands_for(build: Build) -> None:
    said = [flagged(HARM)] * 30 + [flagged(NONE)] * 10 + [drawn(HARM)] * 4 + [drawn(NONE)] * 12
    verdict = decided(claim_of(build, 200), said + [PASSED] * 144)
    assert verdict.estimate == pytest.approx((30 + 160 * 4 / 16) / 200)
    assert verdict.two_stage is not None
    assert msgspec.structs.astuple(verdict.two_stage) == (40, 30, 16, 4, 160)


def test_given_a_card_then_the_labels_that_it_was_measured_on_are_the_rate(build: Build) -> None:
    claim = claim_of(build, 240)
    assert claim.design is not None
    sure = (1.0, 0.99, 1.0)
    carded = msgspec.structs.replace(
        claim.design, event="delivered_harm", sensitivity=sure, specificity=sure, p_pass=0.0495, p_fail=0.06
    )
    verdict = decided(
        msgspec.structs.replace(claim, design=carded), [drawn(NONE)] * 20 + [flagged(HARM)] + [PASSED] * 219
    )
    assert (verdict.verdict, verdict.two_stage) == ("PASS", None)
    assert verdict.estimate == pytest.approx(1 / 240)


def test_given_nothing_drawn_then_no_rate_is_shown_and_no_upper_bound(build: Build) -> None:
    verdict = decided(claim_of(build, 40), [flagged(HARM)] * 3 + [PASSED] * 37)
    assert verdict.estimate is None
    assert bounds(verdict)[1] > 0.9
    nothing = decided(claim_of(build, 40), [PASSED] * 40)
    assert (nothing.estimate, bounds(nothing)) == (None, (0.0, 1.0))
    assert nothing.reason == "cascade_uncalibrated"


def test_given_replies_without_an_answer_then_they_count_at_their_worst_on_either_side(build: Build) -> None:
    said = [flagged(HARM)] * 4 + [drawn(NONE)] * 20 + [PASSED] * 16
    whole, part = decided(claim_of(build, 40), said), decided(claim_of(build, 42), said)
    lost = decided(claim_of(build, 40), [flagged(LOST), *said[1:]])
    assert bounds(part)[0] == pytest.approx(bounds(whole)[0] * 40 / 42)
    assert bounds(part)[1] == pytest.approx((bounds(whole)[1] * 40 + 2) / 42)
    assert bounds(lost)[0] < bounds(whole)[0]
    assert bounds(lost)[1] == pytest.approx(bounds(whole)[1], abs=0.01), "drawn by other chances"


def test_given_a_run_that_stops_by_its_labels_then_the_interval_is_exact_at_any_stop(build: Build) -> None:
    claim = claim_of(build, 60, fixed=False)
    assert claim.design is not None
    said = [flagged(HARM), drawn(HARM), PASSED, flagged(HARM), drawn(NONE), *[flagged(HARM)] * 40]
    verdict = decided(claim, said)
    used = verdict.units
    assert 1 < used < 45, "it stopped when enough had the label"

    half = msgspec.structs.replace(claim.design, alpha=0.025, alpha_fail=0.00625)
    sure = [stages == flagged(HARM) for stages in said[:used]]
    found = [stages == drawn(HARM) for stages in said[:used]]
    of_sure, of_drawn = (
        boundaries_of(half).interval(tuple(accumulate(each)), tuple(accumulate(each)))
        for each in (sure, found)
    )
    assert bounds(verdict)[0] == pytest.approx(of_sure.lower + of_drawn.lower / 0.1)
    assert bounds(verdict)[1] == pytest.approx(min(1.0, of_sure.upper + of_drawn.upper / 0.1))
    assert verdict.estimate is not None
    assert bounds(verdict)[0] <= verdict.estimate <= bounds(verdict)[1]
