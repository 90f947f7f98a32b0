"""Small checks: does a target answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alignmeter.errors import BudgetSpentError, InputError, TargetUnavailableError
from alignmeter.targets import TargetOptions, probe, resolve_target

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AsyncExitStack

    from alignmeter.engine import Opening
    from alignmeter.records import CallError
    from alignmeter.targets import Target
    from alignmeter.targets.base import Ask


def check_endpoint(spec: str, options: TargetOptions) -> CallError | None:
    """Make one cheap call to a target; None where it answers."""

    async def check() -> CallError | None:
        target = resolve_target(spec, options)
        async with target:
            return await probe(target)

    return asyncio.run(check())


async def preflight(target: Target, ask: Ask | None = None) -> None:
    """Fail before anything is written where no call to a model can succeed, and learn what it refuses.

    Args:
        target: An open model.
        ask: Makes the calls that may be billed; where it finds the budget spent, they are left out.

    Raises:
        InputError: The key is refused, or the model is unknown.
        TargetUnavailableError: The endpoint cannot be reached.
    """
    try:
        error = await probe(target, ask)
    except BudgetSpentError:
        return
    if error is None:
        return
    if error.fatal:
        raise InputError(error.message)
    if error.kind == "connection":
        raise TargetUnavailableError(error.message)


async def open_models(
    opened: AsyncExitStack, target: Target, judges: Iterable[Target], opening: Opening
) -> None:
    """Open the models of a run and check them, the target first.

    Raises:
        InputError: As `preflight`.
        TargetUnavailableError: As `preflight`.
    """
    opening.remind(target)
    await opened.enter_async_context(target)
    await preflight(target, opening.asking(target))
    for judge in judges:
        await opened.enter_async_context(judge)
        await preflight(judge, opening.asking(judge, judge=True))
