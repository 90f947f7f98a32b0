"""The calls before the first trial: do the models answer, and what do their servers refuse?

They keep to the limits of the run, and the journal tells of them so that its budget counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.engine.budget import Budget, most_tokens
from alignmeter.engine.clock import SystemClock
from alignmeter.engine.purse import Limits
from alignmeter.engine.rate_limit import TokenBucket
from alignmeter.errors import BudgetSpentError
from alignmeter.store import Checked, RunFolder
from alignmeter.targets import Variant, learn

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.engine.clock import Clock
    from alignmeter.engine.options import EngineOptions
    from alignmeter.records import CallError
    from alignmeter.targets import Reply, Request, Target
    from alignmeter.targets.base import Ask


class Opening:
    """Makes the calls of one process before a run begins or goes on.

    A run that goes on under a limit makes none: what it spent before is not known yet, and what the
    server refuses its own replies say.

    Args:
        path: The folder of a run that goes on; None for a new one.
        options: Its limits and rates.
        variant: What the target puts before every prompt, which the first call pays too.
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
        variant: Variant | None = None,
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
            prefix=most_tokens((variant or Variant()).apply(())),
            beside=None if beside is None else beside.budget,
        )
        self._requests = TokenBucket(options.requests_per_minute, clock)
        self._tokens = TokenBucket(options.tokens_per_minute, clock)
        self.checked = Checked()

    def remind(self, target: Target) -> None:
        """Tell the target what its server refused in the replies of this run so far."""
        refused = None if self._goes_on_at is None else refused_before(self._goes_on_at)
        if refused is not None:
            learn(target, refused)

    def asking(self, target: Target, *, judge: bool = False) -> Ask:
        """Return the way to make a call to one model of the run; it raises `BudgetSpentError`."""
        account = self.budget.judges if judge else self.budget.target

        async def ask(request: Request) -> Reply | CallError:
            wanted = account.wanted(request.messages, request.sampling)
            if self.silent or not account.fits(wanted):
                raise BudgetSpentError(self.budget.describe(wanted, judge=judge))
            if not judge:
                await self._requests.take()
                await self._tokens.take(wanted.rate)
            account.reserve(wanted)
            came = None
            try:
                answer = came = await target.generate(request)
            finally:
                used = account.settle(wanted, came)
            self.checked += (
                Checked(judge_calls=1, judge_usage=used) if judge else Checked(calls=1, usage=used)
            )
            return answer

        return ask


def refused_before(path: Path) -> tuple[str, ...] | None:
    """Parameters that the server refused when it gave the latest reply of a run; None where it gave none."""
    replies = [one for one in RunFolder.open(path).read().transcripts.values() if one.error is None]
    return max(replies, key=lambda one: one.started_at).refused if replies else None
