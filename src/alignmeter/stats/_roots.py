"""One root of a continuous function, held between two ends that come ever closer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Ends(NamedTuple):
    """Two places with a root between them: at one the function is above 0, at the other it is not."""

    above: float
    below: float


def narrowed(function: Callable[[float], float], ends: Ends, width: float) -> Ends:
    """Bring the two ends of a root to a distance of at most `width`.

    Args:
        function: Continuous between the ends.
        ends: Where it is above 0 and where it is not; either may be the larger.
        width: Distance at the end, well above the spacing of floats.

    Notes:
        Inverse quadratic interpolation where the last three places allow it, else halving: about ten
        calls where halving alone takes thirty.

    References:
        T. R. Chandrupatla, A new hybrid quadratic/bisection algorithm for finding the zero of a
        nonlinear function without using derivatives, Advances in Engineering Software 28, 1997.
    """
    newest, other = ends
    at_newest, at_other = function(newest), function(other)
    share = 0.5
    while abs(newest - other) > width:
        tried = newest + share * (other - newest)
        at_tried = function(tried)
        if (at_tried > 0) == (at_newest > 0):
            third, at_third = newest, at_newest
        else:
            third, at_third = other, at_other
            other, at_other = newest, at_newest
        newest, at_newest = tried, at_tried
        share = _share(newest, other, third, (at_newest, at_other, at_third))
        # A step of at least half the width: one that lands beyond the root ends the search.
        least = min(0.5, 0.5 * width / abs(newest - other))
        share = min(max(share, least), 1 - least)
    return Ends(newest, other) if at_newest > 0 else Ends(other, newest)


def _share(newest: float, other: float, third: float, at: tuple[float, float, float]) -> float:
    """Return how far to go from the newest place towards the one on the other side of the root."""
    at_newest, at_other, at_third = at
    if at_newest in {at_other, at_third} or at_other == at_third:
        return 0.5
    place = (newest - other) / (third - other)
    value = (at_newest - at_other) / (at_third - at_other)
    if not (value**2 < place and (1 - value) ** 2 < 1 - place):
        return 0.5
    return at_newest / (at_other - at_newest) * at_third / (at_other - at_third) + (third - newest) / (
        other - newest
    ) * at_newest / (at_third - at_newest) * at_other / (at_third - at_other)
