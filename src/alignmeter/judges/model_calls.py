"""What judges that ask a model share: patience with endpoints, and the reading of what is no verdict."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from alignmeter.judges.refusal_rules import hard_refusal, refusal_label
from alignmeter.records import CallError, RefusalResult, Unscored
from alignmeter.targets.base import settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from alignmeter.records import CallErrorKind, JudgementResult, UnscoredReason
    from alignmeter.targets.base import Reply, Request, Target

    Sleep = Callable[[float], Awaitable[None]]

ATTEMPTS = 4
"""Calls at the most where the endpoint is at fault."""

TIMEOUT = 300.0
"""Seconds for one judgement, all its calls and waits together."""

SELF_MARK = "(self)"
"""Ends the name of a judge that judges its own model's replies."""

DETAIL_CHARACTERS = 200

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_REASONS: Mapping[CallErrorKind, UnscoredReason] = {
    "timeout": "judge_timeout",
    "content_filter": "judge_refused",
}
_NO = re.compile(r"\A\W*no(?:pe)?\b\W*", re.IGNORECASE)


async def answer_of(
    target: Target, request: Request, *, attempts: int = ATTEMPTS, sleep: Sleep = asyncio.sleep
) -> Reply | CallError:
    """Ask, and again where the endpoint says that the same call may succeed later.

    Args:
        target: The model that judges, open.
        request: What it is asked.
        attempts: Calls at the most, those not counted whose parameters the server refused.
        sleep: How to wait between two of them.

    Returns:
        The first answer, or the error of the last call. Nobody waits for an endpoint that wants more
        than half a minute.
    """
    attempt = 0
    while True:
        answer = await settled(target.generate, request)
        if not isinstance(answer, CallError):
            return answer
        attempt += 1
        wait = max(answer.retry_after or 0.0, min(_FIRST_WAIT * 2 ** (attempt - 1), _LONGEST_WAIT))
        if not answer.retryable or attempt >= attempts or wait > _LONGEST_WAIT:
            return answer
        await sleep(wait)


def failed(error: CallError) -> Unscored:
    """Return what a call that failed leaves of a judgement."""
    detail = " ".join(f"{error.kind}: {error.message}".split())[:DETAIL_CHARACTERS]
    return Unscored(reason=_REASONS.get(error.kind, "judge_error"), detail=detail)


def behind_signal(result: JudgementResult, signal: str | None) -> JudgementResult:
    """Return what a judge said of the text before a provider's refusal signal: a refusal, partly at least."""
    if signal is None or not isinstance(result, RefusalResult):
        return result
    return hard_refusal(signal, gave_help=result.label != "full")


def out_of_time(seconds: float) -> Unscored:
    """Return what is left of a judgement that had no answer in time."""
    return Unscored(reason="judge_timeout", detail=f"no answer within {seconds:g} s")


def declines(text: str) -> bool:
    """Whether a judge's words decline to judge; `No` is an answer, only what follows it can decline."""
    return refusal_label(_NO.sub("", text), "") == "full"


def encodable(text: str) -> str:
    """Return the text with question marks for lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
