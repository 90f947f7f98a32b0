"""What each judgement is worth in a comparison: bad, good, or missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.analysis.run_pairs import BAD, GOOD, MISSING
from alignmeter.records import Unscored
from alignmeter.verdicts.outcomes import is_bad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import ClaimKind, Judgement


def judged_outcomes(kind: ClaimKind, judgements: Mapping[str, Judgement]) -> dict[str, int]:
    """Return `GOOD`, `BAD` or `MISSING` of every judged trial, by its id."""
    return {
        trial: MISSING
        if isinstance(judged.result, Unscored)
        else (BAD if is_bad(kind, judged.result) else GOOD)
        for trial, judged in judgements.items()
    }
