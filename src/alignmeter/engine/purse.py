"""What a run, or two that are compared, may spend in all, and what they have spent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignmeter.engine.budget import Budget

_ROUNDING = 1e-12
"""Sums of prices in floating point may exceed an exactly affordable budget by this much."""


class Limits(Record, frozen=True):
    """What a run may spend in total; None is no limit."""

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None


class Spending(Record, frozen=True):
    """What was spent, on targets and on judges.

    Attributes:
        calls: Calls made or under way.
        judge_calls: Those to judges among them.
        tokens: Of prompts and replies.
        money: By the prices that the user gave; 0 without them.
    """

    calls: int = 0
    judge_calls: int = 0
    tokens: int = 0
    money: float = 0.0


class Purse:
    """What may be spent in all, by one budget or by several that are under way side by side.

    Attributes:
        limits: What may be spent.
        budgets: Those that spend from it.
        in_flight: Calls that are reserved and not over.
        waiting: Calls to judges that wait until there is room for them; nothing new is bought meanwhile.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.budgets: list[Budget] = []
        self.in_flight = 0
        self.waiting = 0
        self._changed = asyncio.Event()

    @property
    def spending(self) -> Spending:
        """What all of them have spent so far."""
        return Spending(
            calls=sum(budget.calls for budget in self.budgets),
            judge_calls=sum(budget.judges.calls for budget in self.budgets),
            tokens=sum(budget.tokens for budget in self.budgets),
            money=sum(budget.money for budget in self.budgets),
        )

    def fits(self, tokens: int, money: float) -> bool:
        """Whether one more call that may cost this much fits beside what is spent and reserved."""
        limits = self.limits
        calls = sum(budget.calls for budget in self.budgets)
        tokens += sum(budget.most_tokens for budget in self.budgets)
        money += sum(budget.most_money for budget in self.budgets)
        return (
            (limits.calls is None or calls + 1 <= limits.calls)
            and (limits.tokens is None or tokens <= limits.tokens)
            and (limits.money is None or money <= limits.money * (1 + _ROUNDING))
        )

    def over(self) -> None:
        """A call is over: what was reserved for it, and is not spent, may be reserved again."""
        self.in_flight -= 1
        self._change()

    async def settlement(self) -> bool:
        """Wait until a call in flight is over, or a judge's call waits no more; False at once where none is.

        What is spent only grows: a call that does not fit when this is False fits never.
        """
        if not self.in_flight and not self.waiting:
            return False
        await self._changed.wait()
        return True

    async def room(self, fits: Callable[[], bool]) -> bool:
        """Wait until a judge's call fits, and go before all that is not bought yet.

        Args:
            fits: Whether it does.

        Returns:
            False where no call is in flight whose end may leave room.
        """
        self.waiting += 1
        try:
            while not fits():
                if not self.in_flight:
                    return False
                await self._changed.wait()
        finally:
            self.waiting -= 1
            self._change()
        return True

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
