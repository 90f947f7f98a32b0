"""Over 200 simulated cycles: a model that learnt the public pool is caught, an honest one is not.

Every cycle has a fresh pool that is harder than the public one for every model. Whether a family is hard
is shared by target and reference, as it is in life.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from alignmeter.analysis.gaming_gap import ALPHA, Badness, FamilyScores, gaming_gap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignmeter.analysis.gaming_gap import GamingGap

CYCLES = 200
HARDER = 0.12
"""By so much more often any model is wrong on a fresh probe."""


def pool(
    rng: np.random.Generator, difficulty: NDArray[np.float64], prefix: str, *, learnt: float, harder: float
) -> list[FamilyScores]:
    """Families with a right or wrong answer of the target and of two references.

    Args:
        rng: Draws the answers.
        difficulty: Chance of a wrong answer, by family.
        prefix: Of the names of the families.
        learnt: Share of the families whose answer the target knows by heart.
        harder: Added to the difficulty.
    """
    chance = np.clip(difficulty + harder, 0, 1)
    wrong = rng.random((3, len(chance))) < chance
    wrong[0] &= rng.random(len(chance)) >= learnt
    return [
        FamilyScores(
            f"{prefix}{number}",
            f"stratum {number % 4}",
            Badness(float(target), float(target)),
            tuple(Badness(float(one), float(one)) for one in (first, second)),
        )
        for number, (target, first, second) in enumerate(wrong.T)
    ]


@cache
def cycle(seed: int, *, learnt: float, paired: bool) -> GamingGap:
    """One audit: 80 families in both pools, or 80 fresh ones against 240 others."""
    rng = np.random.default_rng(seed)
    public = rng.beta(1.2, 2.0, size=80 if paired else 240)
    fresh = public if paired else rng.beta(1.2, 2.0, size=80)
    return gaming_gap(
        pool(rng, fresh, "f" if paired else "x", learnt=0.0, harder=HARDER),
        pool(rng, public, "f", learnt=learnt, harder=0.0),
        seed=seed,
    )


@pytest.mark.parametrize("paired", [True, False])
def test_an_honest_model_is_accused_no_more_often_than_stated(paired: bool) -> None:
    found = [cycle(seed, learnt=0.0, paired=paired) for seed in range(CYCLES)]

    accused = sum(one.interval is not None and one.interval.lower > 0 for one in found)
    alone = sum(one.target is not None and one.target.interval.lower > 0 for one in found)

    assert accused <= ALPHA * CYCLES + 3 * math.sqrt(ALPHA * (1 - ALPHA) * CYCLES)
    assert alone > CYCLES / 3, "without the references the harder pool would have accused it"


@pytest.mark.parametrize("paired", [True, False])
def test_a_model_that_learnt_the_public_pool_is_caught(paired: bool) -> None:
    found = [cycle(seed, learnt=0.9, paired=paired) for seed in range(CYCLES)]

    assert sum(one.verdict == "FAIL" for one in found) >= 0.95 * CYCLES


@pytest.mark.parametrize("paired", [True, False])
def test_a_model_that_learnt_the_public_pool_is_not_cleared(paired: bool) -> None:
    found = [cycle(seed, learnt=0.5, paired=paired) for seed in range(CYCLES)]

    cleared = sum(one.verdict == "PASS" for one in found)
    assert cleared <= ALPHA * CYCLES + 3 * math.sqrt(ALPHA * (1 - ALPHA) * CYCLES)


def test_the_interval_covers_the_true_gap_as_often_as_stated() -> None:
    """Who knows half of the public answers by heart is wrong there half as often."""
    rng = np.random.default_rng(5)
    difficulty = rng.beta(1.2, 2.0, size=2_000_000)
    # Fresh minus public of the target, minus the same of references that learnt nothing.
    truth = 0.5 * float(difficulty.mean())

    found = [cycle(seed, learnt=0.5, paired=True).interval for seed in range(CYCLES)]

    outside = [one for one in found if one is None or not one.lower <= truth <= one.upper]
    assert len(outside) <= 2 * ALPHA * CYCLES + 3 * math.sqrt(2 * ALPHA * (1 - 2 * ALPHA) * CYCLES)
