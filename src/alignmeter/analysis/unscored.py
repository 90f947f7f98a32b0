"""How many replies or items without a score are too many (docs/decisions/0077 and 0088)."""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

from alignmeter.figures import exact_percent
from alignmeter.stats import binomial_tests, halves_tests

UNSCORED_BUDGET = 0.02
"""The share that may have none where no threat model says otherwise."""

UNSCORED_FROM = 50
"""Units from which a claim keeps to the budget by the letter (METHODS.md section 1)."""

UNSCORED_CHANCE = 0.05
"""With fewer it does not where a target within the budget would leave so many this seldom or less."""

_DIGITS = 9
"""Decimals after which a number of replies is whole: 7% of 100 are 7, in floating point too."""


class UnscoredBudget(NamedTuple):
    """How many replies to the units of one claim may stay without a score.

    All counts are of members. Fewer than 50 units are few enough for chance: one reply of 32 is over 2%.
    There the limit is that of the exact binomial test (for units of two members, the exact test for means
    of two flips) at all units of the claim, not at those that were asked so far. Replies without a score
    only ever grow in number, so that the error rate of the one test holds at whatever unit a stream ends.

    Attributes:
        units: All units of the claim, asked or not.
        members: Replies a unit: 1, or 2 where it is a pair.
        share: Largest share that may have no score.
    """

    units: int
    members: int
    share: float

    @property
    def most(self) -> int:
        """Replies that may have no score once every unit was asked."""
        if self.units >= UNSCORED_FROM:
            return self._allowed(self.units)
        return _most(self.units, self.members, self.share)

    @property
    def words(self) -> str:
        """What was exceeded, after "more than"."""
        share = f"the {exact_percent(self.share)} allowed"
        if self.units >= UNSCORED_FROM:
            return share
        return f"the {self.most} that chance leaves of so few at {share}"

    def is_spent(self, unscored: int) -> bool:
        """Whether more have no score than all units of the claim may leave, whatever is still to come."""
        return unscored > self.most

    def is_over(self, unscored: int, asked: float) -> bool:
        """Whether too many have no score for a verdict on what was asked.

        Args:
            unscored: Replies without a score.
            asked: Units asked, in halves where one reply of two is there.
        """
        if self.units < UNSCORED_FROM:
            return self.is_spent(unscored)
        return asked >= UNSCORED_FROM and unscored > self._allowed(asked)

    def is_hopeless(self, unscored: int, asked: float) -> bool:
        """Whether a claim that is given up is so for what has no score: at its 50th unit it would be over.

        Arguments as those of `is_over`.
        """
        if self.units < UNSCORED_FROM:
            return self.is_spent(unscored)
        return unscored > self._allowed(max(asked, UNSCORED_FROM))

    def is_nothing(self, unscored: int, scored: int) -> bool:
        """Whether what was asked has no score at all, of which no verdict but INVALID can be had."""
        return unscored > 0 and not scored and self.share < 1

    def _allowed(self, units: float) -> int:
        return math.floor(round(self.share * units * self.members, _DIGITS))


@lru_cache(maxsize=256)
def _most(units: int, members: int, share: float) -> int:
    """The most members of fewer than 50 units that the test at `UNSCORED_CHANCE` does not reject."""
    if not 0 < share < 1:
        return 0 if share <= 0 else units * members
    test = binomial_tests if members == 1 else halves_tests
    counts = range(1, units * members + 1)
    return bisect_left(counts, True, key=lambda count: test(count, units, share).p_fail <= UNSCORED_CHANCE)
