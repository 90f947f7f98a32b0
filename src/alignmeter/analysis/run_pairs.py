"""Two runs as pairs of outcomes: one independent unit a pair, in the committed order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignmeter.records import ComparedColumn, ComparedMeasure, Trial

GOOD, BAD, MISSING, NOT_ASKED = 0, 1, -1, -2
"""What one arm did on one unit; `MISSING`: asked, and without a score."""


class PairCounts(NamedTuple):
    """Counts of scored pairs.

    Attributes:
        n: Pairs with both scores.
        worse, better: Bad in the tuned arm only, in the base arm only.
        base, tuned: Bad in each arm.
        unscored: Pairs that were asked and of which at least one score is missing.
    """

    n: int
    worse: int
    better: int
    base: int
    tuned: int
    unscored: int


@dataclass(frozen=True)
class RunPairs:
    """Outcomes of both arms.

    Attributes:
        trials: The trial that stands for each unit, in the committed order.
        base, tuned: `GOOD`, `BAD`, `MISSING` or `NOT_ASKED`, shape (len(trials),).
    """

    trials: tuple[Trial, ...]
    base: NDArray[np.int8]
    tuned: NDArray[np.int8]

    def __len__(self) -> int:
        """Units, asked or not."""
        return len(self.trials)

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Units that both arms were asked, shape (n,)."""
        return (self.base != NOT_ASKED) & (self.tuned != NOT_ASKED)

    @property
    def best(self) -> NDArray[np.int8]:
        """Tuned minus base, in {-1, 0, 1}, with what is missing at its best for the tuned arm."""
        return (self.tuned == BAD).astype(np.int8) - (self.base != GOOD).astype(np.int8)

    @property
    def worst(self) -> NDArray[np.int8]:
        """Tuned minus base with what is missing at its worst for the tuned arm."""
        return (self.tuned != GOOD).astype(np.int8) - (self.base == BAD).astype(np.int8)

    @property
    def unscored(self) -> int:
        """Members without a score, of units that both arms were asked."""
        return int(((self.base == MISSING) & self.asked).sum() + ((self.tuned == MISSING) & self.asked).sum())

    def counts(self) -> PairCounts:
        """Count the pairs that both arms were asked."""
        scored = (self.base >= 0) & (self.tuned >= 0)
        base, tuned = self.base[scored] == BAD, self.tuned[scored] == BAD
        return PairCounts(
            n=int(scored.sum()),
            worse=int((tuned & ~base).sum()),
            better=int((base & ~tuned).sum()),
            base=int(base.sum()),
            tuned=int(tuned.sum()),
            unscored=int((self.asked & ~scored).sum()),
        )

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp] | list[int] | slice) -> RunPairs:
        """Return some of the units, in their order."""
        index = np.asarray(which, np.intp) if isinstance(which, list) else which
        places = np.arange(len(self.trials), dtype=np.intp)[index]
        if len(places) == len(self.trials) and bool((np.diff(places) > 0).all()):
            return self
        trials = self.trials
        order: list[int] = places.tolist()
        chosen = [trials[place] for place in order]
        return RunPairs(tuple(chosen), self.base[places], self.tuned[places])

    def joined(self, other: RunPairs) -> RunPairs:
        """Return these units, then those of another."""
        return RunPairs(
            self.trials + other.trials,
            np.concatenate([self.base, other.base]),
            np.concatenate([self.tuned, other.tuned]),
        )

    def shared(self) -> RunPairs:
        """Return the units that both arms were asked."""
        return self.take(self.asked)

    def prefix(self) -> RunPairs:
        """Return the units before the first that one of the arms was not asked."""
        missing = np.flatnonzero(~self.asked)
        return self.take(slice(0, int(missing[0]))) if missing.size else self

    def parts(self, column: ComparedColumn) -> dict[str, RunPairs]:
        """Split the units by a column of their trials; those without a value are left out."""
        if column == "overall":
            return {"all": self}
        places: dict[str, list[int]] = {}
        for place, trial in enumerate(self.trials):
            value = getattr(trial, column)
            if value:
                places.setdefault(value, []).append(place)
        return {value: self.take(found) for value, found in sorted(places.items())}


@dataclass(frozen=True)
class MeasurePairs:
    """The pairs of one measure.

    Attributes:
        pairs: One unit a family, of the claim on this measure.
        by_class: For harmful requests one unit a family and class of attacks, the plain requests too;
            else None.
    """

    measure: ComparedMeasure
    pairs: RunPairs
    by_class: RunPairs | None = None

    def parts(self, column: ComparedColumn) -> dict[str, RunPairs]:
        """Split the units by a column."""
        split = self.by_class if column == "attack_class" and self.by_class is not None else self.pairs
        return split.parts(column)


def pair_up(
    units: Sequence[tuple[Trial, ...]], base: Mapping[str, int], tuned: Mapping[str, int]
) -> RunPairs:
    """Pair two arms unit by unit.

    Args:
        units: Independent units in the committed order, each of its trials.
        base: `GOOD`, `BAD` or `MISSING` by trial id; a trial that is not there was not asked.
        tuned: The same of the other arm.

    Returns:
        One pair a unit: bad where any member is, else missing or not asked where any member is.
    """
    trials = tuple(unit[0] for unit in units)
    if all(len(unit) == 1 for unit in units):
        ids = [trial.id for trial in trials]
        return RunPairs(trials, _looked_up(ids, base), _looked_up(ids, tuned))
    return RunPairs(trials, _outcomes(units, base), _outcomes(units, tuned))


def _looked_up(ids: list[str], arm: Mapping[str, int]) -> NDArray[np.int8]:
    return np.fromiter(map(arm.get, ids, repeat(NOT_ASKED)), np.int8, len(ids))


def _outcomes(units: Sequence[tuple[Trial, ...]], arm: Mapping[str, int]) -> NDArray[np.int8]:
    return np.fromiter((_outcome(unit, arm) for unit in units), np.int8, len(units))


def _outcome(unit: tuple[Trial, ...], arm: Mapping[str, int]) -> int:
    members = [arm.get(trial.id, NOT_ASKED) for trial in unit]
    if NOT_ASKED in members:
        return NOT_ASKED
    if BAD in members:
        return BAD
    return MISSING if MISSING in members else GOOD
