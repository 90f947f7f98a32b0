"""Token probabilities on the wire, and endpoints in Azure's style."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from alignmeter.errors import InputError
from alignmeter.records import CallError, Message, Sampling
from alignmeter.targets.base import Reply, Request
from alignmeter.targets.endpoint import Endpoint, read_endpoint
from alignmeter.targets.openai_compatible import OpenAICompatible
from alignmeter.targets.wire import KEPT_LOGPROBS, decode_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Start = Callable[[Callable[[web.Request], Awaitable[web.Response]]], Awaitable[str]]

_REQUEST = Request(messages=(Message(role="user", content="Is it?"),), sampling=Sampling(max_tokens=4))


def _completion(**choice: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    message = {"role": "assistant", "content": "Yes."}
    return {"choices": [{"message": message, "finish_reason": "stop", **choice}]}


def _logprobs(tokens: int) -> dict[str, Any]:
    top = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": -2.4}]
    return {"content": [{"token": "Yes", "logprob": -0.1, "top_logprobs": top} for _ in range(tokens)]}


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Serve one handler for every path on loopback."""
    runners: list[web.AppRunner] = []

    async def begin(handler: Callable[[web.Request], Awaitable[web.Response]]) -> str:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield begin
    for runner in runners:
        await runner.cleanup()


def test_given_probabilities_when_decoded_then_the_first_tokens_are_kept_with_their_alternatives() -> None:
    reply = decode_reply(json.dumps(_completion(logprobs=_logprobs(40))).encode())
    assert isinstance(reply, Reply)
    assert len(reply.logprobs) == KEPT_LOGPROBS
    assert reply.logprobs[0].token == "Yes"  # noqa: S105 - no password
    assert reply.logprobs[0].top == {"Yes": -0.1, "No": -2.4}


@pytest.mark.parametrize("odd", [None, {}, {"content": None}, {"content": [{"token": 3}]}, "none", [1]])
def test_given_odd_probabilities_when_decoded_then_the_reply_is_not_lost(odd: object) -> None:
    reply = decode_reply(json.dumps(_completion(logprobs=odd)).encode())
    assert isinstance(reply, Reply)
    assert (reply.message.content, reply.logprobs) == ("Yes.", ())


async def test_given_an_endpoint_that_refuses_probabilities_when_asked_then_it_is_asked_without(
    start: Start,
) -> None:
    bodies: list[dict[str, Any]] = []

    async def handler(request: web.Request) -> web.Response:
        body = await request.json()
        bodies.append(body)
        if "logprobs" in body:
            error = {"message": "Unsupported parameter: 'logprobs' is not supported with this model."}
            return web.json_response({"error": error}, status=400)
        return web.json_response(_completion())

    async with OpenAICompatible(await start(handler), "m", api_key="k", logprobs=True) as target:
        assert isinstance(await target.generate(_REQUEST), CallError)
        reply = await target.generate(_REQUEST)
    assert isinstance(reply, Reply)
    assert reply.refused == ("logprobs",)
    assert ["logprobs" in body for body in bodies] == [True, False]
    assert not any("top_logprobs" in body for body in bodies[1:])


@pytest.mark.parametrize(
    ("given", "base", "query"),
    [
        (
            "https://x.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21",
            "https://x.openai.azure.com/openai/deployments/gpt",
            "?api-version=2024-10-21",
        ),
        (
            "https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=preview",
            "https://x.openai.azure.com/openai/deployments/gpt",
            "?api-version=preview",
        ),
        ("https://x.openai.azure.com/openai/v1/", "https://x.openai.azure.com/openai/v1", ""),
        ("http://localhost:8000", "http://localhost:8000/v1", ""),
    ],
)
def test_given_an_address_when_read_then_it_is_the_same_when_read_again(
    given: str, base: str, query: str
) -> None:
    found = read_endpoint(given)
    assert found == Endpoint(base, query)
    assert read_endpoint(found.url) == found


@pytest.mark.parametrize("query", ["api-version=", "api-version=1&key=secret", "key=secret"])
def test_given_another_query_when_read_then_it_is_an_error_that_does_not_show_it(query: str) -> None:
    with pytest.raises(InputError, match="expected a URL such as") as raised:
        read_endpoint(f"https://x.openai.azure.com/openai/deployments/gpt?{query}")
    assert "secret" not in str(raised.value)


async def test_given_azures_style_when_asked_then_path_version_and_key_are_as_azure_wants_them(
    start: Start,
) -> None:
    seen: list[tuple[str, str, str | None, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append(
            (request.path, request.query_string, headers.get("api-key"), headers.get("Authorization"))
        )
        if request.path.endswith("/models"):
            return web.json_response({"error": {"message": "not here"}}, status=404)
        return web.json_response(_completion())

    url = f"{await start(handler)}/openai/deployments/gpt?api-version=2024-10-21"
    async with OpenAICompatible(url, "gpt", api_key="a-long-secret-key") as target:
        assert await target.probe() is None
        assert isinstance(await target.generate(_REQUEST), Reply)
        command = target.curl_command(_REQUEST)
    path, version = "/openai/deployments/gpt/chat/completions", "api-version=2024-10-21"
    assert seen[-1] == (path, version, "a-long-secret-key", None)
    assert f"{path}?{version}" in command
    assert "a-long-secret-key" not in command
