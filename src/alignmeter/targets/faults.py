"""Faults of an endpoint as data: from an HTTP answer or a broken connection to one typed line.

Every message says who failed, what was expected and, where that helps, what to do; the key is
redacted from all of them, since servers like to quote it.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from alignmeter.records import OF_ONE_REQUEST, CallError
from alignmeter.targets.endpoint import DEFAULT_KEY_VARIABLES, OPENAI_KEY, OPENAI_URL
from alignmeter.targets.wire_errors import (
    ErrorBody,
    is_content_filter,
    is_context_overflow,
    parse_error,
    retry_after,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import CallErrorKind
    from alignmeter.targets.endpoint import ApiKey

_QUOTED = 80
_SAID = 200
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_REDIRECTS = (300, 301, 302, 303, 307, 308)


class Answer(NamedTuple):
    """A complete HTTP answer; header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Peer(NamedTuple):
    """Whom we talk to, as far as messages need it."""

    url: str
    model: str
    key: ApiKey | None
    timeout: float
    answered: bool = False
    """Whether it has sent a reply already, so that neither key nor address can be wrong."""
    proxy: str = "HTTP_PROXY"
    """Environment variable that names the proxy in between, if there is one."""

    @property
    def host(self) -> str:
        """Host and port, as the URL names them."""
        return urlsplit(self.url).netloc

    def fault(
        self,
        kind: CallErrorKind,
        message: str,
        *,
        status: int | None = None,
        wait: float | None = None,
        sent: bool | None = None,
    ) -> CallError:
        """Return a typed error whose message is one line of valid Unicode and holds no key."""
        # A byte of a header that is not UTF-8 comes as half of a surrogate pair, which no file can hold.
        line = " ".join(message.split()).encode("utf-8", "replace").decode()
        return CallError(
            kind=kind,
            message=self.redact(line),
            status=status,
            retry_after=wait,
            sent=sent,
        )

    def redact(self, text: str) -> str:
        """Return `text` without the key."""
        return text if self.key is None else self.key.redact(text)


# --- an HTTP answer that is no reply -------------------------------------------------------------


def status_fault(peer: Peer, answer: Answer) -> CallError:
    """Type an answer whose status is not 2xx."""
    if answer.status < _CLIENT_ERROR:
        if answer.status in _REDIRECTS and "location" in answer.headers:
            return _redirect_fault(peer, answer)
        text = f"{peer.host} answered {answer.status}; expected a chat completion"
        return peer.fault("bad_response", text, status=answer.status)
    return reported_fault(peer, answer, parse_error(answer.body))


def reported_fault(peer: Peer, answer: Answer, error: ErrorBody) -> CallError:
    """Type an error that the server put into words, in a body of any status.

    In a 200 answer the status that the body names (or that its code stands for) counts.
    """
    status = answer.status if answer.status >= _CLIENT_ERROR else error.status
    if status is None:
        text = f"{peer.host} answered {answer.status} with an error in place of a chat completion"
        return peer.fault("bad_response", text + _said(peer, error), status=answer.status)
    wait = retry_after(answer.headers) if status in {429, 503, 529} else None
    kind = _kind(status, error)
    return peer.fault(
        kind, _sentence(kind, peer, status, error, wait) + _said(peer, error), status=status, wait=wait
    )


_KINDS: dict[int, CallErrorKind] = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "not_found",
    405: "not_found",
    408: "timeout",
    429: "rate_limited",
}
_MAY_OVERFLOW = (400, 413, 422, 500)
_MAY_FILTER = (400, 403, 422)


def _kind(status: int, error: ErrorBody) -> CallErrorKind:
    # Older llama.cpp reports a conversation that is too long as a fault of its own, 500.
    if status in _MAY_OVERFLOW and is_context_overflow(error):
        return "context_overflow"
    if status in _MAY_FILTER and is_content_filter(error):
        return "content_filter"
    if status < _SERVER_ERROR and "model_not_found" in error.codes:
        return "not_found"
    if "insufficient_quota" in error.codes:  # sent as 429, and no waiting helps
        return "auth"
    return _KINDS.get(status) or ("server_error" if status >= _SERVER_ERROR else "bad_request")


def _sentence(kind: CallErrorKind, peer: Peer, status: int, error: ErrorBody, wait: float | None) -> str:
    match kind:
        case "rate_limited":
            pause = "" if wait is None else f" {wait:g} s"
            what = f"too many requests; wait{pause} or lower the concurrency"
        case "auth" if "insufficient_quota" in error.codes:
            what = "the quota of this key is used up; check its plan and billing"
        case "auth" | "not_found" if peer.answered and status in OF_ONE_REQUEST:
            what = "it does not serve this request, though it served others; a filter may stand before it"
        case "auth":
            what = _about_key(peer, status)
        case "not_found":
            what = _about_place(peer, error)
        case "context_overflow":
            what = (
                f"the conversation does not fit the context of model {peer.model!r}; "
                "serve it with a larger context or lower max_tokens"
            )
        case "content_filter":
            what = "a content filter in front of the model blocked the request; no refusal of the model"
        case "timeout":
            what = "the server gave up waiting; raise its timeout or lower the concurrency"
        case "server_error":
            what = "a fault on the server's side; try again later or read its log"
        case _:
            what = "it does not accept the request"
    return f"{peer.host} answered {status}: {what}"


def _about_key(peer: Peer, status: int) -> str:
    key = peer.key
    if status == 402:  # noqa: PLR2004 - Payment Required
        return "no credit is left; check the account's billing"
    if key is None:
        # One's own key is not sent where no server is named (docs/decisions/0081).
        names = OPENAI_KEY if peer.url == OPENAI_URL else " or ".join(DEFAULT_KEY_VARIABLES)
        return f"expected an API key, none was sent; set the environment variable {names}"
    place = " sent" if key.variable is None else f" in ${key.variable}"
    return f"expected a valid API key, the one{place} was refused; set one that may use this model"


def _about_place(peer: Peer, error: ErrorBody) -> str:
    known_model_fault = "model" in error.message.lower() or "model_not_found" in error.codes
    if known_model_fault:
        return f"the server does not know the model {peer.model!r}; see {peer.url}/models for its names"
    return f"no chat completions at {peer.url}/chat/completions; check the path of the URL"


def _redirect_fault(peer: Peer, answer: Answer) -> CallError:
    location = answer.headers["location"]
    # Only the host: the rest of a location may hold a token.
    try:
        where = urlsplit(location).netloc.rpartition("@")[2] or peer.host
    except ValueError:
        where = "a malformed location"
    text = (
        f"{peer.host} answered {answer.status}, a redirect to {where}, which is not followed with a key; "
        "give the final URL"
    )
    return peer.fault("bad_response", text, status=answer.status)


def _said(peer: Peer, error: ErrorBody) -> str:
    words = " ".join(peer.redact(error.message).split())
    return f"; it said {shorten(words, _SAID)!r}" if words else ""


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters of `text`, with an ellipsis where it was cut."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def shape_fault(peer: Peer, answer: Answer, expected: str) -> CallError:
    """Type a 200 answer that is no chat completion: empty, HTML, truncated, another schema."""
    media = answer.headers.get("content-type", "").partition(";")[0].strip() or "no content type"
    if not answer.body.strip():
        text = (
            f"{peer.host} answered {answer.status} with an empty body; expected the JSON of a chat completion"
        )
        return peer.fault("bad_response", text, status=answer.status)
    # Redacted before it is cut: half a key is a leak too.
    body = peer.redact(answer.body.decode(errors="replace"))
    quote = shorten(" ".join(body[: 4 * _QUOTED].split()), _QUOTED)
    hint = "; check that the URL is that of an API" if "html" in media else ""
    text = f"{peer.host} sent no usable reply: {expected}, got {media} {quote!r}{hint}"
    return peer.fault("bad_response", text, status=answer.status)


# --- no answer at all ----------------------------------------------------------------------------


def transport_fault(peer: Peer, error: BaseException) -> CallError:
    """Type what aiohttp raised: a timeout, a connection that failed or broke, or no HTTP at all."""
    import aiohttp

    host = peer.host
    kind: CallErrorKind = "connection"
    sent: bool | None = None
    match error:
        case TimeoutError():
            kind = "timeout"
            sent = not isinstance(error, aiohttp.ConnectionTimeoutError)
            text = (
                f"no complete reply from {host} within {peer.timeout:g} s; raise timeout or lower concurrency"
            )
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            text = f"the proxy in ${peer.proxy} does not lead to {host}; check it or set NO_PROXY"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            text = (
                f"no TLS connection to {host} ({_short_reason(error)}); check the certificate, or use http://"
            )
        case aiohttp.ClientConnectorDNSError():
            text = f"no host named {urlsplit(peer.url).hostname!r} was found; check the URL"
            if peer.url.rstrip("/") == OPENAI_URL:
                text += ", which is the default; a server of your own is named by its URL"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            text = f"{host} refused the connection; is the server running there?"
        case aiohttp.ClientConnectorError():
            text = f"no connection to {host}: {_short_reason(error.os_error)}"
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError() | OSError():
            sent = True
            text = f"{host} broke the connection before the reply was complete; is the server healthy?"
        case _:
            kind = "bad_response"
            text = f"{host} sent no valid HTTP ({_short_reason(error)}); check the URL's port"
    return peer.fault(kind, text, sent=sent)


def _short_reason(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return shorten(" ".join(reason.split()) or type(error).__name__, _SAID)
