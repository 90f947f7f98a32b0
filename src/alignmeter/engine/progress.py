"""What a display is told while the engine works."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.engine.schedule import ClaimState
    from alignmeter.records import Axis, Claim, Judgement


class Snapshot(NamedTuple):
    """How far a run is.

    Attributes:
        seconds: Since this process began.
        answered: Trials finished by this process, errors included.
        in_flight, limit: Calls under way, and how many there may be now.
        retrying: Trials that wait for another attempt.
        unscored: Trials judged without a score.
        errors: Trials that ended in an error, by kind; `last_error` is the latest message.
        calls, tokens, money: Spent by the run, earlier processes included.
        judgements: By axis and trial id; read-only view.
        claims: Where each claim stands, by its id; empty where nothing is decided before the end.
    """

    seconds: float
    answered: int
    in_flight: int
    limit: int
    retrying: int
    unscored: int
    errors: Mapping[str, int]
    last_error: str
    calls: int
    tokens: int
    money: float
    judgements: Mapping[Axis, Mapping[str, Judgement]]
    claims: Mapping[str, ClaimState]


class Progress(Protocol):
    """A display of a run; called from the event loop, so it must be quick."""

    def started(self, *, run: str, target: str, total: int, done: int, claims: tuple[Claim, ...]) -> None:
        """A run begins or resumes: `done` of `total` trials are already answered."""
        ...

    def update(self, snapshot: Snapshot) -> None:
        """Called a few times a second."""
        ...

    def note(self, message: str) -> None:
        """One line that people should see."""
        ...
