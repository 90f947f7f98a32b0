"""Small checks: does a target answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.api.blocking import wait_for
from alignmeter.api.given import as_spec
from alignmeter.targets import TargetOptions, probe, resolve_target

if TYPE_CHECKING:
    from alignmeter.records import CallError


def check_endpoint(spec: str, options: TargetOptions) -> CallError | None:
    """Make one cheap call to a target; None where it answers.

    Raises:
        InputError: The spec is not understood.
    """
    return wait_for(check_endpoint_async, spec, options)


async def check_endpoint_async(spec: str, options: TargetOptions) -> CallError | None:
    """Like `check_endpoint`, inside a running event loop."""
    target = resolve_target(as_spec("spec", spec), options)
    async with target:
        return await probe(target)
