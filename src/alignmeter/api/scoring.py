"""Scores of texts by a guard or a reward model: kept as they come, and what they cost before it is spent."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.engine import Before, Costs, Work
from alignmeter.judges.scorers import Score
from alignmeter.records import TextScore, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from alignmeter.api.scored_texts import Text
    from alignmeter.engine.spending import Spent, Viewer
    from alignmeter.judges.scorers import Scorer
    from alignmeter.judges.validation import Progress
    from alignmeter.store import Heard, TextScores

BATCH = 32
"""Texts that a scorer without a model at an endpoint is given at once."""
CONCURRENCY = 16
"""Texts side by side where models are asked; each model has a limit of its own."""


class Scored(NamedTuple):
    """Scores of texts.

    Attributes:
        scores: By digest.
        fresh: How many were made now.
        kept: When the others were made, in seconds since 1970; 0 where their file does not say.
    """

    scores: dict[str, Score]
    fresh: int
    kept: tuple[float, ...]


class Scoring:
    """Scores texts that have no score yet.

    Args:
        scorer: Scores them.
        kept: Where scores and costs are kept; None to keep none.
        work: What may be spent on models; it is told what was spent before.
    """

    def __init__(self, scorer: Scorer, kept: TextScores | None, work: Work) -> None:
        self._scorer, self._kept, self._work = scorer, kept, work
        lines = {} if kept is None else kept.cost(scorer.scorer_hash)
        before = {text: Before(line.calls, line.tokens) for text, line in lines.items()}
        self._costs = Costs(work, before, self._charged)

    def counting(
        self, text: str = "", first: Callable[[Viewer], None] | None = None
    ) -> AbstractContextManager[Spent]:
        """Count the calls for one text, by its digest, or those before the first; `first` as of `Spent`."""
        return self._costs.counting(text, first)

    async def score(
        self,
        texts: Sequence[Text],
        noting: Callable[[Text, Viewer], None] | None,
        progress: Progress | None,
    ) -> Scored:
        """Score texts, each once.

        Args:
            texts: All of them.
            noting: Called with each text and model right before that is first shown it; None where the
                scorer asks no model.
            progress: Told how many are done.

        Raises:
            BudgetSpentError: A limit is reached; the scores so far are kept.
        """
        found: dict[str, Score] = {}
        todo: dict[str, Text] = {}
        made: list[float] = []
        for text in texts:
            known = self._kept.get(self._scorer.scorer_hash, text.digest) if self._kept is not None else None
            if known is not None:
                found[text.digest] = Score(known.score)
                made.append(known.at)
            else:
                todo.setdefault(text.digest, text)
        waiting, before = list(todo.values()), len(found)

        async def one(batch: Sequence[Text]) -> None:
            first = None if noting is None else partial(noting, batch[0])
            with self.counting(batch[0].digest, first) as spent:
                scores = await self._scorer.score([one.shown for one in batch])
            for text, score in zip(batch, scores, strict=True):
                found[text.digest] = score
                self._keep(text.digest, score, spent.calls, spent.usage)
            if progress is not None:
                progress(len(found) - before, len(waiting))

        size = BATCH if noting is None else 1
        batches = [waiting[begin : begin + size] for begin in range(0, len(waiting), size)]
        kept = self._kept is not None and noting is not None
        await self._work.each(batches, one, width=CONCURRENCY // size or 1, kept=kept)
        self._work.finish(len(found), before + len(waiting), "scores")
        return Scored(found, len(waiting), tuple(made))

    def _keep(self, text: str, score: Score, calls: int, tokens: Usage) -> None:
        self._write(text, score.score, score.problem, calls=calls, tokens=tokens, charged=False)

    def _charged(self, text: str, calls: int, most: Usage, _heard: tuple[Heard, ...]) -> None:
        # What models said so far is not kept: the file of scores holds no text.
        self._write(text, None, "", calls=calls, tokens=most, charged=True)

    def _write(
        self, text: str, score: float | None, problem: str, *, calls: int, tokens: Usage, charged: bool
    ) -> None:
        if self._kept is not None:
            scorer = self._scorer
            self._kept.append(
                TextScore(
                    text=text,
                    scorer=scorer.scorer_hash,
                    name=scorer.name,
                    reads=scorer.reads,
                    higher=scorer.higher,
                    score=score,
                    problem=problem,
                    calls=calls,
                    tokens=tokens,
                    charged=charged,
                    at=time.time(),
                )
            )
