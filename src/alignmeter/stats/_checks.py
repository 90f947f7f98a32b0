"""What several modules ask of their input, in one wording, and of what they give back."""

from __future__ import annotations

import math


def checked_level(level: float) -> float:
    """Return a two-sided coverage, or raise ValueError where it is outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1 (0.95 is usual), got {level!r}")
    return level


def check_counts(**counts: float) -> None:
    """Raise ValueError, with its name, for a count that is negative or not finite; fractions may be."""
    for name, value in counts.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a finite number >= 0, got {value!r}")


def as_share(value: float) -> float:
    """Return an estimate of a share, moved into [0, 1]: a correction can carry it out."""
    return min(max(value, 0.0), 1.0)
