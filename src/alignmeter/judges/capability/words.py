"""Words in one form, so that spelling and case do not decide, and signs, units and symbols do.

`Canberra.` is `canberra`; `-5 %`, `minus 5 percent` and `-5.0%` are one, and none of them is `5%`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from alignmeter.judges.capability.quantities import MEASURES, NUMERAL, UNITS, numeral, unit_of, unpadded

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNSAID = re.compile(r"['\u2019\u2122\u00ae\u00a9\u2120]")
_ARROW = re.compile(r"[-=]{1,9}>|<-{1,9}(?!\s?[.\d])|<={2,9}")
_TAG = re.compile(r"</?([A-Za-z][\w-]{0,30})\s?/?>")
"""A mark-up tag, or a word in angle brackets: nothing is compared."""
_SPELLED = {
    "&gt;": ">", "&lt;": "<", "&amp;": "&", "\u2260": "!=", "\u2212": "-", "\u207b": "-", "\u207a": "+",
    "\u266f": "#", "\u266d": "b", "\u2264": "<=", "\u2265": ">=", "\u2a7d": "<=", "\u2a7e": ">=", "=<": "<=",
    "+/-": "\u00b1", "\\leq": "<=", "\\geq": ">=", "\\le": "<=", "\\ge": ">=", "\\lt": "<", "\\gt": ">",
    "\\neq": "!=", "\\ne": "!=", "\\pm": "\u00b1", "\\infty": "\u221e", "\\sqrt": "\u221a",
}  # fmt: skip
_SPELLINGS = re.compile(
    "|".join(re.escape(each) + (r"(?![A-Za-z])" if each[0] == "\\" else "") for each in _SPELLED)
)
_RAISED = re.compile("(?<=[^\\W_])[\u207a\u207b]?[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]{1,9}")
_PART = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_DASH_AS_MINUS = re.compile(r"(?<![^\s($=:{])[\u2013\u2011](?=[$\u20ac\u00a3\u00a5]?\.?\d)")

_MONEY = r"[$\u20ac\u00a3\u00a5\u20b9]|(?:US[ ]?\$|USD|EUR|GBP|JPY|CHF|INR)(?![^\W\d_])"
_TOKEN = re.compile(
    rf"""
    (?P<compare>!=|<=|>=|[<>\u00b1])
    |(?P<minus>(?<![\w)\]%$\u20ac\u00a3\u00a5])-(?=[.\d\u221e\u221a]|{_MONEY}|[A-Za-z](?![^\W_]))
        |(?<!\w)(?:minus|negative)[ ](?=[.\d\u221e]|{_MONEY}))
    |(?P<plus>(?<![\w)\]%+])\+(?=[.\d]|{_MONEY}))
    |(?<![^\W_])(?:(?P<before>{_MONEY})\s?(?P<late>-)?)?
        (?P<numeral>{NUMERAL})(?:(?![^\W_])|(?=(?:{MEASURES})(?![^\W_])))(?P<more>\+(?![+\w]))?
        (?:\s(?P<scale>thousand|million|billion|trillion)(?![^\W_]))?
        (?:[ \t-]?(?P<unit>{UNITS})(?!\d))?
    |(?P<word>[^\W_]+(?:\^\{{?\d{{1,3}}\}}?)?)
        (?P<suffix>\+{{1,2}}(?![+\w])|[ ]\+{{1,2}}(?!\+|[ ]?\w)|\+\+|(?<=[A-Za-z])\#(?!\w)|-(?![\w-]))?
    |(?P<symbol>\+(?=\s?[\w(])|(?<=\w)\*(?=\w)|[\u00d7\u00f7&\u221e\u221a])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SPELLED_SUFFIX = re.compile(r" (?:plus|minus|sharp|flat)(?![^\W_])", re.IGNORECASE)
_GRADE = re.compile(r"[^\W\d_]|[A-Z]{2,3}")
_SHORT = 3
_OPERATORS = {"+": "+", "*": "*", "\u00d7": "*", "\u00f7": "/", "&": "and", "\u221e": "\u221e"}
_SAID = (
    (re.compile(r"\b(?:no|not) (?:more|greater|higher|larger) than\b"), "at most"),
    (re.compile(r"\b(?:no|not) (?:less|fewer|lower|smaller) than\b"), "at least"),
    (re.compile(r"(?<=\d) to (?=-?\d)"), " "),
    (re.compile(r"(?<=\d) degrees? c(?:elsius)?(?!\S)"), " c"),
    (re.compile(r"(?<=\d) degrees? f(?:ahrenheit)?(?!\S)"), " f"),
)
"""Words for what signs say too: bounds, ranges, degrees."""


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return the words of a text in one form, with a space between any two.

    Case, accents, quotation marks, full stops, hyphens, articles and runs of space are gone. What changes
    the meaning is kept: the sign and the decimals of a number, its percent or currency (behind it, in one
    spelling), comparisons (`>50`), and symbols that belong to a name (`c++`, `c#`, `a-`).
    """
    told = " ".join(_tokens(_prepared(text)))
    for words, form in _SAID:
        told = words.sub(form, told)
    return told


def _prepared(text: str) -> str:
    """A text without accents and mark-up, and with one character for each sign."""
    text = _RAISED.sub(lambda match: "^" + unicodedata.normalize("NFKC", match.group()), text)
    text = _SPELLINGS.sub(lambda match: _SPELLED[match.group()], _TAG.sub(r" \1 ", text))
    text = _PART.sub(" ", _DASH_AS_MINUS.sub("-", _UNSAID.sub("", text)))
    letters = unicodedata.normalize("NFKD", text)
    return _ARROW.sub(" ", "".join(c for c in letters if not unicodedata.combining(c)))


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    articles: set[int] = set()
    prefix, prefixed_to = "", 0
    after_number = None
    for match in _TOKEN.finditer(text):
        if prefix and text[prefixed_to : match.start()].strip(" \t\n({"):
            prefix = ""  # something else stands between
        opened, prefix = prefix, ""
        if match["compare"]:
            prefix, prefixed_to = opened + match["compare"], match.end()
        elif match["minus"] == "-" or (match["minus"] and after_number != match.start() - 1):
            prefix, prefixed_to = opened + "-", match.end()
        elif match["minus"]:
            found.append(match["minus"].strip().casefold())
        elif match["plus"]:
            prefix, prefixed_to = opened, match.end()
        elif match["numeral"]:
            found += _quantity(match, opened)
            after_number = match.end()
        elif match["word"]:
            if _is_article(match, text):
                articles.add(len(found))
            found.append(_word(match, text, opened))
        elif match["symbol"] == "\u221a":
            prefix, prefixed_to = opened + "\u221a", match.end()
        elif match["symbol"] in _OPERATORS and (found or match["symbol"] == "\u221e"):
            sign = opened if match["symbol"] == "\u221e" else ""
            found.append(sign + _OPERATORS[match["symbol"]])
    kept = [word for place, word in enumerate(found) if place not in articles]
    return kept or found


def _quantity(match: re.Match[str], prefix: str) -> Iterator[str]:
    """A number with its sign and comparison, then its scale, then its unit."""
    unit = unit_of(match["unit"] or match["before"] or "")
    first, *others = numeral(match["numeral"])
    yield (
        prefix + ("-" if match["late"] else "") + (unpadded(first) if unit else first) + (match["more"] or "")
    )
    yield from others
    if match["scale"]:
        yield match["scale"].casefold()
    if unit:
        yield unit


def _word(match: re.Match[str], text: str, prefix: str) -> str:
    """A word with the symbols that belong to it; a comparison belongs to letters of a formula alone."""
    word, suffix = match["word"], (match["suffix"] or "").strip()
    if suffix == "-" and not _GRADE.fullmatch(word):
        ends = not text[match.end() : match.end() + 1].isspace()
        suffix = suffix if len(word) <= _SHORT and ends else ""
    if len(word) > 1 and not word[0].isdigit():
        prefix = ""
    return prefix + re.sub(r"[\^{}]", "", word).casefold() + suffix


def _is_article(match: re.Match[str], text: str) -> bool:
    """Whether a word is an article, and not a name such as that of `Hepatitis A`."""
    word = match["word"]
    if match["suffix"] or word.casefold() not in {"a", "an", "the"}:
        return False
    if word.casefold() != "a":
        return True
    following = text[match.end() : match.end() + 2]
    if not (following[:1].isspace() and following[1:].isalnum()) or _SPELLED_SUFFIX.match(text, match.end()):
        return False
    before = text[: match.start()].rstrip()
    return word == "a" or not before or before[-1] in ".!?:\n" or following[1].isupper()
