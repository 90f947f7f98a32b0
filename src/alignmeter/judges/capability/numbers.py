"""Numbers in a text: digits with separators, fractions, powers of ten, and English words."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.judges.capability.finding import NO_ANSWER, TWO_NUMBERS, Finding
from alignmeter.judges.capability.spans import CONCLUDES, lines, marked, sentences, unlisted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignmeter.records import NumberCheck, Unscored

_MAX_EXPONENT = 400
_NEAR = 40
"""Characters before a number in which a word denies it or turns its sign."""
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+]?)(?:[$€£¥][ ]?)?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?![\d,])|\d{1,400}(?!\d)|(?=\.\d))"
    r"(?P<decimals>\.\d{1,400})?"
    r"(?:[eE](?P<exponent>[-+]?\d{1,3})(?!\w)"
    r"|[ ]?(?:[x\u00d7*]|\\times|\\cdot)[ ]?10\^\{?(?P<power>-?\d{1,3})\}?"
    r"|[ ]?/[ ]?(?P<divisor>\d{1,40})(?!\.?\d)"
    r"|[ ]?(?P<scale>hundred|thousand|million|billion|trillion)(?!\w))?",
    re.IGNORECASE,
)
_LATEX_FRACTION = re.compile(r"\\[dt]?frac\s*(?:\{\s*(-?\d{1,40})\s*\}|(\d))\s*(?:\{\s*(\d{1,40})\s*\}|(\d))")
_MIXED = re.compile(r"(?<![\w.,/])(\d{1,40}) (\d{1,40})/(\d{1,40})(?![\w/]|\.\d)")
_FRACTION_AFTER_DIGIT = re.compile(r"(?<=\d)(?=\\[dt]?frac|[\u00bc-\u00be\u2150-\u215e])")
_SIGN_OF_FRACTION = re.compile(r"[\u00bc-\u00be\u2150-\u215e]")
_SPACED = re.compile(r"(?<![\w.,/^])(?<!\d )\d{1,3}(?: \d{3})+(?![\d_/^]|[ ]\d|,\d|[ ]/[ ]?\d)")
_DENIED = re.compile(
    r"(?:\b(?:not|never|rather than|instead of|unlike)|n't)"
    r"(?: be)?(?: exactly| about)?[\s$(\"'\u20ac\u00a3-]+$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\([^()]*\)")
_CHECKS = re.compile(
    r"(?:to )?(?:check|verif|note|explanation|proof|reason|let me know|i hope|feel free)", re.IGNORECASE
)
_MINUS = re.compile(r"(?:\A\s*minus|\bnegative) \Z", re.IGNORECASE)
_CLOSING = (")", "]")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
_BEFORE = re.compile(r"[\s$€£¥(\"'≈~]+|about|approximately")
_OPERATOR = re.compile(r"!?\s*[-+*/\u00d7\u00f7^=]|\s+x\s")
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
          "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
          "nineteen")  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
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
    text = _fractions(text)
    found = list(_digits(text))
    return found or list(_worded(text))


def _fractions(text: str) -> str:
    """A text with each fraction on one line, as `7/2`: from LaTeX, signs like ½, and mixed numbers."""
    text = _SIGN_OF_FRACTION.sub(_spelled, _FRACTION_AFTER_DIGIT.sub(" ", text))
    return _MIXED.sub(_improper, _LATEX_FRACTION.sub(r"\1\2/\3\4", text))


def _spelled(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match.group()).replace("\u2044", "/")


def _improper(match: re.Match[str]) -> str:
    whole, part, parts = (int(group) for group in match.groups())
    return f"{whole * parts + part}/{parts}" if part < parts else match.group()


def check_number(check: NumberCheck, reply: str) -> Finding | Unscored:
    """Compare the final number of a reply: what is marked, else a line of its own, else the last one.

    `12 345` is one number. Where nothing marks it and its last group alone would be right ("in box 12 345
    remain"), nobody can tell.
    """
    wanted = Fraction(str(check.answer))

    def is_right(number: Number | None) -> bool:
        return number is not None and abs(number.value - wanted) <= Fraction(str(check.tolerance))

    found = _final_number(_SPACED.sub(lambda match: match.group().replace(" ", ""), reply))
    if not is_right(found) and marked(reply) is None and is_right(_last(lines(reply))):
        return TWO_NUMBERS
    if found is None:
        return NO_ANSWER
    right = is_right(found)
    return Finding(float(right), found.text, evidence="" if right else f"expected {check.answer}")


def _final_number(reply: str) -> Number | None:
    mark = marked(reply)
    if mark is not None:
        found = _of_statement(mark.text)
        if found is not None or mark.label:
            return found or _last(lines(mark.rest))
    return _last(lines(reply))


def _last(own: Sequence[str]) -> Number | None:
    """The last number that stands alone on its line or is drawn as a conclusion, else the last of all."""
    found = None
    for line in own:
        concluded = next((each for each in reversed(sentences(line)) if CONCLUDES.match(each)), None)
        found = _alone(line) or (found and concluded and _of_sentence(concluded)) or found
    if found is not None:
        return found
    told = own[: next((place for place, line in enumerate(own) if place and _CHECKS.match(line)), len(own))]
    return next((number for line in reversed(told) if (number := _of_sentence(unlisted(line)))), None)


def _of_sentence(text: str) -> Number | None:
    """The last number that a sentence affirms; what stands in brackets only where there is no other."""
    return next((found[-1] for part in (_ASIDE.sub(" ", text), text) if (found := _affirmed(part))), None)


def _affirmed(text: str) -> list[Number]:
    text = _fractions(text)
    return [
        number
        for number in numbers(text)
        if not _DENIED.search(text[max(0, number.start - _NEAR) : number.start])
    ]


def _of_statement(text: str) -> Number | None:
    """The number that a statement gives: the one it begins with, else after its last equals sign."""
    text = _fractions(text)
    found = _affirmed(text)
    if not found:
        return None
    if _begins(text, found[0]):
        return found[0]
    left, _, right = text.rpartition("=")
    after = _affirmed(right)
    if len(_affirmed(left)) == 1 and after and not _begins(right, after[0]):
        return found[0]  # "12 = 7 + 5"
    return after[0] if left and after else found[0]


def _begins(text: str, number: Number) -> bool:
    """Whether a text begins with a number that no sign joins to a next one."""
    return not _BEFORE.sub("", text[: number.start]) and not _OPERATOR.match(text, number.end)


def _alone(line: str) -> Number | None:
    """The number of a line that holds one and nothing else but signs and a unit."""
    line = _fractions(line)
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
        value *= Fraction(10) ** exponent * _SCALES.get((match["scale"] or "").lower(), 1)
        if match["divisor"]:
            value /= int(match["divisor"])
        # "(7)-5" subtracts; in "7-5" the expression leaves the sign to what stands before it.
        before = text[max(0, match.start() - _NEAR) : match.start()]
        minus = (match["sign"] == "-" and before[-1:] not in _CLOSING) or _MINUS.search(before) is not None
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
