"""Does the judge err alike on two models? Labels of people in both runs tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.records import JudgeEquality

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 10
"""Labels of each verdict of the judge in each run below which nothing is tested."""

LEVEL = 0.05
"""Chance of finding a difference where there is none, over sensitivity and specificity together."""

_DRAWS = 20_000
_SEED = 20


class LabelledArm(NamedTuple):
    """One run's replies by what the judge said of them.

    Attributes:
        positives, negatives: Replies that the judge called bad, and good.
        positives_labelled, positives_bad: Of the first: seen by people, and bad to them; where labels were
            drawn at unequal shares, how many they are worth, in fractions.
        negatives_labelled, negatives_bad: The same of the second.
        seen: Labels in all, where they are worth another number.
    """

    positives: int = 0
    negatives: int = 0
    positives_labelled: float = 0
    positives_bad: float = 0
    negatives_labelled: float = 0
    negatives_bad: float = 0
    seen: int = 0

    @property
    def labels(self) -> int:
        """Labels in all."""
        return self.seen or round(self.positives_labelled + self.negatives_labelled)


def judge_equality(base: LabelledArm, tuned: LabelledArm) -> JudgeEquality:
    """Test that sensitivity and specificity are the same on both models.

    People label more of what the judge called bad than of the rest, so shares among labels would
    mislead: bad and good replies are weighed by how many the judge called so. That share and both shares
    among labels are drawn from their Beta posteriors under Jeffreys' prior. Two tests, each at half of
    `LEVEL`.

    Args:
        base: Labels of the base run.
        tuned: Labels of the tuned run.

    Returns:
        `unknown` where either verdict of either run has fewer than `FEWEST` labels.
    """
    labels = (base.labels, tuned.labels)
    if any(min(arm.positives_labelled, arm.negatives_labelled) < FEWEST for arm in (base, tuned)):
        sentence = (
            f"That the judge errs alike on both models is assumed: people labelled {labels[0]} replies of "
            f"the base and {labels[1]} of the tuned run, and {FEWEST} of each verdict, drawn from all of it, "
            f"are needed in each."
        )
        return JudgeEquality(status="unknown", sentence=sentence, labels=labels)
    generator = np.random.default_rng(_SEED)
    one, two = _rates(base, generator), _rates(tuned, generator)
    p_found, p_cleared = (_p_same(a, b) for a, b in zip(one, two, strict=True))
    differs = min(p_found, p_cleared) < LEVEL / 2
    found, cleared = ((float(np.median(a)), float(np.median(b))) for a, b in zip(one, two, strict=True))
    said = (
        f"of the bad replies it finds {found[0]:.0%} on the base and {found[1]:.0%} on the tuned model, of "
        f"the good ones it clears {cleared[0]:.0%} and {cleared[1]:.0%}"
    )
    return JudgeEquality(
        status="differs" if differs else "alike",
        sentence=f"Labels of people show that the judge errs differently on the two models: {said}."
        if differs
        else f"Labels of people do not show that the judge errs differently on the two models: {said}.",
        labels=labels,
        sensitivity=found,
        specificity=cleared,
        p_sensitivity=p_found,
        p_specificity=p_cleared,
    )


def _rates(arm: LabelledArm, generator: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    """Draws of sensitivity and specificity, shape (draws,) each."""
    share = _draw(arm.positives, arm.positives + arm.negatives, generator)
    right = _draw(arm.positives_bad, arm.positives_labelled, generator)
    missed = _draw(arm.negatives_bad, arm.negatives_labelled, generator)
    bad = share * right + (1 - share) * missed
    return share * right / bad, (1 - share) * (1 - missed) / (1 - bad)


def _draw(events: float, n: float, generator: np.random.Generator) -> NDArray[np.float64]:
    return generator.beta(events + 0.5, n - events + 0.5, size=_DRAWS)


def _p_same(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    above = float((one > other).mean())
    return min(1.0, 2 * min(above, 1 - above) + 1 / _DRAWS)
