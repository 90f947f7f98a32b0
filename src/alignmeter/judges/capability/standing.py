"""Where a word stands as an answer: alone, set off at the beginning, or behind "is" or a colon."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from alignmeter.judges.capability.closed_words import AT_END, QUANTIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LEADS = (
    "well|so|thus|hence|therefore|then|overall|finally|ultimately|absolutely|definitely|certainly|of course"
    "|clearly|obviously|sure|surely|in (?:short|summary|conclusion|fact|this case)|short|it'?s|its"
    "|i(?:'d| would)? (?:say|think|believe|answer|choose|pick|guess)|probably|likely|most likely"
    "|maybe|the|a|an"
)
_BEFORE = (
    r"(?:\b(?:is|are|was|were|be|been|remains?|stays?|seems?|becomes?|equals?|returns?|gives?|prints?|outputs?"
    r"|evaluates? to"
    r"|(?:rated?|classified|considered|deemed|marked|labell?ed|called?|assessed)(?: it| this)?(?: as)?"
    r"|i(?:'d| would| will|'ll)? (?:say|answer|choose|pick|select)(?: it is)?|as|in)|'s|="
    r"|(?<!say)(?<!says)(?<!said):)"
    r"(?: (?:very|clearly|definitely|simply|therefore|thus|indeed|still|a|an|the|also|now|probably|likely"
    r"|just))*"
)
_MARK = r"[\"')\]*]*\s*(?:$|[.,;:!?)\]\u3002\uff0c\uff01\u060c\u0964\u2026]|[-\u2013\u2014]+(?!\w)|\()"
_REASON = r"|\s+(?:because|since|due|given)\b"
_CASE = r"|\s+(?:by|under|in|for|at|here|on|with|overall|as|but)\b"
_OPENS = rf"^\W*(?:(?:{_LEADS})\b[,:]?\s+[\"'(\[*]*)*"
_OF_THEM = (
    r"(?: of (?:them|these|those|the above)(?: \w+)?)?"
    r"(?=\W*$| (?:is|are|was|were|apply|applies|do|does|have|has|can|will|would)\b[^,;:]*$)"
)
_NOT_BEHIND = "".join(
    rf"(?<!\b{word} )"
    for word in (
        "nor",
        "or",
        "and",
        "not",
        "than",
        "to",
        "from",
        "of",
        "at",
        "no",
        "never",
        "too",
        "with",
        "any",
    )
)
_SPELLED = {"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "-"}


def shaped(text: str) -> str:
    """Return a text without case and accents; its marks stay."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(_SPELLED.get(c, c) for c in letters if not unicodedata.combining(c))


def standing(text: str, words: Iterable[str], request: str = "") -> Iterator[re.Match[str]]:
    """Yield where words stand as an answer in a sentence; the group `word` is the word.

    Args:
        text: A sentence, as `shaped` gives it.
        words: In the same form.
        request: The question; a noun of it may follow a word at the end ("high risk").
    """
    asked = frozenset(re.findall(r"\w+", shaped(request)))
    for pattern in _patterns(frozenset(words)):
        for match in pattern.finditer(text):
            if not match["noun"] or match["noun"] in asked:
                yield match


@lru_cache(maxsize=256)
def _patterns(words: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    def either(some: Iterable[str]) -> str:
        longest = sorted(some, key=len, reverse=True)
        return rf"(?P<word>(?<![\w-])(?:{'|'.join(map(re.escape, longest))})(?![\w-]))"

    noun = r"(?:[ -](?P<noun>\w+)(?=\W*$))?"
    none = r"(?P<noun>(?!))?"
    found = [
        rf"{_OPENS}{either(words)}(?:(?={_MARK}{_REASON})|{noun}(?=\W*$))",
        rf"{_BEFORE}\s*[\"'(\[*]*{either(words)}(?:(?={_MARK}{_REASON}{_CASE})|{noun}(?=\W*$))",
    ]
    if subjects := words & QUANTIFIERS:
        found.append(rf"{_OPENS}{either(subjects)}{_OF_THEM}{none}")
    if last := words & AT_END:
        found.append(rf"{_NOT_BEHIND}{either(last)}{none}(?=\W*$)")
    return tuple(map(re.compile, found))
