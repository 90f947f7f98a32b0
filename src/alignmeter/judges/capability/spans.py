r"""Where in a reply its answer stands: `\boxed{...}`, `#### ...`, `Answer: ...`, "the answer is ...".

All expressions are anchored or bounded, so that the time is linear in the length of the reply.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_CHARACTERS = 100_000
"""Characters of a reply that are read, the last ones: an answer stands at the end."""
CONCLUDES = re.compile(
    r"(?:so|thus|hence|therefore|finally|overall|ultimately|consequently|(?:in|at) the end|as a result"
    r"|in (?:total|conclusion|summary)|it follows|this (?:means|gives|leaves))\b"
    r"|[^\n]{0,200}\b(?:therefore|now|ends? up|in the end)\b",
    re.IGNORECASE,
)
"""How a sentence begins, or what it holds, that draws a conclusion."""

_ANSWER = r"(?:the |my )?(?:final |correct |right )?answer\b(?: (?:to|for|of|in) [^\n=:]{1,120}?)?"
_LABEL = re.compile(
    r"[ \t>]{0,8}(?:[-*\u2022][ ]+)?(?:#{1,6}[ ]+)?(?:(?:so|thus|hence|therefore),?[ ]+)?"
    rf"{_ANSWER}(?:(?:[ ]is)?[ ]?[:=]|[ ]*$)",
    re.IGNORECASE,
)
_STATED = re.compile(
    r"\b(?:(?:final |correct |right )?(?P<answer>answer)|(?:correct|right|best) (?P<option>option|choice)"
    r"|(?:final |correct |right )?(?:result|solution|output))\b(?: (?:to|for|of|in) [^\n=:]{1,120}?)?"
    r"(?:[ ]?[:=]|[ ](?:is|are|would be|must be|should be|becomes)\b[ ]?:?)",
    re.IGNORECASE,
)
_DOUBTED = re.compile(
    r"\b(?:maybe|perhaps|might|possibly|if|whether|suppose|guess|say)\b[^.!?\n]{0,40}$", re.IGNORECASE
)
_THINKING = re.compile(
    r"(?:let|first|to|we|i|step|given|since|because|if|there|start|see (?:above|below))\b", re.IGNORECASE
)
_FEW_WORDS = 3
_MOST_MARKS = 20
_NEAR = 6
"""Lines from a label on within which its value stands."""
_BEFORE = 80
_REOPENS = re.compile(
    r"\b(?:wait|hmm+|actually|hold on|oops|sorry|mistake|correction|(?:not|isn't) (?:right|correct)"
    r"|that's wrong|is wrong|incorrect|re-?check|re-?count|re-?compute|re-?calculate|re-?consider|re-?do"
    r"|double-?check|let me (?:verify|check))\b",
    re.IGNORECASE,
)
_HASHES = re.compile(r"^[ ]{0,3}####[ ]*(\S[^\n]*)$", re.MULTILINE)
_BARE_VALUE = re.compile(r"[-+$\u20ac\u00a3]?[ ]?\d[\d.,/ ]*(?<![., ])[%\u00b0]?")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*{1,3}(?=\S)|(?<=\S)\*{1,3}(?![\w*])|(?<!\w)_{1,2}(?=\S)|(?<=\S)_{1,2}(?!\w)"
)
_HEADING = re.compile(r"^[ ]{0,3}#{1,6}[ ]+(?=\S)", re.MULTILINE)
_FENCE_LINE = re.compile(r"\s*(?:```|~~~)[\w+-]{0,20}\s*")
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:\\,|\\[ ]|['\u2019_\u00a0\u2009\u202f])\d{3})+(?!\d)")
_EN_DASH_MINUS = re.compile(r"(?<![^\s($=:{])\u2013(?=\.?\d)")
_MATHS = re.compile(r"\\[()\[\],;: ]|(?<!\\)\$(?![ ]?[-+]?\.?\d)|\\(?:left|right|displaystyle|quad|;)\b")
_IN_DOLLARS = re.compile(
    r"(?<![\\$])(\$\$?)(?=[^\s$])([^$\n]{1,300})(?<=[^\s\\])\1(?!\d)|\$\$?[ ]([^$\n]{1,300})[ ]\$"
)
"""Maths between dollar signs; a dollar sign before a number is money otherwise."""
_ESCAPED = re.compile(r"\\([%$#&+<>-])")
_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mathit|operatorname)\s*\{([^{}]*)\}")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]?\s+(?=[A-Z\"'(*\d])")
_LIST_MARK = re.compile(r"^\s*(?:[-*\u2022+]|\(?\d{1,3}[.)])\s+")


class Mark(NamedTuple):
    """What a reply gives as its answer.

    Attributes:
        text: Up to the end of its line, as plain text.
        rest: The lines after it.
        label: Whether it stands apart, as `Answer:`, a box or `####` do; else it is said in a sentence.
    """

    text: str
    rest: str
    label: bool


class _Place(NamedTuple):
    line: int
    rank: int
    text: str
    closed: bool
    """Whether the reply goes on after it, or it ends by itself."""


def plain(reply: str) -> str:
    """Return a reply without markup and with maths written as text; line breaks stay."""
    text = _EN_DASH_MINUS.sub("-", _tail(reply).replace("\u2212", "-"))
    text = text.replace("{,}", ",").replace("\\!", "")
    text = _GROUPED.sub(lambda match: re.sub(r"\D", "", match.group()), text)
    text = text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2019", "'")
    if "\\" in text or "$" in text:
        text = _MATHS.sub(" ", _IN_DOLLARS.sub(lambda match: f" {match[2] or match[3]} ", text))
        text = _ESCAPED.sub(r"\1", _TEXT.sub(r"\1", text))
    return _EMPHASIS.sub("", text)


def marked(reply: str) -> Mark | None:
    """Return what the reply marks as its answer; None where it marks nothing.

    The last of boxes, `####` and lines `Answer:` counts, else the last sentence that says what the
    answer is. A result or an output is one where the reply begins or ends with it.
    """
    places = [place for place in _places(reply) if place.text]
    rows = plain(reply).split("\n")
    if places:
        place = max(places)
        return Mark(place.text, "\n".join(rows[place.line + 1 :]), label=True)
    return _said("\n".join(rows))


def settled(reply: str) -> str | None:
    """Return the answer of a reply that was cut, None where a later word could have been another one.

    Only a box, `####` with a number, or a line `Answer:` counts, whole, and not called in question after.
    """
    places = list(_places(reply, cut=True))
    if not places:
        return None
    place = max(places)
    rest = "\n".join(plain(reply).split("\n")[place.line :])
    return place.text if place.closed and not reopened(rest) else None


def reopened(text: str) -> bool:
    """Whether a text calls in question what was said before it."""
    return _REOPENS.search(text) is not None


def lines(reply: str) -> list[str]:
    """Return the lines of a reply that hold anything, without headings' marks and fences."""
    every = _HEADING.sub("", plain(reply)).split("\n")
    return [line.strip() for line in every if line.strip() and not _FENCE_LINE.fullmatch(line)]


def unlisted(line: str) -> str:
    """Return a line without the bullet or number that it begins with."""
    return _LIST_MARK.sub("", line).strip()


def sentences(reply: str) -> list[str]:
    """Return the sentences of a reply, line by line."""
    return [part.strip() for line in lines(reply) for part in _SENTENCE_END.split(line) if part.strip()]


def _tail(reply: str) -> str:
    return reply[-MAX_CHARACTERS:].replace("\r\n", "\n")


def _places(reply: str, *, cut: bool = False) -> Iterator[_Place]:
    """The last marks of each kind that stand apart; lines count alike with markup and without it."""
    raw = _tail(reply)
    rows = plain(reply).split("\n")
    yield from _boxes(raw)
    ends = len(raw.rstrip())
    for match in list(_HASHES.finditer(raw))[-_MOST_MARKS:]:
        last = match.end() >= ends
        if _BARE_VALUE.fullmatch(plain(match.group(1)).strip()) or (last and not cut):
            line = raw.count("\n", 0, match.start())
            yield _Place(line, 1, plain(match.group(1)).strip(), closed=match.end() < len(raw))
    labels = [(line, match) for line, row in enumerate(rows) if (match := _LABEL.match(row)) is not None]
    for start, match in labels[-_MOST_MARKS:]:
        found = _value(match.string[match.end() :], rows[start + 1 : start + _NEAR])
        if found is not None:
            further, value = found
            yield _Place(start + further, 0, value, closed=start + further + 1 < len(rows))


def _boxes(raw: str) -> Iterator[_Place]:
    for match in list(_BOXED.finditer(raw))[-_MOST_MARKS:]:
        depth, start = 1, match.end()
        for position in range(start, min(len(raw), start + 1_000)):
            depth += {"{": 1, "}": -1}.get(raw[position], 0)
            if depth == 0:
                line = raw.count("\n", 0, position)
                yield _Place(line, 2, plain(raw[start:position]).strip(), closed=True)
                break
        else:
            yield _Place(raw.count("\n", 0, start), 2, "", closed=False)


def _value(first: str, following: Sequence[str]) -> tuple[int, str] | None:
    """What a label gives and how many lines on: the rest of its line, or the next that holds anything.

    None for mere thinking.
    """
    for place, row in enumerate((first.strip(" \t:=*"), *following)):
        value = row.strip()
        if value.strip(" .:*`") and not value.endswith(":") and not _FENCE_LINE.fullmatch(row):
            return None if _is_thinking(value) else (place, value)
    return None


def _said(text: str) -> Mark | None:
    ends = text.rstrip().rfind("\n") + 1
    for match in reversed(list(_STATED.finditer(text))[-_MOST_MARKS:]):
        answer = match["answer"] or match["option"]
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        opens = match.start() < _BEFORE and not before.strip(" \n\t`\"'#*").removesuffix("The").strip()
        if not (answer or opens or match.start() >= ends) or _DOUBTED.search(before):
            continue
        first, *following = text[match.end() :].split("\n")
        found = _value(first, following[: _NEAR - 1])
        if found is not None and "?" not in _SENTENCE_END.split(first, maxsplit=1)[0]:
            return Mark(found[1], "\n".join(following[found[0] :]), label=False)
    return None


def _is_thinking(value: str) -> bool:
    return len(value.split()) > _FEW_WORDS and _THINKING.match(value) is not None
