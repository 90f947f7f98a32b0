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
    from types import TracebackType
    from typing import Self

    from alignmeter.records import TargetFingerprint


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
    """What a target answered, in our words."""

    message: Message
    finish_reason: FinishReason
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


async def probe(target: Target) -> CallError | None:
    """Make the cheap call by which a target shows that it answers; None where it does or has no such call."""
    ask = getattr(target, "probe", None)
    return None if ask is None else await ask()
