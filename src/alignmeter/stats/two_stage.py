"""Rates from two stages: a cheap judge on everything, a better one where it matters and on a sample.

The second stage sees each unit with a probability that was fixed beforehand. Weighting by its inverse
undoes the choice, so that the rate is the second judge's over all units, at a fraction of the calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats._checks import checked_level
from alignmeter.stats._means import cluster_codes, finite_vector
from alignmeter.stats.judge_error import effective_counts
from alignmeter.stats.judge_labels import Stratum, by_verdict

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignmeter.stats._binomial import FloatArray


class TwoStageRate(NamedTuple):
    """A rate by the second stage, over all units.

    Attributes:
        estimate: Weighted by inclusion; NaN where units of one inclusion probability were never drawn.
        lower, upper: Two-sided bounds; units that the second stage could not score count as non-events
            for the lower and as events for the upper one.
        horvitz_thompson: Difference estimate with the exact inclusion probabilities: unbiased, and less
            sharp than `estimate`, which knows how many were drawn. NaN where a drawn unit has no score.
        asked: Units that the second stage was asked about.
        unscored: Of these, how many it could not score.
        n: All units.
    """

    estimate: float
    lower: float
    upper: float
    horvitz_thompson: float
    asked: int
    unscored: int
    n: int


class SecondStageCalls(NamedTuple):
    """How many units a second stage is expected to see.

    Attributes:
        positives: For what the first stage calls positive.
        uncertain: For what it cannot or hardly tell.
        sample: As a sample of the rest.
    """

    positives: float
    uncertain: float
    sample: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.positives + self.uncertain + self.sample


def two_stage_rate(
    first: ArrayLike,
    second: ArrayLike,
    inclusion: ArrayLike,
    asked: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    seed: int | np.random.Generator = 0,
    draws: int = 20_000,
) -> TwoStageRate:
    """Estimate the rate that the second stage would have found, had it seen everything.

    Args:
        first: What the first stage said, 1 for an event, 0 for none; .5 where it gave no score;
            shape (n,).
        second: What the second stage said, 0 or 1; NaN where it was not asked or gave no score;
            shape (n,).
        inclusion: Probability, fixed beforehand, with which the second stage was asked, in (0, 1];
            shape (n,).
        asked: Whether it was asked; shape (n,). Units of probability 1 were.
        clusters: What units share (family), whole numbers or strings, shape (n,); each its own
            without.
        level: Two-sided coverage, in (0, 1).
        seed: Seed or generator of the bounds (`by_verdict`).
        draws: Draws of the bounds, at least 1000.

    Returns:
        `TwoStageRate`.

    Raises:
        ValueError: Shapes differ, a value is out of range, a unit of probability 1 was not asked, or
            nothing was.

    Notes:
        Units of one inclusion probability are one stratum g, in which those asked are a simple random
        sample: estimate = sum_g (N_g / N) * mean of the second stage over the sample of g, which is the
        Horvitz-Thompson estimate with the drawn sizes put for the expected ones (poststratified). Its
        bounds are those of labels by verdict for gates: Clopper-Pearson in each stratum, Dirichlet over
        the strata, so that a sample without any event still leaves room for some, and each end errs at
        most as it says although a sample of a tenth is often of a few units. With clusters, each stratum
        counts as many units as its clustered values are worth.

        The difference estimate is mean(f + (I / pi)(s - f)), f the first and s the second stage.

    References:
        D. G. Horvitz and D. J. Thompson, "A generalization of sampling without replacement from a
        finite universe", Journal of the American Statistical Association 47, 663-685, 1952.
        C.-E. Sarndal, B. Swensson and J. Wretman, "Model assisted survey sampling", Springer, 1992,
        chapters 6 and 7.

    Examples:
        >>> import numpy as np
        >>> from alignmeter.stats.two_stage import two_stage_rate
        >>> first = np.array([1] * 20 + [0] * 80)
        >>> asked = np.array([True] * 20 + [True] * 8 + [False] * 72)
        >>> second = np.where(asked, 0.0, np.nan)
        >>> second[:15] = 1
        >>> pi = np.where(first == 1, 1.0, 0.1)
        >>> result = two_stage_rate(first, second, pi, asked)
        >>> round(result.estimate, 3), result.asked, result.upper > 0.2
        (0.15, 28, True)
    """
    units = _units(first, second, inclusion, asked)
    codes = cluster_codes(clusters, units.first.size)
    checked_level(level)
    generator = np.random.default_rng(seed)
    scored = units.asked & ~np.isnan(units.second)
    low, high = (
        by_verdict(
            _strata(units, codes, units.asked, missing),
            seed=generator,
            level=level,
            method="clopper_pearson",
            draws=draws,
        )
        for missing in (0.0, 1.0)
    )
    return TwoStageRate(
        estimate=_poststratified(units, scored),
        lower=low.lower,
        upper=high.upper,
        horvitz_thompson=_difference(units),
        asked=int(units.asked.sum()),
        unscored=int((units.asked & ~scored).sum()),
        n=units.first.size,
    )


def second_stage_calls(
    units: float,
    rate: float,
    *,
    sensitivity: float,
    specificity: float,
    uncertain: float = 0.0,
    sample: float = 0.1,
) -> SecondStageCalls:
    """Return how many calls the second stage of a cascade is expected to take.

    Args:
        units: Units that the first stage sees.
        rate: True rate of events, in [0, 1].
        sensitivity: Of the first stage, in [0, 1].
        specificity: Of the first stage, in [0, 1].
        uncertain: Share of units that the first stage cannot or hardly tell, in [0, 1].
        sample: Share of the rest that is drawn, in [0, 1].

    Raises:
        ValueError: A share is outside [0, 1], or units are negative.

    Examples:
        >>> from alignmeter.stats.two_stage import second_stage_calls
        >>> calls = second_stage_calls(1000, 0.05, sensitivity=0.9, specificity=0.95)
        >>> round(calls.positives, 1), round(calls.sample, 2), round(calls.total, 1)
        (92.5, 90.75, 183.3)
    """
    shares = {
        "rate": rate,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "uncertain": uncertain,
        "sample": sample,
    }
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} must lie in [0, 1], got {share!r}")
    if not units >= 0:
        raise ValueError(f"units must be a number >= 0, got {units!r}")
    told = units * (1 - uncertain)
    positives = told * (rate * sensitivity + (1 - rate) * (1 - specificity))
    return SecondStageCalls(positives, units * uncertain, (told - positives) * sample)


class _Units(NamedTuple):
    first: FloatArray
    second: FloatArray
    inclusion: FloatArray
    asked: NDArray[np.bool_]


def _units(first: ArrayLike, second: ArrayLike, inclusion: ArrayLike, asked: ArrayLike) -> _Units:
    cheap, chance = finite_vector("first", first), finite_vector("inclusion", inclusion)
    better, drawn = np.asarray(second, dtype=np.float64), np.asarray(asked, dtype=np.bool_)
    shapes = {array.shape for array in (cheap, better, chance, drawn)}
    if len(shapes) != 1:
        raise ValueError(f"first, second, inclusion and asked must be of one length, got {sorted(shapes)}")
    if not np.isin(cheap, (0.0, 0.5, 1.0)).all():
        raise ValueError("first must hold 0, 1, or .5 where the first stage gave no score")
    if not (np.isnan(better) | (better == 0) | (better == 1)).all():
        raise ValueError("second must hold 0, 1, or NaN where the second stage gave no score")
    if not ((chance > 0) & (chance <= 1)).all():
        raise ValueError("inclusion must lie in (0, 1]: what can never be asked cannot be weighted")
    if not drawn.any() or not drawn[chance == 1].all():
        raise ValueError("asked must hold every unit of inclusion 1, and at least one unit")
    if (~drawn & ~np.isnan(better)).any():
        raise ValueError("second must be NaN where the second stage was not asked")
    return _Units(cheap, better, chance, drawn)


def _strata(
    units: _Units, codes: NDArray[np.intp], labelled: NDArray[np.bool_], missing: float
) -> list[Stratum]:
    """Return one stratum an inclusion probability, unscored units counting as `missing`."""
    values = np.where(np.isnan(units.second), missing, units.second)
    strata: list[Stratum] = []
    for chance in np.unique(units.inclusion):
        inside = units.inclusion == chance
        drawn = inside & labelled
        worth = effective_counts(values[drawn], codes[drawn])
        # All labels of a stratum shrink by the design effect, the stratum with them.
        shrink = worth.n / drawn.sum() if drawn.any() else 1.0
        strata.append(Stratum(float(inside.sum()) * shrink, worth.n, worth.events))
    return _reweighted(strata, units)


def _reweighted(strata: list[Stratum], units: _Units) -> list[Stratum]:
    """Give each stratum its share of all units again, at the smallest of the effective totals."""
    counts = np.unique(units.inclusion, return_counts=True)[1].astype(np.float64)
    scale = min(stratum.size / count for stratum, count in zip(strata, counts, strict=True))
    fitted: list[Stratum] = []
    for stratum, count in zip(strata, counts, strict=True):
        size = count * scale
        # No stratum has more labels than units: those of a stratum of higher worth shrink with it. Rounding
        # must not make more of them either.
        labelled = min(stratum.labelled, size)
        share = stratum.events / stratum.labelled if stratum.labelled else 0.0
        fitted.append(Stratum(size, labelled, min(share * labelled, labelled)))
    return fitted


def _poststratified(units: _Units, scored: NDArray[np.bool_]) -> float:
    total = 0.0
    for chance in np.unique(units.inclusion):
        inside = units.inclusion == chance
        seen = inside & scored
        if not seen.any():
            return float("nan")
        total += float(inside.sum()) * float(units.second[seen].mean())
    return total / units.first.size


def _difference(units: _Units) -> float:
    if np.isnan(units.second[units.asked]).any():
        return float("nan")
    second = np.where(units.asked, units.second, 0.0)
    weights = np.where(units.asked, 1 / units.inclusion, 0.0)
    return float((units.first + weights * (second - units.first)).mean())
