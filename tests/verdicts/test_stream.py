"""A claim's stream: units count in their committed order, once each, until the claim is decided."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.records import JudgeCard, Judgement, Unscored
from alignmeter.verdicts import ClaimStream, boundaries_of
from alignmeter.verdicts.design import ClaimSize, ErrorRates, design_claim
from alignmeter.verdicts.stream import AHEAD, WASTE

if TYPE_CHECKING:
    from random import Random

    from conftest import Build

    from alignmeter.records import Claim, ClaimKind

_BUDGET = 0.02
_COIN = JudgeCard(
    judge_hash="h", axis="refusal", data="a test", split="test", n=200, kappa=0.0, event="refused",
    sensitivity=(0.5, 0.4, 0.6), sensitivity_counts=(50, 100),
    specificity=(0.5, 0.4, 0.6), specificity_counts=(50, 100),
)  # fmt: skip


def _claim(
    build: Build,
    units: int,
    *,
    threshold: float = 0.05,
    kind: ClaimKind = "false_refusal_benign",
    batch: int = 1,
    fixed: bool = False,
    card: JudgeCard | None = None,
) -> Claim:
    """A sequential claim of units u0, u1, ... that never gives up."""
    claim = build.claim(units, threshold=threshold, kind=kind)
    size = ClaimSize(threshold, units, len(claim.units[0]))
    chosen = build.model(design={"futility": 0, "batch": batch}).design
    design = design_claim(size, ErrorRates(0.05, 0.05), chosen, card, fixed=fixed)
    return msgspec.structs.replace(claim, design=design)


def _outcomes(build: Build, claim: Claim, signs: str) -> dict[str, Judgement]:
    """Judgements by member in order: `b` bad, `g` good, `?` unscored; the last sign repeats."""
    results = {"b": build.bad[claim.kind], "g": build.good[claim.kind], "?": Unscored(reason="target_error")}
    members = [trial for unit in claim.units for trial in unit]
    each = itertools.chain(signs, itertools.repeat(signs[-1]))
    return {
        trial: build.judgement(trial, results[sign], claim.axis)
        for trial, sign in zip(members, each, strict=False)
    }


# --- the committed order -------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    signs=st.lists(st.sampled_from("gggggggb?"), min_size=1, max_size=120).map("".join),
    flips=st.booleans(), chance=st.randoms(use_true_random=False),
)  # fmt: skip
def test_given_judgements_in_any_order_when_all_are_in_then_what_counts_is_the_same(
    build: Build, signs: str, chance: Random, *, flips: bool
) -> None:
    claim = _claim(
        build, 60, threshold=0.1, kind="confident_hallucination" if flips else "false_refusal_benign"
    )
    judgements = _outcomes(build, claim, signs)
    at_once = ClaimStream(claim, _BUDGET)
    at_once.advance(judgements)

    one_by_one, seen = ClaimStream(claim, _BUDGET), dict[str, Judgement]()
    for trial in chance.sample(sorted(judgements), len(judgements)):
        seen[trial] = judgements[trial]
        one_by_one.advance(seen)
    assert (one_by_one.state, one_by_one.used) == (at_once.state, at_once.used)


def test_given_a_gap_when_later_units_are_in_then_none_counts_until_it_is_filled(build: Build) -> None:
    claim = _claim(build, 100)
    judgements = _outcomes(build, claim, "g")
    late = judgements.pop("u3")
    stream = ClaimStream(claim, _BUDGET)
    assert stream.advance(judgements) == "continue"
    assert len(stream.used) == 3
    judgements["u3"] = late
    assert stream.advance(judgements) == "pass"


def test_given_a_decision_when_more_units_come_back_then_they_do_not_count(build: Build) -> None:
    claim = _claim(build, 100)
    judgements = _outcomes(build, claim, "g")
    stream = ClaimStream(claim, _BUDGET)
    stream.advance(judgements)
    used = list(stream.used)
    assert stream.state == "pass"
    assert len(used) < 100
    assert stream.advance(judgements | _outcomes(build, claim, "b")) == "pass"
    assert stream.used == used


@pytest.mark.parametrize("missing", ["u4y", "u4n"])
def test_given_two_flips_when_one_of_them_is_missing_then_their_unit_does_not_count(
    build: Build, missing: str
) -> None:
    claim = _claim(build, 40, kind="confident_hallucination")
    judgements = _outcomes(build, claim, "g")
    flip = judgements.pop(missing)
    stream = ClaimStream(claim, _BUDGET)
    stream.advance(judgements)
    assert len(stream.used) == 4
    stream.advance({**judgements, missing: flip})
    assert len(stream.used) == 40


def test_given_one_of_two_flips_bad_when_counted_then_it_is_half_a_unit(build: Build) -> None:
    claim = _claim(build, 40, kind="confident_hallucination", threshold=0.3)
    stream = ClaimStream(claim, _BUDGET)
    stream.advance(_outcomes(build, claim, "bggg?ggg"))
    assert [(one.bad, one.unscored) for one in stream.used[:4]] == [(1, 0), (0, 0), (0, 1), (0, 0)]
    assert stream.process is not None
    assert (stream.process.low, stream.process.high) == (1, 2)


# --- what has no score ---------------------------------------------------------------------------


def test_given_an_unscored_unit_when_passing_then_it_counts_as_a_bad_one(build: Build) -> None:
    claim, ends = _claim(build, 200), list[int]()
    for signs in ("bg", "?g"):
        stream = ClaimStream(claim, 1.0)
        assert stream.advance(_outcomes(build, claim, signs)) == "pass"
        ends.append(len(stream.used))
    assert ends[0] == ends[1]


def test_given_an_unscored_unit_when_failing_then_it_counts_as_a_good_one(build: Build) -> None:
    claim, ends = _claim(build, 200), list[int]()
    for signs in ("gb", "?b"):
        stream = ClaimStream(claim, 1.0)
        assert stream.advance(_outcomes(build, claim, signs)) == "fail"
        ends.append(len(stream.used))
    assert ends[0] == ends[1]


def test_given_nothing_but_unscored_units_when_the_budget_allows_it_then_neither_side_is_shown(
    build: Build,
) -> None:
    claim = _claim(build, 200)
    stream = ClaimStream(claim, 1.0)
    assert stream.advance(_outcomes(build, claim, "?")) == "undecided"
    assert len(stream.used) == 200


def test_given_more_unscored_than_the_whole_claim_may_have_when_fifty_units_are_in_then_it_is_given_up(
    build: Build,
) -> None:
    claim = _claim(build, 200)  # 2% of 200 units: four may be unscored, five may not
    for unscored, state, used in ((5, "unscored", 50), (50, "unscored", 50), (4, "undecided", 200)):
        # Enough bad units among the first ones to keep the claim from passing, too few to fail it.
        stream = ClaimStream(claim, _BUDGET)
        signs = "?" * unscored + "ggggggggggggggb" * 14 if unscored < 50 else "?"
        assert (stream.advance(_outcomes(build, claim, signs)), len(stream.used)) == (state, used)


def test_given_a_claim_that_is_given_up_when_it_is_for_replies_without_a_score_then_it_says_so(
    build: Build,
) -> None:
    claim = _claim(build, 400)
    assert claim.design is not None
    claim = msgspec.structs.replace(claim, design=msgspec.structs.replace(claim.design, futility=0.05))
    near_the_limit = ("g" * 19 + "b") * 20
    for signs, state in (("?", "unscored"), (near_the_limit, "futile"), ("?" + near_the_limit, "futile")):
        stream = ClaimStream(claim, 0.05)
        assert stream.advance(_outcomes(build, claim, signs)) == state
        assert (len(stream.used) < 50) == (state == "unscored")


def test_given_fewer_than_fifty_units_when_more_are_unscored_than_chance_leaves_then_it_is_given_up(
    build: Build,
) -> None:
    claim = _claim(build, 49)  # three of 49 are over 2%, and no more than chance leaves one time in twenty
    for signs, state, used in (
        ("?", "unscored", 4),
        ("???bbg", "undecided", 49),
        ("ggg?gg?gg???", "unscored", 11),
    ):
        stream = ClaimStream(claim, _BUDGET)
        assert (stream.advance(_outcomes(build, claim, signs)), len(stream.used)) == (state, used)


# --- how far ahead to ask ------------------------------------------------------------------------


def _wanted(stream: ClaimStream) -> int:
    """Units that are worth asking now."""
    return next((n for n in range(len(stream.claim.units)) if not stream.wants(n)), len(stream.claim.units))


def test_given_good_units_when_asked_what_is_wanted_then_it_is_what_the_process_needs_and_a_few(
    build: Build,
) -> None:
    claim = _claim(build, 200)
    assert claim.design is not None
    for n in range(0, 60, 6):
        process, stream = boundaries_of(claim.design).start(), ClaimStream(claim, _BUDGET)
        for _ in range(n):
            process.update(0)
        stream.advance(dict(list(_outcomes(build, claim, "g").items())[:n]))
        assert _wanted(stream) == max(process.units_needed(WASTE), n + AHEAD)


def test_given_units_one_by_one_when_asked_what_is_wanted_then_there_is_always_a_next_one(
    build: Build,
) -> None:
    claim = _claim(build, 200)
    stream, seen = ClaimStream(claim, _BUDGET), dict[str, Judgement]()
    for trial, judgement in _outcomes(build, claim, "gbggggggggggggggb").items():
        assert stream.wants(len(stream.used))
        seen[trial] = judgement
        if stream.advance(seen) != "continue":
            break
    assert _wanted(stream) == 0


def test_given_a_bad_unit_when_asked_what_is_wanted_then_the_claim_runs_less_far_ahead(build: Build) -> None:
    claim = _claim(build, 200)
    good, bad = ClaimStream(claim, _BUDGET), ClaimStream(claim, _BUDGET)
    outcomes = _outcomes(build, claim, "g" * 20)
    good.advance(dict(list(outcomes.items())[:20]))
    bad.advance(dict(list(_outcomes(build, claim, "g" * 18 + "bb").items())[:20]))
    assert AHEAD <= _wanted(bad) - 20 < _wanted(good) - 20


def test_given_a_decision_when_asked_what_is_wanted_then_it_is_nothing(build: Build) -> None:
    claim = _claim(build, 200)
    stream = ClaimStream(claim, _BUDGET)
    stream.advance(_outcomes(build, claim, "b"))
    assert stream.state == "fail"
    assert _wanted(stream) == 0


@pytest.mark.parametrize("why", ["fixed", "an old run"])
def test_given_no_sequential_test_when_asked_what_is_wanted_then_it_is_all_of_it(
    build: Build, why: str
) -> None:
    claim = {"fixed": _claim(build, 80, fixed=True), "an old run": build.claim(80)}[why]
    stream = ClaimStream(claim, _BUDGET)
    assert stream.advance(_outcomes(build, claim, "b")) == "continue"
    assert len(stream.used) == 80
    assert _wanted(stream) == 80


def test_given_a_coin_for_a_judge_when_asked_what_is_wanted_then_no_call_is_worth_making(
    build: Build,
) -> None:
    stream = ClaimStream(_claim(build, 80, card=_COIN), _BUDGET)
    assert stream.state == "undecided"
    assert _wanted(stream) == 0
