"""The endpoint target against a server that misbehaves: the right type and a line to read aloud."""

from __future__ import annotations

import json
import socket
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import pytest
from aiohttp.client_reqrep import ConnectionKey

from alignmeter.errors import InputError
from alignmeter.records import CallError, Message, Sampling
from alignmeter.targets.base import Reply, Request
from alignmeter.targets.faults import Answer, Peer, status_fault, transport_fault
from alignmeter.targets.openai_compatible import MAX_REPLY_BYTES, OpenAICompatible

if TYPE_CHECKING:
    from tests.faults.hostile_server import Behaviour, HostileServer


KEY = "sk-test-0123456789"
ASK = Request(messages=(Message(role="user", content="How do I whittle a spoon?"),), sampling=Sampling())

pytestmark = pytest.mark.usefixtures("keyless")


async def ask(server: HostileServer, request: Request = ASK, **options: Any) -> Reply | CallError:  # noqa: ANN401
    async with OpenAICompatible(server.url, "m", **options) as target:
        return await target.generate(request)


async def fault_of(server: HostileServer, behaviour: Behaviour, **options: Any) -> CallError:  # noqa: ANN401
    server.script(behaviour)
    outcome = await ask(server, **options)
    assert isinstance(outcome, CallError)
    assert "\n" not in outcome.message
    assert KEY not in outcome.message
    assert len(outcome.message) < 450
    return outcome


# --- faults that the server reports --------------------------------------------------------------


@pytest.mark.parametrize(("given_header", "seconds"), [("2", 2.0), (None, None), ("9999", 9999.0)])
async def test_429_is_rate_limited_with_the_wait_it_asks_for(
    hostile_server: HostileServer, given_header: str | None, seconds: float | None
) -> None:
    error = await fault_of(hostile_server, hostile_server.rate_limited(given_header))
    assert (error.kind, error.status, error.retry_after) == ("rate_limited", 429, seconds)
    assert error.retryable
    assert "too many requests" in error.message
    assert "Rate limit reached" in error.message


async def test_an_exhausted_quota_ends_a_run_as_a_refused_key_does(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.error(429, "no more", code="insufficient_quota"))
    assert (error.kind, error.certain) == ("auth", True)
    assert "check its plan and billing" in error.message


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
async def test_5xx_is_a_server_error(hostile_server: HostileServer, status: int) -> None:
    error = await fault_of(
        hostile_server, hostile_server.error(status, "engine died", headers={"Retry-After": "3"})
    )
    assert (error.kind, error.status) == ("server_error", status)
    assert error.retry_after == (3.0 if status in {503, 529} else None)
    assert "it said 'engine died'" in error.message


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_auth_and_names_its_variable(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    error = await fault_of(hostile_server, hostile_server.error(status, "no"))
    assert (error.kind, error.status, error.fatal) == ("auth", status, True)
    assert "$OPENAI_API_KEY" in error.message


@pytest.mark.parametrize("status", [403, 404])
async def test_a_refusal_among_replies_blames_neither_key_nor_address(
    hostile_server: HostileServer, status: int
) -> None:
    hostile_server.script(hostile_server.reply(), hostile_server.html(status))
    async with OpenAICompatible(hostile_server.url, "m") as target:
        await target.generate(ASK)
        error = await target.generate(ASK)
    assert isinstance(error, CallError)
    assert not error.certain
    assert f"answered {status}: it does not serve this request, though it served others" in error.message
    assert "key" not in error.message
    assert "URL" not in error.message


async def test_a_missing_key_is_auth_and_names_the_variables_to_set(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.error(401, "no"))
    assert "none was sent; set the environment variable ALIGNMETER_API_KEY or OPENAI_API_KEY" in error.message


def test_a_missing_key_for_openai_is_openais() -> None:
    peer = Peer("https://api.openai.com/v1", "m", None, 60.0)
    fault = status_fault(peer, Answer(401, {}, b"{}"))
    assert "none was sent; set the environment variable OPENAI_API_KEY; " in fault.message


async def test_no_credit_is_fatal_too(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.error(402, "insufficient credits"))
    assert error.kind == "auth"
    assert "no credit is left" in error.message


async def test_404_about_the_model_names_the_model(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.error(404, "The model `m` does not exist."))
    assert (error.kind, error.fatal) == ("not_found", True)
    assert "does not know the model 'm'" in error.message
    assert f"{hostile_server.url}/models" in error.message


async def test_404_about_the_path_names_the_path(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.json({"detail": "Not Found"}, status=404))
    assert error.kind == "not_found"
    assert f"no chat completions at {hostile_server.url}/chat/completions" in error.message


@pytest.mark.parametrize("dialect", ["openai", "vllm", "llama.cpp", "sglang"])
async def test_a_conversation_too_long_is_a_context_overflow(
    hostile_server: HostileServer,
    dialect: Any,  # noqa: ANN401 - one of the server's dialects
) -> None:
    error = await fault_of(hostile_server, hostile_server.context_overflow(dialect))
    assert (error.kind, error.status, error.retryable) == ("context_overflow", 400, False)
    assert "does not fit the context of model 'm'" in error.message
    assert len(hostile_server.requests) == 1


async def test_a_filter_in_front_of_the_model_is_a_fault_and_no_refusal(
    hostile_server: HostileServer,
) -> None:
    error = await fault_of(hostile_server, hostile_server.content_filter_error())
    assert (error.kind, error.status) == ("content_filter", 400)
    assert "no refusal of the model" in error.message


@pytest.mark.parametrize("status", [400, 422])
async def test_another_complaint_about_the_request_is_a_bad_request(
    hostile_server: HostileServer, status: int
) -> None:
    error = await fault_of(hostile_server, hostile_server.error(status, "messages must not be empty"))
    assert (error.kind, error.status, error.retryable) == ("bad_request", status, False)
    assert "messages must not be empty" in error.message


@pytest.mark.parametrize(
    ("status", "kind"), [(405, "not_found"), (408, "timeout"), (413, "bad_request"), (409, "bad_request")]
)
async def test_rarer_statuses_have_their_type_too(
    hostile_server: HostileServer, status: int, kind: str
) -> None:
    error = await fault_of(hostile_server, hostile_server.error(status, "no"))
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ({"error": {"message": "slow down", "code": 429}}, "rate_limited", 429),
        ({"error": {"message": "upstream", "code": "502"}}, "server_error", 502),
        ({"error": {"message": "bad key", "type": "authentication_error"}}, "auth", 401),
        ({"error": {"message": "too long", "code": "context_length_exceeded"}}, "context_overflow", 400),
        ({"error": {"message": "no", "code": "content_filter"}}, "content_filter", 400),
        ({"error": "something"}, "bad_response", 200),
    ],
)
async def test_an_error_in_a_200_answer_is_typed_by_what_it_says(
    hostile_server: HostileServer, body: dict[str, Any], kind: str, status: int
) -> None:
    error = await fault_of(hostile_server, hostile_server.json(body))
    assert (error.kind, error.status) == (kind, status)


# --- bodies that are no reply --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [
        ("empty", "with an empty body; expected the JSON of a chat completion"),
        ("truncated_json", "truncated"),
        ("wrong_schema", "at least one entry in `choices`"),
        ("html", "got text/html '<!DOCTYPE html> <html>"),
        ("invalid_utf8", "invalid UTF-8"),
        ("event_stream", "got text/event-stream 'data: {"),
    ],
)
async def test_a_200_answer_that_is_no_completion_is_a_bad_response_that_quotes_it(
    hostile_server: HostileServer, behaviour: str, complaint: str
) -> None:
    error = await fault_of(hostile_server, getattr(hostile_server, behaviour)())
    assert (error.kind, error.status, error.retryable) == ("bad_response", 200, True)
    assert complaint in error.message


async def test_a_long_body_is_quoted_by_its_first_80_characters(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.raw(b"x" * 5000, content_type="text/plain"))
    assert f"'{'x' * 79}…'" in error.message


@pytest.mark.parametrize("announced", [True, False])
async def test_a_gigantic_body_is_a_bad_response_and_is_not_read_to_its_end(
    hostile_server: HostileServer, announced: bool
) -> None:
    size = 2 * MAX_REPLY_BYTES
    error = await fault_of(hostile_server, hostile_server.gigantic(size, announced=announced))
    assert error.kind == "bad_response"
    assert "sent more than 20 MB" in error.message


async def test_a_redirect_is_not_followed_and_names_only_the_host(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    error = await fault_of(hostile_server, hostile_server.redirect("https://elsewhere.example/v1?token=abc"))
    assert (error.kind, error.status) == ("bad_response", 307)
    assert "a redirect to elsewhere.example, which is not followed" in error.message
    assert "token" not in error.message
    assert len(hostile_server.requests) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/\xe9html\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 302 Found\r\nLocation: http://\xe9vil/\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_header_that_is_no_utf8_is_a_fault_that_can_be_written_down(
    hostile_server: HostileServer, head: bytes
) -> None:
    error = await fault_of(hostile_server, hostile_server.exactly(head))
    assert error.kind == "bad_response"
    assert "?" in error.message
    assert error.message.encode()


@pytest.mark.parametrize(
    ("status", "headers"), [(304, {}), (304, {"Location": "https://elsewhere.example"}), (302, {})]
)
async def test_a_status_below_400_that_leads_nowhere_is_no_redirect(
    hostile_server: HostileServer, status: int, headers: dict[str, str]
) -> None:
    error = await fault_of(hostile_server, hostile_server.raw(b"", status=status, headers=headers))
    assert (error.kind, error.status, error.may_be_billed) == ("bad_response", status, False)
    assert error.message == f"{hostile_server.url[7:-3]} answered {status}; expected a chat completion"


# --- connections that fail -----------------------------------------------------------------------


async def test_a_server_that_hangs_is_a_timeout(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.hang(), timeout=0.1)
    assert (error.kind, error.retryable) == ("timeout", True)
    assert "no complete reply from 127.0.0.1:" in error.message
    assert "within 0.1 s" in error.message


async def test_a_server_that_drips_too_slowly_is_a_timeout(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.drip(pieces=1000), timeout=0.1)
    assert error.kind == "timeout"


async def test_a_slow_server_within_the_timeout_answers(hostile_server: HostileServer) -> None:
    hostile_server.script(hostile_server.slow(0.05))
    assert isinstance(await ask(hostile_server, timeout=5.0), Reply)


@pytest.mark.parametrize("behaviour", ["reset", "disconnect"])
async def test_a_broken_connection_is_a_connection_error(
    hostile_server: HostileServer, behaviour: str
) -> None:
    error = await fault_of(hostile_server, getattr(hostile_server, behaviour)())
    assert (error.kind, error.retryable, error.may_be_billed) == ("connection", True, True)
    assert "broke the connection before the reply was complete" in error.message


async def test_after_a_broken_connection_the_next_call_works(hostile_server: HostileServer) -> None:
    hostile_server.script(hostile_server.reset(), hostile_server.disconnect())
    async with OpenAICompatible(hostile_server.url, "m") as target:
        outcomes = [await target.generate(ASK) for _ in range(3)]
    assert [isinstance(outcome, Reply) for outcome in outcomes] == [False, False, True]


async def test_a_server_of_another_protocol_is_a_bad_response(hostile_server: HostileServer) -> None:
    error = await fault_of(hostile_server, hostile_server.not_http())
    assert error.kind == "bad_response"
    assert "sent no valid HTTP" in error.message
    assert "check the URL's port" in error.message


async def test_a_port_that_nobody_listens_on_is_a_refused_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with OpenAICompatible(f"http://127.0.0.1:{port}", "m") as target:
        outcome = await target.generate(ASK)
    assert isinstance(outcome, CallError)
    assert outcome.kind == "connection"
    assert outcome.message == f"127.0.0.1:{port} refused the connection; is the server running there?"
    assert not outcome.may_be_billed


async def test_https_against_an_http_server_is_a_tls_fault(hostile_server: HostileServer) -> None:
    async with OpenAICompatible(hostile_server.url.replace("http:", "https:"), "m") as target:
        outcome = await target.generate(ASK)
    assert isinstance(outcome, CallError)
    assert outcome.kind == "connection"
    assert "no TLS connection to 127.0.0.1:" in outcome.message


def test_an_unknown_host_and_a_bad_certificate_are_connection_errors_in_words() -> None:
    peer = Peer("https://api.example/v1", "m", None, 60.0)
    where = ConnectionKey("api.example", 443, True, True, None, None, None)
    unknown = aiohttp.ClientConnectorDNSError(where, OSError(-2, "Name or service not known"))
    assert transport_fault(peer, unknown).message == "no host named 'api.example' was found; check the URL"
    default = transport_fault(Peer("https://api.openai.com/v1", "m", None, 60.0), unknown).message
    assert default.endswith("which is the default; a server of your own is named by its URL")
    expired = ssl.SSLCertVerificationError("certificate has expired")
    fault = transport_fault(peer, aiohttp.ClientConnectorCertificateError(where, expired))
    assert (fault.kind, "no TLS connection to api.example" in fault.message) == ("connection", True)


@pytest.mark.parametrize(
    ("error", "billed"), [(TimeoutError(), True), (aiohttp.ConnectionTimeoutError(), False)]
)
def test_a_timeout_may_be_billed_where_a_connection_was_made(error: Exception, billed: bool) -> None:
    fault = transport_fault(Peer("https://api.example/v1", "m", None, 60.0), error)
    assert (fault.kind, fault.may_be_billed) == ("timeout", billed)


async def test_a_proxy_that_is_not_there_is_a_connection_error_that_names_the_proxy_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://ann:{KEY}@127.0.0.1:{free.getsockname()[1]}")
    async with OpenAICompatible("http://api.example/v1", "m") as target:
        outcome = await target.generate(ASK)
    assert isinstance(outcome, CallError)
    assert outcome.kind == "connection"
    assert "the proxy in $http_proxy does not lead to api.example" in outcome.message
    assert KEY not in outcome.message


# --- the key -------------------------------------------------------------------------------------


async def test_the_key_goes_into_the_header_and_nowhere_else(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIGNMETER_API_KEY", KEY)
    async with OpenAICompatible(hostile_server.url, "m") as target:
        await target.generate(ASK)
        seen = f"{target!r} {vars(target)!r} {target.url} {target.spec} {target.fingerprint!r}"
        assert KEY not in seen
        assert KEY not in target.curl_command(ASK)
    assert hostile_server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in hostile_server.requests[0].raw


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_a_server_that_quotes_the_key_does_not_get_it_into_a_message(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    error = await fault_of(hostile_server, hostile_server.key_echo(status))
    assert "Incorrect API key provided: [key]." in error.message


async def test_a_key_that_is_cut_by_the_quote_does_not_leak_in_part(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    page = f"{'x' * 70} {KEY}".encode()
    error = await fault_of(hostile_server, hostile_server.raw(page, content_type="text/plain"))
    assert "sk-" not in error.message


async def test_a_reply_that_repeats_the_key_is_redacted(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    hostile_server.script(hostile_server.reply(f"Your key is {KEY}."))
    reply = await ask(hostile_server)
    assert isinstance(reply, Reply)
    assert reply.message.content == "Your key is [key]."


@pytest.mark.parametrize("slash", [r"\/", r"\u002f", r"\u002F"])
@pytest.mark.parametrize("place", ["content", "tool", "model", "ending", "shape", "error"])
async def test_a_key_that_json_spells_otherwise_is_redacted_wherever_it_stands(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch, slash: str, place: str
) -> None:
    key = "sk-base64/a+b/c=="
    monkeypatch.setenv("OPENAI_API_KEY", key)
    message: dict[str, object] = {"content": f"It is {key}." if place == "content" else "Yes."}
    if place == "tool":
        message["tool_calls"] = [{"function": {"name": "f", "arguments": json.dumps({"key": key})}}]
    body: dict[str, object] = {
        "model": f"m {key}" if place == "model" else "m",
        "choices": [{"message": message, "finish_reason": f"odd {key}" if place == "ending" else "stop"}],
    }
    if place == "shape":
        body = {"oops": f"hello {key}"}
    if place == "error":
        body = {"error": f"bad key {key}"}
    spelled = json.dumps(body).replace("/", slash).replace("+", r"\u002b").replace("=", r"\u003D")
    hostile_server.script(hostile_server.raw(spelled.encode()))
    written = msgspec.json.encode(await ask(hostile_server)).decode()
    assert "[key]" in written
    assert "base64" not in written


async def test_the_key_of_a_server_of_this_process_is_used_in_place_of_the_environments(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    hostile_server.script(hostile_server.error(401, "no"))
    outcome = await ask(hostile_server, api_key="of-this-process")
    assert isinstance(outcome, CallError)
    assert "the one sent was refused" in outcome.message
    assert hostile_server.requests[0].headers["Authorization"] == "Bearer of-this-process"


def test_a_named_variable_that_is_not_set_fails_before_any_call() -> None:
    with pytest.raises(InputError, match=r"\$MY_KEY, which is not set"):
        OpenAICompatible("http://localhost:1", "m", api_key_env="MY_KEY")
