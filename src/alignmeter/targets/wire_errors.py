"""What servers say when a call fails: error bodies of every dialect, waiting times, refused parameters.

Nothing here decides what a fault is called (that is `alignmeter.targets.faults`); it only reads.
"""

from __future__ import annotations

import json
import math
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

MAX_RETRY_AFTER = 366 * 86_400.0
"""Seconds, a year: whoever asks to wait longer asks for no time at all."""


class ErrorBody(NamedTuple):
    """What a server says about a fault.

    Attributes:
        message: Its words, or the beginning of the raw body where it is no JSON.
        codes: `code`, `type` and inner code, in lower case, for matching.
        param: The parameter or field that it blames, or "".
        status: HTTP status that the body itself names, or that its code stands for; else None.
    """

    message: str
    codes: tuple[str, ...] = ()
    param: str = ""
    status: int | None = None


_STATUS_BY_CODE = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "notfounderror": 404,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "server_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
    "api_error": 500,
    "overloaded_error": 529,
}


def parse_error(raw: bytes) -> ErrorBody:
    """Read an error body of any dialect: OpenAI, Azure, vLLM, llama.cpp, Ollama, FastAPI, plain text."""
    return reported(raw) or ErrorBody(message=raw[:400].decode(errors="replace"))


def reported(raw: bytes) -> ErrorBody | None:
    """Return the error that a JSON body holds, None where it holds none or is no JSON."""
    try:
        body = _decoded(raw)
        # Gemini's endpoint puts its errors into a list of one.
        first = next(iter(_items(body)), body)
        return error_in(_fields(first))
    except (ValueError, RecursionError):
        return None


def _decoded(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except ValueError:
        return msgspec.json.decode(plain_json(raw) or b"")


def plain_json(raw: bytes) -> bytes | None:
    """Return what some servers send for JSON as JSON, None where it is none even so.

    Half an emoji becomes "?", NaN and infinities become null.
    """
    try:
        read = json.loads(raw.decode(), parse_constant=lambda _: None)
        return json.dumps(read, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return None


def error_in(body: dict[str, Any]) -> ErrorBody | None:
    """Gather `{"error": {...}}`, `{"error": "..."}`, `{"object": "error", ...}` and `{"detail": ...}`."""
    error = _fields(body.get("error")) or ({} if "choices" in body else body)
    inner = _fields(error.get("innererror") or error.get("inner_error"))
    message = _words(error.get("message")) or _words(body.get("error")) or _detail(body.get("detail"))
    if not message and not body.get("error"):
        return None
    named = (error.get("code"), error.get("type"), inner.get("code"))
    codes = tuple(str(code).lower() for code in named if isinstance(code, (str, int)))
    statuses = [
        int(code) for code in (*codes, str(error.get("status"))) if re.fullmatch("[45][0-9]{2}", code)
    ]
    statuses += [_STATUS_BY_CODE[code] for code in codes if code in _STATUS_BY_CODE]
    return ErrorBody(
        message=message or msgspec.json.encode(body["error"]).decode(),
        codes=codes,
        param=_words(error.get("param")) or _place(body.get("detail")),
        status=statuses[0] if statuses else None,
    )


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""


def _fields(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _detail(detail: object) -> str:
    """Flatten FastAPI's `detail`: a text, or a list of `{"loc": [...], "msg": ...}`."""
    entries = [_fields(entry) for entry in _items(detail)]
    lines = [f"{'.'.join(map(str, _items(entry.get('loc'))))}: {entry.get('msg')}" for entry in entries]
    return _words(detail) or "; ".join(lines)


def _place(detail: object) -> str:
    """Which field FastAPI's `detail` blames first, for example `body.seed`."""
    first = next(iter(_items(detail)), None)
    return ".".join(map(str, _items(_fields(first).get("loc"))))


# --- what the words mean -------------------------------------------------------------------------

_CONTEXT = re.compile(
    r"maximum context length|exceeds? the (available |model'?s )?context|context (length|window|size)"
    r"|exceed_context_size|prompt is too long|input is too long|too many (input )?tokens"
    r"|reduce the length of the (messages|prompt|input)",
    re.IGNORECASE,
)
_FILTER_CODES = ("content_filter", "content_policy_violation", "responsibleaipolicyviolation")
_FILTER_WORDS = re.compile(r"ContentPolicyViolation|ResponsibleAIPolicyViolation|content_policy_violation")
_UNSUPPORTED = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown (parameter|field|argument)|unexpected keyword"
    r"|extra inputs|extra_forbidden|not permitted|not allowed|only the default|deprecated",
    re.IGNORECASE,
)

_OTHERWISE = re.compile(r"polic|content|filter|safety|moderat|guardrail|jailbreak|blocked")
"""In a code: the server speaks of what was asked, not of how."""
_NO_PARAM = frozenset(("", "none", "null"))
_QUOTED = 12
"""Characters around a word by which a quotation is known."""


def is_context_overflow(error: ErrorBody) -> bool:
    """Whether the conversation was too long for the model."""
    return bool(_CONTEXT.search(error.message)) or any(
        code in {"context_length_exceeded", "exceed_context_size_error"} for code in error.codes
    )


def is_content_filter(error: ErrorBody) -> bool:
    """Whether a filter in front of the model blocked the request."""
    return any(code in _FILTER_CODES for code in error.codes) or bool(_FILTER_WORDS.search(error.message))


def refused_parameter(
    error: ErrorBody, sent: Collection[str], *, taken: Collection[str] = (), asked: Iterable[str] = ()
) -> str | None:
    """Return the one of the parameters `sent` that the server says it does not support, else None.

    A filter that blocks one request may quote it, and any word may stand there: words alone are not
    believed against what the server has done, nor where they are the request's own (docs/decisions/0067).

    Args:
        error: What the server says.
        sent: Parameters of the request.
        taken: Those of requests that this server has answered; of them only its field `param` is believed.
        asked: Texts of the request.
    """
    if is_context_overflow(error) or is_content_filter(error) or any(map(_OTHERWISE.search, error.codes)):
        return None
    if not _UNSUPPORTED.search(" ".join((error.message, *error.codes))):
        return None
    if error.param.lower() not in _NO_PARAM:
        return next((name for name in sent if re.search(rf"\b{name}\b", error.param)), None)
    texts = tuple(asked)
    places = {name: _named(name, error.message, texts) for name in sent if name not in taken}
    found = {name: place for name, place in places.items() if place is not None}
    return min(found, key=found.__getitem__) if found else None


def _named(name: str, message: str, asked: Iterable[str]) -> int | None:
    """Where the server's own words name a parameter, None where only what it quotes does."""
    for match in re.finditer(rf"\b{name}\b", message):
        if not any(_is_quoted(message, match.start(), match.end(), text) for text in asked):
            return match.start()
    return None


def _is_quoted(message: str, start: int, end: int, text: str) -> bool:
    """Whether a word stands in the message among others that stand around it in the text too."""
    length = end - start + _QUOTED
    while end - start < length and start > 0 and message[start - 1 : end] in text:
        start -= 1
    while end - start < length and end < len(message) and message[start : end + 1] in text:
        end += 1
    return end - start >= length


# --- how long to wait ----------------------------------------------------------------------------

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Return the seconds that the server asks us to wait at least, at most `MAX_RETRY_AFTER`, or None.

    Reads `retry-after-ms`, `Retry-After` (seconds or an HTTP date) and OpenAI's
    `x-ratelimit-reset-requests` and `-tokens` (`6m0s`, `20ms`; OpenRouter: epoch milliseconds). No time, or
    one that is over, asks for nothing.

    Args:
        headers: Response headers with case-insensitive names.
        now: UTC epoch seconds, for dates; by default the server's own, else this machine's.
    """
    if now is None:
        now = _date(headers.get("date", "")) or time.time()
    milliseconds = _number(headers.get("retry-after-ms", ""))
    asked = (
        None if milliseconds is None else milliseconds / 1000,
        _seconds_or_date(headers.get("retry-after", ""), now),
        _reset(headers, now),
    )
    seconds = next((seconds for seconds in asked if seconds is not None and seconds > 0), None)
    return None if seconds is None else min(seconds, MAX_RETRY_AFTER)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _seconds_or_date(text: str, now: float) -> float | None:
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    then = _date(text)
    return None if then is None else then - now


def _date(text: str) -> float | None:
    """UTC epoch seconds of an HTTP date."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    exhausted: list[float] = []
    others: list[float] = []
    for suffix in ("", "-requests", "-tokens"):
        seconds = _duration(headers.get(f"x-ratelimit-reset{suffix}", ""), now)
        if seconds is not None:
            spent = _number(headers.get(f"x-ratelimit-remaining{suffix}", "")) == 0
            (exhausted if spent else others).append(seconds)
    # The limit that is used up says how long; where none says so, the sooner one is worth a try.
    return max(exhausted) if exhausted else min(others, default=None)


def _duration(text: str, now: float) -> float | None:
    value = _number(text)
    if value is None:
        parts = _DURATION.findall(text)
        return sum(float(number) * _SECONDS[unit] for number, unit in parts) if parts else None
    if value >= _EPOCH_MILLISECONDS:
        return value / 1000 - now
    return value - now if value >= _EPOCH_SECONDS else value
