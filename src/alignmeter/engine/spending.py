"""What one piece of work has cost so far: the reply to a trial, or a judgement of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from alignmeter.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alignmeter.engine.budget import Reservation
    from alignmeter.records import TargetFingerprint

    Told = Callable[[int, Usage], None]


class Viewer(Protocol):
    """What may be shown a prompt: a model, or code of the user's."""

    @property
    def url(self) -> str | None:
        """Base URL; None for what has no address."""
        ...

    @property
    def fingerprint(self) -> TargetFingerprint:
        """What it is."""
        ...


class Spent:
    """Calls and tokens of one piece of work, told as they grow, so that no end of the process loses them.

    Args:
        first: Called with each model, and each piece of code of the user's, right before it is first shown
            what the work is about.
        told: Called right before each call, and after each that failed, with the calls made, the one
            about to be made included, and the most tokens that they may be billed.

    Attributes:
        calls: Calls, those that failed included.
        usage: Tokens that were counted for calls that are over.
        refused: Parameters that a server refused, so that a reply was drawn without them.
    """

    def __init__(self, first: Callable[[Viewer], None] | None = None, told: Told | None = None) -> None:
        self.calls = 0
        self.usage = Usage()
        self.refused: tuple[str, ...] = ()
        self._in_flight = Usage()
        self._first = first
        self._shown: list[Viewer] = []
        self._told = told

    def show(self, model: Viewer) -> None:
        """What the work is about is about to be shown to a model, or to code of the user's."""
        if self._first is not None and model not in self._shown:
            self._shown.append(model)
            self._first(model)

    def begin(self, wanted: Reservation, model: Viewer | None = None) -> None:
        """A call is about to be made, to this one of several models where there are several."""
        if model is not None:
            self.show(model)
        self.calls += 1
        self._in_flight += wanted.usage
        self._tell()

    def settle(self, wanted: Reservation, used: Usage, *, failed: bool = False) -> None:
        """A call is over, and this much was counted for it."""
        self._in_flight -= wanted.usage
        self.usage += used
        if failed:
            self._tell()

    def without(self, refused: Iterable[str]) -> None:
        """A reply was drawn without parameters that the server refused."""
        self.refused = tuple(dict.fromkeys((*self.refused, *refused)))

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self.calls, self.usage + self._in_flight)
