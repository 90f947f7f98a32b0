"""Two targets asked side by side: up to the next look, never beyond, and on where it stopped."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.engine import EngineOptions, Limits, SideBySide, Stopped, drive, open_engine, open_session
from alignmeter.records import HarmResult, RefusalResult
from alignmeter.verdicts import DeltaMargins, design_comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Kit, Lab, Scripted

    from alignmeter.engine import Engine, Plan, Standing
    from alignmeter.engine.purse import Purse
    from alignmeter.records import ArmRole, Axis, ClaimKind, Judgement, JudgementResult, Transcript, Trial
    from alignmeter.targets.base import Reply, Request

    Speech = Callable[[Request], str]

MARGINS = DeltaMargins(0.15, 0.15, 0.15, 0.05, event="not_full_refusal", informedness=1.0)
UNITS = 60


class Both:
    """Two arms in a laboratory; what each says is a function of the request."""

    def __init__(self, lab: Lab, kit: Kit) -> None:
        self.lab, self.kit = lab, kit
        model = lab.model(adversaries={"attacks": ["suffix"]})
        whole = lab.plan_of(model, lab.probes(0, harmful=UNITS), mode="sequential")
        claim = next(one for one in whole.design.claims if one.kind == "attack_compliance")
        by_id = {trial.id: trial for trial in whole.trials}
        self.units = [by_id[unit[0]] for unit in claim.units]
        self.design = design_comparison("tuned", "p", MARGINS, UNITS)
        self.plan: Plan = msgspec.structs.replace(
            whole,
            trials=tuple(self.units),
            design=msgspec.structs.replace(whole.design, claims=(claim,), n_trials=UNITS),
            beside={},
        )
        self.kind: ClaimKind = "attack_compliance"
        self.axis: Axis = "refusal"
        self.standings: list[Standing] = []
        self.stopped: tuple[Stopped, ...] = ()
        self.purse: Purse

    def target(self, speech: Speech, seconds: float, name: str) -> Scripted:
        async def answer(request: Request, _before: int) -> Reply:
            await self.lab.clock.sleep(seconds)
            return self.kit.reply(speech(request))

        return self.lab.target(answer, model=name)

    async def go(
        self,
        base: Scripted,
        tuned: Scripted,
        *,
        stop: Callable[[list[Engine]], None] | None = None,
        limits: Limits | None = None,
    ) -> SideBySide:
        """Drive both arms to their end, or until something stops them."""
        path = self.lab.path
        sessions = [
            open_session(
                path.with_name(f"{path.name}-{role}"), self.lab.manifest(target, self.plan), self.plan
            )
            for role, target in (("base", base), ("tuned", tuned))
        ]
        engines: list[Engine] = []
        for session, target in zip(sessions, (base, tuned), strict=True):
            engines.append(
                open_engine(
                    session,
                    target,
                    self.lab.judges,
                    clock=self.lab.clock,
                    options=EngineOptions(limits=limits or Limits()),
                    beside=engines[0] if engines else None,
                )
            )
        self.purse = engines[0].budget.purse

        def told(standing: Standing) -> None:
            self.standings.append(standing)
            if stop is not None:
                stop(engines)

        both = SideBySide(self.units, kind=self.kind, axis=self.axis, design=self.design, told=told)
        roles: tuple[ArmRole, ArmRole] = ("base", "tuned")
        schedules = [
            both.arm(role, session.pending, session.data.on(self.axis))
            for role, session in zip(roles, sessions, strict=True)
        ]

        async def one(place: int) -> Stopped:
            stopped = await drive(sessions[place], self.plan, engines[place], schedules[place])
            for engine in engines:
                if stopped.reason == "budget":
                    engine.finish("budget", f"{roles[place]}: {stopped.detail}")
                elif stopped.reason != "complete":
                    engine.stop(stopped.reason, f"{roles[place]}: {stopped.detail}")
            return stopped

        try:
            self.stopped = tuple(await asyncio.gather(one(0), one(1)))
        finally:
            for session in sessions:
                session.journal.close()
        return both


@pytest.fixture
def both(lab: Lab, kit: Kit) -> Both:
    return Both(lab, kit)


def refuses(_request: Request) -> str:
    return "I refuse."


async def test_given_two_that_refuse_when_asked_then_both_stop_at_the_look_that_passes(both: Both) -> None:
    base, tuned = both.target(refuses, 1.0, "base"), both.target(refuses, 3.0, "tuned")
    made = await both.go(base, tuned)
    assert made.tested.state == "pass"
    assert made.tested.used in both.design.looks
    assert len(base.asked) == len(tuned.asked) == made.tested.used < UNITS
    assert [stopped.reason for stopped in both.stopped] == ["complete", "complete"]
    ids = [trial.id for trial in both.units]
    assert set(base.asked) == set(tuned.asked) == set(ids[: made.tested.used])


async def test_given_a_quick_arm_when_asked_then_it_waits_for_the_other_at_every_look(both: Both) -> None:
    base, tuned = both.target(refuses, 0.1, "base"), both.target(refuses, 30.0, "tuned")
    await both.go(base, tuned)
    assert all(max(standing.answered) <= standing.horizon for standing in both.standings), (
        "nobody runs ahead of the next look"
    )


async def test_given_a_model_that_complies_when_asked_then_few_pairs_are_enough_to_fail(both: Both) -> None:
    base, tuned = both.target(refuses, 1.0, "base"), both.target(lambda _: "Sure.", 1.0, "tuned")
    made = await both.go(base, tuned)
    assert made.tested.state == "fail"
    assert made.tested.used <= both.design.looks[1]


async def test_given_a_stop_in_the_middle_when_started_again_then_nothing_is_asked_twice(both: Both) -> None:
    def stop(engines: list[Engine]) -> None:
        if sum(both.standings[-1].answered) == 9:
            for engine in engines:
                engine.stop("interrupted", "a test")

    first = both.target(refuses, 1.0, "base"), both.target(refuses, 1.0, "tuned")
    made = await both.go(*first, stop=stop)
    assert [stopped.reason for stopped in both.stopped] == ["interrupted", "interrupted"]
    assert made.tested.state == "continue"

    second = both.target(refuses, 1.0, "base"), both.target(refuses, 1.0, "tuned")
    resumed = await both.go(*second)
    fresh = Both(both.lab, both.kit)
    both.lab.path = both.lab.path.with_name("undisturbed")
    whole = await fresh.go(fresh.target(refuses, 1.0, "base"), fresh.target(refuses, 1.0, "tuned"))
    assert resumed.tested == whole.tested
    for before, after in zip(first, second, strict=True):
        kept = len(before.asked) + len(after.asked) - resumed.tested.used
        assert 0 <= kept <= 8, "only calls in flight at the stop are made again"


async def test_given_a_limit_of_calls_when_both_are_asked_then_it_is_that_of_both_over_resumes(
    both: Both,
) -> None:
    asked = 0
    for limit in (13, 13, 20):
        arms = both.target(refuses, 1.0, "base"), both.target(refuses, 3.0, "tuned")
        await both.go(*arms, limits=Limits(calls=limit))
        asked += sum(len(arm.asked) for arm in arms)
        assert asked == limit == both.purse.spending.calls
        assert {stopped.reason for stopped in both.stopped} == {"budget"}
        assert f"by both targets together: {limit} of {limit} calls" in both.stopped[0].detail


async def test_given_room_that_the_other_arm_has_reserved_when_it_is_given_back_then_asking_goes_on(
    both: Both,
) -> None:
    # A call is reserved at several times the 15 tokens that it takes: what is in flight hides the room.
    arms = both.target(refuses, 1.0, "base"), both.target(refuses, 9.0, "tuned")
    await both.go(*arms, limits=Limits(tokens=400))
    used, said = both.purse.spending.tokens, " ".join(stopped.detail for stopped in both.stopped)
    needed = re.search(r"the next call may take (\d+) tokens", said)
    assert needed is not None
    assert used <= 400 < used + int(needed[1]) < 400 + 15 * 8
    assert used == 15 * sum(len(arm.asked) for arm in arms)


async def test_given_a_decided_comparison_when_started_again_then_nothing_is_asked(both: Both) -> None:
    await both.go(both.target(refuses, 1.0, "base"), both.target(refuses, 1.0, "tuned"))
    again = both.target(refuses, 1.0, "base"), both.target(refuses, 1.0, "tuned")
    made = await both.go(*again)
    assert made.tested.state == "pass"
    assert [target.asked for target in again] == [[], []]


async def test_given_errors_of_one_arm_when_asked_then_they_count_against_a_pass(both: Both) -> None:
    async def broken(_request: Request, _before: int) -> object:
        return both.kit.fault("content_filter")

    base = both.target(refuses, 1.0, "base")
    tuned = both.lab.target(broken, model="tuned")  # type: ignore[arg-type] # a fault is an answer
    made = await both.go(base, tuned)
    assert made.tested.state != "pass"


class Harmless:
    """A judge that finds no harm."""

    name, axis, judge_hash = "harmless", "harm", "h"

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:  # noqa: ARG002
        return HarmResult(label="none", score=0.0)


async def test_given_an_error_where_harm_is_judged_when_asked_then_its_pair_has_no_score_and_asking_goes_on(
    both: Both,
) -> None:
    both.kind, both.axis = "attack_success", "harm"
    both.lab.judges = {**both.lab.judges, "harm": Harmless()}  # type: ignore[dict-item]
    third = both.units[2].id

    async def blocked_once(request: Request, _before: int) -> object:
        await both.lab.clock.sleep(1.0)
        return both.kit.fault("target_exception") if request.trial == third else both.kit.reply("I refuse.")

    tuned = both.lab.target(blocked_once, model="tuned")  # type: ignore[arg-type] # a fault is an answer
    made = await asyncio.wait_for(both.go(both.target(refuses, 1.0, "base"), tuned), 30)
    assert made.tested.state == "pass"
    assert made.tested.used > both.design.looks[0]


async def test_given_a_look_that_nothing_can_complete_when_asked_then_both_arms_end(both: Both) -> None:
    both.kind, both.axis = "attack_success", "harm"  # which nobody judges here
    base, tuned = both.target(refuses, 1.0, "base"), both.target(refuses, 5.0, "tuned")
    made = await asyncio.wait_for(both.go(base, tuned), 30)
    assert made.tested.state == "continue"
    assert len(base.asked) == len(tuned.asked) == both.design.looks[0]


def test_a_look_is_taken_only_when_both_arms_have_all_of_it(both: Both) -> None:
    made = SideBySide(both.units, kind="attack_compliance", axis="refusal", design=both.design)
    base, tuned = made.arm("base", both.units, {}), made.arm("tuned", both.units, {})
    first = [base.next_trial() for _ in range(both.design.looks[0])]
    assert base.next_trial() is None
    for trial in first:
        assert trial is not None
        base.judged(_judgement(trial))
    assert base.next_trial() is None, "the other arm has not answered"
    while (trial := tuned.next_trial()) is not None and made.standing.look == 1:
        tuned.judged(_judgement(trial))
    assert made.standing.look == 2
    assert base.next_trial() is not None


def _judgement(trial: Trial) -> Judgement:
    from alignmeter.records import Judgement

    return Judgement(
        trial=trial.id,
        transcript="t",
        judge="j",
        judge_hash="h",
        axis="refusal",
        result=RefusalResult(label="full"),
    )
