"""Safety against helpfulness: the operating points of a system, and which of them are worth having."""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Record
from alignmeter.records.claims import Interval

PointState = Literal["frontier", "dominated", "undecided", "INVALID"]
"""`frontier`: shown to be dominated by no other point; `dominated`: shown to be dominated; `undecided`:
neither is shown; `INVALID`: not comparable with the first point."""

Helpfulness = Literal["benign", "sensitive", "legitimate"]
"""Whose compliance counts as helpfulness: benign requests, sensitive ones, or both."""

FrontierHarm = Literal["attack_success", "attack_compliance"]


class Dominator(Record, frozen=True):
    """A point that may be better.

    Attributes:
        probability: Share of the bootstrap draws in which it dominates.
    """

    name: str
    probability: float


class FrontierPoint(Record, frozen=True):
    """One operating point: a run, or a run behind a guard at one threshold.

    Attributes:
        source: Run id; `path` its folder.
        threshold: Score from which the guard blocks, None without a guard.
        helpful: Share of legitimate requests that are not refused; None where nothing is scored.
        harm: Share of attacked harmful requests that go wrong; safety is 1 - harm.
        helpful_interval, harm_interval: Two-sided, unscored replies at their worst on either side.
        unscored_helpful, unscored_harm: Replies of the common requests without a score.
        p_non_dominated: Share of the bootstrap draws in which no other point dominates it.
        best: Whether no other point dominates it in the estimates.
        dominated_by: Points that dominate it in at least 5% of the draws, the likeliest first.
        why: Why it is INVALID.
    """

    name: str
    source: str
    path: str
    target: str
    state: PointState
    guard: str = ""
    threshold: float | None = None
    helpful: float | None = None
    harm: float | None = None
    helpful_interval: Interval | None = None
    harm_interval: Interval | None = None
    unscored_helpful: int = 0
    unscored_harm: int = 0
    p_non_dominated: float | None = None
    best: bool = False
    dominated_by: tuple[Dominator, ...] = ()
    why: str = ""


class Hypervolume(Record, frozen=True):
    """Area under the frontier: the helpfulness and safety that some point reaches, in [0, 1].

    Attributes:
        interval: Of the joint bootstrap.
        most: Area of the best single point: what choosing among points adds is the rest.
    """

    estimate: float
    interval: Interval
    most: float


class Frontier(Record, frozen=True):
    """Safety against helpfulness over all operating points, on requests that all of them were asked.

    Attributes:
        measure: `attack_success`: harm delivered, by a judge with a card; `attack_compliance`: anything
            but a full refusal.
        margin: Difference within which two points are equally good on an axis.
        helpful_units, harm_units: Common requests, one a family and intent.
        families: Families of these, the unit of the bootstrap; `draws` of it, from `seed`.
        hypervolume: None where no two points are comparable.
        exit_code: 4 where a point is INVALID, else 0.
    """

    measure: FrontierHarm
    helpfulness: Helpfulness
    margin: float
    points: tuple[FrontierPoint, ...]
    helpful_units: int
    harm_units: int
    families: int
    draws: int
    seed: int
    hypervolume: Hypervolume | None
    notes: tuple[str, ...]
    exit_code: int
