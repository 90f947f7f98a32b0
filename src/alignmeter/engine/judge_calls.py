"""The calls that judges make: on the run's budget, within what their endpoints bear, counted by judgement."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from alignmeter.engine.budget import Budget, Prices
from alignmeter.engine.purse import Limits
from alignmeter.engine.spending import Before, Spent
from alignmeter.errors import BudgetSpentError
from alignmeter.identity import fingerprint_hash, text_digest
from alignmeter.records import CallError
from alignmeter.store import Asked
from alignmeter.targets import probe, refused_by

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Self

    from alignmeter.engine.spending import Told, Viewer
    from alignmeter.records import TargetFingerprint, Trial
    from alignmeter.targets import Reply, Request, Target
    from alignmeter.targets.base import Ask

DEFAULT_CONCURRENCY = 8
"""Calls at once to a judge whose endpoint does not say what it bears."""


_users: Counter[int] = Counter()
"""Runs that have a model open, by its identity: two runs of a comparison may share one that the user made."""
_spent: ContextVar[Spent | None] = ContextVar("judge_spent", default=None)
_NOTHING = Before()


def shown_to_judge(trial: Trial, model: Viewer, *, at: float) -> Asked:
    """Make the line that says that what judges or scores is about to be shown a held-out trial."""
    return Asked(
        trial=trial.id, at=at, role="judge", model=fingerprint_hash(model.fingerprint), url=model.url or ""
    )


@contextmanager
def counting(
    first: Callable[[Viewer], None] | None = None, told: Told | None = None, before: Before = _NOTHING
) -> Generator[Spent]:
    """Count the calls that judges make inside the block, tasks begun in it included.

    Where a budget or the user ends the block, what its models have answered is told, so that the next
    process does not ask them again.

    Args:
        first: As of `Spent`.
        told: As of `Spent`.
        before: As of `Spent`.
    """
    spent = Spent(first, told, before)
    token = _spent.set(spent)
    try:
        yield spent
    except (BudgetSpentError, asyncio.CancelledError):
        spent.keep()
        raise
    finally:
        _spent.reset(token)


def about_to_show(code: Viewer) -> None:
    """Say that code of the user's, which may send it anywhere, is about to see what a judgement is of."""
    spent = _spent.get()
    if spent is not None:
        spent.show(code)


class JudgeCalls:
    """What all the judges of a run share: one budget, which the engine lends them.

    Attributes:
        budget: Where calls are counted; without limits until an engine, or `Work`, lends its own.
    """

    def __init__(self) -> None:
        self.budget = Budget(Limits(), Prices())

    def metered(self, target: Target) -> Target:
        """Return a judge's model so that its calls are counted, limited and never over budget."""
        return _Metered(target, self)


class _Metered:
    """A target whose calls wait for a place and for money, and that is not asked what it has answered."""

    def __init__(self, target: Target, calls: JudgeCalls) -> None:
        self._inner = target
        self._calls = calls
        self._places = asyncio.Semaphore(target.max_concurrency or DEFAULT_CONCURRENCY)

    @property
    def spec(self) -> str:
        return self._inner.spec

    @property
    def url(self) -> str | None:
        return self._inner.url

    @property
    def fingerprint(self) -> TargetFingerprint:
        return self._inner.fingerprint

    @property
    def max_concurrency(self) -> int | None:
        return self._inner.max_concurrency

    @property
    def refused(self) -> tuple[str, ...] | None:
        return refused_by(self._inner)

    async def probe(self, ask: Ask | None = None) -> CallError | None:
        """Make the cheap calls by which the model shows that it is there, where it has them."""
        return await probe(self._inner, ask or self.generate)

    async def generate(self, request: Request) -> Reply | CallError:
        """Make one call, after calls in flight have settled if it does not fit beside them.

        Raises:
            BudgetSpentError: The budget of the run has no room for it even so.
        """
        budget = self._calls.budget
        account = budget.judges
        wanted = account.wanted(request.messages, request.sampling)
        spent = _spent.get() or Spent()
        asked = text_digest(f"{fingerprint_hash(self.fingerprint)} {request!r}")
        if (known := spent.recall(asked)) is not None:
            spent.without(known.refused)
            return known
        async with self._places:
            if not await budget.purse.room(lambda: account.fits(wanted)):
                raise BudgetSpentError(budget.describe(wanted, judge=True))
            spent.begin(wanted, self)
            account.reserve(wanted)
            came = None
            try:
                answer = came = await self._inner.generate(request)
            finally:
                used = account.settle(wanted, came)
                spent.settle(wanted, used, failed=isinstance(came, CallError))
            if not isinstance(answer, CallError):
                spent.without(answer.refused)
                spent.hear(asked, answer)
            return answer

    async def __aenter__(self) -> Self:
        if not _users[id(self._inner)]:
            await self._inner.__aenter__()
        _users[id(self._inner)] += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _users[id(self._inner)] -= 1
        if not _users[id(self._inner)]:
            del _users[id(self._inner)]
            await self._inner.__aexit__(kind, error, trace)
