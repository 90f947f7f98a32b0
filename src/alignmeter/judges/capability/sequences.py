"""Lists as answers: words or numbers in lines, after bullets, between commas or brackets."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from alignmeter.judges.capability.finding import NO_ANSWER, Finding
from alignmeter.judges.capability.numbers import numbers
from alignmeter.judges.capability.spans import lines, marked, plain, unlisted
from alignmeter.judges.capability.words import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignmeter.records import SequenceCheck

_SEPARATORS = re.compile(r"\s*(?:,\s*and\s|,|;|\s->\s|\u2192|\s<\s|\s>\s|\s\|\s|\band\b)\s*")
_BETWEEN_WORDS = re.compile(r"(?:[\s,;|<>\u2192]|->|\band\b|\bthen\b)+")
_BRACKETED = re.compile(r"\[([^\[\]\n]{1,2000})\]")
_COPULA = re.compile(r"\b(?:is|are)\b:?")


def check_sequence(check: SequenceCheck, reply: str) -> Finding:
    """Compare the list that a reply marks, else the last one that is made of what is asked for.

    Where a label gives the answer, what stands before it is not looked at.
    """
    mark = marked(reply)
    wanted = [_item(item) for item in check.items]
    found = None
    if mark is not None and mark.label:
        reply = f"{mark.text}\n{mark.rest}"
    listed = mark is not None and unlisted(mark.text) != mark.text
    for items in _lists(reply, check.items):
        found = _alike(items, wanted, least=min(2, len(wanted))) or found
    if mark is not None and not listed:
        least = 1 if mark.label else min(2, len(wanted))
        found = _alike(next(_of_span(mark.text, check.items)), wanted, least=least) or found
    if found is None:
        return NO_ANSWER
    given = [_item(item) for item in found]
    right = given == wanted if check.ordered else sorted(given) == sorted(wanted)
    evidence = "" if right else f"expected {', '.join(check.items)}"
    return Finding(float(right), ", ".join(found)[:200], evidence=evidence)


def _alike(items: list[str], wanted: Sequence[str], *, least: int) -> list[str] | None:
    """A list of at least so many items, half of which are asked for."""
    common = sum((Counter(map(_item, items)) & Counter(wanted)).values())
    return items if len(items) >= least and 2 * common >= len(items) > 0 else None


def _lists(reply: str, wanted: Sequence[str]) -> Iterator[list[str]]:
    """The lists of a reply in the order of their weight, the last one weighing most."""
    own = lines(reply)
    listed = [unlisted(line) for line in own if unlisted(line) != line]
    if len(listed) > 1:
        yield [_clean(item) for item in listed]
    if len(own) == len(wanted) > 1:
        yield [_clean(line) for line in own]
    spans = [_after_colon(unlisted(line)) for line in own]
    if spans:
        spans.append(_COPULA.split(spans[-1])[-1])
    for span in [*spans, *_BRACKETED.findall(plain(reply))]:
        yield from _of_span(span, wanted)


def _of_span(span: str, wanted: Sequence[str]) -> Iterator[list[str]]:
    if all(_is_number(item) for item in wanted):
        yield [number.text for number in numbers(span)]
    elif any(" " in item.strip() for item in wanted):
        yield [part for part in map(_clean, _SEPARATORS.split(span)) if part]
    else:
        yield [word for word in map(_clean, _BETWEEN_WORDS.split(span)) if word]


def _after_colon(line: str) -> str:
    return line.rpartition(":")[2].strip() or line


def _clean(text: str) -> str:
    return text.strip(" \t\"'`*.,;()[]")


def _is_number(text: str) -> bool:
    found = numbers(text)
    return len(found) == 1 and found[0].text == text.strip()


def _item(text: str) -> str:
    found = numbers(text)
    return str(found[0].value) if len(found) == 1 and folded(found[0].text) == folded(text) else folded(text)
