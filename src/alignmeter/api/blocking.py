"""Async work from plain code, and what is said where an event loop runs already."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import alignmeter
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

P = ParamSpec("P")
T = TypeVar("T")


def wait_for(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **options: P.kwargs) -> T:
    """Run an async function of the API to its end, on the fastest event loop there is.

    Args:
        work: The async form of the function that was called; it is not called where it cannot run.
        args: For it.
        options: For it.

    Raises:
        InputError: An event loop runs here already, as in a notebook; names what to await instead.
    """
    if _loop_runs():
        name = getattr(work, "__name__", "")
        home = "alignmeter" if name in dir(alignmeter) else "alignmeter.api"
        raise InputError(
            f"an event loop runs here already, as in a notebook: write `await {home}.{name}(...)`, which "
            "takes the same arguments"
        )
    if sys.platform == "win32":
        return asyncio.run(work(*args, **options))
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work(*args, **options))


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
