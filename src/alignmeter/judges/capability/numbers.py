"""Numbers in a text: digits with separators, fractions, powers of ten, and English words."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.judges.capability.finding import NO_ANSWER, Finding
from alignmeter.judges.capability.spans import lines, marked, unlisted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignmeter.records import NumberCheck

_MAX_DIGITS = 400
_MAX_EXPONENT = 400
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+]?)(?:[$€£¥][ ]?)?(?P<digits>\d{1,3}(?:,\d{3})+(?![\d,])|\d{1,400}(?!\d))"
    r"(?P<decimals>\.\d{1,400})?"
    r"(?:[eE](?P<exponent>[-+]?\d{1,3})(?!\w)"
    r"|[ ]?(?:[x\u00d7*]|\\times|\\cdot)[ ]?10\^\{?(?P<power>-?\d{1,3})\}?"
    r"|[ ]?/[ ]?(?P<divisor>\d{1,40})(?![\d.]))?"
)
_LATEX_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(-?\d{1,40})\s*\}\s*\{\s*(\d{1,40})\s*\}")
_CLOSING = (")", "]")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
_BEFORE = re.compile(r"[\s$€£¥(\"'≈~]+|about|approximately")
_OPERATOR = re.compile(r"\s*[-+*/\u00d7\u00f7^=]|\s+x\s")
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
          "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
          "nineteen")  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_WORDS = re.compile(
    rf"(?<!\w)(?P<minus>minus |negative )?(?P<words>(?:{'|'.join([*_UNITS, *_SCALES])})"
    rf"(?:(?:[ -]| and )(?:{'|'.join([*_UNITS, *_SCALES])}))*)(?!\w)",
    re.IGNORECASE,
)
_BARE = re.compile(r"[^\w\s]*|\s*(?:[a-z°%²³]{1,12}\.?)?", re.IGNORECASE)


class Number(NamedTuple):
    """A number as it stands in a text, at `start` to `end`."""

    value: Fraction
    text: str
    start: int
    end: int


def numbers(text: str) -> list[Number]:
    """Return the numbers of a text in order; number words only where it holds no digits."""
    text = _LATEX_FRACTION.sub(r"\1/\2", text)
    found = list(_digits(text))
    return found or list(_worded(text))


def check_number(check: NumberCheck, reply: str) -> Finding:
    """Compare the final number of a reply: what is marked, else a line of its own, else the last one."""
    found, final = _final_number(reply)
    if found is None:
        return NO_ANSWER
    wanted = Fraction(str(check.answer))
    right = abs(found.value - wanted) <= Fraction(str(check.tolerance))
    return Finding(
        float(right), found.text, final=final, evidence="" if right else f"expected {check.answer}"
    )


def _final_number(reply: str) -> tuple[Number | None, bool]:
    mark = marked(reply)
    if mark is not None:
        found = _of_statement(mark.text)
        if found is not None:
            return found, True
    own = [number for line in lines(reply) if (number := _alone(line)) is not None]
    if own:
        return own[-1], True
    every = [number for line in lines(reply) for number in numbers(unlisted(line))]
    return (every[-1], False) if every else (None, False)


def _of_statement(text: str) -> Number | None:
    """The number that a statement gives: the one it begins with, else after its last equals sign."""
    found = numbers(text)
    if not found or _begins(text, found[0]):
        return found[0] if found else None
    _, equals, right = text.rpartition("=")
    return next(iter(numbers(right)), found[0]) if equals else found[0]


def _begins(text: str, number: Number) -> bool:
    """Whether a text begins with a number that no sign joins to a next one."""
    return not _BEFORE.sub("", text[: number.start]) and not _OPERATOR.match(text, number.end)


def _alone(line: str) -> Number | None:
    """The number of a line that holds one and nothing else but signs and a unit."""
    found = numbers(line)
    if len(found) != 1:
        return None
    before, after = line[: found[0].start], line[found[0].end :]
    return found[0] if _BARE.fullmatch(before.strip()) and _BARE.fullmatch(after.strip()) else None


def _digits(text: str) -> Iterator[Number]:
    for match in _NUMBER.finditer(text):
        if _ORDINAL.match(text, match.end()):
            continue
        value = Fraction(match["digits"].replace(",", "") + (match["decimals"] or ""))
        exponent = int(match["exponent"] or match["power"] or 0)
        if abs(exponent) > _MAX_EXPONENT or (match["divisor"] and not int(match["divisor"])):
            continue
        value *= Fraction(10) ** exponent
        if match["divisor"]:
            value /= int(match["divisor"])
        # "(7)-5" subtracts; in "7-5" the expression leaves the sign to what stands before it.
        minus = match["sign"] == "-" and text[: match.start()][-1:] not in _CLOSING
        yield Number(-value if minus else value, match.group().strip(), match.start(), match.end())


def _worded(text: str) -> Iterator[Number]:
    for match in _WORDS.finditer(text):
        total = part = 0
        for word in re.split(r"[\s-]+", match["words"].lower()):
            if word in _UNITS:
                part += _UNITS[word]
            elif word == "hundred":
                part = max(part, 1) * 100
            elif word in _SCALES:
                total, part = total + max(part, 1) * _SCALES[word], 0
        value = total + part
        yield Number(Fraction(-value if match["minus"] else value), match.group(), match.start(), match.end())
