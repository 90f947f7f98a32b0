"""Cohen's kappa of a judge and people, with bounds by bootstrap over prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.judges.validation.events import LEVEL, Estimate
from alignmeter.stats import cohen_kappa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

RESAMPLES = 2_000


class Labelling(NamedTuple):
    """The classes of replies by people and by the judge, 0 to `classes` - 1, each of shape (n,)."""

    truth: IntArray
    predicted: IntArray
    classes: int


def resamples(n_units: int, seed: int) -> IntArray:
    """Return how often each unit is drawn in each resample, shape (RESAMPLES, n_units)."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=RESAMPLES)


def kappa_of(
    said: Labelling,
    rows: NDArray[np.bool_],
    units: IntArray,
    drawn: IntArray,
    worth: NDArray[np.float64],
) -> Estimate | None:
    """Return kappa of some replies with percentile bounds of the bootstrap, as in Efron and Tibshirani.

    One unit can only be drawn again, and tells nothing of how kappa varies: its bounds are -1 and 1.

    Args:
        said: The classes of all replies.
        rows: Which replies count, shape (n,).
        units: The unit of each reply, shape (n,).
        drawn: How often each unit is drawn in each resample (`resamples`).
        worth: How many replies each stands for, shape (n,).
    """
    k = said.classes
    cells = np.zeros((drawn.shape[1], k * k))
    np.add.at(cells, (units[rows], (said.truth * k + said.predicted)[rows]), worth[rows])
    resampled = np.asarray(cohen_kappa((drawn @ cells).reshape(-1, k, k)))
    defined = resampled[~np.isnan(resampled)]
    point = float(cohen_kappa(cells.sum(axis=0).reshape(k, k)))
    if np.isnan(point) or defined.size == 0:
        return None
    if np.unique(units[rows]).size == 1:
        return point, -1.0, 1.0
    lower, upper = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return point, float(lower), float(upper)
