"""Requests and tokens a minute, as a provider's contract says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignmeter.engine.clock import Clock

_MINUTE = 60.0


class TokenBucket:
    """Lets `per_minute` units through each minute, in order, with a burst of one second's worth.

    Args:
        per_minute: Units a minute; None lets everything through.
        clock: Time.
    """

    def __init__(self, per_minute: float | None, clock: Clock) -> None:
        self._rate = None if per_minute is None else per_minute / _MINUTE
        self._clock = clock
        self._next = 0.0
        self._lock = asyncio.Lock()

    def charge(self, units: float) -> None:
        """Count `units` that passed elsewhere a moment ago; whoever comes next waits for them."""
        if self._rate is not None:
            self._next = max(self._next, self._clock.monotonic()) + units / self._rate

    async def take(self, units: float = 1.0) -> None:
        """Wait until `units` may pass."""
        if self._rate is None:
            return
        async with self._lock:
            now = self._clock.monotonic()
            self._next = max(self._next, now - 1.0)
            if self._next > now:
                await self._clock.sleep(self._next - now)
            self._next += units / self._rate
