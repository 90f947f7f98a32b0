"""Scores of a guard or a reward model, kept one a text."""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Record

ScorerReads = Literal["request", "exchange"]
"""What a scorer is shown: the request alone, or the request and the reply."""

Higher = Literal["worse", "better"]
"""What a high score means: harm, as a guard says it, or quality, as a reward model does."""


class TextScore(Record, frozen=True):
    """The score of one text; the text itself is not kept.

    Attributes:
        text: Digest of what was scored (`alignmeter.store.scored_text`).
        scorer: Hash of the scorer; `name` how it was called.
        score: None where the scorer failed, with the `problem`.
    """

    text: str
    scorer: str
    name: str
    reads: ScorerReads
    higher: Higher
    score: float | None
    problem: str = ""
