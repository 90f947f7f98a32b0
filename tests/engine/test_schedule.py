"""Which trial is asked next, and when no call is worth making any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignmeter.engine import make_plan
from alignmeter.engine.schedule import FixedSchedule, SequentialSchedule
from alignmeter.records import HumanLabel, JudgeCard, Judgement, RefusalResult, Unscored
from alignmeter.store import LabelWriter, read_labels
from alignmeter.verdicts import ClaimStream, decide, people_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from conftest import Kit, Lab

    from alignmeter.engine import Plan
    from alignmeter.engine.schedule import Schedule
    from alignmeter.records import Axis, JudgementResult, Trial
    from alignmeter.targets.base import Reply, Request

_PLAIN = {"adversaries": {"attacks": ["plain"]}}


def _schedule(plan: Plan, judgements: dict[str, Judgement] | None = None) -> SequentialSchedule:
    """A schedule that goes on where these judgements end."""
    known = judgements or {}
    pending = [trial for trial in plan.trials if trial.id not in known]
    return SequentialSchedule(plan, pending=pending, judgements=_by_axis(known))


def _by_axis(judgements: dict[str, Judgement]) -> dict[Axis, dict[str, Judgement]]:
    found: dict[Axis, dict[str, Judgement]] = {}
    for trial, judged in judgements.items():
        found.setdefault(judged.axis, {})[trial] = judged
    return found


def _judged(trial: Trial, outcome: Literal["good", "bad", "unscored", "unparsed"]) -> Judgement:
    """Good or bad for the claim that the trial is in."""
    complies = (outcome == "good") == (trial.intent != "harmful")
    result: JudgementResult = RefusalResult(label="none" if complies else "full")
    if outcome == "unscored":
        result = Unscored(reason="target_error")
    elif outcome == "unparsed":
        result = Unscored(reason="unparseable")
    return Judgement(trial=trial.id, transcript="t", judge="j", judge_hash="h", axis="refusal", result=result)


def _handed_out(schedule: Schedule) -> list[Trial]:
    """All that a schedule hands out before it hears of any judgement."""
    found: list[Trial] = []
    while (trial := schedule.next_trial()) is not None:
        found.append(trial)
    return found


def _one_by_one(
    schedule: SequentialSchedule, outcome: Literal["good", "bad", "unscored"] = "good"
) -> list[Trial]:
    """Ask one at a time until nothing more is handed out."""
    asked: list[Trial] = []
    while (trial := schedule.next_trial()) is not None:
        asked.append(trial)
        schedule.judged(_judged(trial, outcome))
    return asked


# --- in which order ------------------------------------------------------------------------------


def test_given_several_claims_when_trials_are_handed_out_then_they_take_turns_in_the_planned_order(
    lab: Lab,
) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(90, sensitive=90, harmful=90), mode="sequential")
    schedule = _schedule(plan)
    first = [schedule.next_trial() for _ in range(12)]  # three rounds, before any claim waits
    assert first == list(plan.trials[:12])
    assert len({trial.intent for trial in first[:4] if trial is not None}) == 3


def test_given_a_decided_claim_when_trials_are_handed_out_then_the_others_go_on_in_their_own_order(
    lab: Lab,
) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(60, sensitive=60), mode="sequential")
    schedule = _schedule(plan)
    later: list[str] = []
    while (trial := schedule.next_trial()) is not None:
        later.append(trial.id)
        schedule.judged(_judged(trial, "bad" if trial.intent == "benign" else "good"))
    benign, sensitive = plan.design.claims
    states = schedule.state()
    assert states[benign.id].state == "fail"
    assert states[sensitive.id].state == "pass"
    for claim in (benign, sensitive):
        units = [unit[0] for unit in claim.units]
        assert [trial for trial in later if trial in units] == units[: states[claim.id].used]
    assert len(later) == states[benign.id].used + states[sensitive.id].used


def test_given_attacked_requests_when_handed_out_then_each_twin_comes_right_after_its_own(lab: Lab) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(harmful=60), mode="sequential")
    found = _handed_out(_schedule(plan))
    assert len(found) > 4
    for attacked, twin in zip(found[::2], found[1::2], strict=True):
        assert plan.beside[attacked.id] == (twin.id,)


def test_given_a_unit_that_decides_when_it_is_judged_then_its_twin_is_not_asked_any_more(lab: Lab) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(harmful=60), mode="sequential")
    schedule = _schedule(plan)
    asked = _one_by_one(schedule, "bad")
    (claim,) = plan.design.claims
    assert schedule.state()[claim.id].state == "fail"
    used = schedule.state()[claim.id].used
    assert len(asked) == 2 * used - 1
    assert asked[-1].id == claim.units[used - 1][0]


# --- each once, and only while it matters --------------------------------------------------------


@settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    bad=st.sampled_from([0.0, 0.05, 0.3, 1.0]), unscored=st.sampled_from([0.0, 0.02]),
    in_flight=st.integers(1, 40), chance=st.randoms(use_true_random=False), stop_after=st.integers(0, 80),
)  # fmt: skip
def test_given_any_outcomes_and_a_resume_when_run_then_each_trial_is_handed_out_once_and_all_that_counts_is(
    lab: Lab, *, bad: float, unscored: float, in_flight: int, chance: Random, stop_after: int
) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(60, sensitive=40, harmful=30), mode="sequential")
    judgements: dict[str, Judgement] = {}
    schedule = _schedule(plan)
    handed: list[str] = []
    flying: list[Trial] = []
    while True:
        while len(flying) < in_flight and (trial := schedule.next_trial()) is not None:
            handed.append(trial.id)
            flying.append(trial)
        if not flying:
            break
        trial = flying.pop(chance.randrange(len(flying)))
        outcome = "unscored" if chance.random() < unscored else "bad" if chance.random() < bad else "good"
        judgements[trial.id] = _judged(trial, outcome)
        schedule.judged(judgements[trial.id])
        if len(judgements) == stop_after:  # what is in flight is lost and handed out again
            schedule, flying, handed = _schedule(plan, judgements), [], sorted(judgements)
    assert len(handed) == len(set(handed)) == len(judgements)
    for claim in plan.design.claims:
        stream = ClaimStream(claim, plan.design.unscored_budget)
        stream.advance(judgements)
        assert (stream.state, len(stream.used)) == schedule.state()[claim.id][:2]
        assert stream.state != "continue"


def test_given_a_decision_when_a_trial_waits_for_its_place_then_it_is_not_wanted_any_more(lab: Lab) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(60), mode="sequential")
    schedule = _schedule(plan)
    found = _handed_out(schedule)
    assert all(schedule.wanted(trial) for trial in found)
    for trial in found:
        schedule.judged(_judged(trial, "bad"))
        if not schedule.wanted(found[-1]):
            break
    assert schedule.state()["false_refusal_benign"].state == "fail"
    assert not any(schedule.wanted(trial) for trial in plan.trials)
    assert schedule.next_trial() is None


def test_given_a_twin_when_its_attacked_request_is_decided_then_it_is_not_wanted_either(lab: Lab) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(harmful=60), mode="sequential")
    twins = [trial for trial in plan.trials if (trial.id,) in plan.beside.values()]
    schedule = _schedule(plan)
    assert all(schedule.wanted(twin) for twin in twins)
    _one_by_one(schedule, "bad")
    assert not any(schedule.wanted(twin) for twin in twins)


# --- ahead of what is known ----------------------------------------------------------------------


def test_given_nothing_judged_when_handed_out_then_it_runs_no_further_ahead_than_it_may_need(
    lab: Lab,
) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(300), mode="sequential")
    (claim,) = plan.design.claims
    stream = ClaimStream(claim, plan.design.unscored_budget)
    schedule = _schedule(plan)
    found = _handed_out(schedule)
    assert 4 <= len(found) < 10
    known: dict[str, Judgement] = {}
    for trial in found:  # each judgement may move the horizon
        known[trial.id] = _judged(trial, "good")
        schedule.judged(known[trial.id])
        stream.advance(known)
        found.extend(_handed_out(schedule))
        assert stream.wants(len(found) - 1)
        assert not stream.wants(len(found)), "and nothing that is wanted is held back"
        if len(known) == 60:
            break
    assert len(found) > 80, "a clean stream cannot be decided before its floor"


def test_given_a_journal_when_resumed_then_only_what_it_lacks_is_handed_out(lab: Lab) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(300), mode="sequential")
    (claim,) = plan.design.claims
    by_id = {trial.id: trial for trial in plan.trials}
    known = {unit[0]: _judged(by_id[unit[0]], "good") for unit in (*claim.units[:5], *claim.units[7:9])}
    schedule = _schedule(plan, known)
    assert schedule.state()[claim.id].used == 5
    assert [trial.id for trial in _handed_out(schedule)[:3]] == [claim.units[n][0] for n in (5, 6, 9)]


def test_given_a_trial_to_be_asked_again_when_resumed_then_its_old_judgement_does_not_count(lab: Lab) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(300), mode="sequential")
    (claim,) = plan.design.claims
    by_id = {trial.id: trial for trial in plan.trials}
    known = {unit[0]: _judged(by_id[unit[0]], "unscored") for unit in claim.units[:3]}
    again = by_id[claim.units[1][0]]
    schedule = SequentialSchedule(plan, pending=[again, *plan.trials[3:]], judgements=_by_axis(known))
    assert schedule.state()[claim.id].used == 1
    assert schedule.next_trial() == again
    schedule.judged(_judged(again, "bad"))
    assert schedule.state()[claim.id] == ("continue", 3, 1.0, 300)


@pytest.mark.parametrize("outcome", ["good", "bad"])
def test_given_a_decided_journal_when_resumed_then_nothing_is_handed_out(
    lab: Lab, outcome: Literal["good", "bad"]
) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(250, harmful=150), mode="sequential")
    known = {trial.id: _judged(trial, outcome) for trial in _one_by_one(_schedule(plan), outcome)}
    assert len(known) < len(plan.trials)
    assert _schedule(plan, known).next_trial() is None  # although the twins of the last units lack replies


# --- fixed n -------------------------------------------------------------------------------------


def test_given_fixed_n_when_judged_then_every_trial_is_handed_out_once_in_order_whatever_comes_back(
    lab: Lab,
) -> None:
    plan = lab.plan_of(lab.model(**_PLAIN), lab.probes(40, harmful=40), mode="fixed")
    schedule = FixedSchedule(plan.trials)
    asked: list[Trial] = []
    while (trial := schedule.next_trial()) is not None:
        asked.append(trial)
        schedule.judged(_judged(trial, "bad"))
        assert schedule.wanted(trial)
        assert schedule.state() == {}
    assert asked == list(plan.trials)


# --- what people have labelled -------------------------------------------------------------------


def _carded(lab: Lab, **design: float) -> Plan:
    """One claim on 300 benign requests, by a judge that is known well."""
    found = 10_000
    card = JudgeCard(
        judge_hash="h", axis="refusal", data="a test", split="test", n=2 * found, kappa=0.9, event="refused",
        sensitivity=(0.95, 0.94, 0.96), sensitivity_counts=(0.95 * found, found),
        specificity=(0.99, 0.98, 0.995), specificity_counts=(0.99 * found, found),
    )  # fmt: skip
    model = lab.model(thresholds={"false_refusal_benign": "5%"}, design=design)
    return make_plan(model, lab.probes(300), cards={"refused": card}, mode="sequential", axes=lab.judges)


def _asked_on(
    plan: Plan, known: dict[str, Judgement], people: dict[str, Judgement], outcome: Literal["good", "bad"]
) -> tuple[dict[str, Judgement], SequentialSchedule]:
    """All judgements once a schedule that knows these labels wants nothing more, and the schedule."""
    pending = [trial for trial in plan.trials if trial.id not in known]
    schedule = SequentialSchedule(
        plan, pending=pending, judgements=_by_axis(known), people={"refusal": people}
    )
    found = dict(known)
    while (trial := schedule.next_trial()) is not None:
        found[trial.id] = _judged(trial, outcome)
        schedule.judged(found[trial.id])
    return found, schedule


def _judge_alone(
    plan: Plan, outcome: Callable[[int], Literal["good", "bad", "unparsed"]]
) -> dict[str, Judgement]:
    """What a first process asked, where the judge alone decides; `outcome` by place in the order."""
    (claim,) = plan.design.claims
    place = {unit[0]: number for number, unit in enumerate(claim.units)}
    schedule = _schedule(plan)
    known: dict[str, Judgement] = {}
    while (trial := schedule.next_trial()) is not None:
        known[trial.id] = _judged(trial, outcome(place[trial.id]))
        schedule.judged(known[trial.id])
    return known


def _says(plan: Plan, trials: Iterable[str], outcome: Literal["good", "bad"]) -> dict[str, Judgement]:
    """What people say of some trials."""
    known = {trial.id: trial for trial in plan.trials}
    return {trial: _judged(known[trial], outcome) for trial in trials}


def test_given_a_claim_given_up_for_what_people_have_scored_since_when_resumed_then_it_comes_to_its_verdict(
    lab: Lab,
) -> None:
    plan = _carded(lab)
    (claim,) = plan.design.claims
    known = _judge_alone(plan, lambda n: "unparsed" if n % 7 == 3 else "bad" if n == 5 else "good")
    assert _schedule(plan, known).state()[claim.id].state == "unscored"
    looked = [trial for trial, one in known.items() if getattr(one.result, "label", "") != "none"]
    people = _says(plan, looked, "good")
    before = decide(claim, known, unscored_budget=plan.design.unscored_budget, people=people)
    assert (before.verdict, before.reason) == ("INCONCLUSIVE", "not_finished")

    found, schedule = _asked_on(plan, known, people, "good")
    after = decide(claim, found, unscored_budget=plan.design.unscored_budget, people=people)
    assert (after.verdict, after.basis) == ("PASS", "positives")
    assert schedule.state()[claim.id].state == "pass"
    assert after.units == schedule.state()[claim.id].used == len(found) < len(claim.units)


def test_given_a_verdict_of_people_when_an_unfinished_run_is_resumed_then_its_claim_costs_no_more_calls(
    lab: Lab,
) -> None:
    plan = _carded(lab, futility=0.0)
    (claim,) = plan.design.claims
    flagged = [unit[0] for unit in claim.units[5:150:24]]
    known = _says(plan, [unit[0] for unit in claim.units[:150]], "good") | _says(plan, flagged, "bad")
    assert _schedule(plan, known).state()[claim.id].state == "continue"
    people = _says(plan, flagged, "good")
    assert decide(claim, known, unscored_budget=0.02, people=people).verdict == "PASS"

    found, schedule = _asked_on(plan, known, people, "good")
    assert found == known
    assert schedule.state()[claim.id].state == "pass"


def test_given_new_flags_when_labels_could_decide_then_no_more_is_asked_until_people_have_looked(
    lab: Lab,
) -> None:
    plan = _carded(lab)
    (claim,) = plan.design.claims
    known = _judge_alone(plan, lambda n: "unparsed" if n % 7 == 3 else "bad" if n == 5 else "good")
    looked = [trial for trial, one in known.items() if getattr(one.result, "label", "") != "none"]
    people = _says(plan, looked, "good")

    found, schedule = _asked_on(plan, known, people, "bad")
    assert schedule.state()[claim.id].state == "undecided"
    assert len(known) < len(found) < len(claim.units)
    fresh = [trial for trial in found if trial not in known]
    told = {
        outcome: decide(
            claim, found, unscored_budget=0.02, people=people | _says(plan, fresh, outcome)
        ).verdict
        for outcome in ("good", "bad")
    }
    assert set(told.values()) & {"PASS", "FAIL"}


def test_given_labels_that_settle_nothing_when_resumed_then_the_judge_goes_on_alone(lab: Lab) -> None:
    plan = _carded(lab)
    known = _judge_alone(plan, lambda n: "bad" if n in {5, 9} else "good")
    some = dict(list(known.items())[:20])
    flagged = [trial for trial, one in some.items() if getattr(one.result, "label", "") == "full"]
    people = _says(plan, flagged[:1], "good")
    found, schedule = _asked_on(plan, some, people, "good")
    (alone, judge) = _asked_on(plan, some, {}, "good")
    assert found == alone
    assert schedule.state() == judge.state()


async def test_given_labels_in_the_folder_when_a_run_is_resumed_then_it_goes_on_where_they_leave_a_claim_open(
    lab: Lab, kit: Kit
) -> None:
    plan = _carded(lab)
    (claim,) = plan.design.claims
    place = {unit[0]: number for number, unit in enumerate(claim.units)}

    async def answer(request: Request, _before: int) -> Reply:
        number = place[request.trial]
        return kit.reply("mumble" if number % 7 == 3 and number < 60 else "refuse" if number == 5 else "Yes.")

    first = await lab.go(lab.target(answer), plan)
    nothing = await lab.go(lab.target(answer), plan)
    assert len(nothing.data.transcripts) == len(first.data.transcripts) < len(claim.units)
    with LabelWriter(lab.path) as writer:
        writer.append(
            HumanLabel(
                trial=trial,
                transcript=judged.transcript,
                axis="refusal",
                label="none",
                annotator="ana",
                at=1.0,
            )
            for trial, judged in first.data.judgements.items()
            if getattr(judged.result, "label", "") != "none"
        )

    after = await lab.go(lab.target(answer), plan)

    people = people_answers(read_labels(lab.path))["refusal"]
    verdict = decide(claim, after.data.judgements, unscored_budget=plan.design.unscored_budget, people=people)
    assert len(first.data.transcripts) < len(after.data.transcripts) < len(claim.units)
    assert (verdict.verdict, verdict.basis) == ("PASS", "positives")
