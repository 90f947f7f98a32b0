"""The error rates that the verdicts promise hold end to end, at the boundary where they are hardest to keep.

Whole claims run through `SequentialSchedule` and `ClaimStream`, without input or output: eight
trials in flight, refusals overtaking compliances. The true rate is exactly the threshold, so every
PASS and every FAIL is an error. METHODS.md sections 4 and 5 give what is promised.
"""

from __future__ import annotations

import math
import random
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from alignmeter.engine import Plan
from alignmeter.engine.schedule import SequentialSchedule
from alignmeter.records import (
    Claim,
    Design,
    FactualityResult,
    JudgeCard,
    Judgement,
    Message,
    RefusalResult,
    Trial,
)
from alignmeter.stats import AlphaSpendingProcess, binomial_tests
from alignmeter.threat_model import ThreatModel
from alignmeter.verdicts import ClaimStream, boundaries_of, judged_rate, unit_outcome
from alignmeter.verdicts.design import ClaimSize, ErrorRates, design_claim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from alignmeter.records import ClaimKind
    from alignmeter.verdicts import State, UnitOutcome

ALPHA = 0.05
IN_FLIGHT = 8
_KNOWN = 10**9
"""Labels of a card whose bounds are as good as its estimates."""


class Judging(NamedTuple):
    """A judge's true error."""

    se: float
    sp: float


class Shape(NamedTuple):
    """A claim at its boundary."""

    threshold: float
    units: int
    flips: int = 1


class Rates(NamedTuple):
    """How often streams ended so, each an error at the boundary."""

    passed: float
    failed: float
    streams: int

    def three_errors(self, rate: float) -> float:
        """Three standard errors of a frequency over these streams."""
        return 3 * math.sqrt(rate * (1 - rate) / self.streams)


PERFECT, GOOD = Judging(1.0, 1.0), Judging(0.90, 0.95)


# --- the loop without input and output -----------------------------------------------------------


def _card(found: tuple[float, float], labels: int) -> JudgeCard:
    """A card with so many labels found of `labels` bad and of `labels` good replies."""
    se, sp = found[0] / labels, found[1] / labels
    return JudgeCard(
        judge_hash="h", axis="refusal", data="a simulation", split="test", n=2 * labels, kappa=0.9,
        sensitivity=(se, se, se), sensitivity_counts=(found[0], labels),
        specificity=(sp, sp, sp), specificity_counts=(found[1], labels),
        event="not_full_refusal",
    )  # fmt: skip


def _known(judge: Judging) -> JudgeCard:
    return _card((judge.se * _KNOWN, judge.sp * _KNOWN), _KNOWN)


def _plan(shape: Shape, card: JudgeCard | None) -> Plan:
    """A plan of one claim; its trials are named by unit and flip."""
    kind: ClaimKind = "attack_compliance" if shape.flips == 1 else "confident_hallucination"
    units = tuple(tuple(f"{n}.{flip}" for flip in range(shape.flips)) for n in range(shape.units))
    model = ThreatModel.model_validate({"name": "A simulation", "design": {"futility": 0}})
    design = design_claim(ClaimSize(*shape), ErrorRates(ALPHA, ALPHA), model.design, card, fixed=False)
    claim = Claim(
        id=kind, kind=kind, title="A claim at its boundary", threshold=shape.threshold, alpha=ALPHA,
        axis="refusal" if shape.flips == 1 else "factuality", units=units, design=design,
    )  # fmt: skip
    trials = tuple(
        Trial(
            id=trial, probe=trial, suite="triad", family=trial, intent="harmful", domain="cooking",
            language="en", axis=claim.axis, messages=(Message(role="user", content="?"),), request="?",
        )
        for unit in units
        for trial in unit
    )  # fmt: skip
    whole = Design(
        mode="sequential", alpha=ALPHA, seed=1, unscored_budget=1.0, claims=(claim,), trials="",
        n_trials=len(trials),
    )  # fmt: skip
    return Plan(trials=trials, design=whole, coverage=(), beside={})


class Replies:
    """Both judgements that each trial of a plan can get; made once, as they cost more than the streams."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._of = {
            trial.id: tuple(self._judgement(trial, bad=bad) for bad in (False, True)) for trial in plan.trials
        }

    @staticmethod
    def _judgement(trial: Trial, *, bad: bool) -> Judgement:
        label = "incorrect" if bad else "correct"
        result = (
            RefusalResult(label="none" if bad else "full")
            if trial.axis == "refusal"
            else FactualityResult(label=label, confidence="confident", answer="yes")
        )
        return Judgement(
            trial=trial.id, transcript="t", judge="j", judge_hash="h", axis=trial.axis, result=result
        )

    def play(self, bad: NDArray[np.bool_], chance: random.Random) -> State:
        """Run one claim to its end, where the trials of unit n turn out as `bad[n]` says."""
        schedule = SequentialSchedule(self.plan, pending=self.plan.trials, judgements={})
        turns_out = dict(zip(self._of, bad.ravel().tolist(), strict=True))
        flying: list[str] = []
        while True:
            while len(flying) < IN_FLIGHT and (trial := schedule.next_trial()) is not None:
                if schedule.wanted(trial):
                    flying.append(trial.id)
            if not flying:
                break
            # Refusals are short: of those in flight they come first, in any order, mostly.
            quick = [trial for trial in flying if not turns_out[trial]]
            lands = chance.choice(quick if quick and chance.random() < 0.95 else flying)
            flying.remove(lands)
            schedule.judged(self._of[lands][turns_out[lands]])
        (state,) = schedule.state().values()
        return state.state

    def frequencies(self, streams: NDArray[np.bool_], seed: int) -> Rates:
        """How often streams, shape (streams, units, flips), pass and fail."""
        chance = random.Random(seed)  # noqa: S311 - a simulation
        ends = [self.play(stream, chance) for stream in streams]
        n = len(ends)
        return Rates(ends.count("pass") / n, ends.count("fail") / n, n)


def _judged(
    shape: Shape, judge: Judging, streams: int, seed: int, *, together: bool = False
) -> NDArray[np.bool_]:
    """What a judge makes of units at the boundary, shape (streams, units, flips).

    Args:
        shape: The claim.
        judge: Its true error.
        streams: How many.
        seed: Of the draws.
        together: Both flips of a unit, and the judge's errors on them, always agree.
    """
    chance = np.random.default_rng(seed)
    size = (streams, shape.units, 1 if together else shape.flips)
    true = chance.random(size) < shape.threshold
    found = chance.random(size)
    judged = np.where(true, found < judge.se, found >= judge.sp)
    return np.broadcast_to(judged, (streams, shape.units, shape.flips))


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Remember how far ahead each position looks: streams of one design pass the same few again and again."""
    known: dict[tuple[float, ...], int] = {}
    original = AlphaSpendingProcess.units_needed

    def units_needed(process: AlphaSpendingProcess, chance: float) -> int:
        design = process.design
        key = (design.n_max, design.p_pass, design.p_fail, process.n, process.low, process.high, chance)
        if key not in known:
            known[key] = original(process, chance)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AlphaSpendingProcess, "units_needed", units_needed)
        yield


# --- what is promised ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "judge", "streams"),
    [
        pytest.param(Shape(0.10, 80), GOOD, 800),
        pytest.param(Shape(0.10, 80), GOOD, 4_000, marks=pytest.mark.slow),
        pytest.param(Shape(0.05, 200), PERFECT, 500, marks=pytest.mark.slow),
        pytest.param(Shape(0.05, 200), PERFECT, 4_000, marks=pytest.mark.slow),
        pytest.param(Shape(0.05, 200), GOOD, 4_000, marks=pytest.mark.slow),
    ],
)
def test_given_a_rate_at_the_limit_and_a_judge_of_known_error_when_run_then_each_error_is_rarer_than_alpha(
    shape: Shape, judge: Judging, streams: int
) -> None:
    plan = _plan(shape, _known(judge))
    rates = Replies(plan).frequencies(_judged(shape, judge, streams, 1), seed=2)
    assert rates.passed <= ALPHA + rates.three_errors(ALPHA)
    assert rates.failed <= ALPHA + rates.three_errors(ALPHA)
    # What the simulation finds is what the design says: it neither loses errors nor makes new ones.
    design = plan.design.claims[0].design
    assert design is not None
    said = boundaries_of(design).operating_characteristics(judged_rate(design, shape.threshold))
    assert min(float(said.p_pass), float(said.p_fail)) > 0.02
    assert rates.passed == pytest.approx(float(said.p_pass), abs=rates.three_errors(float(said.p_pass)))
    assert rates.failed == pytest.approx(float(said.p_fail), abs=rates.three_errors(float(said.p_fail)))


@pytest.mark.parametrize(
    ("together", "streams"),
    [
        pytest.param(True, 400),
        pytest.param(True, 4_000, marks=pytest.mark.slow),
        pytest.param(False, 600, marks=pytest.mark.slow),
        pytest.param(False, 4_000, marks=pytest.mark.slow),
    ],
)
def test_given_two_flips_a_unit_when_they_agree_always_or_by_chance_then_each_error_is_rarer_than_alpha(
    *, together: bool, streams: int
) -> None:
    shape = Shape(0.05, 60, 2)
    replies = Replies(_plan(shape, _known(GOOD)))
    rates = replies.frequencies(_judged(shape, GOOD, streams, 3, together=together), seed=4)
    assert rates.passed <= ALPHA + rates.three_errors(ALPHA)
    assert rates.failed <= ALPHA + rates.three_errors(ALPHA)
    if together:  # the least favourable case, for which the boundaries are made
        assert min(rates.passed, rates.failed) > 0.01


@pytest.mark.parametrize("streams", [400, pytest.param(4_000, marks=pytest.mark.slow)])
def test_given_a_card_of_three_hundred_labels_each_when_run_then_the_errors_of_card_and_test_stay_under_alpha(
    monkeypatch: pytest.MonkeyPatch, streams: int
) -> None:
    def all_of_them(process: AlphaSpendingProcess, _chance: float) -> int:
        return process.design.n_max

    # A design a card: how far ahead each looks would take longer to work out than all the streams.
    monkeypatch.setattr(AlphaSpendingProcess, "units_needed", all_of_them)
    shape, labels = Shape(0.10, 80), 300
    chance = np.random.default_rng(5)
    cards = np.stack([chance.binomial(labels, share, streams) for share in GOOD], axis=1)
    judged = _judged(shape, GOOD, streams, 6)
    passed = failed = 0
    for card in np.unique(cards, axis=0):
        mine = judged[(cards == card).all(axis=1)]
        replies = Replies(_plan(shape, _card((float(card[0]), float(card[1])), labels)))
        rates = replies.frequencies(mine, seed=7)
        passed += round(rates.passed * rates.streams)
        failed += round(rates.failed * rates.streams)
    rates = Rates(passed / streams, failed / streams, streams)
    assert rates.passed <= ALPHA + rates.three_errors(ALPHA)
    assert rates.failed <= ALPHA + rates.three_errors(ALPHA)


# --- what would break the promise is found by the same simulation --------------------------------


class _NaivePeeking(ClaimStream):
    """Tests at alpha after each unit and stops at the first success."""

    def _count(self, outcome: UnitOutcome) -> None:
        self.used.append(outcome)
        bad = sum(one.bad for one in self.used)
        tests = _tests(bad, len(self.used), self.claim.threshold)
        self.state = "pass" if tests.p_pass <= ALPHA else "fail" if tests.p_fail <= ALPHA else "continue"

    def wants(self, index: int) -> bool:
        return self.state == "continue" and index < len(self.claim.units)


_tests = cache(binomial_tests)


class _CompletionOrder(ClaimStream):
    """Counts units as they come back."""

    def advance(self, judgements: Mapping[str, Judgement]) -> State:
        for trial in list(judgements)[len(self.used) :]:
            if self.state == "continue":
                self._count(unit_outcome(self.claim, (trial,), judgements))
        return self.state


def test_given_a_test_at_alpha_after_each_unit_when_run_then_both_errors_are_far_over_alpha(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """METHODS.md section 4: naive peeking errs .134 and .180 of the time at 5%."""
    monkeypatch.setattr("alignmeter.verdicts.labelled_stream.open_stream", _NaivePeeking)
    shape = Shape(0.05, 200)
    rates = Replies(_plan(shape, None)).frequencies(_judged(shape, PERFECT, 400, 8), seed=9)
    assert rates.passed > ALPHA + rates.three_errors(ALPHA)
    assert rates.failed > ALPHA + rates.three_errors(ALPHA)


def test_given_units_counted_as_they_come_back_when_refusals_come_first_then_it_passes_too_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shape = Shape(0.10, 80)
    replies, judged = Replies(_plan(shape, None)), _judged(shape, PERFECT, 400, 10)
    committed = replies.frequencies(judged, seed=11)
    monkeypatch.setattr("alignmeter.verdicts.labelled_stream.open_stream", _CompletionOrder)
    completed = replies.frequencies(judged, seed=11)
    assert committed.passed <= ALPHA + committed.three_errors(ALPHA)
    assert completed.passed > ALPHA + completed.three_errors(ALPHA)


def test_given_a_judge_taken_as_perfect_when_it_sees_five_percent_too_much_then_it_fails_far_too_often() -> (
    None
):
    shape = Shape(0.10, 80)
    rates = Replies(_plan(shape, None)).frequencies(_judged(shape, GOOD, 400, 12), seed=13)
    assert rates.failed > ALPHA + rates.three_errors(ALPHA)
