"""The endpoint target: its replies, what it adapts to, what it is, and the check before a run."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.errors import InputError
from alignmeter.identity import fingerprint_hash, text_digest
from alignmeter.records import CallError, Message, Sampling, TargetFingerprint, Usage
from alignmeter.targets.base import Reply, Request, refused_by, settled
from alignmeter.targets.openai_compatible import OpenAICompatible
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from tests.faults.hostile_server import Behaviour, HostileServer

    from alignmeter.targets.base import Target

KEY = "sk-test-0123456789"
ASK = Request(messages=(Message(role="user", content="How do I whittle a spoon?"),), sampling=Sampling())

pytestmark = pytest.mark.usefixtures("keyless")


async def ask(server: HostileServer, request: Request = ASK, **options: Any) -> Reply | CallError:  # noqa: ANN401
    async with OpenAICompatible(server.url, "m", **options) as target:
        return await target.generate(request)


# --- replies -------------------------------------------------------------------------------------


async def test_a_reply_comes_back_with_usage_finish_reason_and_model(hostile_server: HostileServer) -> None:
    assert await ask(hostile_server) == Reply(
        message=Message(role="assistant", content="I can help."),
        finish_reason="stop",
        usage=Usage(prompt_tokens=7, completion_tokens=3),
        model_reported="hostile-1",
    )
    call = hostile_server.requests[0]
    assert (call.method, call.path) == ("POST", "/v1/chat/completions")
    assert call.headers["Content-Type"] == "application/json"
    assert "Authorization" not in call.headers


async def test_a_reply_in_drips_or_without_length_is_whole(hostile_server: HostileServer) -> None:
    hostile_server.script(hostile_server.drip("slow but whole"), hostile_server.until_close("old but whole"))
    async with OpenAICompatible(hostile_server.url, "m") as target:
        replies = [await target.generate(ASK) for _ in range(2)]
    assert [r.message.content for r in replies if isinstance(r, Reply)] == ["slow but whole", "old but whole"]


async def test_a_reply_behind_a_byte_order_mark_is_read(hostile_server: HostileServer) -> None:
    body = b'{"choices": [{"message": {"content": "I can help."}}]}'
    hostile_server.script(hostile_server.raw(b"\xef\xbb\xbf" + body))
    reply = await ask(hostile_server)
    assert isinstance(reply, Reply)
    assert reply.message.content == "I can help."


async def test_a_content_filter_on_the_reply_is_a_hard_signal(hostile_server: HostileServer) -> None:
    hostile_server.script(hostile_server.content_filter_reply())
    reply = await ask(hostile_server)
    assert isinstance(reply, Reply)
    assert (reply.finish_reason, reply.hard_refusal) == ("content_filter", "content_filter")
    assert reply.message.content == ""


async def test_a_refusal_field_is_a_hard_signal(hostile_server: HostileServer) -> None:
    hostile_server.script(hostile_server.reply(None, refusal="I can't help with that."))
    reply = await ask(hostile_server)
    assert isinstance(reply, Reply)
    assert reply.hard_refusal == "I can't help with that."


async def test_json_under_another_content_type_is_still_a_reply(hostile_server: HostileServer) -> None:
    hostile_server.script(
        hostile_server.raw(b'{"choices": [{"message": {"content": "Yes."}}]}', content_type="text/plain")
    )
    assert isinstance(await ask(hostile_server), Reply)


async def test_hundreds_of_calls_are_in_flight_at_once_on_one_session(hostile_server: HostileServer) -> None:
    together = 256
    arrived = asyncio.Event()

    async def answer_when_all_are_here(request: Any) -> Any:  # noqa: ANN401 - aiohttp's own types
        if hostile_server.peak == together:
            arrived.set()
        await arrived.wait()
        return await hostile_server.reply()(request)

    hostile_server.otherwise = answer_when_all_are_here
    async with OpenAICompatible(hostile_server.url, "m") as target:
        outcomes = await asyncio.gather(*(target.generate(ASK) for _ in range(together)))
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert hostile_server.peak == together


async def test_a_proxy_of_the_environment_gets_the_calls_to_other_machines(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", hostile_server.url.removesuffix("/v1").replace("://", "://ann:pass@"))
    async with OpenAICompatible("http://api.example/v1", "m") as target:
        outcome = await target.generate(ASK)
    assert isinstance(outcome, Reply)
    received = hostile_server.requests[0].headers
    assert (received["Host"], received["Proxy-Authorization"]) == ("api.example", "Basic YW5uOnBhc3M=")


async def test_a_proxy_to_a_tls_server_sees_its_own_credentials_and_never_the_key(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("https_proxy", hostile_server.url.removesuffix("/v1").replace("://", "://ann:pass@"))
    hostile_server.otherwise = hostile_server.error(403, "no tunnels here")
    async with OpenAICompatible("https://api.example/v1", "m") as target:
        outcome = await target.generate(ASK)
    assert isinstance(outcome, CallError)
    assert outcome.kind == "connection"
    assert "the proxy in $https_proxy does not lead to api.example" in outcome.message
    (received,) = hostile_server.requests
    assert received.method == "CONNECT"
    assert received.headers["Proxy-Authorization"] == "Basic YW5uOnBhc3M="
    assert KEY not in str(received.headers)


# --- parameters that a server refuses ------------------------------------------------------------


def refusing(server: HostileServer, *parameters: str) -> None:
    """Make the server answer 400 to any call that sends one of the `parameters`."""

    def decide(received: Any) -> Behaviour:  # noqa: ANN401 - the server's own record
        for name in parameters:
            if name in received.body:
                return server.error(
                    400,
                    f"Unsupported parameter: '{name}' is not supported.",
                    param=name,
                    code="unsupported_parameter",
                )
        return server.reply()

    server.decide = decide


async def test_an_unsupported_parameter_is_a_fault_once_and_then_done_without(
    hostile_server: HostileServer,
) -> None:
    refusing(hostile_server, "max_tokens", "temperature", "seed")
    async with OpenAICompatible(hostile_server.url, "m") as target:
        fault = await target.generate(ASK)
        assert len(hostile_server.requests) == 1, "every call is the caller's own"
        first = await settled(target.generate, ASK)
        calls = len(hostile_server.requests)
        second = await target.generate(ASK)
    assert isinstance(fault, CallError)
    assert (fault.kind, fault.status, fault.retryable) == ("parameter_refused", 400, True)
    assert "ask again, from now on with max_tokens sent as max_completion_tokens" in fault.message
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert first.refused == second.refused
    assert set(first.refused) == {"max_tokens", "temperature", "seed"}
    assert (calls, len(hostile_server.requests)) == (4, 5)
    assert hostile_server.chats[-1].body.keys() == {"model", "messages", "max_completion_tokens"}


async def test_what_a_server_refuses_is_not_known_before_it_has_replied(
    hostile_server: HostileServer,
) -> None:
    hostile_server.script(hostile_server.rate_limited())
    refusing(hostile_server, "temperature")
    async with OpenAICompatible(hostile_server.url, "m") as target:
        assert await target.probe() is None
        assert refused_by(target) is None
        await settled(target.generate, ASK)
        assert refused_by(target) == ("temperature",)


async def test_calls_in_flight_learn_together_and_record_it_once(hostile_server: HostileServer) -> None:
    refusing(hostile_server, "temperature")
    async with OpenAICompatible(hostile_server.url, "m") as target:
        outcomes = await asyncio.gather(*(settled(target.generate, ASK) for _ in range(20)))
    assert [one.refused for one in outcomes if isinstance(one, Reply)] == [("temperature",)] * 20


async def test_what_was_refused_before_is_never_sent(hostile_server: HostileServer) -> None:
    refusing(hostile_server, "temperature")
    async with OpenAICompatible(hostile_server.url, "m") as target:
        target.learn(("temperature", "top_p"))
        reply = await target.generate(ASK)
    assert isinstance(reply, Reply)
    assert reply.refused == ("temperature",), "a top_p of 1 is not sent anyway"
    assert len(hostile_server.requests) == 1


@pytest.mark.parametrize("resumed", [False, True])
async def test_an_error_that_quotes_the_request_is_a_fault_of_that_request(
    hostile_server: HostileServer, resumed: bool
) -> None:
    blocked = hostile_server.error(400, "Blocked by policy, not allowed: 'seed temperature'")
    hostile_server.script(*[hostile_server.reply()] * (not resumed), blocked, hostile_server.reply())
    async with OpenAICompatible(hostile_server.url, "m") as target:
        if resumed:
            target.learn(())
        else:
            await target.generate(ASK)
        error = await target.generate(ASK)
        after = await target.generate(ASK)
    assert isinstance(error, CallError)
    assert error.kind == "bad_request"
    assert isinstance(after, Reply)
    assert after.refused == ()
    assert hostile_server.chats[-1].body["temperature"] == 0


async def test_a_server_that_refuses_both_names_of_the_limit_is_a_bad_request(
    hostile_server: HostileServer,
) -> None:
    refusing(hostile_server, "max_tokens", "max_completion_tokens")
    async with OpenAICompatible(hostile_server.url, "m") as target:
        outcome = await settled(target.generate, ASK)
    assert isinstance(outcome, CallError)
    assert outcome.kind == "bad_request"
    assert len(hostile_server.requests) == 2


async def test_a_server_that_always_complains_is_asked_a_bounded_number_of_times(
    hostile_server: HostileServer,
) -> None:
    hostile_server.otherwise = hostile_server.error(
        400, "Unsupported: max_tokens, temperature, top_p and seed are not supported"
    )
    async with OpenAICompatible(hostile_server.url, "m") as target:
        outcome = await settled(target.generate, ASK)
    assert isinstance(outcome, CallError)
    assert outcome.kind == "bad_request"
    assert len(hostile_server.requests) == 4


# --- what it is ----------------------------------------------------------------------------------


def test_it_is_a_target_whose_fingerprint_holds_all_but_the_url() -> None:
    variant = Variant(system_prompt="Be safe.", few_shot=(Message(role="user", content="q"),))
    target: Target = OpenAICompatible(
        "http://localhost:8000", "m", variant=variant, sampling=Sampling(seed=5), revision="r1"
    )
    elsewhere = OpenAICompatible(
        "https://b.example/v1", "m", variant=variant, sampling=Sampling(seed=5), revision="r1"
    )
    assert (target.spec, target.url, target.max_concurrency) == ("openai:m", "http://localhost:8000/v1", None)
    assert target.fingerprint.kind == "openai_compatible"
    assert target.fingerprint.system_prompt == text_digest("Be safe.")
    assert target.fingerprint.few_shot == variant.few_shot_digest
    assert (target.fingerprint.sampling.seed, target.fingerprint.revision) == (5, "r1")
    assert fingerprint_hash(target.fingerprint) == fingerprint_hash(elsewhere.fingerprint)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"model": " "}, "expected the name of a model"),
        ({"timeout": 0}, "expected a timeout in seconds above 0, got 0"),
        ({"timeout": float("nan")}, "expected a timeout in seconds above 0, got nan"),
        ({"extra_body": {"stream": True}}, "got 'stream', which Alignmeter sets"),
        ({"extra_body": {"x": object()}}, "expected extra_body to be JSON"),
        ({"extra_body": {"stream_options": {}}}, "got 'stream_options', which Alignmeter sets"),
        ({"extra_body": {"x": float("nan")}}, "expected extra_body to be JSON"),
        ({"extra_body": {"x": "\ud800"}}, "expected extra_body to be JSON"),
        ({"extra_body": {1: "x"}}, "expected names of fields in extra_body, got 1"),
        ({"extra_body": ["x"]}, "expected extra_body as a JSON object such as .*, got list"),
    ],
)
def test_unusable_settings_are_refused_before_any_call(options: dict[str, Any], complaint: str) -> None:
    settings: dict[str, Any] = {"url": "http://localhost:1", "model": "m", **options}
    with pytest.raises(InputError, match=complaint):
        OpenAICompatible(**settings)


async def test_a_text_that_utf8_cannot_carry_is_a_bad_request_and_is_not_sent(
    hostile_server: HostileServer,
) -> None:
    request = Request(messages=(Message(role="user", content="\ud800"),), sampling=Sampling())
    outcome = await ask(hostile_server, request)
    assert isinstance(outcome, CallError)
    assert outcome.kind == "bad_request"
    assert hostile_server.requests == []


async def test_a_target_that_is_not_open_says_how_to_open_it() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await OpenAICompatible("http://localhost:1", "m").generate(ASK)


# --- the probe -----------------------------------------------------------------------------------


async def probe(server: HostileServer) -> CallError | None:
    async with OpenAICompatible(server.url, "m") as target:
        return await target.probe()


async def test_one_token_is_asked_for_with_the_sampling_of_the_run(hostile_server: HostileServer) -> None:
    sampling = Sampling(temperature=0.7, top_p=0.9, max_tokens=300, seed=4)
    async with OpenAICompatible(hostile_server.url, "m", sampling=sampling) as target:
        assert await target.probe() is None
    (call,) = hostile_server.chats
    sent = {name: call.body[name] for name in ("temperature", "top_p", "max_tokens", "seed")}
    assert sent == {"temperature": 0.7, "top_p": 0.9, "max_tokens": 1, "seed": 4}


async def test_the_probe_learns_what_the_server_refuses_by_calls_that_others_can_count(
    hostile_server: HostileServer,
) -> None:
    refusing(hostile_server, "max_tokens", "temperature")
    asked: list[Request] = []
    async with OpenAICompatible(hostile_server.url, "m") as target:

        async def counted(request: Request) -> Reply | CallError:
            asked.append(request)
            return await target.generate(request)

        assert await target.probe(counted) is None
        reply = await target.generate(ASK)
    assert isinstance(reply, Reply)
    assert (len(asked), len(hostile_server.chats)) == (3, 4)


async def test_a_model_that_is_not_on_the_list_but_answers_is_usable(hostile_server: HostileServer) -> None:
    hostile_server.models = hostile_server.json({"data": [{"id": "another"}]})
    assert await probe(hostile_server) is None
    assert len(hostile_server.chats) == 1


async def test_a_list_that_is_an_html_page_decides_nothing(hostile_server: HostileServer) -> None:
    hostile_server.models = hostile_server.html()
    assert await probe(hostile_server) is None
    assert len(hostile_server.chats) == 1


async def test_an_unknown_model_fails_the_probe(hostile_server: HostileServer) -> None:
    hostile_server.models = hostile_server.json({"data": [{"id": "another"}]})
    hostile_server.script(hostile_server.error(404, "model 'm' not found"))
    error = await probe(hostile_server)
    assert error is not None
    assert error.kind == "not_found"


async def test_a_wrong_key_fails_the_probe_at_the_list(hostile_server: HostileServer) -> None:
    hostile_server.models = hostile_server.error(401, "who are you")
    error = await probe(hostile_server)
    assert error is not None
    assert error.kind == "auth"
    assert hostile_server.chats == []


async def test_a_server_that_asks_to_slow_down_passes_the_probe(hostile_server: HostileServer) -> None:
    hostile_server.script(hostile_server.rate_limited("5"))
    assert await probe(hostile_server) is None


async def test_a_model_that_wants_more_than_one_token_passes_the_probe(hostile_server: HostileServer) -> None:
    hostile_server.script(hostile_server.error(400, "max_tokens or model output limit was reached."))
    assert await probe(hostile_server) is None


async def test_an_unreachable_server_fails_the_probe() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with OpenAICompatible(f"http://127.0.0.1:{port}", "m") as target:
        error = await target.probe()
    assert error is not None
    assert error.kind == "connection"


def test_given_fields_of_the_users_own_when_fingerprinted_then_they_are_another_target() -> None:
    def made(**options: Any) -> TargetFingerprint:  # noqa: ANN401 - any option
        return OpenAICompatible("http://localhost:1/v1", "m", **options).fingerprint

    thinking = made(extra_body={"chat_template_kwargs": {"thinking": True}})
    assert made() == made(extra_body={})
    assert fingerprint_hash(thinking) != fingerprint_hash(made())
    assert thinking == made(extra_body={"chat_template_kwargs": {"thinking": True}})
