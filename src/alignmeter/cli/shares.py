"""A parser for shares on the command line: `1%` or `0.01`."""

from __future__ import annotations

import math

import typer


def share(text: str) -> float:
    """Return a share in [0, 1).

    Raises:
        typer.BadParameter: It is none.
    """
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise typer.BadParameter(f"expected a share from 0 to below 1, such as 1% or 0.01, got {text!r}")
    return value
