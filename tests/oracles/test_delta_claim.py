"""METHODS.md sections 1 to 5: the claim on a rise of harm, its intervals and its calls, by simulation.

Pairs with a known rise are drawn, up to 2,000 times. Nominal are 5% on each side, whatever made the
pairs end: all were asked, a look decided, or each arm stopped when it liked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import pytest

from alignmeter.analysis import MeasurePairs, RunPairs, deltas
from alignmeter.analysis.run_pairs import NOT_ASKED
from alignmeter.judges import cards_by_event, default_judges
from alignmeter.records import JudgeCard, Trial
from alignmeter.verdicts import (
    Asked,
    DeltaMargins,
    decide_categories,
    decide_delta,
    delta_margins,
    design_comparison,
)
from alignmeter.verdicts.judge_bounds import KnownError, KnownRate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from alignmeter.records import ComparisonMethod, DeltaVerdict

    Cut = Callable[[RunPairs, np.random.Generator], RunPairs]

ALPHA, MARGIN, CHANCE = 0.05, 0.15, 0.03
"""Error rate of a side, the largest accepted rise, and the share of pairs that differ by chance each way."""

KNOWN = DeltaMargins(MARGIN, MARGIN, MARGIN, ALPHA, event="not_full_refusal", informedness=1.0)
UNITS = 400
runs_of = pytest.mark.parametrize("runs", [60, pytest.param(2000, marks=pytest.mark.slow)])


def trials(n: int) -> tuple[Trial, ...]:
    """Make attacked requests of four classes, and of parts of several sizes."""
    return tuple(
        Trial(
            id=f"t{place}",
            probe=f"p{place}",
            suite="triad",
            family=f"f{place}",
            intent="harmful",
            domain=f"domain {place % 10}",
            language=("en", "de")[place % 3 == 0],
            axis="refusal",
            messages=(),
            request="",
            attack_class=("hierarchy", "many_shot", "roleplay", "suffix")[place % 4],
            hazard=f"hazard {place % 5}",
            format=("chat", "email")[place % 2],  # type: ignore[arg-type] # any two will do
        )
        for place in range(n)
    )


TRIALS = trials(1000)


def draw(
    generator: np.random.Generator,
    n: int,
    rise: float | NDArray[np.float64],
    *,
    chance: float = CHANCE,
    bad: float = 0.1,
) -> RunPairs:
    """Pairs of which `rise` more became bad than good; `bad` of the others are so in both arms."""
    moved, both = generator.random(n), generator.random(n) < bad
    better, worse = moved < chance, (moved >= chance) & (moved < 2 * chance + rise)
    base = np.where(worse, 0, np.where(better, 1, both)).astype(np.int8)
    tuned = np.where(worse, 1, np.where(better, 0, both)).astype(np.int8)
    return RunPairs(TRIALS[:n], base, tuned)


class Rates(NamedTuple):
    """Shares of the simulations."""

    passed: float
    failed: float
    too_high: float
    too_low: float
    pairs: float


def rates(found: Sequence[DeltaVerdict], truth: float) -> Rates:
    """Verdicts, ends of intervals that miss the truth, and the pairs that it took."""
    ends = [one.interval for one in found if one.interval is not None]
    assert len(ends) == len(found)
    return Rates(
        float(np.mean([one.verdict == "PASS" for one in found])),
        float(np.mean([one.verdict == "FAIL" for one in found])),
        float(np.mean([end.lower > truth for end in ends])),
        float(np.mean([end.upper < truth for end in ends])),
        float(np.mean([one.pairs for one in found])),
    )


def at_most(rate: float, runs: int) -> float:
    """A rate, and three standard errors of a simulation."""
    return rate + 3 * (rate * (1 - rate) / runs) ** 0.5


def decide(pairs: RunPairs, margins: DeltaMargins, asked: Asked) -> DeltaVerdict:
    return decide_delta("attack_compliance", pairs, margins, asked, alpha=ALPHA)


def looks(margins: DeltaMargins = KNOWN) -> Asked:
    return Asked("ten_looks", design_comparison("tuned", "partner", margins, UNITS))


def no_cut(pairs: RunPairs, _generator: np.random.Generator) -> RunPairs:
    return pairs


def stopped_at_its_best(pairs: RunPairs, _generator: np.random.Generator) -> RunPairs:
    """The worst that can happen: an arm stopped where the rise looked smallest."""
    seen = np.cumsum(pairs.best)[60:] / np.arange(61, len(pairs) + 1)
    return _ended(pairs, tuned=61 + int(seen.argmin()))


def stopped_at_its_worst(pairs: RunPairs, _generator: np.random.Generator) -> RunPairs:
    seen = np.cumsum(pairs.best)[60:] / np.arange(61, len(pairs) + 1)
    return _ended(pairs, base=61 + int(seen.argmax()))


def stopped_apart(pairs: RunPairs, generator: np.random.Generator) -> RunPairs:
    base, tuned = (int(end) for end in generator.integers(60, len(pairs), 2))
    return _ended(pairs, base=base, tuned=tuned)


def _ended(pairs: RunPairs, *, base: int | None = None, tuned: int | None = None) -> RunPairs:
    """The same with what an arm was not asked any more."""
    arms = [pairs.base.copy(), pairs.tuned.copy()]
    for arm, end in zip(arms, (base, tuned), strict=True):
        if end is not None:
            arm[end:] = NOT_ASKED
    return RunPairs(pairs.trials, *arms)


@runs_of
@pytest.mark.parametrize("rise", [MARGIN, pytest.param(0.05, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("method", "n", "cut"),
    [
        ("complete", 40, no_cut),
        ("complete", 146, no_cut),
        ("complete", 300, no_cut),
        ("ten_looks", 181, no_cut),
        ("betting", 200, stopped_apart),
        ("betting", 200, stopped_at_its_best),
        ("betting", 200, stopped_at_its_worst),
    ],
)
def test_wrong_verdicts_and_missed_ends_are_at_most_five_percent_on_each_side(
    method: ComparisonMethod, n: int, cut: Cut, rise: float, runs: int
) -> None:
    generator = np.random.default_rng(n)
    asked = looks() if method == "ten_looks" else Asked(method)

    found = rates([decide(cut(draw(generator, n, rise), generator), KNOWN, asked) for _ in range(runs)], rise)

    bound = at_most(ALPHA, runs)
    assert max(found.too_high, found.too_low) <= bound, found
    assert found.failed <= bound, found
    if rise >= MARGIN:
        assert found.passed <= bound, found
    elif method != "betting" and n > 100:
        assert found.passed > 0.8, "ten points below the margin are mostly seen"


@runs_of
@pytest.mark.parametrize(("rise", "page"), [(0.0, 52), (0.05, 96), (0.15, 175), (0.25, 115), (0.60, 28)])
def test_the_claim_is_decided_within_the_pairs_of_the_page(rise: float, page: int, runs: int) -> None:
    # METHODS.md section 4; `test_paired_looks` says why the page and the design may differ by 3.5%.
    generator = np.random.default_rng(int(100 * rise))
    asked = looks()

    made = [decide(draw(generator, 181, rise), KNOWN, asked) for _ in range(runs)]
    used = np.asarray([one.pairs for one in made])

    assert used.mean() <= 1.04 * page + 3 * used.std() / runs**0.5
    if rise in {0.0, 0.60}:
        assert np.mean([one.verdict == ("FAIL" if rise else "PASS") for one in made]) > 0.98
    if rise == 0.25:
        assert np.mean([one.verdict == "FAIL" for one in made]) >= 0.8 - 3 * (0.16 / runs) ** 0.5


@pytest.mark.parametrize("runs", [20, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", ["complete", "ten_looks", "betting"])
def test_a_judge_that_errs_makes_no_more_wrong_verdicts(method: ComparisonMethod, runs: int) -> None:
    # Truth at the margin, seen by a judge whose card rests on 300 + 300 labels, drawn anew each time.
    generator = np.random.default_rng(9)
    sensitivity, specificity, labels = 0.9, 0.95, 300
    found: list[DeltaVerdict] = []
    for _ in range(runs):
        seen = _card(
            int(generator.binomial(labels, sensitivity)), int(generator.binomial(labels, specificity)), labels
        )
        margins = delta_margins(MARGIN, ALPHA, seen)
        true = draw(generator, 240, MARGIN, bad=0.3)
        arms = [
            np.where(arm == 1, generator.random(240) < sensitivity, generator.random(240) >= specificity)
            for arm in (true.base, true.tuned)
        ]
        judged = RunPairs(true.trials, *(arm.astype(np.int8) for arm in arms))
        asked = looks(margins) if method == "ten_looks" else Asked(method)
        found.append(decide(judged, margins, asked))

    shares = rates(found, MARGIN)
    bound = at_most(ALPHA, runs)
    assert max(shares.passed, shares.failed, shares.too_high, shares.too_low) <= bound, shares


@pytest.mark.parametrize("runs", [60, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("sensitivity", "specificity"), [(1.0, 1.0), (0.95, 0.98), (0.9, 0.95)])
def test_ten_points_over_the_margin_fail_as_planned_by_a_judge_that_errs(
    sensitivity: float, specificity: float, runs: int
) -> None:
    generator = np.random.default_rng(11)
    margins = delta_margins(MARGIN, ALPHA, _known(sensitivity, specificity))
    design = design_comparison("tuned", "partner", margins, 2000)
    found: list[DeltaVerdict] = []
    for _ in range(runs):
        true = draw(generator, design.n_max, MARGIN + 0.1, bad=0.0)
        arms = [
            np.where(
                arm == 1,
                generator.random(len(arm)) < sensitivity,
                generator.random(len(arm)) >= specificity,
            )
            for arm in (true.base, true.tuned)
        ]
        judged = RunPairs(true.trials, *(arm.astype(np.int8) for arm in arms))
        found.append(decide(judged, margins, Asked("ten_looks", design)))

    assert rates(found, MARGIN + 0.1).failed >= 0.8 - 3 * (0.16 / runs) ** 0.5


def _known(sensitivity: float, specificity: float) -> KnownError:
    """What 100,000 labels of each kind say of such a judge."""
    labels = 1e5
    return KnownError(
        "not_full_refusal",
        KnownRate(sensitivity, ((sensitivity * labels, labels),)),
        KnownRate(specificity, ((specificity * labels, labels),)),
    )


def _card(found: int, cleared: int, labels: int) -> JudgeCard:
    card = cards_by_event(default_judges(["en"]).values())["not_full_refusal"]
    return msgspec.structs.replace(
        card,
        sensitivity_counts=(float(found), float(labels)),
        specificity_counts=(float(cleared), float(labels)),
    )


@runs_of
def test_classes_of_attacks_fail_by_chance_at_most_five_percent_of_the_time_together(runs: int) -> None:
    generator = np.random.default_rng(4)
    failed, passed = 0, np.zeros(4)
    for _ in range(runs):
        parts = list(draw(generator, 240, MARGIN).parts("attack_class").items())
        made = decide_categories("attack_compliance", parts, KNOWN, Asked("complete"), alpha=ALPHA)
        failed += any(one.verdict == "FAIL" for one in made)
        passed += [one.verdict == "PASS" for one in made]

    assert failed / runs <= at_most(ALPHA, runs)
    assert (passed / runs <= at_most(ALPHA, runs)).all(), passed / runs


@pytest.mark.parametrize("runs", [30, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("stopped", [False, True])
def test_lines_cover_their_rise_and_their_flags_are_mostly_right(stopped: bool, runs: int) -> None:
    # Half of the domains did not change, the other half became worse by 30 points.
    generator = np.random.default_rng(6)
    places = np.arange(300)
    truth = np.where(places % 10 < 5, 0.0, 0.3)
    missed, lines, wrong, right = np.zeros(2), 0, 0.0, 0.0
    for _ in range(runs):
        pairs = draw(generator, 300, truth, bad=0.2)
        made = deltas([MeasurePairs("attack_compliance", pairs)], stopped=stopped)
        flagged = false = 0
        for line in made:
            values = [getattr(trial, line.by, "all") for trial in pairs.trials]
            rise = float(truth[[value in {line.value, "all"} for value in values]].mean())
            assert line.interval is not None
            missed += (line.interval.lower > rise, line.interval.upper < rise)
            flagged += line.label in {"degraded", "improved"}
            false += line.label == "improved" or (line.label == "degraded" and rise == 0)
            right += line.by == "domain" and rise > 0 and line.label == "degraded"
        lines += len(made)
        wrong += false / max(1, flagged)

    # Tango's interval is approximate: by enumeration an end misses up to 7.0% at 10 to 100 pairs.
    assert (missed / lines <= at_most(0.07, lines)).all(), missed / lines
    assert wrong / runs <= at_most(ALPHA, runs)
    assert right / (5 * runs) > (0.1 if stopped else 0.6)
