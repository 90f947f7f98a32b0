"""Text of strangers cut and escaped for where it is shown, and numbers made ready to read.

Escaping for HTML is the template's work. What escaping leaves alone, characters that reorder, hide or
break text, is the work of `alignmeter.visible`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.figures import ends, exact_percent, exact_points, percent, points
from alignmeter.visible import visible

if TYPE_CHECKING:
    from alignmeter.records import Interval, Verdict

TEXT_LIMIT = 20_000
"""Characters of one text that the report shows; the journal has it whole."""

TEXT_BUDGET = 12_000_000
"""Characters of all texts together: a report of thousands of long replies stays openable."""

TEXT_FLOOR = 500
"""Characters of one text that are always shown, whatever the budget."""

_MARKDOWN = str.maketrans(
    {char: f"\\{char}" for char in "\\`*_[]|~"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "\n": " ", "\r": " "}
)

NOTHING = "\N{EN DASH}"
"""Stands in a table where there is no number."""


class Clipped(NamedTuple):
    """The beginning of a text, and how many characters were left out."""

    text: str
    omitted: int


def markdown(text: str) -> str:
    """Escape a text so that Markdown shows it as it is, on one line, whatever it holds."""
    return visible(text).translate(_MARKDOWN)


def one_line(text: str, limit: int) -> str:
    """The beginning of a text on one line, for a summary; ends in an ellipsis where it was cut."""
    words = " ".join(visible(text[: 4 * limit]).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def clip(text: str, limit: int = TEXT_LIMIT) -> Clipped:
    """Cut a text at `limit` characters and make it visible."""
    return Clipped(visible(text[:limit]), max(0, len(text) - limit))


def text_limit(total: int, texts: int) -> int:
    """Characters to show of each text, so that all of them stay within the budget.

    Args:
        total: Characters of all texts, each counted up to `TEXT_LIMIT`.
        texts: How many texts there are.
    """
    if total <= TEXT_BUDGET or texts == 0:
        return TEXT_LIMIT
    return max(TEXT_FLOOR, TEXT_BUDGET // texts)


def rate(estimate: float | None) -> str:
    """A rate, or a dash where nothing was scored."""
    return NOTHING if estimate is None else percent(estimate)


def between(interval: Interval | None, limit: float | None = None) -> str:
    """An interval as `1.2% to 6.4%`, each end on its side of a limit that stands beside it, or a dash."""
    if interval is None:
        return NOTHING
    return ends(interval, limit)


def estimate_of(verdict: Verdict) -> str:
    """What a claim's units show, or a dash; a language gap is a difference in points."""
    if verdict.estimate is None or verdict.kind != "language_gap":
        return rate(verdict.estimate)
    return points(verdict.estimate)


def bounds_of(verdict: Verdict) -> str:
    """The interval of a claim as its sentence has it, or a dash."""
    if verdict.interval is None:
        return NOTHING
    return ends(verdict.interval, verdict.threshold, points if verdict.kind == "language_gap" else percent)


def limit_of(verdict: Verdict) -> str:
    """The limit of a claim."""
    return (exact_points if verdict.kind == "language_gap" else exact_percent)(verdict.threshold)


def count(value: float) -> str:
    """A count with thousands apart; halves of units keep their half."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def plural(number: float, word: str, words: str | None = None) -> str:
    """`1 claim`, `2 claims`."""
    return f"{count(number)} {word if number == 1 else words or word + 's'}"


def utc(seconds: float) -> str:
    """A time in UTC, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def folded(name: str, width: int) -> str:
    """Return a name in lines of at most so many characters where underscores allow it."""
    lines = [""]
    for part in re.split(r"(?<=_)", visible(name)):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def spaced(name: str) -> str:
    """A name of the records for people: `false_refusal` becomes `false refusal`."""
    return visible(name).replace("_", " ")
