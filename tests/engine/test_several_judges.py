"""Several judges on one reply, some of them models: nothing judged twice, nothing over budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.engine import Limits
from alignmeter.records import CallError, HarmResult, Unscored
from alignmeter.targets.base import Request
from alignmeter.verdicts import decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Kit, Lab

    from alignmeter.engine import Engine, JudgeCalls
    from alignmeter.records import Axis, JudgementResult, Transcript, Trial
    from alignmeter.targets import Target
    from alignmeter.targets.base import Reply


class _AskingJudge:
    """A judge of harm behind a model: delivered where the model says `harm`."""

    def __init__(self, model: Target, axis: Axis = "harm") -> None:
        self.name = "asking"
        self.axis: Axis = axis
        self.judge_hash = f"asking-{axis}"
        self._model = model

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        del transcript
        asked = Request(messages=trial.messages, sampling=self._model.fingerprint.sampling, trial=trial.id)
        answer = await self._model.generate(asked)
        text = (
            answer.message.content
            if hasattr(answer, "message") and not isinstance(answer.message, str)
            else ""
        )
        if not text:
            return Unscored(reason="judge_error")
        return HarmResult(label="delivered" if "harm" in text else "none", score=float("harm" in text))


def _model(lab: Lab, say: Callable[[Request], Reply], **fields: int) -> Target:
    async def answer(request: Request, _before: int) -> Reply:
        await lab.clock.sleep(1.0)
        return say(request)

    return lab.target(answer, model="judge", **fields)


def _with_harm(lab: Lab, model: Target) -> JudgeCalls:
    lab.judges = {**lab.judges, "harm": _AskingJudge(lab.judge_calls.metered(model))}
    return lab.judge_calls


async def test_given_a_judge_of_harm_when_run_then_only_harmful_replies_have_both_judgements(
    lab: Lab, kit: Kit
) -> None:
    _with_harm(lab, _model(lab, lambda _: kit.reply("no")))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(benign=5, harmful=7))
    outcome = await lab.go(lab.target(), plan)
    assert len(outcome.data.judgements) == 12
    assert len(outcome.data.on("refusal")) == 12
    harmful = {trial.id for trial in plan.trials if trial.intent == "harmful"}
    assert outcome.data.on("harm").keys() == harmful


async def test_given_a_judge_of_harm_when_decided_then_the_claim_is_about_what_was_delivered(
    lab: Lab, kit: Kit
) -> None:
    _with_harm(lab, _model(lab, lambda _: kit.reply("harm")))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=9))
    outcome = await lab.go(lab.target(), plan)
    (claim,) = plan.design.claims
    assert (claim.kind, claim.axis) == ("attack_success", "harm")
    assert decide(claim, outcome.data.on("harm"), unscored_budget=0.02).bad == 9


async def test_given_a_model_behind_a_judge_when_run_then_its_calls_and_tokens_are_counted(
    lab: Lab, kit: Kit
) -> None:
    _with_harm(lab, _model(lab, lambda _: kit.reply("no", prompt=100, completion=7)))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=4))
    outcome = await lab.go(lab.target(), plan)
    judged = outcome.data.on("harm").values()
    assert [one.calls for one in judged] == [1] * 4
    assert sum(one.usage.prompt_tokens or 0 for one in judged) == 400
    assert outcome.engine.budget.judges.calls == 4
    assert outcome.engine.budget.calls == 8
    assert outcome.engine.budget.tokens == 4 * 15 + 4 * 107


async def test_given_a_budget_that_ends_with_the_judge_when_resumed_then_the_target_is_not_asked_again(
    lab: Lab, kit: Kit
) -> None:
    model = _model(lab, lambda _: kit.reply("no"))
    _with_harm(lab, model)
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=6))
    first = await lab.go(lab.target(), plan, concurrency=1, limits=Limits(calls=7))
    assert first.stopped.reason == "budget"
    assert "by judges" in first.stopped.detail
    assert len(first.data.transcripts) + len(first.data.on("harm")) == 7

    again = lab.target()
    second = await lab.go(again, plan, limits=Limits(calls=12))
    assert second.stopped.reason == "complete"
    assert len(again.asked) == 6 - len(first.data.transcripts)
    assert len(second.data.on("harm")) == 6
    assert second.engine.budget.calls == 12


async def test_given_a_judge_that_does_not_fit_when_replies_are_in_flight_then_none_is_thrown_away(
    lab: Lab, kit: Kit
) -> None:
    async def slowly(request: Request, _before: int) -> Reply:
        await lab.clock.sleep(1.0 + 0.01 * int(request.trial[:2], 16))
        return kit.reply("Here is how.")

    _with_harm(lab, _model(lab, lambda _: kit.reply("no")))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=60))
    asked = 0
    for calls in (30, 50):
        target = lab.target(slowly)
        outcome = await lab.go(target, plan, concurrency=16, limits=Limits(calls=calls))
        asked += len(target.asked)
        assert outcome.stopped.reason == "budget"
        assert len(outcome.data.transcripts) == asked, "every reply that was bought is kept"
        assert outcome.data.beside == ()
        assert asked + len(outcome.data.on("harm")) == outcome.engine.budget.calls == calls


async def test_given_tokens_that_replies_in_flight_reserve_when_a_judge_needs_them_then_it_waits_for_them(
    lab: Lab, kit: Kit
) -> None:
    _with_harm(lab, _model(lab, lambda _: kit.reply("no")))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=20))
    outcome = await lab.go(lab.target(), plan, concurrency=16, limits=Limits(tokens=20 * 30 + 48))
    assert outcome.stopped.reason == "complete"
    assert len(outcome.data.on("harm")) == 20


async def test_given_replies_that_wait_for_a_judge_when_resumed_then_they_are_judged_side_by_side(
    lab: Lab, kit: Kit
) -> None:
    _with_harm(lab, _model(lab, lambda _: kit.reply("")))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=7))
    await lab.go(lab.target(), plan)
    model = _model(lab, lambda _: kit.reply("no"))
    _with_harm(lab, model)
    outcome = await lab.go(lab.target(), plan)
    assert outcome.stopped.reason == "complete"
    assert getattr(model, "peak") == 7  # noqa: B009 - the Protocol does not know it


async def test_given_a_run_that_was_stopped_when_resumed_then_calls_of_judges_in_flight_are_in_its_budget(
    lab: Lab, kit: Kit
) -> None:
    engines: list[Engine] = []

    async def endless(_request: Request, _before: int) -> Reply:
        await lab.clock.sleep(1.0)
        if len(slow.asked) == 3:
            engines[0].stop("interrupted", "stopped by SIGINT")
        await lab.clock.sleep(1000.0)
        return kit.reply("no")

    slow = lab.target(endless, model="judge")
    _with_harm(lab, slow)
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=3))
    await lab.go(lab.target(), plan, watch=engines.append)
    assert len(slow.asked) == 3

    _with_harm(lab, _model(lab, lambda _: kit.reply("no")))
    outcome = await lab.go(lab.target(), plan)
    assert outcome.stopped.reason == "complete"
    assert (outcome.engine.budget.calls, outcome.engine.budget.judges.calls) == (9, 6)
    assert [charged.role for charged in outcome.data.beside] == ["judge"] * 3


async def test_given_a_call_of_a_judge_that_came_too_late_when_counted_then_it_costs_what_was_reserved(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, _before: int) -> CallError:
        return kit.fault("timeout")

    _with_harm(lab, lab.target(answer, model="judge"))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=1))
    outcome = await lab.go(lab.target(), plan)
    (judged,) = outcome.data.on("harm").values()
    assert judged.calls == 1
    assert judged.usage.completion_tokens == 40
    assert outcome.engine.budget.completion_tokens == 5 + 40


async def test_given_a_judge_that_serves_two_at_once_when_run_then_no_more_are_sent(
    lab: Lab, kit: Kit
) -> None:
    model = _model(lab, lambda _: kit.reply("no"), max_concurrency=2)
    _with_harm(lab, model)
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=12))
    await lab.go(lab.target(), plan, concurrency=12)
    assert getattr(model, "peak") == 2  # noqa: B009 - the Protocol does not know it


async def test_given_no_judge_for_an_axis_when_run_then_the_reply_is_unscored_and_kept(lab: Lab) -> None:
    probe = lab.probe("a", axis="quality")
    plan = lab.plan_of(lab.model(), [probe, *lab.probes(benign=1)])
    trial = plan.trials[0]
    lab.judges = {}
    outcome = await lab.go(lab.target(), plan)
    assert outcome.stopped.reason == "complete"
    result = outcome.data.judgements[trial.id].result
    assert isinstance(result, Unscored)
    assert result.reason == "no_judge"


async def test_given_a_judge_whose_endpoint_failed_when_resumed_then_it_judges_again_and_nothing_is_asked(
    lab: Lab, kit: Kit
) -> None:
    well = False
    _with_harm(lab, _model(lab, lambda _: kit.reply("no" if well else "")))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=5))
    first = await lab.go(lab.target(), plan)
    assert first.stopped.reason == "complete"
    assert all(isinstance(one.result, Unscored) for one in first.data.on("harm").values())

    well, again = True, lab.target()
    second = await lab.go(again, plan)
    assert again.asked == []
    assert all(isinstance(one.result, HarmResult) for one in second.data.on("harm").values())
    assert second.engine.budget.judges.calls == 10


@pytest.mark.parametrize(("good", "patience"), [(0, 8), (5, 40)])
async def test_given_a_judge_that_fails_many_times_in_a_row_when_run_then_it_stops_and_names_the_judge(
    lab: Lab, kit: Kit, good: int, patience: int
) -> None:
    asked = 0

    def say(_request: Request) -> Reply:
        nonlocal asked
        asked += 1
        return kit.reply("no" if asked <= good else "")

    _with_harm(lab, _model(lab, say))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=80))
    outcome = await lab.go(lab.target(), plan, concurrency=1)
    assert outcome.stopped.reason == "judge_unavailable"
    assert f"the judge asking failed on {patience} replies in a row" in outcome.stopped.detail
    assert asked == good + patience


async def test_given_two_judges_of_one_name_when_one_fails_then_the_other_does_not_hide_it(
    lab: Lab, kit: Kit
) -> None:
    well, gone = (_model(lab, lambda _, text=text: kit.reply(text)) for text in ("no", ""))
    lab.judges = {
        "refusal": _AskingJudge(lab.judge_calls.metered(well), "refusal"),
        "harm": _AskingJudge(lab.judge_calls.metered(gone)),
    }
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=80))
    outcome = await lab.go(lab.target(), plan, concurrency=1)
    assert outcome.stopped.reason == "judge_unavailable"
    assert "the judge asking failed on 8 replies in a row" in outcome.stopped.detail


async def test_given_a_judge_without_a_model_that_cannot_score_when_run_then_the_run_goes_on(
    lab: Lab,
) -> None:
    class Puzzled(_AskingJudge):
        async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
            del trial, transcript
            return Unscored(reason="judge_error", detail="no reference answer")

    lab.judges = {**lab.judges, "harm": Puzzled(lab.target())}
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=60))
    outcome = await lab.go(lab.target(), plan)
    assert outcome.stopped.reason == "complete"


async def test_given_an_error_when_harm_is_judged_then_it_has_no_score_there_and_the_claim_goes_on(
    lab: Lab, kit: Kit
) -> None:
    _with_harm(lab, _model(lab, lambda _: kit.reply("no")))
    model = lab.model(adversaries={"attacks": ["plain"]})
    plan = lab.plan_of(model, lab.probes(harmful=100), mode="sequential")
    (claim,) = plan.design.claims
    early = claim.units[3][0]

    async def blocked(request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.fault("target_exception") if request.trial == early else kit.reply("No.")

    outcome = await lab.go(lab.target(blocked), plan)
    assert outcome.data.on("harm")[early].result == Unscored.by_error(kit.fault("target_exception"))
    verdict = decide(claim, outcome.data.on("harm"), unscored_budget=0.02)
    assert verdict.units > 4
    assert (verdict.unscored, verdict.not_asked) == (1, 0)
    assert outcome.engine.snapshot().unscored == 1, "a trial, on however many axes"


async def test_given_an_error_that_passed_when_resumed_then_its_reply_is_judged_for_harm(
    lab: Lab, kit: Kit
) -> None:
    _with_harm(lab, _model(lab, lambda _: kit.reply("harm")))
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=6))
    second = plan.trials[1].id

    async def down(request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.fault("timeout") if request.trial == second else kit.reply("Yes.")

    first = await lab.go(lab.target(down), plan)
    assert isinstance(first.data.on("harm")[second].result, Unscored)
    target = lab.target()
    resumed = await lab.go(target, plan)
    assert target.asked == [second]
    assert isinstance(resumed.data.on("harm")[second].result, HarmResult)
