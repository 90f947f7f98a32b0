"""Numbers as they stand in the cells of public files: read exactly, or not at all."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

TOLERANCE = 1e-6
"""Absolute, of answers with decimals; whole numbers are compared exactly."""

_MARKS = ", _\u00a0\u202f"
_NUMBER = re.compile(
    rf"(?P<sign>[-+\u2212]?)[$€£]?\s?(?P<late_sign>[-+\u2212]?)"
    # Thousands, or lakhs and crores: a comma elsewhere is a decimal comma, or stands between two numbers.
    rf"(?P<whole>[1-9]\d{{0,2}}(?P<mark>[{_MARKS}])(?:(?:\d{{3}}(?P=mark))*|(?:\d{{2}}(?P=mark))+)\d{{3}}|\d*)"
    r"(?P<rest>(?:\.\d*)?(?:[eE][-+]?\d{1,3})?)\s?[$€£%]?\.?"
)
_PLAIN = re.compile(r"[-+\u2212]?[\d.,]+(?:[eE][-+]?\d+)?")
_LARGEST = 300
"""Powers of ten, up or down: about what a float holds."""
_NO_MARKS = str.maketrans("", "", _MARKS)


def number_of(text: str) -> int | float | None:
    """Return the number that a cell holds, None where it holds none or none that can be told.

    Read are `1234`, `1,234`, `1 234`, `-0.5`, `2.5e3`, `$5` and `5%`; the last two as 5. `3,14` is none, as
    it may be a decimal comma, nor is `0,125`; nor a number with more decimals than a float tells apart.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    sign = f"{found['sign']}{found['late_sign']}".replace("\u2212", "-")
    try:
        exact = Decimal(f"{sign}{found['whole'].translate(_NO_MARKS)}{found['rest']}")
    except InvalidOperation:
        return None
    if abs(exact.adjusted()) > _LARGEST:
        return None
    if exact == exact.to_integral_value():
        return int(exact)
    value = float(exact)
    return value if abs(Fraction(str(value)) - Fraction(exact)) <= Fraction(str(TOLERANCE)) else None


def is_plain_number(text: str) -> bool:
    """Whether a text is a number and nothing else: no currency, no unit, no spaces."""
    return _PLAIN.fullmatch(text) is not None and number_of(text) is not None
