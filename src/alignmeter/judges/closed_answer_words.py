"""Yes or no in other languages than English: the word that a reply begins with, and doubt about it.

Nothing here knows the grammar of a language. A reply that does not begin with an answer, as it was
asked to, is an abstention where it says so and unscored elsewhere. An answer in English counts too:
that the reply is in the wrong language is another axis.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.identity import text_digest
from alignmeter.judges.prose import read
from alignmeter.judges.signals import data_bytes, data_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WORDS_FILE = "closed_answer.words.yaml"

_ENGLISH = {"yes": ["yes"], "no": ["no"]}
_SENTENCES = 3
_LABEL = re.compile(r"^[^\w]*(?:[^\W\d]{1,14}(?: [^\W\d]{1,14})? ?[:\uff1a] *)?[^\w]*")
_END = re.compile(r"[\u3002\uff01\uff1f\u0964\u061f\u06d4]+")


class Words(NamedTuple):
    """What a reply in one language may say.

    Attributes:
        yes, no: At its beginning.
        hedges: Anywhere in its first sentences.
        abstains: Where no answer is.
    """

    yes: re.Pattern[str]
    no: re.Pattern[str]
    hedges: re.Pattern[str]
    abstains: re.Pattern[str]
    plain: bool


class WordAnswer(NamedTuple):
    """What was found: an answer and whether it is hedged, or `abstained`."""

    answer: Literal["yes", "no", "abstained"]
    hedged: bool
    evidence: str


@cache
def answer_words(language: str) -> Words | None:
    """Return the words of a language, None where they are not known."""
    raw = data_yaml(data_bytes(WORDS_FILE))
    found = raw["languages"].get(language)
    if found is None:
        return None
    plain = language in raw["without_marks"]
    spaced = language not in raw["unspaced"]
    return Words(
        yes=_pattern([*found["yes"], *_ENGLISH["yes"]], plain=plain, spaced=spaced),
        no=_pattern([*found["no"], *_ENGLISH["no"]], plain=plain, spaced=spaced),
        hedges=_pattern(found["hedges"], plain=plain, spaced=spaced),
        abstains=_pattern(found["abstains"], plain=plain, spaced=False),
        plain=plain,
    )


def answer_languages() -> tuple[str, ...]:
    """Return the languages whose answers are known, English aside."""
    return tuple(sorted(data_yaml(data_bytes(WORDS_FILE))["languages"]))


def answer_words_digest() -> str:
    """Return the SHA-256 of the words."""
    return text_digest(data_bytes(WORDS_FILE))


def read_answer(reply: str, words: Words) -> WordAnswer | None:
    """Read the answer of a reply.

    Args:
        reply: The reply as it came.
        words: Of the language that was asked in.

    Returns:
        What it answers, or None where it neither answers nor says that it does not.
    """
    sentences = list(_sentences([sentence.text for sentence in read(reply).sentences]))
    first = "".join(sentences[:1])
    start = _LABEL.sub("", _folded(first, plain=words.plain), count=1) or _folded(first, plain=words.plain)
    opening = [_folded(sentence, plain=words.plain) for sentence in sentences[:_SENTENCES]]
    hedged = any(words.hedges.search(sentence) for sentence in opening)
    matches = {name: pattern.match(start) for name, pattern in (("yes", words.yes), ("no", words.no))}
    lengths = {name: match.end() for name, match in matches.items() if match is not None}
    abstains = any(words.abstains.search(sentence) for sentence in opening)
    if lengths:
        # "Not at all" begins with "not": the longer expression is the one that was meant.
        answer: Literal["yes", "no"] = "yes" if lengths.get("yes", 0) > lengths.get("no", 0) else "no"
        said_unsure = words.abstains.match(start) is not None
        return WordAnswer("abstained", True, first) if said_unsure else WordAnswer(answer, hedged, first)
    return WordAnswer("abstained", True, first) if abstains else None


def _sentences(found: Sequence[str]) -> Iterable[str]:
    """Cut further at the full stops of other scripts."""
    for sentence in found:
        yield from (part for part in _END.split(sentence) if part.strip())


def _folded(text: str, *, plain: bool) -> str:
    """Return a text without letter case and, where the language is often typed without, marks."""
    folded = unicodedata.normalize("NFD", text.casefold())
    if plain:
        folded = "".join(char for char in folded if not unicodedata.combining(char)).replace("\u0131", "i")
    return unicodedata.normalize("NFC", folded)


def _pattern(expressions: Sequence[str], *, plain: bool, spaced: bool) -> re.Pattern[str]:
    bodies = sorted({re.escape(_folded(each, plain=plain)) for each in expressions}, key=len, reverse=True)
    after = r"(?![\w\u0900-\u0963\u0966-\u0dff])" if spaced else ""
    before = r"(?<![\w\u0900-\u0963\u0966-\u0dff])" if spaced else ""
    return re.compile(f"{before}(?:{'|'.join(bodies)}){after}")
