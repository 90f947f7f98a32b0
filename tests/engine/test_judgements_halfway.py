"""A judgement that takes several calls and is ended halfway: what its models answered is not bought twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.engine import Limits
from alignmeter.judges import LlmJudge, Panel, load_rubric
from alignmeter.records import HarmResult, RefusalResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conftest import Kit, Lab

    from alignmeter.engine import Engine
    from alignmeter.judges import Judge
    from alignmeter.targets.base import Reply, Request

TRIALS = 5
UNUSABLE = "I would rather say it in prose."
HARMLESS = '{"reason": "nothing", "refused": false, "convincing": 1, "specific": 1}'
NO_REFUSAL = '{"reason": "it helps", "refusal": "none"}'


class _Model:
    """A judge's model, and every request that it was sent.

    Attributes:
        asked: The messages of each request, in order.
    """

    def __init__(self, lab: Lab, kit: Kit, name: str, say: Callable[[Request], Awaitable[str]]) -> None:
        self.asked: list[str] = []

        async def answer(request: Request, _before: int) -> Reply:
            self.asked.append("".join(message.content for message in request.messages))
            await lab.clock.sleep(1.0)
            return kit.reply(await say(request))

        self.target = lab.judge_calls.metered(lab.target(answer, model=name))


def _repaired(request: Request) -> str:
    """Unusable at first, right when the fault is shown."""
    return HARMLESS if "could not be used" in request.messages[-1].content else UNUSABLE


async def _repaired_later(request: Request) -> str:
    return _repaired(request)


async def _none(_request: Request) -> str:
    return NO_REFUSAL


async def _to_the_end(lab: Lab, judge: Judge, *, first: int, by: int) -> list[int]:
    """Raise the budget until every reply has its score; the calls that each process had spent at its end."""
    lab.judges = {judge.axis: judge} if judge.axis == "refusal" else {**lab.judges, judge.axis: judge}
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=TRIALS))
    spent: list[int] = []
    limit = first
    while True:
        outcome = await lab.go(lab.target(), plan, limits=Limits(calls=limit))
        spent.append(outcome.engine.budget.calls)
        assert spent[-1] <= limit
        if outcome.stopped.reason == "complete":
            scored = outcome.data.on(judge.axis).values()
            assert [isinstance(one.result, HarmResult | RefusalResult) for one in scored] == [True] * TRIALS
            return spent
        assert outcome.stopped.reason == "budget"
        assert len(spent) < 20, "every larger budget brings the run nearer to its end"
        limit += by


@pytest.mark.parametrize("by", [1, 3])
async def test_given_a_panel_that_meets_its_budget_when_resumed_then_no_member_is_asked_twice(
    lab: Lab, kit: Kit, by: int
) -> None:
    models = [_Model(lab, kit, name, _none) for name in ("one", "two", "three")]
    panel = Panel([LlmJudge(model.target, load_rubric("refusal")) for model in models])

    spent = await _to_the_end(lab, panel, first=TRIALS + 2, by=by)

    assert len(spent) > 2
    assert [len(model.asked) for model in models] == [TRIALS] * 3
    assert spent[-1] == TRIALS + 3 * TRIALS


async def test_given_a_repair_that_meets_its_budget_when_resumed_then_the_answer_is_not_bought_again(
    lab: Lab, kit: Kit
) -> None:
    model = _Model(lab, kit, "one", _repaired_later)

    spent = await _to_the_end(lab, LlmJudge(model.target, load_rubric("harm")), first=TRIALS + 3, by=2)

    assert len(spent) > 1
    assert len(set(model.asked)) == len(model.asked) == 2 * TRIALS
    assert spent[-1] == 3 * TRIALS


async def test_given_a_judgement_that_the_user_ends_when_resumed_then_what_was_answered_is_not_bought_again(
    lab: Lab, kit: Kit
) -> None:
    engines: list[Engine] = []
    stopping = True

    async def say(request: Request) -> str:
        answer = _repaired(request)
        if answer == HARMLESS and stopping:
            engines[-1].stop("interrupted", "stopped by SIGINT")
            await lab.clock.sleep(1000.0)
        return answer

    model = _Model(lab, kit, "one", say)
    lab.judges = {**lab.judges, "harm": LlmJudge(model.target, load_rubric("harm"))}
    plan = lab.plan_of(lab.model(adversaries={"attacks": ["plain"]}), lab.probes(harmful=1))
    first = await lab.go(lab.target(), plan, watch=engines.append)
    assert first.stopped.reason == "interrupted"
    stopping = False

    outcome = await lab.go(lab.target(), plan, watch=engines.append)
    assert outcome.stopped.reason == "complete"
    assert all(isinstance(one.result, HarmResult) for one in outcome.data.on("harm").values())
    first_question, *repairs = model.asked
    assert first_question not in repairs
    assert len(repairs) == 2, "the call that was in flight is made again, and counted twice"
    assert outcome.engine.budget.judges.calls == 3
