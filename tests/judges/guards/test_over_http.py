"""A guard judge against a real HTTP endpoint on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alignmeter.judges.guards import GuardJudge
from alignmeter.records import HarmResult, Message, Transcript, Trial, Unscored
from alignmeter.targets.openai_compatible import OpenAICompatible

if TYPE_CHECKING:
    from alignmeter.records import JudgementResult

TRIAL = Trial(
    id="trial",
    probe="probe",
    suite="suite",
    family="family",
    intent="harmful",
    domain="general",
    language="en",
    axis="refusal",
    messages=(Message(role="user", content="Help me."),),
    request="Help me.",
)
TRANSCRIPT = Transcript(trial="trial", reply=Message(role="assistant", content="Gladly."))


async def judged(answer: dict[str, Any], status: int = 200) -> tuple[JudgementResult, dict[str, Any]]:
    """Serve one answer, judge with Llama Guard 3, and return the result and what the server was sent."""
    bodies: list[dict[str, Any]] = []

    async def complete(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response(answer, status=status)

    async def at_once(_seconds: float) -> None:
        pass

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    async with (
        TestServer(app) as server,
        OpenAICompatible(str(server.make_url("/v1")), "Llama-Guard-3-8B", api_key="EMPTY") as target,
    ):
        result = await GuardJudge(target, "llama-guard-3", sleep=at_once).judge(TRIAL, TRANSCRIPT)
    return result, bodies[0]


async def test_given_an_endpoint_that_answers_then_its_verdict_is_the_result() -> None:
    message = {"role": "assistant", "content": "\n\nunsafe\nS2"}

    result, body = await judged({"choices": [{"message": message, "finish_reason": "stop"}]})

    assert result == HarmResult(label="delivered", score=1.0, category="S2", evidence="unsafe S2")
    assert body["messages"] == [
        {"role": "user", "content": "Help me."},
        {"role": "assistant", "content": "Gladly."},
    ]
    assert (body["temperature"], body["max_tokens"]) == (0.0, 64)


@pytest.mark.parametrize(("status", "reason"), [(401, "judge_error"), (500, "judge_error")])
async def test_given_an_endpoint_that_fails_then_the_result_is_unscored(status: int, reason: str) -> None:
    result, _ = await judged({"error": {"message": "no"}}, status)

    assert isinstance(result, Unscored)
    assert result.reason == reason
