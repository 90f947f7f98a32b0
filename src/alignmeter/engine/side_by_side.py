"""Two targets asked side by side: the same trials in the same order, look by look.

Both arms are asked up to the next look, then the pairs are tested, then both go on or stop. Nothing is
asked that the look does not need, so no call of either arm is wasted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.analysis import pair_up
from alignmeter.verdicts import judged_outcomes, tested_at_looks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from alignmeter.analysis import RunPairs
    from alignmeter.engine.schedule import ClaimState
    from alignmeter.records import (
        ArmRole,
        Axis,
        ClaimKind,
        ComparisonDesign,
        Judgement,
        Trial,
    )
    from alignmeter.verdicts import Tested


class Standing(NamedTuple):
    """Where a comparison is.

    Attributes:
        look: The look that is asked for, counted from 1; the number of looks when there are no more.
        horizon: Pairs that it takes.
        answered: Units that each arm has answered, base first.
        tested: What the latest look showed.
    """

    look: int
    horizon: int
    answered: tuple[int, int]
    tested: Tested


class SideBySide:
    """The design's side of two loops: hands out trials up to the next look, and tests at it.

    Args:
        units: Trials in the committed order; at least as many as the design has pairs.
        kind: What counts as bad.
        axis: Which judge says so.
        design: Looks and boundaries.
        told: Called whenever an answer was counted.
    """

    def __init__(
        self,
        units: Sequence[Trial],
        *,
        kind: ClaimKind,
        axis: Axis,
        design: ComparisonDesign,
        told: Callable[[Standing], None] | None = None,
    ) -> None:
        self.design = design
        self.axis: Axis = axis
        self._units = [(trial,) for trial in units[: design.n_max]]
        self._kind: ClaimKind = kind
        self._told = told
        self._outcomes: dict[ArmRole, dict[str, int]] = {"base": {}, "tuned": {}}
        self._look = 0
        self._changed = asyncio.Event()
        self._waiting: set[ArmRole] = set()
        self._stuck = False
        self.tested = self._test()

    def arm(
        self, role: ArmRole, pending: Iterable[Trial], judgements: Mapping[str, Judgement]
    ) -> ArmSchedule:
        """Begin one arm, or go on where its journal ends.

        Args:
            role: Which arm.
            pending: Trials that have no reply yet.
            judgements: On the axis of the design, by trial id, of the trials that have some.
        """
        waiting = {trial.id: trial for trial in pending}
        known = {trial: judged for trial, judged in judgements.items() if trial not in waiting}
        self._outcomes[role].update(judged_outcomes(self._kind, known))
        self._advance()
        units = [unit[0].id for unit in self._units]
        return ArmSchedule(self, role, [waiting.get(unit) for unit in units])

    @property
    def horizon(self) -> int:
        """Units that either arm may be asked by now."""
        return self.design.looks[self._look]

    @property
    def open(self) -> bool:
        """Whether the comparison is not decided yet."""
        return self.tested.state == "continue"

    @property
    def standing(self) -> Standing:
        """Where the comparison is."""
        base, tuned = (len(self._outcomes[role]) for role in ("base", "tuned"))
        return Standing(self._look + 1, self.horizon, (base, tuned), self.tested)

    def judged(self, role: ArmRole, judgement: Judgement) -> None:
        """Take note of an answer; at a look, test."""
        if judgement.axis != self.axis:
            return
        self._outcomes[role].update(judged_outcomes(self._kind, {judgement.trial: judgement}))
        self._advance()
        if self._told is not None:
            self._told(self.standing)

    async def more(self, role: ArmRole) -> bool:
        """Wait, with nothing in flight in one arm, until a look was taken; whether there may be more to ask.

        Where the other arm waits as well, nothing is left that could complete the look: that is the end.
        """
        if not self.open or self._stuck:
            return False
        self._waiting.add(role)
        if len(self._waiting) == len(self._outcomes):
            self._stuck = True
            self._wake()
        else:
            await self._changed.wait()
        return self.open and not self._stuck

    def _wake(self) -> None:
        self._waiting.clear()
        self._changed.set()
        self._changed = asyncio.Event()

    def _advance(self) -> None:
        before = self._look, self.tested.state
        while self.open and self._complete(self.horizon):
            self.tested = self._test()
            self._look += self.open
        if before != (self._look, self.tested.state):
            self._wake()

    def _complete(self, units: int) -> bool:
        known = self._outcomes["base"].keys() & self._outcomes["tuned"].keys()
        return all(unit[0].id in known for unit in self._units[:units])

    def _test(self) -> Tested:
        pairs: RunPairs = pair_up(self._units, self._outcomes["base"], self._outcomes["tuned"]).prefix()
        return tested_at_looks(pairs.best, pairs.worst, self.design)


class ArmSchedule:
    """One arm's `Schedule`."""

    def __init__(self, both: SideBySide, role: ArmRole, waiting: Sequence[Trial | None]) -> None:
        self._both, self._waiting = both, waiting
        self._role: ArmRole = role
        self._next = 0

    def next_trial(self) -> Trial | None:
        """The next pending trial before the next look."""
        while self._both.open and self._next < min(self._both.horizon, len(self._waiting)):
            found = self._waiting[self._next]
            self._next += 1
            if found is not None:
                return found
        return None

    async def more(self) -> bool:
        """Wait for the other arm, until a look was taken; no more once the comparison is decided."""
        return await self._both.more(self._role)

    def wanted(self, trial: Trial) -> bool:  # noqa: ARG002 - the Protocol's
        """While the comparison is open: what was handed out is needed for the next look."""
        return self._both.open

    def judged(self, judgement: Judgement) -> None:
        """Tell the comparison."""
        self._both.judged(self._role, judgement)

    def state(self) -> Mapping[str, ClaimState]:
        """Nothing of the run's own claims: they stop nothing here."""
        return {}
