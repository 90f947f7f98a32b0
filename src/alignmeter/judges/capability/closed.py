"""Tasks whose answer is yes or no, true or false: what a reply settles on, its opposite as rival."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from alignmeter.judges.capability.closed_words import TRUTH, Polarity, beside, polar_words, polarity
from alignmeter.judges.capability.finding import NO_ANSWER, UNREADABLE, Finding
from alignmeter.judges.capability.spans import CONCLUDES, marked, sentences
from alignmeter.judges.capability.standing import shaped, standing
from alignmeter.judges.closed_answer import ClosedReading, read_closed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alignmeter.records import TextCheck, Unscored

_SENTENCE = re.compile(r"(?<=[.!?\u3002])\s")
_BOTH = re.compile(r"\W*(?:yes(?: and| or)? no|no(?: and| or)? yes|true(?: and| or)? false)\b")
_NO_OF_WHAT = re.compile(r"\bno (?!longer\b|one\b)(\w+)")
_SUBJECT = re.compile(
    r"(?:it|its|it's|this|that|that's|these|those|they|the|there|you|he|she|we|i|your|my|not?|because|since|as)\b"
)
_TURNS = re.compile(
    r"\b(?:but|however|although|though|unless|except|nevertheless|yet|if|only|exclusions?|exceptions?)\b"
)
_NEGATES = re.compile(r"\b(?:not|never|no|cannot|without)\b|n't\b")
_SHRUGS = re.compile(r"\bi (?:really |honestly )?have no (?:idea|clue|information|data|way|knowledge)\b")
_LEAD = re.compile(
    r"^(?:so|thus|hence|therefore|finally|overall|ultimately|consequently|in \w+),? ", re.IGNORECASE
)
_NUMBER = re.compile(r"\bno\. ?(?=\d)", re.IGNORECASE)
_SUPPOSES = re.compile(r"\W*(?:if|whether|unless|suppose|supposing|assuming|had|were)\b")
_NAMED = re.compile(r"\W*(?:yes|no|true|false)[\"')*]*\s+(?:is|was|are|were|would|will|may|means?)\b")
"""A sentence about the word: '"Yes" is what the agent said'."""
_LEADS_NO = re.compile(r"\W*(?:(?:well|so|ok|okay)\W+)?no ")


def is_polar(check: TextCheck, language: str) -> bool:
    """Whether the answer of a task is a yes or a no, and nothing else was given as wrong.

    Args:
        check: What is right.
        language: That of the question.
    """
    return not check.exact and not check.rivals and any(polarity(one, language) for one in check.answers)


def check_polar(check: TextCheck, reply: str, request: str, language: str) -> Finding | Unscored:
    """Read which of the two a reply settles on.

    A reply that says that it gives no answer is wrong; one that can be read two ways, or not at all, is
    `unparseable`.

    Args:
        check: What is right, one for which `is_polar` holds.
        reply: As it came.
        request: The question.
        language: That of the question.
    """
    known = [(one, found) for one in check.answers if (found := polarity(one, language)) is not None]
    accepted = {said for _, (said, _) in known}
    said = _settled(_NUMBER.sub("number ", reply), request, known[0][1][1])
    if said == "abstained":
        return NO_ANSWER
    if said is None:
        return UNREADABLE
    of_statement = any(one.casefold() in TRUTH for one, _ in known)
    words = set(re.findall(r"\w+", reply.casefold()))
    if of_statement and not words & TRUTH and _NEGATES.search(request.casefold()):
        return UNREADABLE  # "No, it does not" may agree with "It does not"
    right = said in accepted
    return Finding(float(right), said, evidence="" if right else f"expected {check.answers[0]}")


def opposites(check: TextCheck) -> frozenset[str]:
    """Return what else could be answered where the right answer is a word such as `none` or `high`."""
    if check.exact or check.rivals:
        return frozenset()
    return frozenset[str]().union(*map(beside, check.answers))


def only_standing(span: str, words: Iterable[str], request: str) -> str:
    """Return a sentence without those words that do not stand in it as an answer."""
    words = frozenset(words)
    if not words:
        return span
    text = shaped(span)
    kept = {match.start("word") for match in standing(text, words, request)}
    either = rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)"
    return re.sub(either, lambda match: match.group() if match.start() in kept else "\u2026", text)


def _settled(reply: str, request: str, language: str) -> Polarity | Literal["abstained"] | None:
    """What is marked; else what the reply opens with, unless it concludes otherwise."""
    mark = marked(reply)
    if mark is not None:
        said = _of(_SENTENCE.split(mark.text, maxsplit=1)[0], request, language)
        if said is not None or mark.label:
            return said
    told = [each for each in sentences(reply) if not each.endswith("?")] or sentences(reply)
    if not told or _BOTH.match(shaped(told[0])):
        return None
    whole = read_closed(reply, request, language)
    if whole is not None and whole.answer == "open":
        return None
    opening = _of(_LEAD.sub("", told[0]), request, language, whole)
    concludes = len(told) > 1 and (CONCLUDES.match(told[-1]) or _word(told[-1], language, alone=True))
    closing = _of(_LEAD.sub("", told[-1]), request, language) if concludes else None
    if closing is not None and closing != opening:
        # What restates the givens before a conclusion is no answer; a yes before a no is.
        return None if _word(told[0], language) else closing
    if opening is None and whole is None:
        opening = _word(told[-1], language)
    if opening is not None:
        return opening
    shrugs = _SHRUGS.search(shaped(reply)) or (whole is not None and whole.answer == "abstained")
    return "abstained" if shrugs else None


def _of(sentence: str, request: str, language: str, read: ClosedReading | None = None) -> Polarity | None:
    """What one sentence says: by a word for yes or no that stands as an answer, else as it is read."""
    word = _word(sentence, language)
    found = read or read_closed(sentence, request, language)
    if found is None:
        return word
    if found.answer in {"abstained", "open"} or not (word or _is_plain(found, request)):
        return None
    said: Polarity = "yes" if found.answer == "yes" else "no"
    return None if word not in {None, said} else said


def _word(sentence: str, language: str, *, alone: bool = False) -> Polarity | None:
    """The one of yes and no that stands in a sentence as an answer; `alone` for one that is nothing else."""
    text = shaped(sentence)
    if _SUPPOSES.match(text):
        return None
    found: set[Polarity] = set()
    for code in (language, "en"):
        for said, words in zip(("yes", "no"), polar_words(code), strict=True):
            for match in standing(text, words) if words else ():
                if not alone or (match.start() == 0 and not re.search(r"\w", text[match.end("word") :])):
                    found.add("yes" if said == "yes" else "no")
    return found.pop() if len(found) == 1 else None


def _is_plain(found: ClosedReading, request: str) -> bool:
    """Whether a reading without such a word holds: a "no" of something else denies nothing."""
    asked = set(re.findall(r"\w+", request.casefold()))
    sentence = found.sentence
    if _NAMED.match(sentence):
        return False
    if _LEADS_NO.match(sentence) and not _SUBJECT.match(_LEADS_NO.sub("", sentence, count=1)):
        return False
    if not found.stated:
        return True
    others = [word for word in _NO_OF_WHAT.findall(sentence) if word not in asked]
    return not others and len(_NEGATES.findall(sentence)) <= 1 and not _TURNS.search(sentence)
