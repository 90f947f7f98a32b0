"""What one piece of work has cost so far: the reply to a trial, or a judgement of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from alignmeter.records import Usage
from alignmeter.store import Heard
from alignmeter.targets import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alignmeter.engine.budget import Reservation
    from alignmeter.records import TargetFingerprint

    Told = Callable[[int, Usage, tuple[Heard, ...]], None]


class Before(NamedTuple):
    """What earlier processes spent on a piece of work that they did not finish, and what they heard."""

    calls: int = 0
    tokens: Usage = Usage()
    heard: tuple[Heard, ...] = ()


_NOTHING = Before()


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
            about to be made included, and the most tokens that they may be billed; by `keep` with the
            replies as well.
        before: What was spent on it before, which is counted here too.

    Attributes:
        calls: Calls, those that failed included.
        usage: Tokens that were counted for calls that are over.
        refused: Parameters that a server refused, so that a reply was drawn without them.
    """

    def __init__(
        self,
        first: Callable[[Viewer], None] | None = None,
        told: Told | None = None,
        before: Before = _NOTHING,
    ) -> None:
        self.calls = before.calls
        self.usage = before.tokens
        self._heard = list(before.heard)
        self._unused = list(before.heard)
        self._replies: list[tuple[str, Reply]] = []
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

    def recall(self, asked: str) -> Reply | None:
        """What a model answered in an earlier process that did not finish the work; each reply once.

        Args:
            asked: Digest of the model and of all that it is asked.
        """
        found = next((known for known in self._unused if known.asked == asked), None)
        if found is None:
            return None
        self._unused.remove(found)
        try:
            return msgspec.convert(found.reply, Reply)
        except msgspec.ValidationError:
            return None  # of another version, or with a number that JSON lacks: asked again

    def hear(self, asked: str, reply: Reply) -> None:
        """Remember a reply until the work is finished."""
        self._replies.append((asked, reply))

    def keep(self) -> None:
        """Tell of the replies so far: the work ends here, and another process is to finish it."""
        new = [Heard(asked=asked, reply=msgspec.to_builtins(reply)) for asked, reply in self._replies]
        if new:
            self._tell((*self._heard, *new))

    def _tell(self, heard: tuple[Heard, ...] = ()) -> None:
        if self._told is not None:
            self._told(self.calls, self.usage + self._in_flight, heard)
