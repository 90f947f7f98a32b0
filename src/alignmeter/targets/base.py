"""The one Protocol behind which every system under test stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from alignmeter.records import (
    CallError,
    FinishReason,
    Message,
    Record,
    Sampling,
    TokenLogprob,
    ToolSchema,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType
    from typing import Self

    from alignmeter.records import TargetFingerprint

    Ask = Callable[["Request"], Awaitable["Reply | CallError"]]

OPTIONAL_PARAMETERS = ("max_tokens", "temperature", "top_p", "seed", "top_logprobs", "logprobs")
"""Parameters that some servers refuse, and that a request can do without."""


def adaptation(parameter: str) -> str:
    """What is done about one of `OPTIONAL_PARAMETERS` that a server refused, for people."""
    if parameter == "max_tokens":
        return "max_tokens sent as max_completion_tokens"
    return f"{parameter} left out"


class Request(Record, frozen=True):
    """One call, protocol-free: messages as the suite wrote them, the variant's prefix not yet added.

    Attributes:
        trial: Trial id, by which `replay` finds the recorded reply.
        constraint: JSON Schema that the reply must satisfy, if any.
        logprobs: Ask for the probabilities of the tokens, where the endpoint gives them.
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    trial: str = ""
    tools: tuple[ToolSchema, ...] = ()
    constraint: dict[str, Any] | None = None
    logprobs: bool = False


class Reply(Record, frozen=True):
    """What a target answered, in our words.

    Attributes:
        finish_unknown: Why it ended in the server's words, where we do not know them.
        refused: Parameters that the server refused, so that it was asked without them (`max_tokens`:
            under its other name).
    """

    message: Message
    finish_reason: FinishReason
    finish_unknown: str | None = None
    refused: tuple[str, ...] = ()
    usage: Usage = Usage()
    hard_refusal: str | None = None
    model_reported: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()


def refused_images(spec: str, request: Request) -> CallError | None:
    """Return why a target that takes text only cannot answer, None where there is no image."""
    if not any(message.images for message in request.messages):
        return None
    return CallError(
        kind="bad_request",
        message=f"{spec} takes text only, got an image; set `images: false` in the threat model",
    )


class Target(Protocol):
    """A system under test.

    A fault is data: `generate` returns a `CallError` and raises only when the target cannot be
    used at all. Use it as an asynchronous context manager; `fingerprint` is known before entering.
    """

    @property
    def spec(self) -> str:
        """How the user named it, for example `embedded` or `openai:gpt-x`."""
        ...

    @property
    def url(self) -> str | None:
        """Base URL, recorded and never hashed."""
        ...

    @property
    def fingerprint(self) -> TargetFingerprint:
        """What makes this system this system."""
        ...

    @property
    def max_concurrency(self) -> int | None:
        """Calls it can serve at once, None where only the endpoint knows."""
        ...

    async def generate(self, request: Request) -> Reply | CallError:
        """Answer one request, or say as data why not."""
        ...

    async def __aenter__(self) -> Self:
        """Open connections or load weights."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        ...


async def probe(target: Target, ask: Ask | None = None) -> CallError | None:
    """Make the cheap calls by which a target shows that it answers and what it takes.

    Args:
        target: An open target.
        ask: Makes each call that a provider may bill; the target's own `generate` by default.

    Returns:
        Why it cannot be used, None where it can or has no such call.
    """
    made = getattr(target, "probe", None)
    return None if made is None else await made(ask or target.generate)


async def settled(ask: Ask, request: Request) -> Reply | CallError:
    """Ask, and at once again without each parameter that the server refuses.

    Args:
        ask: Makes one call, for example the `generate` of a target.
        request: What to ask.

    Returns:
        The first answer that is not `parameter_refused`.
    """
    answer = await ask(request)
    for _ in OPTIONAL_PARAMETERS:
        if isinstance(answer, Reply) or answer.kind != "parameter_refused":
            break
        answer = await ask(request)
    return answer


def refused_by(target: Target) -> tuple[str, ...] | None:
    """Which of `OPTIONAL_PARAMETERS` a target's server is known to refuse; None where that is not known."""
    return getattr(target, "refused", None)


def extra_of(target: Target) -> dict[str, Any] | None:
    """Fields of the user's own that a target puts into every request body; None without any."""
    return getattr(target, "extra_body", None) or None


def learn(target: Target, refused: Iterable[str]) -> None:
    """Tell a target which of `OPTIONAL_PARAMETERS` its server refused before; nothing where it has none."""
    told = getattr(target, "learn", None)
    if told is not None:
        told(refused)
