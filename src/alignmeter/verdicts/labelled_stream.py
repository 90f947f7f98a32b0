"""A claim that people have labelled, as a stream: what an unfinished run still has to ask for it.

The judge may be done with a claim that people are not: it passed what they confirm too much of, or was given
up for replies that they have scored since. And they may be done where it is not. A test that rests on
people bounds the chance of crossing at any look, so units may be asked on by what their labels show
(docs/decisions/0015, 0063).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.verdicts.design import boundaries_of, is_decidable
from alignmeter.verdicts.evidence import plain_design
from alignmeter.verdicts.labelled import can_be_labelled, labelled_design, weigh
from alignmeter.verdicts.people import read_unit
from alignmeter.verdicts.stream import AHEAD, WASTE, open_stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Claim, Judgement
    from alignmeter.verdicts.labelled import Weighed
    from alignmeter.verdicts.people import UnitReading
    from alignmeter.verdicts.stream import State, Stream


def resumed_stream(
    claim: Claim, unscored_budget: float, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement]
) -> Stream:
    """Begin the stream of a claim again: that of people's labels where its verdict rests on them.

    Args:
        claim: A claim with units.
        unscored_budget: Of the design.
        judgements: The judge's answers on its axis so far, by trial id.
        people: What people said on it, by trial id.
    """
    stream = open_stream(claim, unscored_budget)
    planned = claim.design is not None and claim.design.method == "alpha_spending"
    if planned and can_be_labelled(claim) and any(trial in people for unit in claim.units for trial in unit):
        weighed = weigh(claim, judgements, people)
        if weighed.basis != "judge":
            return LabelledStream(claim, people, weighed)
    return stream


class LabelledStream:
    """Takes the units of one claim in their committed order, by people's labels where there are any.

    What the judge flags from now on waits for a label. It is asked on until the test has come to its end
    whatever these labels say, or would come to it if they all said the same: then people are next.

    Attributes:
        claim: The claim.
        state: Where it stands; `undecided` where people are next.
    """

    def __init__(self, claim: Claim, people: Mapping[str, Judgement], weighed: Weighed) -> None:
        self.claim = claim
        self.state: State = weighed.state if weighed.state in {"pass", "fail"} else "continue"
        self._people = people
        self._used: list[UnitReading] = list(weighed.readings[: weighed.used]) if self._is_decided else []
        self._flips = len(claim.units[0])
        design = labelled_design(claim, claim.design or plain_design(claim), "positives")
        if not self._is_decided and not is_decidable(design):
            self.state = "undecided"
        boundaries = boundaries_of(design)
        self._process = boundaries.start()
        self._cleared, self._confirmed = boundaries.start(), boundaries.start()

    @property
    def _is_decided(self) -> bool:
        return self.state != "continue"

    @property
    def taken(self) -> int:
        """Units that counted so far."""
        return len(self._used)

    @property
    def bad(self) -> float:
        """Bad units among them, in halves where a unit is the mean of two flips."""
        return sum(reading.outcome.bad for reading in self._used) / self._flips

    def advance(self, judgements: Mapping[str, Judgement]) -> State:
        """Count every next unit that has all its judgements, until one is missing or it is decided."""
        while self.state == "continue" and len(self._used) < len(self.claim.units):
            unit = self.claim.units[len(self._used)]
            reading = read_unit(self.claim, unit, judgements, self._people, "positives")
            if reading.outcome.not_asked:
                break
            self._count(reading)
        return self.state

    def _count(self, reading: UnitReading) -> None:
        self._used.append(reading)
        bad, missing, open_ = (count / self._flips for count in (reading.bad, reading.missing, reading.open))
        self.state = self._process.update(bad, missing=missing)
        if self._cleared.decision == "continue":
            self._cleared.update(bad, missing=missing - open_)
        if self._confirmed.decision == "continue":
            self._confirmed.update(bad + open_, missing=missing - open_)
        if self.state == "continue" and (
            self._cleared.decision == "pass" or self._confirmed.decision == "fail"
        ):
            self.state = "undecided"

    def wants(self, index: int) -> bool:
        """Whether a unit is worth asking now; arguments as those of `ClaimStream.wants`."""
        if self._is_decided:
            return False
        return index < self.taken + AHEAD or index < self._cleared.units_needed(WASTE)
