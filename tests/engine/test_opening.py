"""The calls before the first trial are charged as those of the run are."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from alignmeter.engine import EngineOptions, Limits, Opening
from alignmeter.errors import BudgetSpentError
from alignmeter.records import CallError, Message, Sampling
from alignmeter.targets import Request, Variant

if TYPE_CHECKING:
    from alignmeter.targets import Reply, Target

PING = Request(messages=(Message(role="user", content="ping"),), sampling=Sampling(max_tokens=1))
ROOM = 4
"""Tokens: one ping may take three."""


class Failing:
    """A target whose every call ends in one error."""

    def __init__(self, error: CallError) -> None:
        self.error = error

    async def generate(self, request: Request) -> Reply | CallError:
        """Fail."""
        del request
        return self.error


def asking(error: CallError) -> tuple[Opening, Target]:
    opening = Opening(None, EngineOptions(limits=Limits(tokens=ROOM)))
    return opening, cast("Target", Failing(error))


@pytest.mark.parametrize("judge", [False, True])
async def test_a_ping_that_timed_out_costs_what_was_reserved(*, judge: bool) -> None:
    opening, target = asking(CallError(kind="timeout", message="no reply"))

    await opening.asking(target, judge=judge)(PING)

    spent = opening.checked.judge_usage if judge else opening.checked.usage
    assert (spent.prompt_tokens, spent.completion_tokens) == (2, 1)
    with pytest.raises(BudgetSpentError):
        await opening.asking(target, judge=judge)(PING)


@pytest.mark.parametrize("judge", [False, True])
async def test_a_ping_that_was_refused_costs_no_tokens(*, judge: bool) -> None:
    opening, target = asking(CallError(kind="rate_limited", message="later", status=429))

    for _ in range(3):
        await opening.asking(target, judge=judge)(PING)

    checked = opening.checked
    assert checked.usage.prompt_tokens in {0, None}
    assert checked.judge_usage.prompt_tokens in {0, None}
    assert checked.calls + checked.judge_calls == 3


async def test_a_ping_pays_for_the_system_prompt() -> None:
    options = EngineOptions(limits=Limits(tokens=1000))
    opening = Opening(None, options, Variant(system_prompt="You are a careful assistant. " * 400))
    target = cast("Target", Failing(CallError(kind="timeout", message="no reply")))

    with pytest.raises(BudgetSpentError, match="0 of 1000 tokens; the next call may take 38"):
        await opening.asking(target)(PING)
    await opening.asking(target, judge=True)(PING)
