"""Numbers inside a phrase in one spelling, with the percent or the currency that they are of."""

from __future__ import annotations

import re

_FRACTION = "/\u2044"
NUMERAL = (
    r"(?:\d{1,40}(?:[.,]\d{1,40}){0,20}(?:[ \u00a0\u202f]\d{3}(?!\d)(?![.,]\d)){0,9}|\.\d{1,40})"
    rf"(?:[ ]?[{_FRACTION}][ ]?\d{{1,40}}){{0,9}}(?:\^\{{?-?\d{{1,4}}\}}?)?"
)
"""A number as it may be written: with separators, as a fraction, with a power."""

_UNIT_WORDS = {
    "percent": r"%|percent(?![^\W_])|per[ ]cent(?![^\W_])|pct(?![^\W_])",
    "permille": r"\u2030",
    "usd": r"(?:US[ ]?)?\$|(?:usd|(?:us[ ])?dollars?)(?![^\W_])",
    "eur": r"\u20ac|(?:eur|euros?)(?![^\W_])",
    "gbp": r"\u00a3|(?:gbp|pounds?(?:[ ]sterling)?)(?![^\W_])",
    "jpy": r"\u00a5|(?:jpy|yen)(?![^\W_])",
    "inr": r"\u20b9|(?:inr|rupees?)(?![^\W_])",
    "chf": r"(?:chf|swiss[ ]francs?)(?![^\W_])",
}
_UNIT = {name: re.compile(f"(?:{words})\\Z", re.IGNORECASE) for name, words in _UNIT_WORDS.items()}
UNITS = "|".join(_UNIT_WORDS.values())
"""Percent and currencies, as signs and as words, behind a number."""
MEASURES = r"km|cm|mm|m|kg|g|mg|l|ml|h|min|s|ms|kb|mb|gb|tb|kw|kwh|v|hz|c|f|eur|usd|gbp|jpy|chf|inr"
"""Units that may touch their number: `5km` is `5 km`, `3D` is one word."""

_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?")
_SPACED = re.compile(r"\d{1,3}(?: \d{3})+")
_POINTS = re.compile(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+")
_DECIMAL = re.compile(r"\d*\.\d+|\d+,\d+|\d+")


def numeral(text: str) -> list[str]:
    """Return a number in one spelling, or the several that only stand together, as in a date."""
    text = re.sub(r"[\u00a0\u202f]", " ", text)
    body, raised, power = text.partition("^")
    parts = [part.strip() for part in re.split(f"[{_FRACTION}]", body)]
    if len(parts) == 2 and all(part.isdigit() for part in parts):  # noqa: PLR2004 - a fraction
        found = ["/".join(parts)]
    else:
        found = [one for part in parts for one in _spelled(part)]
    if raised:
        found[-1] += raised + power.strip("{}")
    return found


def unpadded(number: str) -> str:
    """Return a number without zeros at its end that only say how it is written, as in `$5.00`."""
    return re.sub(r"[.,]0+\Z|(?<=\d)([.,]\d*[1-9])0+\Z", r"\1", number)


def unit_of(text: str) -> str:
    """Return the one name of a percent or a currency sign, "" for none."""
    return next((name for name, words in _UNIT.items() if words.match(text)), "")


def _spelled(text: str) -> list[str]:
    if _THOUSANDS.fullmatch(text):
        return [text.replace(",", "")]
    if _SPACED.fullmatch(text):
        return [text.replace(" ", "")]
    if _POINTS.fullmatch(text):
        return [text.replace(".", "").replace(",", ".")]
    if _DECIMAL.fullmatch(text):
        return [f"0{text}" if text.startswith(".") else text]
    return re.findall(r"\d+(?:\.\d+(?![.\d]))?", text) if " " in text else re.findall(r"\d+", text)
