"""What one piece of work has cost so far: the reply to a trial, or a judgement of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alignmeter.engine.budget import Reservation

    Told = Callable[[int, Usage], None]


class Spent:
    """Calls and tokens of one piece of work, told as they grow, so that no end of the process loses them.

    Args:
        first: Called right before the first call, or before code of the user's is shown anything.
        told: Called right before each call, and after each that failed, with the calls made, the one
            about to be made included, and the most tokens that they may be billed.

    Attributes:
        calls: Calls, those that failed included.
        usage: Tokens that were counted for calls that are over.
        refused: Parameters that a server refused, so that a reply was drawn without them.
    """

    def __init__(self, first: Callable[[], None] | None = None, told: Told | None = None) -> None:
        self.calls = 0
        self.usage = Usage()
        self.refused: tuple[str, ...] = ()
        self._in_flight = Usage()
        self._first = first
        self._told = told

    def show(self) -> None:
        """What the work is about is about to be shown to somebody."""
        if self._first is not None:
            self._first()
            self._first = None

    def begin(self, wanted: Reservation) -> None:
        """A call is about to be made."""
        self.show()
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
