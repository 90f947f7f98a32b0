"""The rate from labels: each stands for the replies that it was drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from alignmeter.records import HumanLabel
from alignmeter.verdicts import ErrorRates, claim_labels, people_answers
from alignmeter.verdicts.gaps import GapDraft, gap_claim
from alignmeter.verdicts.label_estimate import draw_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conftest import Build

    from alignmeter.records import Claim, Judgement, LabelEstimate

_SEED = 1
_NUMBERS = range(240)
_SMALL = frozenset(f"u{i}" for i in range(200, 240))
_ALL = frozenset(f"u{i}" for i in _NUMBERS)


def _claim(build: Build, trials: Iterable[str], name: str) -> Claim:
    return msgspec.structs.replace(
        build.claim(1),
        id=name,
        units=tuple((trial,) for trial in sorted(trials, key=lambda one: int(one[1:]))),
    )


def _claims(build: Build) -> tuple[Claim, ...]:
    """A whole with a large and a small part."""
    parts = _claim(build, _ALL - _SMALL, "whole/large"), _claim(build, _SMALL, "whole/small")
    return _claim(build, _ALL, "whole"), *parts


def _judged(build: Build, flagged: Iterable[str] = ()) -> dict[str, Judgement]:
    bad = set(flagged)
    kind = "false_refusal_benign"
    return {
        trial: build.judgement(trial, (build.bad if trial in bad else build.good)[kind]) for trial in _ALL
    }


def _people(trials: Iterable[str], bad: Iterable[str]) -> dict[str, Judgement]:
    found = set(bad)
    return people_answers(
        HumanLabel(
            trial=trial, transcript="t", axis="refusal", label="full" if trial in found else "none",
            annotator="ana", at=1.0,
        )
        for trial in trials
    ).get("refusal", {})  # fmt: skip


def _estimate(
    claims: tuple[Claim, ...],
    judged: dict[str, Judgement],
    people: dict[str, Judgement],
    drawn_by: Sequence[dict[str, Judgement]] = (),
) -> LabelEstimate:
    made = claim_labels(claims[0], judged, people, seed=_SEED, claims=claims, drawn_by=drawn_by)
    assert made is not None
    assert made.estimate is not None
    return made.estimate


def test_given_a_part_with_labels_of_its_own_when_the_whole_is_estimated_then_it_counts_by_its_size(
    build: Build,
) -> None:
    large, small = draw_order(_ALL - _SMALL, _SEED)[:20], draw_order(_SMALL, _SEED)[:20]
    found = _estimate(_claims(build), _judged(build), _people([*large, *small], _SMALL))
    assert found.rate == pytest.approx(40 / 240), "not the 20 of 40 labels"
    assert (found.negatives.labelled, found.negatives.bad) == (40, 20)
    assert found.interval.lower < 40 / 240 < found.interval.upper < 0.4


def test_given_parts_with_more_labels_than_their_share_when_repeated_then_95_of_100_intervals_hold_the_rate(
    build: Build,
) -> None:
    rng = np.random.default_rng(5)
    claims = _claims(build)
    held: list[bool] = []
    rates: list[float] = []
    for _ in range(60):
        bad = {t for t in _ALL if rng.random() < (0.5 if t in _SMALL else 0.03)}
        flagged = {t for t in _ALL if rng.random() < (0.6 if t in bad else 0.05)}
        drawn = {
            trial
            for part in (_ALL - _SMALL, _SMALL)
            for called in (flagged, _ALL - flagged)
            for trial in draw_order(part & called, int(rng.integers(10**6)))[:15]
        }
        found = _estimate(claims, _judged(build, flagged), _people(drawn, bad))
        rates.append(found.rate - len(bad) / len(_ALL))
        held.append(found.interval.lower <= len(bad) / len(_ALL) <= found.interval.upper)
    assert abs(np.mean(rates)) < 0.01
    assert np.mean(held) >= 0.92


def test_given_labels_of_the_whole_alone_when_a_part_got_none_then_they_are_one_draw(build: Build) -> None:
    whole, *_ = claims = _claims(build)
    order = draw_order(_ALL, _SEED)
    first = order[: next(i for i, trial in enumerate(order) if trial in _SMALL)]
    people = _people(first, first[:1])
    assert _estimate(claims, _judged(build), people) == _estimate((whole,), _judged(build), people)


def test_given_labels_of_one_part_alone_when_the_whole_is_estimated_then_the_other_may_be_anything(
    build: Build,
) -> None:
    found = _estimate(_claims(build), _judged(build), _people(_SMALL, draw_order(_SMALL, _SEED)[:20]))
    assert found.interval.lower < 0.1
    assert found.interval.upper > 0.8


def test_given_labels_drawn_under_another_judge_when_estimated_then_what_it_flagged_is_not_taken_for_the_rest(
    build: Build,
) -> None:
    flagged = draw_order(_ALL, 7)[:60]
    own, other = _judged(build, flagged), _judged(build, flagged[:8])
    clean = draw_order(_ALL - set(flagged), _SEED)[:20]
    people = _people([*flagged, *clean], flagged[:30])
    claims = _claims(build)[:1]
    found = _estimate(claims, other, people, drawn_by=[own])
    assert found.rate == pytest.approx(30 / 240)
    assert found.rate == pytest.approx(_estimate(claims, own, people).rate)
    assert found.interval.lower < 30 / 240 < found.interval.upper


def test_given_a_gap_that_people_decided_when_the_rate_is_estimated_then_its_replies_count_by_their_number(
    build: Build,
) -> None:
    """All replies of the gap are labelled, and refused; of the others 20 of 200 are, and none is."""
    whole = _claim(build, _ALL, "whole")
    pairs = sorted(_SMALL, key=lambda one: int(one[1:]))
    gap = gap_claim(
        GapDraft("sw", "legitimate", tuple((f"sw-{trial}", trial) for trial in pairs)),
        0.1,
        ErrorRates(0.05, 0.05),
        {},
        futility=0.0,
    )
    there = {unit[0]: build.judgement(unit[0], build.good["false_refusal_benign"]) for unit in gap.units}
    judged = _judged(build) | there
    others = draw_order(_ALL - _SMALL, _SEED)[:20]
    people = _people([*others, *_SMALL, *there], _SMALL)
    made = claim_labels(whole, judged, people, seed=_SEED, claims=(whole, gap))
    assert made is not None
    assert made.estimate is not None
    assert made.estimate.rate == pytest.approx(40 / 240), "not the 40 of 60 labels"
