"""Two targets asked side by side: up to the next look, never beyond, and on where it stopped."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.engine import (
    EngineOptions,
    JudgeCalls,
    Limits,
    SideBySide,
    Stopped,
    drive,
    open_engine,
    open_session,
)
from alignmeter.records import CallError, HarmResult, RefusalResult
from alignmeter.targets.base import Request
from alignmeter.verdicts import DeltaMargins, design_comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Kit, Lab, Scripted

    from alignmeter.engine import Engine, Plan, Session, Standing
    from alignmeter.engine.purse import Purse
    from alignmeter.judges import Judge
    from alignmeter.records import ArmRole, Axis, ClaimKind, Judgement, JudgementResult, Transcript, Trial
    from alignmeter.targets.base import Reply, Target

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
        self.sessions: list[Session] = []

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
        judging: Callable[[JudgeCalls], dict[Axis, Judge]] | None = None,
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
            calls = JudgeCalls()
            engines.append(
                open_engine(
                    session,
                    target,
                    {**self.lab.judges, **(judging(calls) if judging is not None else {})},
                    judge_calls=calls,
                    clock=self.lab.clock,
                    options=EngineOptions(limits=limits or Limits()),
                    beside=engines[0] if engines else None,
                )
            )
        self.purse = engines[0].budget.purse
        self.sessions = sessions

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


class Asking:
    """A judge of harm that asks a model, which finds none."""

    name, judge_hash = "asking", "h"
    axis: Axis = "harm"

    def __init__(self, model: Target) -> None:
        self.model = model

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:  # noqa: ARG002
        request = Request(messages=trial.messages, sampling=self.model.fingerprint.sampling, trial=trial.id)
        assert not isinstance(await self.model.generate(request), CallError)
        return HarmResult(label="none", score=0.0)


@pytest.mark.parametrize(
    ("first", "second"), [(Limits(calls=30), Limits(calls=60)), (Limits(tokens=600), Limits(tokens=1000))]
)
async def test_given_a_judge_behind_a_model_when_a_limit_ends_then_every_call_is_kept_and_it_goes_first(
    both: Both, first: Limits, second: Limits
) -> None:
    bought: list[int] = []

    def target(seconds: float, name: str) -> Scripted:
        async def answer(_request: Request, _before: int) -> Reply:
            bought.append(both.purse.waiting)
            await both.lab.clock.sleep(seconds)
            return both.kit.reply("I refuse.")

        return both.lab.target(answer, model=name)

    def judging(calls: JudgeCalls) -> dict[Axis, Judge]:
        return {"harm": Asking(calls.metered(both.target(refuses, 4.0, "judge")))}

    for limits in (first, second):
        await both.go(target(1.0, "base"), target(7.0, "tuned"), limits=limits, judging=judging)
        assert {stopped.reason for stopped in both.stopped} == {"budget"}
        data = [session.folder.read() for session in both.sessions]
        assert sum(len(arm.transcripts) for arm in data) == len(bought)
        judged = sum(len(arm.on("harm")) for arm in data)
        assert judged >= 0.4 * len(bought)
        assert len(bought) + judged == both.purse.spending.calls
        assert [arm.beside for arm in data] == [(), ()]
    assert not any(bought), "no reply is bought while one waits for its judge"


async def test_given_trials_cut_between_two_attempts_when_a_limit_ends_both_arms_then_a_resume_asks_them(
    both: Both,
) -> None:
    async def broken(_request: Request, _before: int) -> object:
        await both.lab.clock.sleep(1.0)
        return both.kit.fault("server_error", status=500)

    tuned = both.lab.target(broken, model="tuned")  # type: ignore[arg-type] # a fault is an answer
    base = both.target(refuses, 1.0, "base")
    await both.go(base, tuned, limits=Limits(calls=24))
    assert {stopped.reason for stopped in both.stopped} == {"budget"}
    assert both.purse.spending.calls == len(base.asked) + len(tuned.asked) == 24
    data = [session.folder.read() for session in both.sessions]
    assert len(data[0].transcripts) == len(base.asked)
    assert [arm.on("refusal").keys() for arm in data] == [arm.transcripts.keys() for arm in data]
    assert data[1].transcripts == {}, "a trial between two attempts is not asked yet"
    assert sum(charged.calls for charged in data[1].beside) == len(tuned.asked)

    again = both.target(refuses, 1.0, "base"), both.target(refuses, 1.0, "tuned")
    made = await both.go(*again)
    assert made.tested.state == "pass"
    assert set(tuned.asked) <= set(again[1].asked)


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
