"""A chat-completions server that misbehaves on command, on a free port of 127.0.0.1.

    server.script(server.rate_limited(retry_after="1"), server.reply("Hello."))

answers the next call with 429 and every later one as `server.otherwise` says (a plain reply, until
set). `server.decide` takes the received call and picks a behaviour, for tests in which many calls
are in flight. What came in is in `server.requests`; `server.peak` is the most calls held at once.

A test folder gets the fixture `hostile_server` by loading this file in its conftest.py; see
tests/faults/conftest.py.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest_asyncio
from aiohttp import web

if TYPE_CHECKING:
    from typing import Self

Behaviour = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers one request, or breaks the connection and returns a response that nobody reads."""


class Received(NamedTuple):
    """One call as it came in; `body` is None where it was no JSON, `raw` its bytes."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    raw: bytes


class HostileServer:
    """The server: use it as an asynchronous context manager, or by the fixture.

    Attributes:
        requests: Every call in order of arrival, `GET /models` included.
        otherwise: Behaviour once the script is used up.
        models: Behaviour of `GET /models`: 404 until set, as on a server without the list.
        decide: Picks a behaviour for a chat call; None leaves it to the script.
        peak: Most chat calls that were in flight at once.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.otherwise: Behaviour = self.reply()
        self.models: Behaviour = self.error(404, "Not Found")
        self.decide: Callable[[Received], Behaviour] | None = None
        self.peak = 0
        self._in_flight = 0
        self._script: deque[Behaviour] = deque()
        self._closing = asyncio.Event()
        self._port = 0
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)

    @property
    def url(self) -> str:
        """Base URL, with /v1."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def chats(self) -> list[Received]:
        """The chat calls among `requests`."""
        return [received for received in self.requests if received.method == "POST"]

    def script(self, *behaviours: Behaviour) -> None:
        """Answer the next chat calls like this, one each."""
        self._script.extend(behaviours)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        received = Received(request.method, request.path, request.headers.copy(), body, raw)
        self.requests.append(received)
        if request.method == "GET":
            return await self.models(request)
        if self._script:
            behaviour = self._script.popleft()
        else:
            behaviour = self.otherwise if self.decide is None else self.decide(received)
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)
        try:
            return await behaviour(request)
        finally:
            self._in_flight -= 1

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    # --- well-formed answers ---------------------------------------------------------------------

    def reply(
        self, text: str | None = "I can help.", *, finish_reason: str | None = "stop", **message: object
    ) -> Behaviour:
        """A chat completion; further fields go into its message."""
        return self.json(completion(text, finish_reason=finish_reason, **message))

    def json(self, body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
        """Any JSON body."""
        return self.raw(json.dumps(body).encode(), status=status, headers=headers)

    def raw(
        self,
        body: bytes,
        *,
        status: int = 200,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Behaviour:
        """Exactly these bytes."""

        async def behave(_: web.BaseRequest) -> web.StreamResponse:
            return web.Response(body=body, status=status, content_type=content_type, headers=headers)

        return behave

    def error(
        self,
        status: int,
        message: str = "it went wrong",
        *,
        headers: Mapping[str, str] | None = None,
        **fields: object,
    ) -> Behaviour:
        """An error in OpenAI's form; `fields` are for example `code`, `type`, `param`."""
        return self.json({"error": {"message": message, **fields}}, status=status, headers=headers)

    # --- faults that servers report --------------------------------------------------------------

    def rate_limited(
        self, retry_after: str | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Behaviour:
        """429, with or without a waiting time."""
        waiting = {} if retry_after is None else {"Retry-After": retry_after}
        return self.error(
            429, "Rate limit reached", headers={**waiting, **(headers or {})}, code="rate_limit_exceeded"
        )

    def context_overflow(self, dialect: Literal["openai", "vllm", "llama.cpp", "sglang"]) -> Behaviour:
        """400 for a conversation that is too long, in the words of each server."""
        match dialect:
            case "openai":
                return self.error(
                    400,
                    "This model's maximum context length is 8192 tokens. However, your messages "
                    "resulted in 9000 tokens.",
                    type="invalid_request_error",
                    param="messages",
                    code="context_length_exceeded",
                )
            case "vllm":
                body: dict[str, object] = {
                    "object": "error",
                    "message": "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's "
                    "maximum context length is 2048 tokens and your request has 1600 input tokens",
                    "type": "BadRequestError",
                    "param": None,
                    "code": 400,
                }
                return self.json(body, status=400)
            case "llama.cpp":
                return self.error(
                    400,
                    "request (2309 tokens) exceeds the available context size (2048 tokens), "
                    "try increasing it",
                    type="exceed_context_size_error",
                    code=400,
                )
            case "sglang":
                return self.error(
                    400, "The input (9000 tokens) is longer than the model's context length (8192 tokens)."
                )

    def content_filter_error(self) -> Behaviour:
        """400 of a filter in front of the model, as Azure words it."""
        fault: dict[str, object] = {
            "message": "The response was filtered due to the prompt triggering the content policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        }
        return self.json({"error": fault}, status=400)

    def content_filter_reply(self) -> Behaviour:
        """200 whose reply was cut by a filter: a signal of the provider's, not an error."""
        return self.reply(None, finish_reason="content_filter")

    def key_echo(self, status: int = 401) -> Behaviour:
        """An error that quotes the key which was sent."""

        async def behave(request: web.BaseRequest) -> web.StreamResponse:
            key = request.headers.get("Authorization", "").removeprefix("Bearer ")
            return await self.error(status, f"Incorrect API key provided: {key}.")(request)

        return behave

    def redirect(self, location: str) -> Behaviour:
        """307 to somewhere else."""
        return self.raw(b"", status=307, headers={"Location": location})

    # --- bodies that are no reply ----------------------------------------------------------------

    def empty(self) -> Behaviour:
        """200 and nothing."""
        return self.raw(b"")

    def truncated_json(self) -> Behaviour:
        """A whole HTTP answer that holds the first half of a completion."""
        whole = json.dumps(completion("I can help.")).encode()
        return self.raw(whole[: len(whole) // 2])

    def wrong_schema(self) -> Behaviour:
        """JSON of another API."""
        return self.json({"model": "m", "response": "I can help.", "done": True})

    def html(self, status: int = 200) -> Behaviour:
        """The page that a gateway shows."""
        page = b"<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head></html>"
        return self.raw(page, status=status, content_type="text/html")

    def event_stream(self) -> Behaviour:
        """A stream that was not asked for."""
        return self.raw(b'data: {"choices": []}\n\ndata: [DONE]\n', content_type="text/event-stream")

    def invalid_utf8(self) -> Behaviour:
        """A completion whose text is no UTF-8."""
        return self.raw(json.dumps(completion("BAD")).encode().replace(b"BAD", b"caf\xe9 \xff"))

    def gigantic(self, size: int, *, announced: bool) -> Behaviour:
        """A body of `size` bytes, with or without a Content-Length."""

        async def behave(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            if announced:
                response.content_length = size
            await response.prepare(request)
            chunk = b" " * 2**18
            for _ in range(size // len(chunk)):
                await response.write(chunk)
            return response

        return behave

    # --- connections that misbehave --------------------------------------------------------------

    def slow(self, seconds: float, then: Behaviour | None = None) -> Behaviour:
        """Another behaviour, after a pause."""

        async def behave(request: web.BaseRequest) -> web.StreamResponse:
            await asyncio.sleep(seconds)
            return await (then or self.reply())(request)

        return behave

    def hang(self) -> Behaviour:
        """No answer until the server closes."""

        async def behave(_: web.BaseRequest) -> web.StreamResponse:
            await self._closing.wait()
            return web.Response()

        return behave

    def drip(self, text: str = "I can help.", *, pieces: int = 8) -> Behaviour:
        """A completion in small chunks with pauses between them."""
        whole = json.dumps(completion(text)).encode()

        async def behave(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            step = len(whole) // pieces + 1
            for start in range(0, len(whole), step):
                await response.write(whole[start : start + step])
                await asyncio.sleep(0.005)
            return response

        return behave

    def reset(self) -> Behaviour:
        """A TCP reset in the middle of the body."""

        async def behave(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"choices": [')
            await asyncio.sleep(0.01)
            transport = _transport(request)
            # Lingering for no time makes the close a reset instead of an orderly end.
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
            return response

        return behave

    def disconnect(self) -> Behaviour:
        """The connection ends before the first byte of the answer."""
        return self.exactly(b"")

    def not_http(self) -> Behaviour:
        """Some other protocol."""
        return self.exactly(b"220 mail.example.org ESMTP ready\r\n")

    def until_close(self, text: str = "I can help.") -> Behaviour:
        """HTTP/1.0 without Content-Length: the end of the connection ends the body."""
        head = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
        return self.exactly(head + json.dumps(completion(text)).encode())

    def exactly(self, data: bytes) -> Behaviour:
        """These bytes on the connection, head and all, and its end."""

        async def behave(request: web.BaseRequest) -> web.StreamResponse:
            transport = _transport(request)
            transport.write(data)
            transport.close()
            return web.Response()

        return behave


def completion(text: str | None, *, finish_reason: str | None = "stop", **message: object) -> dict[str, Any]:
    """The body of a chat completion, as OpenAI sends it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "hostile-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def _transport(request: web.BaseRequest) -> asyncio.Transport:
    transport = request.transport
    assert isinstance(transport, asyncio.Transport)
    return transport


@pytest_asyncio.fixture
async def hostile_server() -> AsyncIterator[HostileServer]:
    """A running hostile server of the test's own."""
    async with HostileServer() as server:
        yield server
