"""Who is asked, and what came back."""

from __future__ import annotations

from typing import Literal

import msgspec

from alignmeter.records.base import Record
from alignmeter.records.trials import Message


class Sampling(Record, frozen=True):
    """How the target samples. `temperature` 0 is greedy; `seed` is sent where the endpoint takes one."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int | None = 0


class TargetFingerprint(Record, frozen=True):
    """What makes two targets the same system. The URL is recorded in the manifest, never hashed.

    Attributes:
        kind: `openai_compatible`, `embedded`, `python` or `transformers`; `replay` keeps the original's.
        model: Model name as the endpoint knows it, or the name of the weights file.
        revision: A revision given by the user, else None.
        weights: SHA-256 of the weights where they are on this machine, else None.
        adapter: SHA-256 of the LoRA adapter, None without one.
        system_prompt, few_shot, chat_template: SHA-256 digests, or None where there is none.
        runtime: Runtime and version, for example `xllamacpp 2026.10.11549`.
        extra: SHA-256 of the fields that are added to every request body, None without any.
    """

    kind: str
    model: str
    sampling: Sampling
    revision: str | None = None
    weights: str | None = None
    adapter: str | None = None
    system_prompt: str | None = None
    few_shot: str | None = None
    chat_template: str | None = None
    runtime: str | None = None
    extra: str | None = None


CallErrorKind = Literal[
    "rate_limited",
    "server_error",
    "auth",
    "not_found",
    "bad_request",
    "timeout",
    "connection",
    "bad_response",
    "content_filter",
    "context_overflow",
    "target_exception",
    "not_recorded",
    "parameter_refused",
]


_NOT_OK = 300
_MAY_PASS = frozenset[CallErrorKind](
    ("rate_limited", "server_error", "timeout", "connection", "bad_response", "parameter_refused")
)

OF_ONE_REQUEST = frozenset({403, 404, 405})
"""HTTP statuses that a firewall or router may give to one request while it lets others pass."""


class CallError(Record, frozen=True):
    """A fault of the target as data: never a refusal, never safety, always UNSCORED.

    Attributes:
        kind: The type of the fault.
        message: One clear line for people.
        status: HTTP status, where there was one.
        retry_after: Seconds that the server asked us to wait.
        attempts: Calls made for this trial, this one included.
        sent: Whether the request had gone out when the fault came; None where the kind alone says.
    """

    kind: CallErrorKind
    message: str
    status: int | None = None
    retry_after: float | None = None
    attempts: int = 1
    sent: bool | None = None

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return self.kind in _MAY_PASS

    @property
    def fatal(self) -> bool:
        """Whether key, credit or model are said to be wrong; before any reply, that no call can succeed."""
        return self.kind in {"auth", "not_found"}

    @property
    def certain(self) -> bool:
        """Whether no other call of this run can succeed either, whatever was answered before."""
        return self.fatal and self.status not in OF_ONE_REQUEST

    @property
    def may_be_billed(self) -> bool:
        """Whether the target may have answered, and bill it, though no usable reply came."""
        if self.sent is not None:
            return self.sent
        answered = self.status is None or self.status < _NOT_OK
        return self.kind in {"timeout", "bad_response"} and answered


FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "unknown"]


class Usage(Record, frozen=True):
    """Tokens of one call, as the endpoint counted them; None where it does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        """Both together; what is not told counts as none."""
        return self._with(other, 1)

    def __sub__(self, other: Usage) -> Usage:
        """What is left without the other; what is not told counts as none."""
        return self._with(other, -1)

    def _with(self, other: Usage, sign: int) -> Usage:
        return Usage(
            prompt_tokens=(self.prompt_tokens or 0) + sign * (other.prompt_tokens or 0),
            completion_tokens=(self.completion_tokens or 0) + sign * (other.completion_tokens or 0),
        )


class TokenLogprob(Record, frozen=True):
    """One token of a reply, and what else might have stood there.

    Attributes:
        logprob: Natural logarithm of its probability.
        top: The likeliest tokens in its place with theirs, this one usually among them.
    """

    token: str
    logprob: float
    top: dict[str, float] = msgspec.field(default_factory=dict[str, float])


class Transcript(Record, frozen=True):
    """What the target did on one trial: a reply, or a typed error.

    Attributes:
        trial: Trial id.
        reply: The target's message; None when `error` is set.
        hard_refusal: The provider's own refusal signal (`message.refusal`,
            `finish_reason=content_filter` or a filter's name, `stop_reason=refusal`), apart from the text.
        started_at: UTC epoch seconds when the first attempt began.
        latency: Seconds of the last attempt.
        attempts: Calls made, retries included.
        model_reported: Model name in the reply, where the endpoint gives one.
        logprobs: The first tokens with their probabilities, where they were asked for and given.
        lost: The most that attempts without a reply may be billed: timeouts, replies that broke off.
        finish_unknown: Why the reply ended in the server's words, where we do not know them.
        refused: Parameters that the server refused, so that it was asked without them (`max_tokens`:
            under its other name).
    """

    trial: str
    reply: Message | None = None
    finish_reason: FinishReason = "unknown"
    hard_refusal: str | None = None
    usage: Usage = Usage()
    started_at: float = 0.0
    latency: float = 0.0
    attempts: int = 1
    model_reported: str | None = None
    error: CallError | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    lost: Usage = Usage()
    finish_unknown: str | None = None
    refused: tuple[str, ...] = ()
