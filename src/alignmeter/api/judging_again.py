"""Judgements after a run: each is journalled, and what it costs before it is spent."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.engine import Before, Costs, Work, shown_to_judge
from alignmeter.judges import judgement
from alignmeter.records import HELD_OUT, Judgement
from alignmeter.store import Charged, Judged, judged_again

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from alignmeter.engine.spending import Spent, Viewer
    from alignmeter.judges import Judge
    from alignmeter.judges.validation import Progress
    from alignmeter.records import Transcript, Trial, Usage
    from alignmeter.store import Heard, JournalWriter

CONCURRENCY = 16
"""Replies judged side by side; each model behind a judge has a limit of its own."""


class Fresh(NamedTuple):
    """A judgement made now, and the calls that it took now."""

    judgement: Judgement
    calls: int


class JudgingAgain:
    """Judges again, and journals what it costs before it is spent.

    Attributes:
        work: What may be spent.
        fresh: The judgements made now.
    """

    def __init__(self, work: Work, journal: JournalWriter, judges: Sequence[str]) -> None:
        """Count what judging again with these judges has cost so far.

        Args:
            work: What may be spent.
            journal: The journal of the run, held.
            judges: Hashes of the judges; calls before the first judgement are booked on the first of them.
        """
        self.work = work
        self.fresh: list[Fresh] = []
        self._journal, self._first = journal, judges[0]
        made, waiting = judged_again(journal.events, judges)
        work.carry(Before(judged.calls, judged.usage) for judged in made)
        self._costs = Costs(work, {name: _before(one) for name, one in waiting.items()}, self._charged)

    def counting(self, judge: str = "", trial: Trial | None = None) -> AbstractContextManager[Spent]:
        """Count the calls of one judgement, or without a trial those before the first."""
        name = "" if trial is None else trial.id
        first = None if trial is None else partial(self._showing, trial)
        return self._costs.counting((name, judge or self._first), first)

    async def judge(self, todo: Sequence[tuple[Judge, Trial, Transcript]], progress: Progress | None) -> None:
        """Judge side by side, as far as the budget goes.

        Args:
            todo: Who judges what.
            progress: Told after every judgement.
        """

        async def one(item: tuple[Judge, Trial, Transcript]) -> None:
            judge, trial, transcript = item
            with self.counting(judge.judge_hash, trial) as spent:
                before = spent.calls
                judged = await judgement(judge, judge.axis, trial, transcript)
            judged = msgspec.structs.replace(
                judged, calls=spent.calls, usage=spent.usage, refused=spent.refused
            )
            self._journal.append(Judged(judgement=judged, again=True))
            self.fresh.append(Fresh(judged, spent.calls - before))
            if progress is not None:
                progress(len(self.fresh), len(todo))

        await self.work.each(todo, one, width=CONCURRENCY)

    def _showing(self, trial: Trial, model: Viewer) -> None:
        if trial.pool in HELD_OUT:
            self._journal.append(shown_to_judge(trial, model, at=time.time()))

    def _charged(self, name: tuple[str, str], calls: int, most: Usage, heard: tuple[Heard, ...]) -> None:
        trial, judge = name
        self._journal.append(
            Charged(trial=trial, calls=calls, tokens=most, role="judge", heard=heard, again=judge)
        )


def _before(charged: Charged) -> Before:
    return Before(charged.calls, charged.tokens, charged.heard)
