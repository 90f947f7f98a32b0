"""Items that only one of two sources has: what has no row is no better known than what has no score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from alignmeter.analysis.unscored import UNSCORED_BUDGET, UnscoredBudget

if TYPE_CHECKING:
    from alignmeter.records import ItemScores, ScoredItem

Items = Literal["all", "shared"]
"""Which items a domain is compared on: `all` that should have a score of both models, those that a source
lacks without saying why among them; or those that both sources have, whatever is missing."""

NO_ROW = "the source has no row of it"


def stand_in(item: ScoredItem, scores: ItemScores, items: Items) -> ScoredItem | None:
    """Return an item without a score for one that a source has no row of, None where it is left out.

    A source that states what it asked (`ItemScores.stated`) never asked what it does not have: that was
    chosen before there were answers. Of any other it may be what failed.

    Args:
        item: As the other source has it.
        scores: The source that has no row of it.
        items: Whether the user says that the two sets of items differ on purpose.
    """
    if items == "shared" or item.domain in scores.stated:
        return None
    return msgspec.structs.replace(
        item, score=None, unscored=NO_ROW, refused=None, version="", prompt="", chance=None
    )


def is_stand_in(item: ScoredItem) -> bool:
    """Whether an item stands for a row that its source does not have."""
    return item.score is None and item.unscored == NO_ROW


def absent_note(domain: str, absent: int, origin: str) -> str:
    """Say that a source has no row of some items of a domain, and what follows."""
    return (
        f"{domain}: {absent:,} items have no row in {origin}, which does not state what was asked: they "
        "count as items without a score. `--items shared` leaves them out, where the two sets differ on "
        "purpose."
    )


def over_budget(n: int, unscored: int, absent: int, budget: float = UNSCORED_BUDGET) -> str:
    """Say that too many items of a domain have no score on both sides; empty where they are few.

    Of fewer than 50 items too many are more than chance leaves of so many at the budget.

    Args:
        n: Items of the domain.
        unscored: Those without a score on both sides.
        absent: Those among them of which a source has no row.
        budget: The share that may be without a score.
    """
    allowed = UnscoredBudget(n, 1, budget)
    if not allowed.is_over(unscored, n):
        return ""
    said = f"{unscored} of {n} items have no score on both sides, more than {allowed.words}"
    if not absent:
        return said
    return (
        f"{said}; {absent} of them have no row in one of the two sources (if the two sets of items differ on "
        "purpose, compare what they share with `--items shared`)"
    )
