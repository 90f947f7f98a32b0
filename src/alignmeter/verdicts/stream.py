"""A claim as a stream of units: what counts, in which order, and when it is decided."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, Protocol

from alignmeter.analysis.unscored import UNSCORED_FROM, UnscoredBudget
from alignmeter.stats.sequential.betting_futility import Side, chance_of_decision
from alignmeter.verdicts.design import boundaries_of, is_decidable
from alignmeter.verdicts.gap_tests import Pair, gap_sides, is_gap_bad
from alignmeter.verdicts.outcomes import UnitOutcome, unit_outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Claim, Judgement
    from alignmeter.stats.sequential.betting import BettingProcess, Step

AHEAD = 4
"""Units of a claim that may be in flight whatever they may turn out to be worth."""

WASTE = 0.2
"""Chance that a unit asked further ahead than that turns out not to count."""

FUTILE_FROM, FUTILE_EVERY, FUTILE_SHARE = 32, 8, 1 / 4
"""Pairs of a language gap before giving up is considered, pairs from one time to the next, and the share
of the design's futility at which it does. It is asked so often that the whole of it would cost verdicts:
of 100 pairs with a gap of 25 points a quarter fails instead of two fifths; so it is two fifths still."""

State = Literal["continue", "pass", "fail", "futile", "undecided", "unscored"]
"""Where a claim stands; `unscored`: so much has no score that it can only end INVALID."""


class Stream(Protocol):
    """The units of one claim, taken in their committed order until it is decided.

    Attributes:
        claim: The claim.
        state: Where it stands.
    """

    claim: Claim
    state: State

    @property
    def taken(self) -> int:
        """Units that counted so far."""
        ...

    @property
    def bad(self) -> float:
        """Bad units among them, in halves where a unit is the mean of two flips."""
        ...

    def advance(self, judgements: Mapping[str, Judgement]) -> State:
        """Count every next unit that has all its judgements, until one is missing or it is decided."""
        ...

    def wants(self, index: int) -> bool:
        """Whether the unit at this place of the committed order is worth asking now."""
        ...


def open_stream(claim: Claim, unscored_budget: float) -> Stream:
    """Begin the stream of a claim: on a rate, or on a gap between pairs."""
    if claim.design is not None and claim.design.method == "betting_pairs":
        return GapStream(claim, unscored_budget)
    return ClaimStream(claim, unscored_budget)


class ClaimStream:
    """Takes the units of one claim in their committed order, whatever order they come back in.

    A unit counts once all its trials have a judgement and every earlier unit has counted: refusals
    are short and finish first, so counting them as they come would bias the rate. Units that come
    back after the decision never count.

    Attributes:
        claim: The claim.
        state: Where it stands.
        used: Outcomes that counted, in order.
    """

    def __init__(self, claim: Claim, unscored_budget: float) -> None:
        self.claim = claim
        self.used: list[UnitOutcome] = []
        self.state: State = "continue"
        design = claim.design
        sequential = design is not None and design.method == "alpha_spending" and is_decidable(design)
        self.process = boundaries_of(design).start() if design is not None and sequential else None
        flips = len(claim.units[0]) if claim.units else 1
        self._flips = flips
        self._budget = UnscoredBudget(len(claim.units), flips, unscored_budget)
        self._unscored = 0
        self._horizon, self._counted = 0, -1
        if design is not None and not is_decidable(design) and design.method == "alpha_spending":
            self.state = "undecided"

    @property
    def taken(self) -> int:
        """Units that counted so far."""
        return len(self.used)

    @property
    def bad(self) -> float:
        """Bad units among them, in halves where a unit is the mean of two flips."""
        return sum(outcome.bad for outcome in self.used) / self._flips

    def advance(self, judgements: Mapping[str, Judgement]) -> State:
        """Count every next unit that has all its judgements, until one is missing or it is decided."""
        while self.state == "continue" and len(self.used) < len(self.claim.units):
            outcome = unit_outcome(self.claim, self.claim.units[len(self.used)], judgements)
            if outcome.not_asked:
                break
            self._count(outcome)
        return self.state

    def _count(self, outcome: UnitOutcome) -> None:
        self.used.append(outcome)
        if outcome.bad or outcome.unscored:
            self._horizon, self._counted = 0, -1  # it may end sooner than was thought
        if self.process is None:
            return
        self._unscored += outcome.unscored
        self.state = self.process.update(outcome.bad / self._flips, missing=outcome.unscored / self._flips)
        if _is_unscored(self.state, self._unscored, self.taken, self._budget):
            self.state = "unscored"

    def wants(self, index: int) -> bool:
        """Whether a unit is worth asking now, given what has counted so far.

        The next few always are, so that an endpoint has something to do; beyond them a unit is where
        the claim is unlikely to be decided before it.

        Args:
            index: The unit's place in the committed order.
        """
        used = len(self.used)
        if self.state != "continue":
            return False
        if self.process is None or index < used + AHEAD:
            return True
        if index >= self._horizon and self._counted != used:
            self._counted = used
            self._horizon = self.process.units_needed(WASTE)
        return index < self._horizon


class GapStream:
    """Takes the pairs of a language gap in their committed order.

    The two sides bet apart, each against its own margin; whichever comes to a verdict first decides. Where
    the judge leaves room for one of them only, that one decides or nothing does.

    Attributes:
        claim: The claim.
        state: Where it stands.
        pairs: Pairs that counted, in order.
    """

    def __init__(self, claim: Claim, unscored_budget: float) -> None:
        assert claim.design is not None  # noqa: S101 - gap claims were never without
        self.claim = claim
        self.pairs: list[Pair] = []
        self.state: State = "continue"
        self._design = claim.design
        self._budget = UnscoredBudget(len(claim.units), 2, unscored_budget)
        sides = gap_sides(claim.design)
        self._passing, self._failing = (None if bets is None else bets.start() for bets in sides)
        if self._passing is None and self._failing is None:
            self.state = "undecided"

    @property
    def taken(self) -> int:
        """Pairs that counted so far."""
        return len(self.pairs)

    @property
    def bad(self) -> float:
        """Pairs that went wrong in the language only."""
        return sum(pair.bad is True and pair.base is False for pair in self.pairs)

    @property
    def unscored(self) -> int:
        """Members without a score."""
        return sum((pair.bad is None) + (pair.base is None) for pair in self.pairs)

    def advance(self, judgements: Mapping[str, Judgement]) -> State:
        """Count every next pair that has both its judgements, until one is missing or it is decided."""
        while self.state == "continue" and len(self.pairs) < len(self.claim.units):
            there, here = (judgements.get(trial) for trial in self.claim.units[len(self.pairs)])
            if there is None or here is None:
                break
            self._count(Pair(is_gap_bad(self.claim, there.result), is_gap_bad(self.claim, here.result)))
        return self.state

    def _count(self, pair: Pair) -> None:
        self.pairs.append(pair)
        design = self._design
        passed = _bet(self._passing, pair, design.p_pass) == "pass"
        failed = _bet(self._failing, pair, design.p_fail) == "fail"
        if passed or failed:
            self.state = "pass" if passed else "fail"
        elif len(self.pairs) == len(self.claim.units):
            self.state = "undecided"
        elif self._is_hopeless():
            self.state = "futile"
        if _is_unscored(self.state, self.unscored, self.taken, self._budget):
            self.state = "unscored"

    def _is_hopeless(self) -> bool:
        """Whether a verdict has become unlikely; asked at every eighth pair."""
        taken, futility = len(self.pairs), self._design.futility
        if not futility or taken < FUTILE_FROM or taken % FUTILE_EVERY:
            return False
        seen = Counter(float(pair.worst) for pair in self.pairs)
        sides: list[Side] = []
        if self._passing is not None:
            sides.append(Side(self._passing, "pass", self._design.p_pass))
        if self._failing is not None:
            sides.append(Side(self._failing, "fail", self._design.p_fail))
        left = len(self.claim.units) - taken
        chance = chance_of_decision(tuple(sides), {z: seen[z] for z in (-1.0, 0.0, 1.0)}, left)
        return chance < FUTILE_SHARE * futility

    def wants(self, index: int) -> bool:
        """Whether a pair is worth asking now: the next few are, while the claim is open."""
        return self.state == "continue" and index < len(self.pairs) + AHEAD


def _is_unscored(state: State, unscored: int, taken: int, budget: UnscoredBudget) -> bool:
    """Whether so many replies have no score that a claim without a decision can only end INVALID.

    An open claim is given up where they are more than all its units together may have; with 50 units and
    more not before the 50th, up to which a decision stands whatever the budget says. One that would be
    given up as hopeless is so for their sake where they are more than it may have at that unit: then it is
    not the rate that is near the limit.
    """
    if state == "continue":
        return (budget.units < UNSCORED_FROM or taken >= UNSCORED_FROM) and budget.is_spent(unscored)
    return state == "futile" and budget.is_hopeless(unscored, taken)


def _bet(process: BettingProcess | None, pair: Pair, margin: float) -> Step:
    """Take one pair, unless there is no process, or it has ended on the side that decides nothing here.

    Each side of a claim looks at one end of its own process only. At the other end, where the error
    rate is not the claim's, a process may come to its end first.
    """
    if process is None or process.decision != "continue":
        return "continue" if process is None else process.decision
    return process.update(pair.best - margin, worst=pair.worst - margin)
