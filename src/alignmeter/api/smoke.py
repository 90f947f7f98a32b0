"""What a smoke run shows of the pipeline: the replies that no judge could score, and its exit code."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from alignmeter.records import Unscored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.store import RunData

_RUNTIME_FAILURE = 5
_NOTHING_SCORED = 4


def unscored_replies(data: RunData) -> dict[str, int]:
    """Return how many answered trials have no score on their own axis, by reason, the most frequent first."""
    answered = [trial for trial, transcript in data.transcripts.items() if transcript.error is None]
    results = [data.judgements[trial].result for trial in answered if trial in data.judgements]
    reasons = Counter[str](result.reason for result in results if isinstance(result, Unscored))
    unjudged = len(answered) - len(results)
    return dict(reasons.most_common()) | ({"no_judge": reasons["no_judge"] + unjudged} if unjudged else {})


def smoke_exit_code(data: RunData, unscored: Mapping[str, int]) -> int:
    """5 where every call failed, 4 where no reply was scored, else 0."""
    errors = sum(transcript.error is not None for transcript in data.transcripts.values())
    if errors and errors == len(data.transcripts):
        return _RUNTIME_FAILURE
    scored = len(data.transcripts) - errors - sum(unscored.values())
    return 0 if scored else _NOTHING_SCORED
