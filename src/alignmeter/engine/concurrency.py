"""How many calls at once: additive increase, halve when the endpoint says that it is too much."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from alignmeter.engine.clock import Clock

CallOutcome = Literal["ok", "congested", "other"]

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds of the pauses after rate limits, where they ask for no longer ones themselves."""


class AdaptiveConcurrency:
    """A window of calls in flight that finds what the endpoint bears.

    Until the first congestion every success opens the window by one (it doubles each round trip);
    from then on by one a round trip. A 429 or 503 halves it, once for all the calls that were in
    flight when it came. A Retry-After stops every new call until it is over; a rate limit stops them
    at least for a pause that doubles until a call succeeds again, so that a quota of the minute does
    not use up the attempts of every trial in seconds, whatever the server calls a time to wait.

    Args:
        start: First size of the window.
        maximum: It never grows beyond this.
        clock: Time.
    """

    def __init__(self, *, start: int, maximum: int, clock: Clock) -> None:
        self._window = float(max(1, min(start, maximum)))
        self._maximum = maximum
        self._clock = clock
        self._slow_start = True
        self._generation = 0
        self._strikes = 0
        self._paused_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.in_flight = 0

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return int(self._window)

    async def acquire(self) -> int:
        """Wait for a place and take it; returns the generation to hand back to `release`."""
        if self.in_flight < self.limit and not self._waiting:
            self.in_flight += 1
        else:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._free()
                raise
        try:
            while (rest := self._paused_until - self._clock.monotonic()) > 0:
                await self._clock.sleep(rest)
        except asyncio.CancelledError:
            self._free()
            raise
        return self._generation

    def release(
        self,
        generation: int,
        outcome: CallOutcome,
        *,
        retry_after: float | None = None,
        rate_limited: bool = False,
    ) -> None:
        """Give a place back and learn from how its call went."""
        if outcome == "ok":
            self._strikes = 0
            self._window += 1.0 if self._slow_start else 1.0 / self._window
            self._window = min(self._window, float(self._maximum))
        elif outcome == "congested":
            if generation == self._generation:
                self._generation += 1
                self._slow_start = False
                self._window = max(1.0, self._window / 2)
                if rate_limited:
                    pause = min(FIRST_PAUSE * 2**self._strikes, LONGEST_PAUSE)
                    retry_after = max(retry_after or 0.0, pause)
                    self._strikes += 1
            if retry_after:
                self._paused_until = max(self._paused_until, self._clock.monotonic() + retry_after)
        self._free()

    def _free(self) -> None:
        """Give one place back, and hand free places to those that wait, first come first served."""
        self.in_flight -= 1
        while self._waiting and self.in_flight < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)
