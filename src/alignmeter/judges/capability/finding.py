"""What a check found out about a reply, before it becomes a result."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One reply against one check.

    Attributes:
        score: Share of the best possible score, in [0, 1].
        answer: What was read as the answer, None where there is none.
        final: Whether the reply marks this as its answer, so that no further word would change it. A
            reply cut at the token limit is scored only where that is so.
        evidence: Why, in a few words.
    """

    score: float
    answer: str | None
    final: bool
    evidence: str = ""


NO_ANSWER = Finding(0.0, None, final=False, evidence="no answer found")
