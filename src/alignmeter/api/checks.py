"""Small checks: does a target answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alignmeter.targets import TargetOptions, probe, resolve_target

if TYPE_CHECKING:
    from alignmeter.records import CallError


def check_endpoint(spec: str, options: TargetOptions) -> CallError | None:
    """Make one cheap call to a target; None where it answers."""

    async def check() -> CallError | None:
        target = resolve_target(spec, options)
        async with target:
            return await probe(target)

    return asyncio.run(check())
