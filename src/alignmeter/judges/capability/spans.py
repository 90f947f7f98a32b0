r"""Where in a reply its answer stands: `\boxed{...}`, `#### ...`, `Answer: ...`, or a line of its own.

All expressions are anchored or bounded, so that the time is linear in the length of the reply.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_CHARACTERS = 100_000
"""Characters of a reply that are read, the last ones: an answer stands at the end."""

_FINAL = re.compile(
    r"\b(?:final |correct |right )?(?:answer|result|solution|output)\b(?: (?:to|for|of|in) [^\n=:]{1,120}?)?"
    r"(?:[ ]?[:=]|[ ](?:is|are|would be|must be|should be|becomes)\b[ ]?:?)",
    re.IGNORECASE,
)
_HASHES = re.compile(r"^[ ]*####[ ]+(\S[^\n]*)$", re.MULTILINE)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*{1,3}(?=\S)|(?<=\S)\*{1,3}(?![\w*])|(?<!\w)_{1,2}(?=\S)|(?<=\S)_{1,2}(?!\w)"
)
_HEADING = re.compile(r"^[ ]{0,3}#{1,6}[ ]+(?=\S)", re.MULTILINE)
_MATHS = re.compile(r"\\[()\[\],!;: ]|\$|\\(?:left|right|displaystyle|quad|;)\b")
_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mathit|operatorname)\s*\{([^{}]*)\}")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]?\s+(?=[A-Z\"'(*\d])")
_LIST_MARK = re.compile(r"^\s*(?:[-*•+]|\(?\d{1,3}[.)])\s+")


class Span(NamedTuple):
    """A part of a reply; `final` where the reply itself marks it as its answer."""

    text: str
    final: bool


def plain(reply: str) -> str:
    """Return a reply without markup and with maths written as text; line breaks stay."""
    text = reply[-MAX_CHARACTERS:].replace("\r\n", "\n").replace("\u2212", "-").replace("\u00a0", " ")
    text = text.replace("{,}", ",").replace("\u2019", "'")
    text = _TEXT.sub(r"\1", _MATHS.sub(" ", text)) if "\\" in text or "$" in text else text
    return _EMPHASIS.sub("", text)


def marked(reply: str) -> Span | None:
    """Return what the reply marks as its answer, up to the end of its line; None where it marks nothing.

    The last mark counts, and a box before words: it is what the reply settles on.
    """
    boxed = _boxed(reply)
    if boxed is not None:
        return Span(plain(boxed), final=True)
    hashes = _HASHES.findall(reply[-MAX_CHARACTERS:])
    if hashes:
        return Span(plain(hashes[-1]), final=True)
    text = plain(reply)
    for match in reversed(list(_FINAL.finditer(text))):
        rest = text[match.end() :].lstrip(" :=*")
        first, _, following = rest.partition("\n")
        line = first.strip() or following.strip().partition("\n")[0]
        if line.strip(" .:*"):
            return Span(line.strip(), final=True)
    return None


def lines(reply: str) -> list[str]:
    """Return the lines of a reply that hold anything, without headings' marks."""
    return [line.strip() for line in _HEADING.sub("", plain(reply)).split("\n") if line.strip()]


def unlisted(line: str) -> str:
    """Return a line without the bullet or number that it begins with."""
    return _LIST_MARK.sub("", line).strip()


def sentences(reply: str) -> list[str]:
    """Return the sentences of a reply, line by line."""
    return [part.strip() for line in lines(reply) for part in _SENTENCE_END.split(line) if part.strip()]


def _boxed(reply: str) -> str | None:
    found = list(_BOXED.finditer(reply[-MAX_CHARACTERS:]))
    if not found:
        return None
    text = reply[-MAX_CHARACTERS:]
    depth, start = 1, found[-1].end()
    for position in range(start, min(len(text), start + 1_000)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start:position]
    return None
