"""Verdicts that rest on people: which tests the labels of a run allow, and what they show.

Where people have looked at every reply that the judge called bad, no good reply counts as bad any
more: Sp = 1, and the limit tau stands at tau * Se instead of tau * Se + (1 - tau)(1 - Sp). Why this
keeps the error rates although the run stopped by the judge's answers: docs/decisions/0015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

import msgspec

from alignmeter.records import LABELS
from alignmeter.verdicts.design import JUDGE_SHARE, boundaries_of, floor_of, is_decidable
from alignmeter.verdicts.evidence import (
    SEQUENTIAL,
    Evidence,
    fixed_evidence,
    fixed_state,
    plain_design,
    stream_bounds,
    tally_of,
)
from alignmeter.verdicts.people import UnitReading, has_no_reply, is_disputed, is_flagged, read_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from alignmeter.records import Claim, ClaimDesign, Judgement, LabelBasis
    from alignmeter.stats import AlphaSpendingProcess
    from alignmeter.verdicts.stream import State

PERFECT = (1.0, 1.0, 1.0)
_UNKNOWN = (1.0, 1e-9, 1.0)
"""Sensitivity of a judge that nobody has measured: no PASS can rest on it, a FAIL can."""


class _Counted(TypedDict):
    bad: int
    missing: int


class Weighed(NamedTuple):
    """What judge and people together show of a claim.

    Attributes:
        basis: What the tests rest on.
        design: The tests.
        state: What they say.
        used: Units that counted.
        readings: The units that were asked, in the committed order up to the first that was not.
    """

    basis: LabelBasis
    design: ClaimDesign
    state: State
    used: int
    readings: tuple[UnitReading, ...]

    @property
    def is_decided(self) -> bool:
        """Whether the tests have come to a verdict."""
        return self.state in {"pass", "fail"}

    def total(self, name: str) -> int:
        """Sum of a count of `UnitReading` over the units."""
        return sum(getattr(reading, name) for reading in self.readings)


def can_be_labelled(claim: Claim) -> bool:
    """Whether labels of people can decide a claim: one on a rate, on an axis that people label."""
    return bool(claim.units) and claim.axis in LABELS and claim.kind != "language_gap"


def labelled_design(claim: Claim, design: ClaimDesign, basis: LabelBasis) -> ClaimDesign:
    """Return the tests that rest on people, on the committed order and at the looks of the claim.

    Args:
        claim: The claim.
        design: How it was planned to be decided by the judge.
        basis: `positives`: people looked at every judged-bad reply. `all`: at every reply.

    Returns:
        A design without futility. On `all`, the limit itself at the claim's whole error rates. On
        `positives`, tau * Se_L and tau * Se_U at the planned error rates and what the bound of the
        specificity is not needed for any more; a PASS pays for the streams that the judge passes
        without a single positive, because nothing is left to label in them.
    """
    alpha_fail = claim.alpha_fail or claim.alpha
    tau = claim.threshold
    if basis == "judge":
        return design
    if basis == "all":
        made = msgspec.structs.replace(
            design,
            alpha=claim.alpha,
            alpha_fail=alpha_fail,
            p_pass=tau,
            p_fail=tau,
            sensitivity=PERFECT,
            specificity=PERFECT,
        )
        return _with_boundaries(made)
    unmeasured = PERFECT if claim.design is None else _UNKNOWN
    sensitivity = design.sensitivity or unmeasured
    freed = 0.0 if design.sensitivity is None else JUDGE_SHARE * min(claim.alpha, alpha_fail) / 2
    made = msgspec.structs.replace(
        design,
        alpha=design.alpha + freed - _passes_without_positives(design),
        alpha_fail=design.alpha_fail + freed,
        p_pass=tau * sensitivity[1],
        p_fail=tau * sensitivity[2],
        sensitivity=sensitivity,
        specificity=PERFECT,
    )
    return _with_boundaries(made)


def _with_boundaries(design: ClaimDesign) -> ClaimDesign:
    """Compute the boundaries anew; giving up early made sense only while there were calls to save."""
    made = msgspec.structs.replace(design, futility=0.0, looks=(), pass_at=(), fail_at=())
    if made.method == "fixed":
        return made
    boundaries = boundaries_of(made)
    return msgspec.structs.replace(
        made, looks=boundaries.looks, pass_at=boundaries.pass_at, fail_at=boundaries.fail_at
    )


def _passes_without_positives(design: ClaimDesign) -> float:
    """Probability, at the limit, that the judge's test passes without having called anything bad."""
    if design.sensitivity is None or not is_decidable(design):
        return 0.0
    first = boundaries_of(design).floor if design.method == "alpha_spending" else design.n_max
    if first is None:
        return 0.0
    # Flips of one unit may go together, so a unit without a bad one has at most this probability.
    chance = (1 - design.p_pass) ** first
    return chance if chance <= design.alpha else 0.0


def labelled_floor(claim: Claim, design: ClaimDesign) -> int:
    """Clean units after which the claim can pass first; more than there are where it cannot."""
    return min(floor_of(design), len(claim.units) + 1) if is_unmeasured(design) else floor_of(design)


def is_unmeasured(design: ClaimDesign) -> bool:
    """Whether nobody knows how much the judge behind these tests misses."""
    return design.sensitivity is not None and design.sensitivity[1] == _UNKNOWN[1]


def weigh(claim: Claim, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement]) -> Weighed:
    """Find what the labels of a claim allow to test, and test it.

    The verdict rests on people once they have settled every judged-bad reply of the units that were
    asked, or sooner where what is open cannot change it, or where no way of labelling what nobody has
    seen would lead to what the judge says. Before that, and where the judge called nothing bad, it rests
    on the judge.

    Args:
        claim: A claim with units.
        judgements: The judge's, by trial id.
        people: What people said, by trial id.
    """
    planned = claim.design or plain_design(claim)

    def on(basis: LabelBasis) -> Weighed:
        readings = _prefix(claim, planned, judgements, people, basis)
        return _tested(claim, labelled_design(claim, planned, basis), basis, readings)

    best: Weighed | None = None
    for basis in _possible(claim, judgements, people):
        tested = on(basis)
        if tested.is_decided or not tested.total("open"):
            return tested
        best = best or tested
    judged = on("judge")
    if not _is_verdict(claim, judged):
        return judged
    best = best or on("positives")
    return best if _rules_out(claim, best, judged.state) else judged


def _is_verdict(claim: Claim, judged: Weighed) -> bool:
    """Whether the judge decides: not where nobody has measured it, whatever its tests say."""
    measured = claim.design is None or claim.design.event is not None
    return measured and judged.is_decided


def _rules_out(claim: Claim, people: Weighed, state: State) -> bool:
    """Whether what people said leaves no way to what the judge says (docs/decisions/0084).

    Flagged replies that nobody has labelled count as false alarms beside a PASS, as bad beside a FAIL;
    everything else as in the tests on people. Labels that all agree with the judge rule nothing out.
    """
    passes = state == "pass"
    against = ("confirmed", "missed", "doubted") if passes else ("cleared",)
    disputed = people.total("open") - people.total("unseen")
    if not (disputed or people.total("unclear") or any(people.total(name) for name in against)):
        return False
    kindest = tuple(
        reading._replace(
            bad=reading.bad + (0 if passes else reading.unseen), missing=reading.missing - reading.unseen
        )
        for reading in people.readings
    )
    return _tested(claim, people.design, people.basis, kindest).state != state


def _possible(
    claim: Claim, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement]
) -> Iterator[LabelBasis]:
    """What the tests may rest on, the best first: there has to be something that people settled."""
    asked = [trial for unit in claim.units for trial in unit if trial in judgements]
    settled = [trial for trial in asked if trial in people and not is_disputed(people[trial].result)]
    if settled and all(trial in people or has_no_reply(judgements[trial]) for trial in asked):
        yield "all"
    if any(is_flagged(claim, judgements[trial]) for trial in settled):
        yield "positives"


def _prefix(
    claim: Claim,
    design: ClaimDesign,
    judgements: Mapping[str, Judgement],
    people: Mapping[str, Judgement],
    basis: LabelBasis,
) -> tuple[UnitReading, ...]:
    """The units in their committed order, up to the first that was not asked; all of them at fixed n."""
    found: list[UnitReading] = []
    for unit in claim.units:
        reading = read_unit(claim, unit, judgements, people, basis)
        if reading.outcome.not_asked and design.method != "fixed":
            break
        found.append(reading)
    return tuple(found)


def _tested(
    claim: Claim, design: ClaimDesign, basis: LabelBasis, readings: tuple[UnitReading, ...]
) -> Weighed:
    """Run the tests over the units; without the interval, which takes a hundred times as long."""
    if design.method == "fixed" or not is_decidable(design):
        counts = tally_of(claim, [reading.outcome for reading in readings])
        state = fixed_state(design, counts, **_counted(readings, counts.not_asked))
        return Weighed(basis, design, state, len(readings), readings)
    process = _walk(design, readings)
    return Weighed(basis, design, process.decision, process.n, readings)


def _walk(design: ClaimDesign, readings: Sequence[UnitReading]) -> AlphaSpendingProcess:
    process = boundaries_of(design).start()
    for reading in readings:
        step = process.update(reading.bad / design.flips, missing=reading.missing / design.flips)
        if step != "continue":
            break
    return process


def _counted(readings: Sequence[UnitReading], not_asked: int) -> _Counted:
    missing = sum(reading.missing for reading in readings) + not_asked
    return {"bad": sum(reading.bad for reading in readings), "missing": missing}


def weighed_evidence(claim: Claim, weighed: Weighed) -> Evidence:
    """What the units show under the tests that the labels allow, with the interval."""
    used = weighed.readings[: weighed.used]
    counts = tally_of(claim, [reading.outcome for reading in used])
    if weighed.design.method == "fixed" or not is_decidable(weighed.design):
        return fixed_evidence(weighed.design, counts, **_counted(used, counts.not_asked))
    each = [(reading.bad, reading.missing) for reading in used]
    interval = stream_bounds(boundaries_of(weighed.design), each)
    return Evidence(counts, weighed.state, interval, SEQUENTIAL)
