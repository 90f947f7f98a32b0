"""The calls before the first trial: do the models answer, and what do their servers refuse?

They keep to the limits of the run, and the journal tells of them so that its budget counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.engine.budget import Budget, reservation
from alignmeter.engine.clock import SystemClock
from alignmeter.engine.purse import Limits
from alignmeter.engine.rate_limit import TokenBucket
from alignmeter.errors import BudgetSpentError
from alignmeter.records import CallError, Usage
from alignmeter.store import Checked, RunFolder
from alignmeter.targets import learn

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.engine.clock import Clock
    from alignmeter.engine.loop import EngineOptions
    from alignmeter.targets import Reply, Request, Target
    from alignmeter.targets.base import Ask


class Opening:
    """Makes the calls of one process before a run begins or goes on.

    A run that goes on under a limit makes none: what it spent before is not known yet, and what the
    server refuses its own replies say.

    Args:
        path: The folder of a run that goes on; None for a new one.
        options: Its limits and rates.
        clock: Time.
        beside: That of another run whose limits hold over both together.

    Attributes:
        checked: The calls made so far, with their tokens as the budget counts them.
        budget: What they are counted against.
        silent: Whether none is made.
    """

    def __init__(
        self,
        path: Path | None,
        options: EngineOptions,
        clock: Clock | None = None,
        *,
        beside: Opening | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._goes_on_at = path if path is not None and (path / "run.json").exists() else None
        goes_on = self._goes_on_at is not None or (beside is not None and beside.silent)
        self.silent = goes_on and options.limits != Limits()
        self.budget = Budget(
            options.limits,
            options.prices,
            options.judge_prices,
            beside=None if beside is None else beside.budget,
        )
        self._requests = TokenBucket(options.requests_per_minute, clock)
        self._tokens = TokenBucket(options.tokens_per_minute, clock)
        self.checked = Checked()

    def remind(self, target: Target) -> None:
        """Tell the target what its server refused in the replies of this run so far."""
        if self._goes_on_at is not None:
            learn(target, refused_before(self._goes_on_at))

    def asking(self, target: Target, *, judge: bool = False) -> Ask:
        """Return the way to make a call to one model of the run; it raises `BudgetSpentError`."""

        async def ask(request: Request) -> Reply | CallError:
            wanted = reservation(request.messages, request.sampling)
            fits = self.budget.judge_fits if judge else self.budget.fits
            if self.silent or not fits(wanted):
                raise BudgetSpentError(self.budget.describe(wanted, judge=judge))
            if not judge:
                await self._requests.take()
                await self._tokens.take(wanted.rate)
            before = self.budget.prompt_tokens, self.budget.completion_tokens
            (self.budget.reserve_judge if judge else self.budget.reserve)(wanted)
            answer = await target.generate(request)
            if isinstance(answer, CallError) and answer.may_be_billed:
                (self.budget.lose_judge if judge else self.budget.lose)(wanted)
            else:
                used = (None, "") if isinstance(answer, CallError) else (answer.usage, answer.message.content)
                (self.budget.settle_judge if judge else self.budget.settle)(wanted, *used)
            spent = Usage(
                prompt_tokens=self.budget.prompt_tokens - before[0],
                completion_tokens=self.budget.completion_tokens - before[1],
            )
            self.checked += (
                Checked(judge_calls=1, judge_usage=spent) if judge else Checked(calls=1, usage=spent)
            )
            return answer

        return ask


def refused_before(path: Path) -> tuple[str, ...]:
    """Parameters that the server refused when it gave the latest reply of a run."""
    replies = [one for one in RunFolder.open(path).read().transcripts.values() if one.error is None]
    return max(replies, key=lambda one: one.started_at).refused if replies else ()
