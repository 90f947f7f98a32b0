"""Scores of a guard or a reward model, kept one a text."""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Record
from alignmeter.records.transcripts import Usage

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
        calls, tokens: That it cost at the most, with all attempts since an earlier score.
        charged: Whether the calls were only about to be made; `score` says nothing then. A line of this
            kind without a text is of calls before the first one.
        at: When it was made, in seconds since 1970; 0 in files of earlier versions.
    """

    text: str
    scorer: str
    name: str
    reads: ScorerReads
    higher: Higher
    score: float | None
    problem: str = ""
    calls: int = 0
    tokens: Usage = Usage()
    charged: bool = False
    at: float = 0.0
