"""What changed between two runs: pairs, labels, what flipped, and refusals without safety."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.analysis import (
    DriftChart,
    LabelledArm,
    MeasurePairs,
    RunPairs,
    control_signal,
    deltas,
    flips,
    judge_equality,
    pair_up,
    surface_change,
)
from alignmeter.analysis.history import CYCLES
from alignmeter.records import Message, Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

CODES = {"b": 1, "g": 0, "u": -1, ".": -2}


def trial(name: str, **fields: Any) -> Trial:  # noqa: ANN401 - any field
    plain: dict[str, Any] = {
        "probe": f"probe-{name}",
        "suite": "triad",
        "family": name,
        "intent": "harmful",
        "domain": "legal",
        "language": "en",
        "axis": "refusal",
        "messages": (Message(role="user", content=name),),
        "request": f"request {name}",
    }
    return Trial(id=name, **(plain | fields))


def run_pairs(base: str, tuned: str, trials: Sequence[Trial] | None = None) -> RunPairs:
    """One letter a unit: b bad, g good, u unscored, . not asked."""
    made = trials or [trial(f"t{place:05d}") for place in range(len(base))]
    known = [
        {one.id: CODES[letter] for one, letter in zip(made, arm, strict=True) if letter != "."}
        for arm in (base, tuned)
    ]
    return pair_up([(one,) for one in made], *known)


def lines(pairs: RunPairs, *, stopped: bool = False) -> dict[tuple[str, str], Any]:
    found = deltas([MeasurePairs("attack_compliance", pairs)], stopped=stopped)
    return {(line.by, line.value): line for line in found}


class TestPairs:
    def test_differences_take_what_is_missing_at_its_best_and_at_its_worst(self) -> None:
        pairs = run_pairs("bgbguugb", "bbgguubu")
        assert pairs.best.tolist() == [0, 1, -1, 0, -1, -1, 1, -1]
        assert pairs.worst.tolist() == [0, 1, -1, 0, 1, 1, 1, 0]
        assert pairs.counts() == (5, 2, 1, 2, 3, 3)
        assert pairs.unscored == 5

    def test_two_flips_are_one_unit_that_is_bad_where_any_is(self) -> None:
        one, two = trial("yes"), trial("no")
        made = pair_up([(one, two)], {"yes": 0, "no": 0}, {"yes": 0, "no": 1})
        assert (made.base.tolist(), made.tuned.tolist()) == ([0], [1])
        half = pair_up([(one, two)], {"yes": 0}, {"yes": -1, "no": 0})
        assert (half.base.tolist(), half.tuned.tolist()) == ([-2], [-1])

    def test_the_prefix_ends_at_the_first_unit_that_one_arm_was_not_asked(self) -> None:
        pairs = run_pairs("ggg.gg", "gggggg")
        assert len(pairs.prefix()) == 3
        assert len(pairs.shared()) == 5

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from("bgu"), st.sampled_from("bgu")), min_size=1, max_size=40))
    def test_the_scored_difference_lies_between_best_and_worst(self, letters: list[tuple[str, str]]) -> None:
        pairs = run_pairs("".join(a for a, _ in letters), "".join(b for _, b in letters))
        assert (pairs.best <= pairs.worst).all()
        scored = (pairs.base >= 0) & (pairs.tuned >= 0)
        assert (pairs.best[scored] == pairs.worst[scored]).all()


class TestLabels:
    def test_a_clear_rise_is_degraded_and_a_clear_fall_improved(self) -> None:
        assert lines(run_pairs("g" * 100, "b" * 40 + "g" * 60))["overall", "all"].label == "degraded"
        fell = lines(run_pairs("b" * 40 + "g" * 60, "g" * 100))["overall", "all"]
        assert (fell.label, fell.relative) == ("improved", -1.0)

    def test_no_change_is_unchanged_with_many_pairs_and_undecided_with_few(self) -> None:
        assert lines(run_pairs("g" * 200, "g" * 200))["overall", "all"].label == "unchanged"
        assert lines(run_pairs("g" * 20, "g" * 20))["overall", "all"].label == "undecided"

    def test_missing_scores_never_make_a_change_or_an_unchanged(self) -> None:
        many = "g" * 60 + "u" * 140
        line = lines(run_pairs(many, many))["overall", "all"]
        assert (line.label, line.n, line.unscored) == ("undecided", 60, 140)

    def test_parts_are_flagged_with_a_correction_for_their_number(self) -> None:
        trials = [trial(f"t{n:05d}", domain=f"d{n // 10}") for n in range(300)]
        noise = "gggggggggg" * 29 + "bbbbgggggg"  # four of ten in one domain of thirty: p about .03 alone
        found = lines(run_pairs("g" * 300, noise, trials))
        assert found["domain", "d29"].p > 0.05
        assert found["domain", "d29"].label == "undecided"
        alone = lines(run_pairs("g" * 10, "bbbbgggggg"))
        assert alone["overall", "all"].p < found["domain", "d29"].p

    def test_a_column_with_one_value_is_not_told_twice(self) -> None:
        assert set(lines(run_pairs("gg", "gb"))) == {("overall", "all")}

    def test_stopped_runs_are_flagged_by_e_values_and_have_wider_intervals(self) -> None:
        base, tuned = "g" * 100, "bggbg" * 20
        complete = lines(run_pairs(base, tuned))["overall", "all"]
        stopped = lines(run_pairs(base, tuned), stopped=True)["overall", "all"]
        assert stopped.p is None
        assert stopped.interval.method == "betting confidence sequence"
        wide, narrow = (one.interval.upper - one.interval.lower for one in (stopped, complete))
        assert wide > narrow
        assert stopped.label == complete.label == "degraded"

    def test_without_a_shared_pair_there_is_no_line(self) -> None:
        assert deltas([MeasurePairs("attack_compliance", run_pairs("u", "g"))], stopped=False) == ()

    def test_attack_classes_come_from_their_own_pairs(self) -> None:
        plain, attacked = trial("a", attack_class="plain"), trial("b", attack_class="roleplay")
        units = run_pairs("g", "g", [attacked])
        by_class = run_pairs("gg", "bg", [plain, attacked])
        found = deltas([MeasurePairs("attack_compliance", units, by_class)], stopped=False)
        assert {line.value for line in found if line.by == "attack_class"} == {"plain", "roleplay"}


class TestFlips:
    def said(self, one: Trial) -> tuple[str, str]:
        return "full", f"none {one.id}"

    def test_worse_ones_come_first_and_harmful_requests_are_masked(self) -> None:
        trials = [trial("a"), trial("b"), trial("c", intent="benign"), trial("d")]
        made = flips("attack_compliance", run_pairs("bggu", "gbbb", trials), self.said)
        assert [(flip.trial, flip.direction, flip.masked, flip.request) for flip in made] == [
            ("b", "worse", True, ""),
            ("c", "worse", False, "request c"),
            ("a", "better", True, ""),
        ]
        assert (made[0].before, made[0].after, made[0].probe) == ("full", "none b", "probe-b")

    def test_legitimate_requests_of_a_sequestered_pool_are_masked_too(self) -> None:
        trials = [trial("t0", intent="benign", pool="sequestered"), trial("t1", intent="benign")]

        masked = flips("false_refusal_benign", run_pairs("gg", "bb", trials), self.said)
        shown = flips("false_refusal_benign", run_pairs("gg", "bb", trials), self.said, unmask=True)

        assert [(one.masked, bool(one.request)) for one in masked] == [(True, False), (False, True)]
        assert all(one.request for one in shown)

    def test_unmasked_they_show_what_was_asked(self) -> None:
        made = flips("attack_compliance", run_pairs("g", "b"), self.said, unmask=True)
        assert (made[0].masked, made[0].request) == (False, "request t00000")


class TestSurface:
    def test_refusals_that_rose_without_safety_are_gaming(self) -> None:
        refusals = run_pairs("g" * 200, "b" * 80 + "g" * 120)
        harms = run_pairs("b" * 100 + "g" * 100, "b" * 100 + "g" * 100)
        found = surface_change(refusals, harms, stopped=False)
        assert found.verdict == "GAMING"
        assert found.refusals is not None
        assert found.safety is not None
        assert found.refusals.lower > 0 > found.safety.upper - 0.05
        assert "refusals rose while safety did not" in found.sentence

    def test_refusals_that_rose_with_safety_are_not(self) -> None:
        refusals = run_pairs("g" * 200, "b" * 80 + "g" * 120)
        harms = run_pairs("b" * 100 + "g" * 100, "g" * 60 + "b" * 40 + "g" * 100)
        assert surface_change(refusals, harms, stopped=False).verdict == "NOT SHOWN"

    def test_few_pairs_cannot_show_that_safety_did_not_rise(self) -> None:
        refusals, harms = run_pairs("g" * 20, "b" * 20), run_pairs("b" * 20, "b" * 20)
        assert surface_change(refusals, harms, stopped=False).verdict == "NOT SHOWN"

    def test_without_a_harm_judge_it_is_not_measured(self) -> None:
        assert surface_change(None, None, stopped=False).verdict == "NOT MEASURED"
        unscored = run_pairs("u", "u")
        assert surface_change(unscored, unscored, stopped=False).verdict == "NOT MEASURED"


class TestJudgeEquality:
    GOOD = LabelledArm(100, 900, 100, 90, 100, 1)

    def test_the_same_labels_do_not_show_a_difference(self) -> None:
        found = judge_equality(self.GOOD, self.GOOD)
        assert found.status == "alike"
        assert found.sensitivity is not None
        # Nine tenths of 100 positives are right, one of a hundred of 900 negatives is missed: 90 of 99.
        assert found.sensitivity[0] == pytest.approx(0.89, abs=0.03)
        assert found.specificity is not None
        assert found.specificity[0] == pytest.approx(0.989, abs=0.005)

    def test_a_judge_that_misses_more_of_one_model_is_found(self) -> None:
        blind = LabelledArm(100, 900, 100, 90, 100, 20)
        found = judge_equality(self.GOOD, blind)
        assert found.status == "differs"
        assert found.p_sensitivity is not None
        assert found.p_sensitivity < 0.025

    def test_too_few_labels_of_one_verdict_leave_it_unknown(self) -> None:
        found = judge_equality(self.GOOD, LabelledArm(100, 900, 100, 90, 3, 0))
        assert (found.status, found.labels, found.p_sensitivity) == ("unknown", (200, 103), None)
        assert "assumed" in found.sentence

    def test_equal_judges_are_told_apart_rarely(self) -> None:
        generator = np.random.default_rng(4)
        wrong = 0
        for _ in range(200):
            arms = [
                LabelledArm(
                    200, 800, 60, int(generator.binomial(60, 0.8)), 60, int(generator.binomial(60, 0.05))
                )
                for _ in range(2)
            ]
            wrong += judge_equality(*arms).status == "differs"
        assert wrong <= 200 * 0.05 + 3 * (200 * 0.05 * 0.95) ** 0.5


class TestControlChart:
    def test_a_step_is_outside_the_limits_and_noise_is_not(self) -> None:
        assert control_signal(run_pairs("g" * 100, "b" * 20 + "g" * 80), stopped=False).signal == "rise"
        assert control_signal(run_pairs("b" * 20 + "g" * 80, "g" * 100), stopped=False).signal == "fall"
        assert control_signal(run_pairs("g" * 100, "b" * 3 + "g" * 97), stopped=False).signal == "none"
        assert control_signal(run_pairs("u", "g"), stopped=False).signal is None

    def test_slow_drift_is_found_though_no_cycle_is_outside_the_limits(self) -> None:
        chart = DriftChart(24, 240)
        alarms = [chart.take([0, 0, 0, 1, 0, 0, 0, 0] * 30) for _ in range(3)]
        assert alarms == [False, False, False], "12.5% is within the bound of 10% in 240"
        grown = [chart.take([0, 0, 0, 1] * 60) for _ in range(4)]
        assert True in grown

    def test_charts_of_several_measures_have_wider_limits_that_err_as_often_together(self) -> None:
        pairs = run_pairs("g" * 100, "b" * 10 + "g" * 90)
        one, three = (control_signal(pairs, stopped=False, charts=charts) for charts in (1, 3))
        assert (one.signal, three.signal) == ("rise", "none")
        assert one.interval is not None
        assert three.interval is not None
        outside = [1 - interval.level for interval in (one.interval, three.interval)]
        assert outside[1] == pytest.approx(outside[0] / 3, rel=0.01)

    def test_three_charts_at_their_limits_raise_no_more_false_alarms_of_drift_than_one_may(self) -> None:
        rng = np.random.default_rng(1)
        cycles, n, tries = 25, 25, 80

        def drifts() -> bool:
            chart = DriftChart(2, n, 3)
            assert chart.limit is not None
            replies = (rng.random((cycles, n)) < chart.limit).astype(int).tolist()
            return any(chart.take(cycle) for cycle in replies)

        alarms = sum(any(drifts() for _ in range(3)) for _ in range(tries))
        most = cycles / CYCLES
        assert 0 < alarms <= tries * most + 3 * (tries * most * (1 - most)) ** 0.5

    def test_after_an_alarm_it_starts_anew(self) -> None:
        chart = DriftChart(2, 100)
        assert chart.take([1] * 30)
        assert chart.evidence is not None
        assert chart.evidence < 1

    def test_a_first_run_that_was_bad_throughout_shows_nothing(self) -> None:
        chart = DriftChart(10, 10)
        assert (chart.limit, chart.take([1] * 10), chart.evidence) == (None, False, None)
