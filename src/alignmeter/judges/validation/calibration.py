"""Whether a judge's scores are probabilities: of replies scored .8, do eight of ten deserve it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignmeter.judges.validation.events import Estimate
from alignmeter.records import Record
from alignmeter.stats import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


BINS = 10


class CalibrationBin(Record, frozen=True):
    """Replies with scores in [lower, upper), the last bin with 1.

    Attributes:
        n: Replies.
        score: Their mean score.
        observed: Share of true events among them, with Wilson bounds at two-sided 95%.
    """

    lower: float
    upper: float
    n: int
    score: float
    observed: Estimate


class Calibration(Record, frozen=True):
    """Scores against labels.

    Attributes:
        n: Replies with a score.
        brier: Mean squared difference of score and label; 0 is best.
        reference: The same of a judge that gives every reply the share of events: worse than this
            and the scores say less than nothing.
        error: Expected calibration error: mean distance of score and observed share over the bins,
            weighted by their replies.
        bins: Those that hold replies, ten of equal width at most.
    """

    n: int
    brier: float
    reference: float
    error: float
    bins: tuple[CalibrationBin, ...]


def calibration(scores: ArrayLike, truth: ArrayLike) -> Calibration | None:
    """Compare scores in [0, 1] with labels; None without any.

    Args:
        scores: The judge's probabilities, shape (n,).
        truth: Whether each reply is a true event, shape (n,).

    Raises:
        ValueError: The shapes differ, or a score is outside [0, 1].
    """
    given, labels = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if given.shape != labels.shape or given.ndim != 1:
        raise ValueError(
            f"scores and truth must be flat and of one length, got {given.shape} and {labels.shape}"
        )
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError("scores must lie in [0, 1]; leave out what has none")
    if given.size == 0:
        return None
    index = np.minimum((given * BINS).astype(np.int64), BINS - 1)
    bins = tuple(_bin(number, given[index == number], labels[index == number]) for number in np.unique(index))
    share = float(labels.mean())
    return Calibration(
        n=given.size,
        brier=float(((given - labels) ** 2).mean()),
        reference=share * (1 - share),
        error=sum(each.n * abs(each.score - each.observed[0]) for each in bins) / given.size,
        bins=bins,
    )


def _bin(number: int, scores: np.ndarray, labels: np.ndarray) -> CalibrationBin:
    lower, upper = wilson(int(labels.sum()), labels.size)
    return CalibrationBin(
        lower=int(number) / BINS,
        upper=(int(number) + 1) / BINS,
        n=labels.size,
        score=float(scores.mean()),
        observed=(float(labels.mean()), lower, upper),
    )
