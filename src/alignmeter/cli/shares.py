"""A parser for shares on the command line: `1%` or `0.01`."""

from __future__ import annotations

import math

import typer


def share(given: str | float) -> float:
    """Return a share in [0, 1).

    Args:
        given: What was typed; the default of an option comes as the number it is.

    Raises:
        typer.BadParameter: It is none.
    """
    text = str(given)
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise typer.BadParameter(f"expected a share from 0 to below 1, such as 1% or 0.01, got {text!r}")
    return value
