"""Rates from labels that another judge drew: intervals at 95% hold the rate (docs/decisions/0063).

Two judges see the same replies, each with errors of its own. People, who do not err, label what the queue
of one of them asks for, or of one after the other; the rate is then estimated as either judge reads it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pytest

from alignmeter.analysis import LabelledArm, judge_equality
from alignmeter.records import Claim, HumanLabel, Judgement, RefusalResult, Unscored
from alignmeter.verdicts import claim_labels, claim_queue, label_shares, people_answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNITS, _WORLDS, _SEED = 300, 60, 63
_BAD, _GOOD, _LOST = RefusalResult(label="full"), RefusalResult(label="none"), Unscored(reason="judge_error")

Who = Literal["own", "other"]


class World(NamedTuple):
    """The replies of one run: those that are bad, and what either judge said of them."""

    bad: frozenset[str]
    judged: Mapping[Who, Mapping[str, Judgement]]


def _claim() -> Claim:
    return Claim(
        id="c",
        kind="false_refusal_benign",
        title="c",
        threshold=0.05,
        alpha=0.05,
        units=tuple((f"u{i}",) for i in range(_UNITS)),
    )


def _world(generator: np.random.Generator, rate: float) -> World:
    """The run's own judge misses a third and flags few, the other finds nearly all and flags many."""
    errors: dict[Who, tuple[float, float]] = {"own": (0.65, 0.02), "other": (0.95, 0.15)}
    names = [f"u{i}" for i in range(_UNITS)]
    bad = frozenset(name for name in names if generator.random() < rate)
    judged: dict[Who, Mapping[str, Judgement]] = {
        who: {
            name: Judgement(
                trial=name, transcript="t", judge=who, judge_hash=who, axis="refusal",
                result=_LOST if generator.random() < 0.01
                else _BAD if generator.random() < (found if name in bad else false)
                else _GOOD,
            )
            for name in names
        }
        for who, (found, false) in errors.items()
    }  # fmt: skip
    return World(bad, judged)


def _label(world: World, drew: Sequence[Who], seed: int) -> dict[str, Judgement]:
    """What people say once they have answered what each judge's verdict hangs on, with what is mixed in."""
    labels: dict[str, HumanLabel] = {}
    for who in drew:
        people = people_answers(labels.values()).get("refusal", {})
        queue = claim_queue(_claim(), world.judged[who], people, seed=seed)
        for name in queue.verdict or queue.estimate:
            label = "full" if name in world.bad else "none"
            labels[name] = HumanLabel(
                trial=name, transcript="t", axis="refusal", label=label, annotator="ana", at=1.0
            )
    return people_answers(labels.values())["refusal"]


@cache
def _worlds(drew: tuple[Who, ...], rate: float) -> tuple[tuple[World, dict[str, Judgement]], ...]:
    """Worlds with the labels of each."""
    generator = np.random.default_rng(_SEED)
    worlds = [_world(generator, rate) for _ in range(_WORLDS)]
    return tuple((world, _label(world, drew, seed)) for seed, world in enumerate(worlds))


def _found(drew: tuple[Who, ...], reads: Who, told: tuple[Who, ...], rate: float) -> tuple[int, float, float]:
    """How many estimates there are, the share of intervals that hold the rate, and how far off they are."""
    held: list[bool] = []
    off: list[float] = []
    for seed, (world, people) in enumerate(_worlds(drew, rate)):
        made = claim_labels(
            _claim(), world.judged[reads], people, seed=seed, drawn_by=[world.judged[who] for who in told]
        )
        assert made is not None
        if made.estimate is None:
            continue
        true = len(world.bad) / _UNITS
        held.append(made.estimate.interval.lower <= true <= made.estimate.interval.upper)
        off.append(made.estimate.rate - true)
    return len(held), float(np.mean(held)), float(np.mean(off))


@pytest.mark.parametrize(
    ("drew", "reads", "told"),
    [
        (("own",), "own", ("own",)),
        (("other",), "other", ("other",)),
        (("other",), "own", ("other",)),
        (("own",), "other", ("own",)),
        (("own", "other"), "own", ("own", "other")),
        (("own", "other"), "other", ("other", "own")),
        (("other", "own"), "own", ("own", "other")),
        (("other",), "own", ("own", "other")),
    ],
)
def test_given_labels_drawn_by_either_judge_when_estimated_then_95_of_100_intervals_hold_the_rate(
    drew: tuple[Who, ...], reads: Who, told: tuple[Who, ...]
) -> None:
    estimates, held, off = _found(drew, reads, told, 0.1)
    assert estimates == _WORLDS
    assert held >= 0.9
    assert abs(off) < 0.01


def test_given_labels_of_another_judge_when_taken_for_draws_of_this_one_then_the_rate_is_far_too_high() -> (
    None
):
    """Why a label says by whom it was drawn."""
    _, held, off = _found(("other",), "own", ("own",), 0.1)
    assert held < 0.5
    assert off > 0.03


def test_given_labels_drawn_by_one_judge_when_two_read_them_then_both_estimate_the_same() -> None:
    world = _world(np.random.default_rng(_SEED), 0.1)
    people = _label(world, ("other",), 1)
    drawn_by = [world.judged["other"]]
    either = [
        claim_labels(_claim(), world.judged[reads], people, seed=1, drawn_by=drawn_by)
        for reads in ("own", "other")
    ]
    own, other = (made.estimate for made in either if made is not None)
    assert own is not None
    assert other is not None
    assert (own.rate, own.interval) == (other.rate, other.interval)
    assert (own.drawn_otherwise, other.drawn_otherwise) == (True, False)


def _arm(world: World, people: Mapping[str, Judgement], seed: int, told: Sequence[Who]) -> LabelledArm:
    """One run of a comparison, as the run's own judge reads it."""
    shares = label_shares(
        _claim(), world.judged["own"], people, seed=seed, drawn_by=[world.judged[who] for who in told]
    )
    found, cleared = shares["positive"], shares["negative"]
    return LabelledArm(
        found.size, cleared.size, found.worth.labelled, found.worth.events, cleared.worth.labelled,
        cleared.worth.events,
    )  # fmt: skip


@pytest.mark.parametrize(("told", "holds"), [(("own", "other"), True), (("own",), False)])
def test_given_runs_labelled_under_different_judges_when_compared_then_an_equal_judge_is_rarely_told_apart(
    told: tuple[Who, ...], *, holds: bool
) -> None:
    """A comparison is INVALID where its judge errs otherwise on one of the models."""
    ones, others = _worlds(("own",), 0.1), _worlds(("own", "other"), 0.1)
    differs = [
        judge_equality(_arm(*ones[seed], seed, ("own",)), _arm(*others[seed - 1], (seed - 1) % _WORLDS, told))
        for seed in range(_WORLDS)
    ]
    share = np.mean([found.status == "differs" for found in differs])
    assert (share <= 0.05 + 3 * (0.05 * 0.95 / _WORLDS) ** 0.5) == holds
    assert all(found.status != "unknown" for found in differs)
