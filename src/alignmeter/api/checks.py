"""Small checks: does a target answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alignmeter.errors import InputError, TargetUnavailableError
from alignmeter.targets import TargetOptions, probe, resolve_target

if TYPE_CHECKING:
    from alignmeter.records import CallError
    from alignmeter.targets import Target


def check_endpoint(spec: str, options: TargetOptions) -> CallError | None:
    """Make one cheap call to a target; None where it answers."""

    async def check() -> CallError | None:
        target = resolve_target(spec, options)
        async with target:
            return await probe(target)

    return asyncio.run(check())


async def preflight(target: Target) -> None:
    """Fail before anything is written where no call to a model can succeed.

    Raises:
        InputError: The key is refused, or the model is unknown.
        TargetUnavailableError: The endpoint cannot be reached.
    """
    error = await probe(target)
    if error is None:
        return
    if error.fatal:
        raise InputError(error.message)
    if error.kind == "connection":
        raise TargetUnavailableError(error.message)
