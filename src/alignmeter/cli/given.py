"""Options as they were typed, those that a command has no use for, and how messages name them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import typer

_PARAMETER = re.compile(r"`([a-z_]+)=([^`]*)`")
CALLED = {
    "allow_self": "judge_self",
    "generate": "fresh",
    "language": "to",
    "maximum": "max",
    "metrics": "metric",
    "references": "reference",
    "families": "family",
    "specs": "judge",
    "thresholds": "threshold",
}
"""Parameters of functions and fields of requests in Python whose option has another name."""
_TYPED = frozenset({"COMMANDLINE", "ENVIRONMENT"})


def refuse_unused(context: typer.Context, used: Collection[str], why: Callable[[str], str]) -> None:
    """Refuse options that mean nothing beside the others: an option must never seem to have worked.

    What was typed is asked of the command itself, so that none of its options can be forgotten.

    Args:
        context: Of the command.
        used: Names of its parameters, as Python has them, that mean something.
        why: Says what is wrong with a parameter, by its name; the option stands before it.

    Raises:
        InputError: Another one was typed; names the option.
    """
    for parameter in context.command.params:
        name = parameter.name
        source = None if name in used else context.get_parameter_source(name)
        if source is not None and source.name in _TYPED:
            raise InputError(f"{max(parameter.opts, key=len)} {why(name)}; leave it out")


def in_options(message: str) -> str:
    """Name options where a message names parameters, which the library writes as `name=` or `name=VALUE`."""
    return _PARAMETER.sub(_option, message)


def _option(found: re.Match[str]) -> str:
    name, value = found.groups()
    option = f"--{CALLED.get(name, name).replace('_', '-')}"
    return option if value in {"", "True"} else f"{option} {value}"
