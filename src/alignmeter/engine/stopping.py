"""Ctrl-C and a polite kill: work that keeps what is done stops cleanly, and says how to go on."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator


class Stoppable(Protocol):
    """What can be told to stop: the engine of a run, or work outside one."""

    def stop(self, reason: Literal["interrupted"], detail: str, /) -> None:
        """Stop soon; calls in flight are given up."""
        ...


@contextmanager
def stop_on_signal(*works: Stoppable) -> Generator[None]:
    """Turn SIGINT and SIGTERM into a clean stop while the block runs."""
    loop = asyncio.get_running_loop()
    handled: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        for work in works:
            work.stop("interrupted", f"stopped by {number.name}")

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop, number)
        except (NotImplementedError, RuntimeError, ValueError):
            continue  # not the main thread, or Windows: KeyboardInterrupt does it there
        handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
