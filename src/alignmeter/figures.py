"""Shares, ends of intervals and confidences as people read them; the records keep the exact numbers."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITTEN = re.compile(r"(?P<word>under |over )?(?P<sign>[+-]?)\d+(?:\.(?P<decimals>\d+))?(?P<unit>.*)")
_FINEST = 7
"""Decimals of a percent after which an end and its limit are the same."""
_LEAST_DECIMALS = 4
"""Decimals of an error rate that are always told: 1.25% has them all."""


class Ends(Protocol):
    """An interval of any kind."""

    @property
    def lower(self) -> float:
        """Its lower end."""
        ...

    @property
    def upper(self) -> float:
        """Its upper end."""
        ...


def percent(share: float) -> str:
    """Format a share for people: one decimal below 10% and above 99%; never rounded to nothing or to all."""
    value = 100 * share
    if 0 < value < 0.1:  # noqa: PLR2004 - what one decimal would print as zero
        return "under 0.1%"
    if 99.9 < value < 100:  # noqa: PLR2004 - the mirror of it
        return "over 99.9%"
    text = f"{value:.0f}" if 10 <= value <= 99 else f"{value:.1f}"  # noqa: PLR2004
    return f"{text.removesuffix('.0')}%"


def one_decimal(share: float) -> str:
    """Format a share that may be negative, such as a tax: one decimal, and no minus zero."""
    return f"{_tenths(100 * share)}%"


def exact_percent(share: float) -> str:
    """Format a share that was set, not measured: with every digit that it was given."""
    return f"{100 * share:.10g}%"


def points(share: float) -> str:
    """A difference of shares in points: one decimal, and no minus zero."""
    return f"{_tenths(100 * share)} points"


def signed_points(share: float) -> str:
    """A difference in points, with its sign."""
    return f"{100 * share:+.1f} points"


def exact_points(share: float) -> str:
    """A margin that was set, in points with every digit that it was given."""
    return f"{100 * share:.10g} points"


def lower_end(share: float, limit: float | None, written: Callable[[float], str] = percent) -> str:
    """Write the lower end of an interval so that it is read on its side of a limit.

    Where the usual digits would print the limit, or what lies beyond it, the end is rounded down to as
    many more as tell the two apart: what is said of it stays true.

    Args:
        share: The end, as a share or a difference of shares.
        limit: What it is compared with; None for nothing.
        written: How it is written where that is no question.
    """
    return _end(share, limit, written(share), ROUND_FLOOR)


def upper_end(share: float, limit: float | None, written: Callable[[float], str] = percent) -> str:
    """Write the upper end of an interval so; it is rounded up (`lower_end`)."""
    return _end(share, limit, written(share), ROUND_CEILING)


def ends(interval: Ends, limit: float | None = None, written: Callable[[float], str] = percent) -> str:
    """Write an interval as `1.2% to 6.4%`, each end on its side of a limit that stands beside it."""
    return f"{lower_end(interval.lower, limit, written)} to {upper_end(interval.upper, limit, written)}"


def confidence(alpha: float) -> str:
    """Say the confidence of a test at an error rate, rounded down and never to 100%.

    The error rate is rounded up to four decimals, or to two digits where those begin later.
    """
    rate = _decimal(alpha)
    decimals = max(_LEAST_DECIMALS, 1 - rate.adjusted()) if rate else 0
    return f"{_plain(100 * (1 - rate.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING)))}%"


def _tenths(value: float) -> str:
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text


def _end(share: float, limit: float | None, text: str, rounding: str) -> str:
    found = _WRITTEN.fullmatch(text)
    if limit is None or found is None:
        return text
    end, mark = 100 * _decimal(share), 100 * _decimal(limit)
    if abs(end - mark) < Decimal(1).scaleb(-_FINEST):
        end = mark
    if _is_beside(text, found, end, mark):
        return text
    told = mark
    for decimals in range(len(found["decimals"] or "") + 1, _FINEST + 1):
        rounded = end.quantize(Decimal(1).scaleb(-decimals), rounding)
        if rounded != mark and (rounded < mark) == (end < mark) and end != mark:
            told = rounded
            break
    sign = "+" if found["sign"] == "+" and told > 0 else ""
    return f"{sign}{_plain(told)}{found['unit']}"


def _is_beside(text: str, found: re.Match[str], end: Decimal, mark: Decimal) -> bool:
    """Whether a text tells on which side of the mark the end lies; `under 0.1%` is 0 to 0.1."""
    told = Decimal(text.removeprefix(found["word"] or "").removesuffix(found["unit"]))
    if found["word"] == "under ":
        return told <= mark
    if found["word"] == "over ":
        return mark <= told
    return told == mark if end == mark else told != mark and (told < mark) == (end < mark)


def _decimal(number: float) -> Decimal:
    """The number without the noise of its binary form."""
    return Decimal(f"{number:.14g}")


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text
