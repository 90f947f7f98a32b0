"""Language gaps as people see them: both replies of a pair labelled, and no error of a judge to carry.

Their tests run over the committed order, at the limit itself and the claim's whole error rates. Wherever
the judge, a budget or the annotators stopped, that only takes decisions away (docs/decisions/0015, 0078).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.verdicts.design import ErrorRates
from alignmeter.verdicts.gap_tests import Pair, gap_floor, gap_sides, is_gap_bad
from alignmeter.verdicts.gaps import gap_under
from alignmeter.verdicts.people import has_no_reply, is_disputed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Claim, Judgement, VerdictName
    from alignmeter.verdicts.stream import State


class GapLabels(NamedTuple):
    """What people said of a gap's pairs, up to the one that decides.

    Attributes:
        claim: The claim with the design of people's tests, at the limit itself.
        pairs: Of the pairs that were asked, in the committed order; None for what is not settled.
        state: What the tests say; `undecided` where what is open may still change it.
        unclear: Members that have no reply, or of which people could not say what they are.
        open: Trials among these pairs that people have not settled, in order.
    """

    claim: Claim
    pairs: tuple[Pair, ...]
    state: State
    unclear: int
    open: tuple[str, ...]

    @property
    def rated(self) -> tuple[Pair, ...]:
        """The pairs before the first of which something is open: those that an estimate may rest on.

        Who looked at some replies only may have chosen them by what others were.
        """
        left = set(self.open)
        units = self.claim.units[: len(self.pairs)]
        first = next((n for n, unit in enumerate(units) if left.intersection(unit)), len(units))
        return self.pairs[:first]

    @property
    def rests_on_people(self) -> bool:
        """Whether what people said decides, or nothing is open."""
        return self.state in {"pass", "fail"} or not self.open


def people_claim(claim: Claim) -> Claim:
    """The claim with tests of its own limit at its whole error rates, as with a judge that never errs."""
    plain = gap_under(claim, ErrorRates(claim.alpha, claim.alpha_fail or claim.alpha), {})
    assert plain.design is not None  # noqa: S101 - `gap_under` always makes one
    design = msgspec.structs.replace(plain.design, futility=0.0)
    # What the claim says of its judge is left out; the rest both have in common.
    caveats = tuple(said for said in claim.caveats if said in plain.caveats)
    return msgspec.structs.replace(claim, design=design, floor=plain.floor, caveats=caveats)


def people_floor(claim: Claim) -> int:
    """Pairs without a difference after which a claim that people decide can pass first."""
    made = people_claim(claim)
    assert made.design is not None  # noqa: S101 - see `people_claim`
    return gap_floor(made.design)


def gap_labels(
    claim: Claim, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement]
) -> GapLabels | None:
    """Test a gap on what people said of it; None where they said nothing.

    What is open or unclear counts at its worst for PASS and at its best for FAIL, so a decision may come
    before the last label, and which replies are labelled first does not matter.

    Args:
        claim: The claim.
        judgements: The judge's, by trial id: what was asked.
        people: What people said, by trial id.
    """
    if not any(trial in people for unit in claim.units for trial in unit):
        return None
    return read_labels(claim, judgements, people)


def read_labels(
    claim: Claim, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement]
) -> GapLabels:
    """Test a gap on what people said of it, which may be nothing yet."""
    made = people_claim(claim)
    assert made.design is not None  # noqa: S101 - see `people_claim`
    passing, failing = (None if bets is None else bets.start() for bets in gap_sides(made.design))
    assert passing is not None  # noqa: S101 - a limit in (0, 1) leaves room on both sides
    assert failing is not None  # noqa: S101 - likewise
    margin, pairs, open_ = claim.threshold, list[Pair](), list[str]()
    unclear = 0
    state: State = "undecided"
    for unit in claim.units:
        if any(trial not in judgements for trial in unit):
            break
        pair = Pair(*(_said(claim, people.get(trial)) for trial in unit))
        left = [trial for trial in unit if _is_open(judgements[trial], people.get(trial))]
        unclear += sum(bad is None for bad in pair) - len(left)
        open_.extend(left)
        pairs.append(pair)
        for process in (passing, failing):
            if process.decision == "continue":
                process.update(pair.best - margin, worst=pair.worst - margin)
        if passing.decision == "pass" or failing.decision == "fail":
            state = "pass" if passing.decision == "pass" else "fail"
            break
    return GapLabels(made, tuple(pairs), state, unclear, tuple(open_))


def rules_out(
    claim: Claim,
    judgements: Mapping[str, Judgement],
    people: Mapping[str, Judgement],
    verdict: VerdictName,
) -> bool:
    """Whether what people said leaves no way to a PASS or FAIL of the judge (docs/decisions/0084).

    Replies that nobody has labelled are what suits that verdict most; everything else, what people dispute
    too, counts as in people's own test.
    """
    if verdict not in {"PASS", "FAIL"}:
        return False
    passes = verdict == "PASS"
    made = people_claim(claim)
    assert made.design is not None  # noqa: S101 - see `people_claim`
    sides = gap_sides(made.design)
    bets = sides.passing if passes else sides.failing
    assert bets is not None  # noqa: S101 - see `read_labels`
    process = bets.start()
    for unit in claim.units:
        if any(trial not in judgements for trial in unit):
            break
        kindest = (not passes, passes)  # what suits the verdict most, in the language and in English
        pair = Pair(
            *(
                best if _is_unseen(judgements[trial], people.get(trial)) else _said(claim, people.get(trial))
                for trial, best in zip(unit, kindest, strict=True)
            )
        )
        process.update(pair.best - claim.threshold, worst=pair.worst - claim.threshold)
        if process.decision != "continue":
            break
    return process.decision != ("pass" if passes else "fail")


def _is_unseen(judged: Judgement, said: Judgement | None) -> bool:
    """Whether there is a reply that nobody has labelled."""
    return said is None and not has_no_reply(judged)


def _said(claim: Claim, said: Judgement | None) -> bool | None:
    return None if said is None else is_gap_bad(claim, said.result)


def _is_open(judged: Judgement, said: Judgement | None) -> bool:
    """Whether a person is still to say what a reply is: there is one, and nobody has settled it."""
    return _is_unseen(judged, said) or (said is not None and is_disputed(said.result))
