"""Fences of a reply: what stands in them, how they are tagged, and the text between them.

One pass over the lines; every expression is anchored to its line, so that the time is linear in the
length of the reply.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE_CHARACTERS = 400
"""What is looked at of a line to tell what it is."""

_FENCE = re.compile(r"[ \t>]{0,12}(```+|~~~+)[ \t]*\{?\.?([\w+#.-]{0,20})")
_CLOSING = re.compile(r"[ \t>]{0,12}(```+|~~~+)[ \t]*$")
_CLOSES_ITSELF = re.compile(r"```|~~~")


class Fence(NamedTuple):
    """What stands between two fences.

    Attributes:
        tag: What the opening says it is, in lower case.
        closed: False where the reply ended before the fence did.
        intro: The line of text before it.
    """

    tag: str
    body: list[str]
    closed: bool
    intro: str


class Parts(NamedTuple):
    """A text taken apart: its fences, and each stretch of lines outside of them."""

    fences: list[Fence]
    outside: list[list[str]]


def parts_of(lines: Sequence[str]) -> Parts:
    """Take the lines of a text apart."""
    mark = tag = intro = ""
    body: list[str] = []
    found = Parts([], [[]])
    for line in lines:
        if mark:
            end = _CLOSING.match(line[:LINE_CHARACTERS])
            if end is not None and end.group(1).startswith(mark):
                found.fences.append(Fence(tag, body, True, intro))
                mark = intro = ""
            else:
                body.append(line)
            continue
        opening = _FENCE.match(line)
        if opening is not None and not _CLOSES_ITSELF.search(line, opening.end()):
            mark, tag, body = opening.group(1), opening.group(2).lower(), []
            found.outside.append([])
            continue
        found.outside[-1].append(line)
        if line.strip():
            intro = line.strip()
    if mark:
        found.fences.append(Fence(tag, body, False, intro))
    return found
