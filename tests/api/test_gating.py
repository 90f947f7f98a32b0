"""A run against its baseline: which units are paired, and what the judges' cards do to the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from alignmeter.api import Run, gate, load_run
from alignmeter.api.gating import changes
from alignmeter.records import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.comparison_lab import Lab

    from alignmeter.records import Trial
    from alignmeter.verdicts import Change


def run_of(lab: Lab, name: str, bad: Any = None, **options: Any) -> Run:  # noqa: ANN401 - options of a lab's run
    return load_run(lab.run(name, bad or lab.every(10), **options))


def on_attacks(before: Run, after: Run) -> Change:
    return next(one for one in changes(before, after) if one.claim == "attack_compliance")


def test_the_same_answers_pass_with_the_measured_error_of_the_judge_counted_in(lab: Lab) -> None:
    made = on_attacks(run_of(lab, "before"), run_of(lab, "after"))
    assert (made.verdict, made.shared, made.margin) == ("PASS", 120, 0.15)
    assert made.interval is not None
    assert made.interval.method.endswith("the judge's error counted in")


def test_a_judge_without_a_card_decides_nothing(lab: Lab) -> None:
    made = on_attacks(
        run_of(lab, "before", refusal_hash="unknown"), run_of(lab, "after", refusal_hash="unknown")
    )
    assert (made.verdict, made.reason) == ("INCONCLUSIVE", "judge_uncalibrated")


def test_other_judges_are_not_comparable(lab: Lab) -> None:
    made = on_attacks(run_of(lab, "before"), run_of(lab, "after", refusal_hash="another"))
    assert (made.verdict, made.reason) == ("INVALID", "arms_not_comparable")
    assert "different judges" in made.sentence


def test_runs_that_were_sampled_otherwise_are_not_comparable(lab: Lab) -> None:
    after = run_of(lab, "after", sampling=Sampling(max_tokens=64, temperature=0.7))
    made = on_attacks(run_of(lab, "before"), after)
    assert (made.verdict, made.reason) == ("INVALID", "arms_not_comparable")
    assert "temperature was 0.0 for the baseline and 0.7 for this run" in made.sentence


def test_replies_without_a_score_keep_a_release_back(lab: Lab) -> None:
    lost = {unit[0] for unit in lab.units[::2]}

    def half(trial: Trial) -> bool | None:
        return None if trial.id in lost else False

    made = on_attacks(run_of(lab, "before", lab.first(0.0)), run_of(lab, "after", half))
    assert (made.verdict, made.reason, made.unscored) == ("INVALID", "unscored_over_budget", 60)


def test_what_is_undecided_since_a_run_stopped_blocks_whatever_the_policy(lab: Lab) -> None:
    first = {unit[0] for unit in lab.units[:5]}
    few = lab.run("few", lab.every(10), asked=lambda trial: trial.id in first)
    stopped = lab.run("stopped", lab.every(10), asked=lambda trial: trial.id in first, closed=False)

    assert {check.status for check in gate(few, inconclusive="warn").checks} == {"warn"}
    made = gate(stopped, inconclusive="warn")

    assert ({check.status for check in made.checks}, made.exit_code) == ({"block"}, 3)
    assert "the run has not come to its end" in made.rule


class TestStopped:
    def until(self, lab: Lab, *places: int) -> Callable[[Trial], bool]:
        """Asked: everything but the units at these places."""
        left_out = {lab.units[place][0] for place in places}
        return lambda trial: trial.id not in left_out

    def test_units_after_the_first_that_was_not_asked_do_not_count(self, lab: Lab) -> None:
        before = run_of(lab, "before", mode="sequential", asked=self.until(lab, 90))
        after = run_of(lab, "after", mode="sequential", asked=self.until(lab, 70, 100))
        made = on_attacks(before, after)
        assert (made.verdict, made.shared) == ("PASS", 70)
        assert made.interval is not None
        assert made.interval.method.startswith("betting confidence sequence")

    def test_units_count_as_far_as_both_orders_are_the_same(self, lab: Lab) -> None:
        before, after = (run_of(lab, name, mode="sequential") for name in ("before", "after"))
        made = on_attacks(_with_swapped(before, 60), after)
        assert (made.verdict, made.shared) == ("PASS", 60)

    def test_a_claim_that_the_baseline_never_made_has_no_order_to_share(self, lab: Lab) -> None:
        before, after = (run_of(lab, name, mode="sequential") for name in ("before", "after"))
        made = on_attacks(_with_claims(before, ()), after)
        assert (made.verdict, made.reason, made.shared) == ("INVALID", "too_few_shared_units", 0)


def _with_claims(run: Run, claims: Any) -> Run:  # noqa: ANN401 - any claims
    design = msgspec.structs.replace(run.manifest.design, claims=tuple(claims))
    return msgspec.structs.replace(run, manifest=msgspec.structs.replace(run.manifest, design=design))


def _with_swapped(run: Run, place: int) -> Run:
    """The run with two neighbouring units of every claim in the other order, where it has so many."""
    claims = [
        msgspec.structs.replace(
            claim,
            units=(
                *claim.units[:place],
                *reversed(claim.units[place : place + 2]),
                *claim.units[place + 2 :],
            ),
        )
        for claim in run.manifest.design.claims
    ]
    return _with_claims(run, claims)
