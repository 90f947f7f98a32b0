"""What work outside a run may spend on models: limits like a run's, to judge again, audit and translate.

The work is a heap of pieces, each a text or a reply, that cost calls. Each piece says what it has cost to a
file of its command, before each call, and the next process goes on from there (docs/decisions/0073).
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar

from alignmeter.engine.budget import Budget, Prices
from alignmeter.engine.judge_calls import JudgeCalls, counting
from alignmeter.engine.purse import Limits, Spending
from alignmeter.engine.spending import Before
from alignmeter.engine.stopping import stop_on_signal
from alignmeter.errors import BudgetSpentError, InputError, WorkInterruptedError
from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from alignmeter.engine.spending import Spent, Viewer
    from alignmeter.records import Usage
    from alignmeter.store import Heard
    from alignmeter.targets import Reply, Request, Target
    from alignmeter.targets.base import Ask


_Piece = TypeVar("_Piece")
_Name = TypeVar("_Name")


class Allowance(Record, frozen=True):
    """What may be spent on models outside a run.

    Attributes:
        limits: In calls, tokens and money, over all starts of the same work.
        prices: Of the models that are asked.
    """

    limits: Limits = Limits()
    prices: Prices = Prices()


class Work:
    """Pieces of work that ask models, within what may be spent.

    Args:
        allowance: What may be spent.
        calls: Those of the models that are asked; None for models that are yet to be wrapped.

    Attributes:
        calls: Counts the calls of the models that it wraps.
    """

    def __init__(self, allowance: Allowance, calls: JudgeCalls | None = None) -> None:
        self._limits = allowance.limits
        self.calls = calls or JudgeCalls()
        self.calls.budget = Budget(allowance.limits, allowance.prices)
        self._ended = ""
        self._interrupted = ""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def limited(self) -> bool:
        """Whether anything is limited."""
        return self._limits != Limits()

    @property
    def spent(self) -> Spending:
        """Spent so far, over all starts."""
        return self.calls.budget.purse.spending

    def check(self, models: Sequence[Target], asked: str) -> Self:
        """Refuse limits where no model is asked.

        Args:
            models: Those that are asked.
            asked: Who judges or scores, in the user's words.

        Raises:
            InputError: Calls, tokens or money are limited, and there is no model.
        """
        if self.limited and not models:
            raise InputError(f"a budget limits calls to models, and {asked} asks none; leave the budget out")
        return self

    def carry(self, spent: Iterable[Before]) -> None:
        """Count what earlier processes spent on the same work."""
        for before in spent:
            self.calls.budget.judges.carry(before.calls, before.tokens)

    def asking(self) -> Callable[[Target], Ask] | None:
        """The way to make the calls by which models show that they are there; None for their own.

        As in a run, work that goes on under a limit makes none that may be billed.
        """
        return _silent if self.limited and self.spent.calls else None

    async def each(
        self,
        pieces: Iterable[_Piece],
        one: Callable[[_Piece], Awaitable[None]],
        *,
        width: int,
        kept: bool = True,
    ) -> None:
        """Work on pieces side by side; where the budget ends none is begun, and those in hand are finished.

        Args:
            pieces: All of them.
            one: Works on one of them.
            width: How many at once.
            kept: Whether what is done outlives the process: then Ctrl-C gives up the calls in flight and
                ends the work, and `finish` says how much is done.

        Raises:
            Exception: What one of them raised, all but the end of the budget: see `finish`.
        """
        places = asyncio.Semaphore(width)

        async def begin(piece: _Piece) -> None:
            async with places:
                if self._ended:
                    return
                try:
                    await one(piece)
                except BudgetSpentError as error:
                    self._ended = str(error)

        with stop_on_signal(self) if kept else nullcontext():
            try:
                async with asyncio.TaskGroup() as group:
                    self._tasks = [group.create_task(begin(piece)) for piece in pieces]
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from None
            finally:
                self._tasks = []

    def stop(self, _reason: Literal["interrupted"], detail: str) -> None:
        """Stop soon: calls in flight are given up, and made again when the work goes on."""
        self._interrupted = detail
        for task in self._tasks:
            task.cancel()

    @property
    def ended(self) -> bool:
        """Whether the budget ended, or the user stopped it, before the work was done."""
        return bool(self._ended or self._interrupted)

    def finish(
        self, done: int, total: int, what: str, *, place: str = "", again: str = "the same command"
    ) -> None:
        """Say that the work has ended too early, if it has; all else is written by now.

        Args:
            done: Pieces that are finished and kept.
            total: All of them.
            what: What the pieces are, for people.
            place: The file that keeps them, where it is not known from what the user said.
            again: What goes on with them.

        Raises:
            BudgetSpentError: A limit is reached; names what was spent and how to go on.
            WorkInterruptedError: The user stopped it; names how to go on.
        """
        where = f" in {place!r}" if place else ""
        kept = f"{done} of {total} {what} are done and kept{where}, and {again} pays for the others only"
        if self._interrupted and done < total:
            raise WorkInterruptedError(f"{self._interrupted}: {kept}")
        if self._ended:
            raise BudgetSpentError(f"{self._ended}: {kept}")


class Costs(Generic[_Name]):
    """What pieces of work have cost so far, over all processes; each tells what it costs before it is spent.

    Args:
        work: What may be spent; it is told what was spent before.
        before: What earlier processes spent, by the name of a piece.
        told: Keeps what a piece is about to cost, and what was heard for it; as of `Spent`, after its name.
    """

    def __init__(
        self,
        work: Work,
        before: Mapping[_Name, Before],
        told: Callable[[_Name, int, Usage, tuple[Heard, ...]], None],
    ) -> None:
        work.carry(before.values())
        self._before, self._told = before, told

    def counting(
        self, name: _Name, first: Callable[[Viewer], None] | None = None
    ) -> AbstractContextManager[Spent]:
        """Count the calls for one piece inside the block; `first` as of `Spent`."""
        return counting(first, partial(self._told, name), self._before.get(name, Before()))


def _silent(_model: Target) -> Ask:
    async def ask(_request: Request) -> Reply:
        raise BudgetSpentError("nothing is asked before work that goes on under a limit")

    return ask
