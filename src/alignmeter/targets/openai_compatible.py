"""Any server that speaks OpenAI's chat completions: vLLM, SGLang, llama.cpp, Ollama, LiteLLM, OpenAI.

One attempt a call and every fault as data: the engine decides about retries. aiohttp is imported
on first use, since it costs a fifth of a second.
"""

from __future__ import annotations

import codecs
import shlex
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from alignmeter._version import __version__
from alignmeter.errors import InputError
from alignmeter.identity import digest
from alignmeter.records import CallError, Message, Sampling, TargetFingerprint
from alignmeter.targets.base import OPTIONAL_PARAMETERS, Reply, Request, adaptation, settled
from alignmeter.targets.endpoint import ApiKey, Proxy, environment_proxy, read_endpoint, read_key
from alignmeter.targets.extra_body import checked_extra
from alignmeter.targets.faults import (
    Answer,
    Peer,
    reported_fault,
    shape_fault,
    status_fault,
    transport_fault,
)
from alignmeter.targets.variants import Variant
from alignmeter.targets.wire import WireError, decode_reply, encode, sampling_fields
from alignmeter.targets.wire_errors import parse_error, refused_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Self

    import aiohttp

    from alignmeter.targets.base import Ask
    from alignmeter.targets.endpoint import Endpoint

MAX_REPLY_BYTES = 20 * 1024 * 1024
"""A reply larger than this is a fault of the server."""

KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept: less than the 5 of uvicorn (vLLM, SGLang), so that no
call goes out on a connection that the server is closing."""

_NO_VARIANT = Variant()
_GREEDY = Sampling()
_OK, _NOT_OK = 200, 300
_UNSUPPORTED_STATUS = (400, 422)
_INLINE_BODY = 100_000
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": f"alignmeter/{__version__}",
}


class _HeaderOptions(TypedDict, total=False):
    headers: dict[str, str]
    proxy_headers: dict[str, str]


class OpenAICompatible:
    """A model behind an OpenAI-compatible endpoint; see `alignmeter.targets.base.Target`.

    Attributes:
        spec: `openai:MODEL`.
        url: Base URL, for example `http://localhost:8000/v1`.
        fingerprint: What makes this system this system; the URL is not in it.
        max_concurrency: None, only the endpoint knows.
        extra_body: Fields of the user's own in every request body.
    """

    def __init__(  # noqa: PLR0913 - each setting of an endpoint, named
        self,
        url: str,
        model: str,
        *,
        variant: Variant = _NO_VARIANT,
        sampling: Sampling = _GREEDY,
        revision: str | None = None,
        api_key_env: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        extra_body: Mapping[str, Any] | None = None,
        logprobs: bool = False,
    ) -> None:
        """Check everything that can be checked without a call.

        Args:
            url: With or without `/v1`, `/chat/completions` and a trailing slash; in Azure's style the URL
                of the deployment with `?api-version=`.
            model: Name as the endpoint knows it.
            variant: System prompt and examples in front of every conversation.
            sampling: Recorded in the fingerprint; each request brings its own.
            revision: What the user says tells this model from another of the same name.
            api_key_env: Environment variable that must hold the key; by default
                ALIGNMETER_API_KEY, else OPENAI_API_KEY, else no key.
            api_key: For a server that this process itself started with a key of its own; the
                environment is then not read. Users' keys come by the environment only.
            timeout: Seconds for one whole attempt.
            extra_body: Fields added to every body, for example `{"chat_template_kwargs": {...}}`.
            logprobs: Ask every time for the probabilities of the tokens.

        Raises:
            InputError: URL, model, timeout, key variable or an extra field is not usable.
        """
        if not model.strip():
            raise InputError(f"expected the name of a model as the endpoint knows it, got {model!r}")
        if not timeout > 0:
            raise InputError(f"expected a timeout in seconds above 0, got {timeout!r}")
        self._endpoint = read_endpoint(url)
        self.url = self._endpoint.url
        self.spec = f"openai:{model}"
        self.max_concurrency: int | None = None
        self.extra_body = checked_extra(extra_body)
        self.fingerprint = TargetFingerprint(
            kind="openai_compatible",
            model=model,
            sampling=sampling,
            revision=revision,
            system_prompt=variant.system_prompt_digest,
            few_shot=variant.few_shot_digest,
            extra=digest(self.extra_body) if self.extra_body else None,
        )
        self._model = model
        self._logprobs = logprobs
        self._variant = variant
        self._key = read_key(api_key_env) if api_key is None else ApiKey(None, api_key)
        self._peer = Peer(self.url, model, self._key, timeout)
        self._refused: tuple[str, ...] = ()
        self._taken: set[str] = set()
        self._replied = False
        self._proxy: Proxy | None = None
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"OpenAICompatible({self.url!r}, {self._model!r})"

    @property
    def refused(self) -> tuple[str, ...] | None:
        """Parameters that the server refused, None until a reply has shown which it takes."""
        return self._refused if self._replied else None

    def learn(self, refused: Iterable[str]) -> None:
        """Do without parameters that this server refused when it gave an earlier reply.

        Args:
            refused: Members of `OPTIONAL_PARAMETERS`; that reply shows that it takes the others.
        """
        self._refuse(refused)
        self._taken.update(name for name in OPTIONAL_PARAMETERS if name not in self._refused)

    def _refuse(self, refused: Iterable[str]) -> None:
        # Calls in flight learn the same thing at once; it is remembered once.
        self._refused = tuple(dict.fromkeys((*self._refused, *refused)))

    # --- calls -----------------------------------------------------------------------------------

    async def generate(self, request: Request) -> Reply | CallError:
        """Answer one request with one attempt; see `Target.generate`.

        A parameter that the server says it does not support is changed or left out from then on, and
        the fault `parameter_refused` returned: whoever asks again does so on his own account.
        """
        refused = self._refused
        try:
            body = self._encode(request, refused)
        except UnicodeEncodeError as error:
            return self._peer.fault("bad_request", f"expected messages of valid Unicode, got {error.reason}")
        answer = await self._exchange("POST", "/chat/completions", body)
        if isinstance(answer, CallError):
            return answer
        parameter = self._unsupported(answer, request, refused)
        if parameter is not None:
            self._refuse((parameter,))
            text = (
                f"{self._peer.host} refused a parameter; ask again, from now on with {adaptation(parameter)}"
            )
            return self._peer.fault("parameter_refused", text, status=answer.status)
        reply = self._interpret(answer)
        if isinstance(reply, CallError):
            return reply
        self._replied = True
        wanted = sampling_fields(self._asked(request))
        self._taken.update(name for name in wanted if name not in refused)
        if refused:
            return msgspec.structs.replace(reply, refused=tuple(n for n in refused if n in wanted))
        return reply

    async def probe(self, ask: Ask | None = None) -> CallError | None:
        """Check that server, key and model can be used, and learn which parameters the server refuses.

        Asks for the list of models, then for a reply of one token with the sampling of this target.

        Args:
            ask: Makes each call for a token, which may be billed; `generate` by default.

        Returns:
            Why a run cannot succeed, or None. A server that asks to slow down is not a reason.
        """
        answer = await self._exchange("GET", "/models")
        if isinstance(answer, CallError):
            return answer
        if answer.status == 401:  # noqa: PLR2004 - 403 may mean that only the list is forbidden
            return status_fault(self._peer, answer)
        ping = Request(
            messages=(Message(role="user", content="ping"),),
            sampling=msgspec.structs.replace(self.fingerprint.sampling, max_tokens=1),
        )
        reply = await settled(ask or self.generate, ping)
        if isinstance(reply, Reply) or reply.kind == "rate_limited":
            return None
        # OpenAI's reasoning models answer 400 when one token is too few to think.
        return None if "output limit was reached" in reply.message else reply

    def curl_command(self, request: Request) -> str:
        """Return the command that repeats `request` by hand; it names the key's variable, never the key."""
        variable = None if self._key is None else self._key.variable
        return curl(self._endpoint, self._encode(request, self._refused), variable)

    def _encode(self, request: Request, refused: tuple[str, ...]) -> bytes:
        return encode(
            self._asked(request),
            model=self._model,
            variant=self._variant,
            extra=self.extra_body,
            refused=refused,
        )

    def _asked(self, request: Request) -> Request:
        if request.logprobs or not self._logprobs:
            return request
        return msgspec.structs.replace(request, logprobs=True)

    def _unsupported(self, answer: Answer, request: Request, refused: tuple[str, ...]) -> str | None:
        if answer.status not in _UNSUPPORTED_STATUS:
            return None
        fields = sampling_fields(self._asked(request), refused)
        sent = [name for name in fields if name in OPTIONAL_PARAMETERS]
        asked = [message.content for message in self._variant.apply(request.messages)]
        return refused_parameter(parse_error(answer.body), sent, taken=self._taken, asked=asked)

    def _interpret(self, answer: Answer) -> Reply | CallError:
        if not _OK <= answer.status < _NOT_OK:
            return status_fault(self._peer, answer)
        body = answer.body if self._key is None else self._key.redact_body(answer.body)
        try:
            reply = decode_reply(body)
        except WireError as error:
            return shape_fault(self._peer, answer, str(error))
        if not isinstance(reply, Reply):
            return reported_fault(self._peer, answer, reply)
        if not self._peer.answered:
            self._peer = self._peer._replace(answered=True)
        return reply

    async def _exchange(self, method: str, path: str, body: bytes | None = None) -> Answer | CallError:
        import aiohttp

        if self._session is None:
            raise RuntimeError("this target is not open; use it with `async with`")
        try:
            # Redirects stay unfollowed: a key and a prompt go to the host that the user named.
            async with self._session.request(
                method, self._endpoint.at(path), data=body, allow_redirects=False, **self._header_options()
            ) as response:
                content = await _read(response)
                if content is None:
                    size = f"{MAX_REPLY_BYTES // 2**20} MB"
                    text = f"{self._peer.host} sent more than {size}; expected a chat completion"
                    return self._peer.fault("bad_response", text, status=response.status)
                # A byte order mark is no JSON, and readers may pass it over (RFC 8259, section 8.1).
                return Answer(response.status, response.headers, content.removeprefix(codecs.BOM_UTF8))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return transport_fault(self._peer, error)

    def _header_options(self) -> _HeaderOptions:
        headers = _HEADERS if self._key is None else _HEADERS | self._endpoint.header(self._key)
        if self._proxy is None or self._proxy.authorization is None:
            return {"headers": headers}
        proxy_headers = {"Proxy-Authorization": self._proxy.authorization}
        if self.url.startswith("https:"):
            # The proxy sees the CONNECT request alone.
            return {"headers": headers, "proxy_headers": proxy_headers}
        return {"headers": headers | proxy_headers}

    # --- the connection --------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Open one session with a pool that sets no limit: the engine governs concurrency.

        Raises:
            InputError: The environment names a proxy that cannot be one.
        """
        import aiohttp

        self._proxy = environment_proxy(self.url)
        if self._proxy is not None:
            self._peer = self._peer._replace(proxy=self._proxy.variable)
        # No default headers here: aiohttp would send them, the key too, to the proxy itself.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=KEEP_ALIVE),
            timeout=aiohttp.ClientTimeout(total=self._peer.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=None if self._proxy is None else self._proxy.url,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """Read the whole body, None when it is larger than `MAX_REPLY_BYTES`."""
    if (response.content_length or 0) > MAX_REPLY_BYTES:
        response.close()
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            response.close()
            return None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def curl(endpoint: Endpoint, body: bytes, key_env: str | None = None) -> str:
    """Return a command for a POSIX shell that sends `body` as this target does.

    Args:
        endpoint: Where it goes.
        body: JSON on one line, as `alignmeter.targets.wire.encode` makes it.
        key_env: Name of the environment variable that holds the key, None for no key.
    """
    words = [
        "curl",
        "-sS",
        shlex.quote(endpoint.at("/chat/completions")),
        "-H",
        "'Content-Type: application/json'",
    ]
    if key_env is not None:
        # Double quotes, so that the shell puts in the key and the command never holds it.
        header = f"api-key: ${key_env}" if endpoint.query else f"Authorization: Bearer ${key_env}"
        words += ["-H", f'"{header}"']
    text = body.decode()
    if len(body) > _INLINE_BODY:
        # Linux takes no argument of more than 128 kB (many-shot prompts are longer).
        return f"{' '.join([*words, '--data-binary', '@-'])} <<'JSON'\n{text}\nJSON"
    return " ".join([*words, "--data-raw", shlex.quote(text)])
