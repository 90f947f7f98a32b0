"""The letter of an option, or its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignmeter.judges.capability.finding import NO_ANSWER, UNDECIDED, Finding
from alignmeter.judges.capability.spans import CONCLUDES, lines, marked, plain, sentences
from alignmeter.judges.capability.words import folded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import ChoiceCheck, Unscored

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OPTION = re.compile(
    r"[\s(\[\"'*]*(?:(?:therefore|thus|clearly|indeed),?\s+)?(?:option|choice|letter|statement)?[\s(\[\"'*]*"
    r"([A-Z])(?=[)\].,:;\"'*]|\s*$|\s+[-\u2013\u2014(]|\s+because\b)"
)
_OPTION_NAMED = re.compile(r"\b(?:option|choice)\s+\(?([A-Z])\b")
_DENIED = re.compile(r"\b(?:not|never|isnt|unlike|rather than|instead of) (?:\w+ )?$")


def check_choice(check: ChoiceCheck, reply: str) -> Finding | Unscored:
    """Compare the option that a reply chooses: by its letter, else by its text.

    Lines that go through the options one by one choose none of them.
    """
    letters = _LETTERS[: len(check.options)]
    chosen = _by_letter(reply, letters) or _named_by_text(reply, letters, check.options)
    if chosen is None:
        return NO_ANSWER
    if chosen == _SEVERAL:
        return UNDECIDED
    right = chosen == check.answer
    return Finding(float(right), chosen, evidence="" if right else f"expected {check.answer}")


_SEVERAL = "several"


def _by_letter(reply: str, letters: str) -> str | None:
    mark = marked(reply)
    if mark is not None and (letter := _letter(mark.text, letters)):
        return letter
    own = lines(reply)
    begun = [(place, letter) for place, line in enumerate(own) if (letter := _letter(line, letters))]
    free = dict(_outside_of_listings(begun))
    letter = free.get(len(own) - 1) or free.get(0)
    if letter is not None:
        return letter
    named = {letter for letter in _OPTION_NAMED.findall(plain(reply)) if letter in letters}
    return named.pop() if len(named) == 1 else None


def _letter(span: str, letters: str) -> str | None:
    match = _OPTION.match(span)
    return match.group(1) if match is not None and match.group(1) in letters else None


def _outside_of_listings(begun: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Lines that begin with a letter, without runs in the order of the alphabet."""
    runs: list[list[tuple[int, str]]] = []
    for one in begun:
        if runs and runs[-1][-1][1] < one[1]:
            runs[-1].append(one)
        else:
            runs.append([one])
    return [run[0] for run in runs if len(run) == 1]


def _named_by_text(reply: str, letters: str, options: Sequence[str]) -> str | None:
    """The option that the conclusion, the last or the first sentence names; `_SEVERAL` where they differ."""
    mark = marked(reply)
    if mark is not None and (found := _by_text(mark.text, letters, options)):
        return found
    told = sentences(reply)
    concluded = next((each for each in reversed(told) if CONCLUDES.match(each)), "")
    found = _by_text(concluded, letters, options)
    if found is not None:
        return found
    ends = {letter for each in (told[:1] + told[-1:]) if (letter := _by_text(each, letters, options))}
    return _SEVERAL if len(ends) > 1 else next(iter(ends), None)


def _by_text(span: str, letters: str, options: Sequence[str]) -> str | None:
    """The letter of the one option whose text a span holds; of options inside one another the longest."""
    text = f" {folded(span)} "
    held = [
        (folded(option), letter)
        for option, letter in zip(options, letters, strict=True)
        if folded(option)
        and (at := text.find(f" {folded(option)} ")) >= 0
        and not _DENIED.search(text[: at + 1])
    ]
    outer = [one for one in held if not any(one[0] in other[0] for other in held if other is not one)]
    return outer[0][1] if len(outer) == 1 else None
