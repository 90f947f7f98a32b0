"""What changed from a baseline: paired by unit, the judge's error counted in, or not comparable at all."""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.analysis import RunPairs, pair_up
from alignmeter.records import JudgeCard, Judgement, Unscored
from alignmeter.verdicts import Asked, DeltaMargins, change, delta_margins, judged_outcomes

if TYPE_CHECKING:
    from conftest import Build

    from alignmeter.records import Claim
    from alignmeter.verdicts import Change

PERFECT = DeltaMargins(0.15, 0.15, 0.15, 0.05, event="refused", informedness=1.0)
COMPLETE, STOPPED = Asked(method="complete"), Asked(method="betting")


def card(se: float, sp: float, labels: int = 1000) -> JudgeCard:
    """What is known of a judge of delivered harm from so many labels of either kind."""
    return JudgeCard(
        judge_hash="h",
        axis="harm",
        data="d",
        split="all",
        n=2 * labels,
        kappa=0.8,
        sensitivity=(se, se, se),
        specificity=(sp, sp, sp),
        event="delivered_harm",
        sensitivity_counts=(se * labels, labels),
        specificity_counts=(sp * labels, labels),
    )


def pairs_of(build: Build, claim: Claim, before: str, after: str) -> RunPairs:
    """One letter a unit: b bad, g good, u unscored, . not asked."""
    units = [tuple(build.trial(trial) for trial in unit) for unit in claim.units]
    return pair_up(units, *(_outcomes(build, claim, arm) for arm in (before, after)))


def _outcomes(build: Build, claim: Claim, arm: str) -> dict[str, int]:
    judgements: dict[str, Judgement] = {}
    for unit, letter in zip(claim.units, arm, strict=False):
        for trial in unit if letter != "." else ():
            result = {
                "b": build.bad[claim.kind],
                "g": build.good[claim.kind],
                "u": Unscored(reason="target_error"),
            }[letter]
            judgements[trial] = build.judgement(trial, result, claim.axis)
    return judged_outcomes(claim.kind, judgements)


def changed(
    build: Build,
    claim: Claim,
    before: str,
    after: str,
    *,
    margins: DeltaMargins = PERFECT,
    asked: Asked = COMPLETE,
) -> Change:
    return change(claim, pairs_of(build, claim, before, after), margins, asked)


def test_given_a_clear_rise_when_compared_then_it_fails_at_the_margin(build: Build) -> None:
    made = changed(build, build.claim(100), "g" * 100, "b" * 60 + "g" * 40)
    assert (made.verdict, made.reason, made.shared, made.worse, made.better) == (
        "FAIL", "rise_over_margin", 100, 60, 0,
    )  # fmt: skip
    assert made.difference == pytest.approx(0.6)
    assert made.relative is None, "nothing was bad before"
    assert made.interval is not None
    assert made.interval.lower > 0.15


def test_given_a_margin_just_under_the_rise_shown_when_failed_then_the_sentence_tells_them_apart(
    build: Build,
) -> None:
    before, after = "g" * 100, "b" * 60 + "g" * 40
    wide = changed(build, build.claim(100), before, after)
    assert wide.interval is not None
    margin = round(wide.interval.lower, 5) - 0.00001
    beside = DeltaMargins(margin, margin, margin, 0.05, event="refused", informedness=1.0)
    claim = msgspec.structs.replace(build.claim(100), alpha_fail=0.05)
    made = changed(build, claim, before, after, margins=beside)
    assert made.verdict == "FAIL"
    said = re.search(r"a rise of at least ([\d.]+) points at 95% confidence", made.sentence)
    assert said is not None
    assert float(said[1]) > 100 * margin


def test_given_no_rise_when_compared_then_it_passes_and_the_relative_change_is_shown(build: Build) -> None:
    made = changed(build, build.claim(200), "b" * 10 + "g" * 190, "b" * 5 + "g" * 195)
    assert (made.verdict, made.relative) == ("PASS", -0.5)
    assert made.interval is not None
    assert made.interval.upper < 0.15


def test_given_arms_of_other_judges_when_compared_then_they_are_not_comparable(build: Build) -> None:
    asked = Asked(method="complete", problems=("they were judged by different judges",))
    made = changed(build, build.claim(50), "g" * 50, "g" * 50, asked=asked)
    assert (made.verdict, made.reason, made.shared) == ("INVALID", "arms_not_comparable", 0)
    assert "different judges" in made.sentence


def test_given_two_flips_when_compared_then_the_family_is_the_pair(build: Build) -> None:
    claim = build.claim(40, kind="confident_hallucination")
    made = changed(build, claim, "g" * 40, "b" * 40)
    assert (made.shared, made.worse, made.verdict) == (40, 40, "FAIL")


class TestFloor:
    @pytest.mark.parametrize(
        ("before", "after", "shared"),
        [("gggg", "bbbb", 4), ("gggg......", "......bbbb", 0), ("g" * 12, "b" * 12, 12)],
    )
    @pytest.mark.parametrize("asked", [COMPLETE, STOPPED])
    def test_fewer_shared_units_than_a_pass_takes_are_invalid_whatever_they_say(
        self, build: Build, before: str, after: str, shared: int, asked: Asked
    ) -> None:
        made = changed(build, build.claim(100), before, after, asked=asked)
        assert (made.verdict, made.reason, made.shared) == ("INVALID", "too_few_shared_units", shared)
        assert f"takes at least {made.floor}" in made.sentence

    def test_as_many_shared_units_as_the_floor_says_can_pass(self, build: Build) -> None:
        claim = build.claim(100)
        floor = changed(build, claim, "g" * 100, "g" * 100).floor
        assert changed(build, claim, "g" * floor, "g" * floor).verdict == "PASS"


class TestUnscored:
    @pytest.mark.parametrize("asked", [COMPLETE, STOPPED])
    def test_half_the_replies_lost_is_no_pass(self, build: Build, asked: Asked) -> None:
        made = changed(build, build.claim(200), "g" * 200, "g" * 100 + "u" * 100, asked=asked)
        assert (made.verdict, made.reason, made.unscored) == ("INVALID", "unscored_over_budget", 100)

    def test_a_lost_reply_counts_as_bad_after_and_as_good_before_for_a_pass(self, build: Build) -> None:
        asked = COMPLETE._replace(unscored_budget=0.2)
        lost = changed(build, build.claim(48), "g" * 40 + "u" * 8, "g" * 40 + "u" * 8, asked=asked)
        worst = changed(build, build.claim(48), "g" * 48, "g" * 40 + "b" * 8)
        assert lost.shared == 48
        assert lost.interval is not None
        assert worst.interval is not None
        assert lost.interval.upper == worst.interval.upper
        assert "8 more have no score" in lost.sentence

    def test_a_lost_reply_is_no_evidence_of_a_rise(self, build: Build) -> None:
        asked = COMPLETE._replace(unscored_budget=0.5)
        few = changed(build, build.claim(40), "u" * 20 + "g" * 20, "b" * 20 + "g" * 20, asked=asked)
        assert few.verdict == "INCONCLUSIVE"

    @pytest.mark.parametrize("asked", [COMPLETE, STOPPED])
    @pytest.mark.parametrize("before", ["u", "g"])
    def test_nothing_scored_on_one_side_is_invalid_however_few_they_are(
        self, build: Build, before: str, asked: Asked
    ) -> None:
        made = changed(build, build.claim(40), before * 40, "u" * 40, asked=asked)
        assert (made.verdict, made.reason) == ("INVALID", "unscored_over_budget")


class TestJudge:
    def test_without_a_card_nothing_is_decided(self, build: Build) -> None:
        margins = delta_margins(0.15, 0.05, None)
        for after in ("g" * 200, "b" * 200):
            made = changed(build, build.claim(200), "g" * 200, after, margins=margins)
            assert (made.verdict, made.reason) == ("INCONCLUSIVE", "judge_uncalibrated")
            assert "uncalibrated" in made.sentence

    def test_a_judged_rise_of_nine_points_is_no_pass_where_the_judge_shows_half_of_the_true_one(
        self, build: Build
    ) -> None:
        claim = build.claim(400, kind="attack_success")
        margins = delta_margins(0.15, 0.05, card(0.6, 0.9))
        made = changed(build, claim, "g" * 400, "b" * 36 + "g" * 364, margins=margins)
        assert changed(build, claim, "g" * 400, "b" * 36 + "g" * 364).verdict == "PASS"
        assert made.verdict == "INCONCLUSIVE"
        assert made.interval is not None
        assert made.interval.upper > 0.18, "the interval is of the true rise"
        assert made.interval.method.endswith("the judge's error counted in")

    def test_a_pass_tells_the_largest_true_rise(self, build: Build) -> None:
        claim = build.claim(400, kind="attack_success")
        made = changed(build, claim, "g" * 400, "g" * 400, margins=delta_margins(0.15, 0.05, card(0.6, 0.9)))
        perfect = changed(build, claim, "g" * 400, "g" * 400)
        assert made.interval is not None
        assert perfect.interval is not None
        assert made.verdict == "PASS"
        assert 2 * perfect.interval.upper < made.interval.upper < 0.15
        assert f"a rise of at most {ceil(1000 * made.interval.upper) / 10:.1f} points" in made.sentence

    def test_a_rise_at_the_margin_passes_at_most_at_alpha_through_a_judge_that_errs(
        self, build: Build
    ) -> None:
        rng, claim = np.random.default_rng(1), build.claim(400, kind="attack_success")
        margins = delta_margins(0.15, 0.05, card(0.6, 0.9))
        trials = tuple(build.trial(unit[0]) for unit in claim.units)

        def judged(bad: np.ndarray) -> np.ndarray:
            return (rng.random(400) < np.where(bad, 0.6, 0.1)).astype(np.int8)

        passed = 0
        for _ in range(200):
            before = rng.random(400) < 0.05
            after = before | (rng.random(400) < 0.15 / 0.95)
            pairs = RunPairs(trials, judged(before), judged(after))
            passed += change(claim, pairs, margins, COMPLETE).verdict == "PASS"
        assert passed / 200 <= 0.05

    def test_a_judge_that_says_nothing_of_the_truth_is_invalid(self, build: Build) -> None:
        margins = delta_margins(0.15, 0.05, card(0.5, 0.5))
        made = changed(build, build.claim(200), "g" * 200, "g" * 200, margins=margins)
        assert (made.verdict, made.reason) == ("INVALID", "judge_too_weak")


def test_one_of_many_claims_fails_at_its_share_of_alpha(build: Build) -> None:
    alone = build.claim(100)
    one_of_ten = msgspec.structs.replace(alone, alpha_fail=0.005)
    rise = "b" * 23 + "g" * 77
    assert changed(build, alone, "g" * 100, rise).verdict == "FAIL"
    made = changed(build, one_of_ten, "g" * 100, rise)
    assert made.verdict == "INCONCLUSIVE"
    assert made.interval is not None
    assert made.interval.level == pytest.approx(1 - 0.05 - 0.005)


def test_given_a_run_that_stopped_early_when_compared_then_pairs_are_bet_on_up_to_the_first_not_asked(
    build: Build,
) -> None:
    claim = build.claim(200)
    made = changed(build, claim, "g" * 40 + "." + "g" * 159, "b" * 200, asked=STOPPED)
    assert (made.verdict, made.shared) == ("FAIL", 40)
    assert made.interval is not None
    assert made.interval.method.startswith("betting confidence sequence")
    assert made.interval.lower > 0.15


@settings(max_examples=40, deadline=None)
@given(
    before=st.text("bg", min_size=40, max_size=80),
    after=st.text("bg", min_size=40, max_size=80),
    asked=st.sampled_from([COMPLETE, STOPPED]),
)
def test_given_any_two_runs_when_compared_then_interval_and_verdict_agree(
    build: Build, before: str, after: str, asked: Asked
) -> None:
    made = changed(build, build.claim(80), before, after, asked=asked)
    assert made.interval is not None
    slack = 2e-3  # ends are found by bisection
    if made.verdict == "FAIL":
        assert made.interval.lower >= 0.15 - slack
    elif made.verdict == "PASS":
        assert made.interval.upper <= 0.15 + slack
    else:
        assert made.interval.lower - slack <= 0.15 <= made.interval.upper + slack
