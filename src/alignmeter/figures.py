"""Shares, ends of intervals and confidences as people read them; the records keep the exact numbers.

An estimate is rounded to the nearest figure. An end of an interval is rounded outward, so that what is said
to be at least, or at most, so much is so, and the same figure stands wherever the end does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Protocol

_FINEST = 7
"""Decimals of a percent after which an end and its limit are the same."""
_NOISE, _NOTHING = Decimal("1e-9"), 1e-12
"""Hundredths, and numbers of any unit, below which a difference is that of floating point."""
_LARGEST = 1e9
"""Shares from which on there is nothing to round."""
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


@dataclass(frozen=True)
class Form:
    """How a share, or a difference of shares, is written: in hundredths, with one decimal.

    Attributes:
        unit: What stands behind the number.
        signed: Whether a number that is not negative has a plus.
        short: Whether it has no decimal between 10 and 99, no zero behind the point, and words where one
            decimal would say nothing or all.
    """

    unit: str
    signed: bool = False
    short: bool = False

    def __call__(self, share: float) -> str:
        """Write a share, rounded to the nearest figure."""
        value = 100 * share
        word = self.word(value)
        return word or self.text(Decimal(f"{value:.{self.decimals(value)}f}"))

    def decimals(self, value: float) -> int:
        """Decimals of so many hundredths."""
        return 0 if self.short and 10 <= value <= 99 else 1  # noqa: PLR2004

    def word(self, value: float) -> str:
        """What is said of so many hundredths instead of a number; empty where a number is."""
        if self.short and 0 < value < 0.1:  # noqa: PLR2004 - what one decimal would print as zero
            return f"under 0.1{self.unit}"
        if self.short and 99.9 < value < 100:  # noqa: PLR2004 - the mirror of it
            return f"over 99.9{self.unit}"
        return ""

    def text(self, number: Decimal, *, exact: bool = False) -> str:
        """Write hundredths that are rounded already, with every digit and no more where `exact`."""
        number = _signless(number)
        text = _plain(number) if exact or self.short else f"{number:f}"
        return f"{'+' if self.signed and number >= 0 else ''}{text}{self.unit}"


percent = Form("%", short=True)
"""A share for people: one decimal below 10% and above 99%; never rounded to nothing or to all."""

one_decimal = Form("%")
"""A share that may be negative, such as a tax: one decimal, and no minus zero."""

points = Form(" points")
"""A difference of shares in points: one decimal, and no minus zero."""

signed_points = Form(" points", signed=True)
"""A difference in points, with its sign."""

signed_number = Form("", signed=True)
"""The same under a heading that says points."""


def exact_percent(share: float) -> str:
    """Format a share that was set, not measured: with every digit that it was given."""
    return f"{100 * share:.10g}%"


def exact_points(share: float) -> str:
    """A margin that was set, in points with every digit that it was given."""
    return f"{100 * share:.10g} points"


def lower_end(share: float, limit: float | None = None, form: Form = percent) -> str:
    """Write the lower end of an interval, rounded down.

    Where the usual digits would print the limit, or what lies beyond it, there are as many more as tell
    the two apart.

    Args:
        share: The end, as a share or a difference of shares.
        limit: What it is compared with; None for nothing.
        form: How it is written.
    """
    return _end(share, limit, form, ROUND_FLOOR)


def upper_end(share: float, limit: float | None = None, form: Form = percent) -> str:
    """Write the upper end of an interval so; it is rounded up (`lower_end`)."""
    return _end(share, limit, form, ROUND_CEILING)


def ends(interval: Ends, limit: float | None = None, form: Form = percent) -> str:
    """Write an interval as `1.2% to 6.4%` or `1.2 to 6.4 points`, its ends as `lower_end` and `upper_end`."""
    lower, upper = lower_end(interval.lower, limit, form), upper_end(interval.upper, limit, form)
    return f"{lower.removesuffix(' points')} to {upper}"


def number_ends(lower: float, upper: float, joined: str = " to ", decimals: int = 3) -> str:
    """Write an interval of what is no share, such as an area, rounded outward: `0.812 to 0.934`."""
    step = Decimal(1).scaleb(-decimals)
    low = _decimal(lower).quantize(_NOISE).quantize(step, ROUND_FLOOR)
    high = _decimal(upper).quantize(_NOISE).quantize(step, ROUND_CEILING)
    return f"{_signless(low):f}{joined}{_signless(high):f}"


def significant_ends(lower: float, upper: float, digits: int = 3) -> str:
    """Write an interval in units of its own, rounded outward to so many digits: `0.0122 to 1.24`."""
    told: list[str] = []
    for end, rounding in ((lower, ROUND_FLOOR), (upper, ROUND_CEILING)):
        number = _decimal(end) if abs(end) > _NOTHING else Decimal(0)
        step = Decimal(1).scaleb(number.adjusted() + 1 - digits)
        told.append(_plain(_signless(number.quantize(step, rounding))))
    return " to ".join(told)


def confidence(alpha: float) -> str:
    """Say the confidence of a test at an error rate, rounded down and never to 100%.

    The error rate is rounded up to four decimals, or to two digits where those begin later.
    """
    rate = _decimal(alpha)
    decimals = max(_LEAST_DECIMALS, 1 - rate.adjusted()) if rate else 0
    return f"{_plain(100 * (1 - rate.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING)))}%"


def _end(share: float, limit: float | None, form: Form, rounding: str) -> str:
    if not abs(share) < _LARGEST:
        return form(share)
    end = (100 * _decimal(share)).quantize(_NOISE)
    mark = None if limit is None else 100 * _decimal(limit)
    if mark is not None and abs(end - mark) < Decimal(1).scaleb(-_FINEST):
        end = mark
    word, usual = form.word(float(end)), form.decimals(float(end))
    if word and (mark is None or (mark >= Decimal("0.1") if end < 1 else mark <= Decimal("99.9"))):
        return word
    for decimals in range(usual + bool(word), _FINEST + 1):
        told = end.quantize(Decimal(1).scaleb(-decimals), rounding)
        if mark is None or _is_beside(told, end, mark):
            return form.text(told, exact=decimals > usual)
    return form.text(end if mark is None else mark, exact=True)


def _is_beside(told: Decimal, end: Decimal, mark: Decimal) -> bool:
    """Whether what is told lies where the end does: at the mark, or on the same side of it."""
    return told == mark if end == mark else told != mark and (told < mark) == (end < mark)


def _signless(number: Decimal) -> Decimal:
    """The number, and zero without a minus."""
    return number or abs(number)


def _decimal(number: float) -> Decimal:
    """The number without the noise of its binary form."""
    return Decimal(f"{number:.14g}")


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text
