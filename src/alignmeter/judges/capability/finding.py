"""What a check found out about a reply, before it becomes a result."""

from __future__ import annotations

from typing import NamedTuple

from alignmeter.records import Unscored


class Finding(NamedTuple):
    """One reply against one check.

    Attributes:
        score: Share of the best possible score, in [0, 1].
        answer: What was read as the answer, None where there is none.
        evidence: Why, in a few words.
    """

    score: float
    answer: str | None
    evidence: str = ""


NO_ANSWER = Finding(0.0, None, evidence="no answer found")
TRUNCATED = Unscored(reason="truncated_answer", detail="cut at the limit before an answer")
UNDECIDED = Unscored(
    reason="unparseable", detail="its sentences name different answers, none as the last word"
)
UNREADABLE = Unscored(reason="unparseable", detail="it gives no answer that can be read in one way")
TWO_NUMBERS = Unscored(reason="unparseable", detail="its groups of digits are one number or two")
