"""A word or a short phrase as an answer, and text that must be given to the letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.judges.capability.closed import check_polar, is_polar, only_standing, opposites
from alignmeter.judges.capability.closed_words import polarity
from alignmeter.judges.capability.finding import NO_ANSWER, UNDECIDED, UNREADABLE, Finding
from alignmeter.judges.capability.spans import CONCLUDES, lines, marked, plain, sentences
from alignmeter.judges.capability.spellings import spellings
from alignmeter.judges.capability.words import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from alignmeter.records import TextCheck, Unscored

_NEGATED = re.compile(
    r"\b(?:not|never|isnt|wasnt|rather than|instead of|unlike|other than) (?:(?!but\b)\w+ )?$"
)
_SHORT_LINE = 8
_NEAR = 60
"""Characters before a name in which a word denies it."""
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_QUOTED = re.compile(r"[\"'`\u201c\u2018]([^\"`\u201c\u201d\n]{1,400}?)[\"'`\u201d\u2019](?!\w)")
_BLOCK = re.compile(
    r"([^\n]*)\n?[ \t]*\n?[ \t]*```(\w{0,20})[^\n`]*\n(.*?)\n?[ \t]*```(?=[ \t]*(?:\n|$))", re.DOTALL
)
_PROGRAM_TAGS = frozenset({"python", "python3", "py"})
_GIVES = re.compile(r"\b(?:outputs?|prints?|printed|results?|answer|displays?)\b", re.IGNORECASE)
_OPENS = re.compile(
    r"\W*(?:at (?:the )?(?:start|first|beginning)|initially|originally|to (?:start|begin)|in the beginning"
    r"|first|start(?:ing)?|given|givens|let|let's|step|we (?:are|have|start|know)|suppose|assume"
    r"|the (?:givens?|options?|candidates|question)|\(?1[.)])(?!\w)",
    re.IGNORECASE,
)
"""How a sentence begins that tells where a thought starts, and so gives no answer."""


class _Reading(NamedTuple):
    """What a sentence names.

    Attributes:
        text: The answer or rival; the sentence where it names several.
        right: Whether that is right.
        decided: False where it names several.
    """

    text: str
    right: bool
    decided: bool = True


class _Named(NamedTuple):
    """An answer and where it ends in a text."""

    answer: str
    end: int


def check_text(check: TextCheck, reply: str, request: str = "", language: str = "en") -> Finding | Unscored:
    """Look for an accepted answer where the reply answers: what it marks, concludes, or says first and last.

    A yes or no is what the reply settles on; a word such as `none` or `high` counts where it stands as an
    answer.

    Args:
        check: What is right.
        reply: The reply as it came.
        request: The question. A name out of it in the first sentence may restate what is given, so that
            another in the last sentence leaves open which is meant.
        language: ISO 639-1 code of the question.
    """
    if check.exact:
        return _exact(check, reply)
    if is_polar(check, language):
        return _polar(check, reply, request, language)
    return _named(check, reply, request)


def _polar(check: TextCheck, reply: str, request: str, language: str) -> Finding | Unscored:
    """Read a yes or no; a phrase that is accepted beside it counts where neither is given."""
    found = check_polar(check, reply, request, language)
    phrases = tuple(one for one in check.answers if polarity(one, language) is None)
    if not phrases or (isinstance(found, Finding) and found.score):
        return found
    named = _named(msgspec.structs.replace(check, answers=phrases), reply, request)
    if not (isinstance(named, Finding) and named.score):
        return found
    return UNREADABLE if isinstance(found, Finding) and found.answer else named


def _named(check: TextCheck, reply: str, request: str) -> Finding | Unscored:
    beside = opposites(check)
    if beside:
        accepted = {folded(one) for one in check.answers}
        check = msgspec.structs.replace(check, rivals=tuple(sorted(beside - accepted)))
    mark = marked(reply)
    given = None if mark is None else _SENTENCE.split(mark.text, maxsplit=1)[0]
    reading = None if given is None else _reading(only_standing(given, beside, request), check)
    if reading is None and (mark is None or not mark.label):
        found = _told([only_standing(each, beside, request) for each in sentences(reply)], check, request)
        if isinstance(found, _Reading):
            reading = found
        elif found is not None:
            return found
    if reading is not None:
        if not (reading.decided or check.rivals):
            return UNREADABLE  # "Paris or Lyon", or "Paris or the City of Light"
        evidence = "" if reading.right else f"expected {check.answers[0]}"
        return Finding(float(reading.right), reading.text, evidence=evidence)
    said = mark.text if mark is not None else next(iter(sentences(reply)), None)
    if said is None:
        return NO_ANSWER
    if beside and any(_in(one, reply) for one in check.answers):
        return UNREADABLE  # the word stands there, and not as an answer
    # A short reply that names something else has answered; a long one may only not be understood.
    short = mark is not None or len(folded(plain(reply)).split()) <= _SHORT_LINE
    return Finding(0.0, said[:80] if short else None, evidence=f"expected {check.answers[0]}")


def _told(told: Sequence[str], check: TextCheck, request: str) -> _Reading | Unscored | None:
    """What the sentences of a reply without a mark come to."""
    told = [sentence for sentence in told if not sentence.endswith("?")] or told
    readings = [_reading(sentence, check) for sentence in told]
    named = [(place, one) for place, one in enumerate(readings) if one is not None]
    if not named:
        return None
    place, last = named[-1]
    closing = last if place == len(told) - 1 or _concludes(told[place], check) else None
    if closing is not None and closing.decided and _concludes(told[place], check):
        return closing
    earlier = next(
        (one for at, one in reversed(named) if one.decided and _concludes(told[at], check)), None
    ) or next((one for at, one in named[:1] if at == 0 and one.decided and not _OPENS.match(told[0])), None)
    if closing is None:
        only = len({one.text for _, one in named}) == 1 and place > 0 and not _in(last.text, request)
        return earlier or (last if only else None)
    if earlier is None:
        return closing if _stands(closing, named, told, request) else UNDECIDED
    if not closing.decided or closing.right == earlier.right:
        return earlier
    return UNDECIDED if _in(earlier.text, request) else earlier


def _stands(
    closing: _Reading, named: Sequence[tuple[int, _Reading]], told: Sequence[str], request: str
) -> bool:
    """Whether no sentence before the last one names another answer out of the question's own."""
    return not any(
        one.decided
        and one.right != closing.right
        and _in(one.text, request)
        and not _OPENS.match(told[place])
        for place, one in named
    )


def _concludes(sentence: str, check: TextCheck) -> bool:
    """Whether a sentence draws a conclusion, or is nothing else than an answer."""
    alone = folded(sentence)
    named = (*check.answers, *check.rivals)
    return CONCLUDES.match(sentence) is not None or any(alone in spellings(name) for name in named)


def _in(name: str, request: str) -> bool:
    asked = f" {folded(request)} "
    return any(f" {words} " in asked for words in spellings(name))


def _reading(span: str, check: TextCheck) -> _Reading | None:
    text = f"{folded(span)} "
    right, wrong = _places(text, check.answers), _places(text, check.rivals)
    if not right and not wrong:
        return None
    first = min(right | wrong)
    chosen, end = (right | wrong)[first]
    offered = text[end:].startswith((" or ", " and "))
    if right and wrong and (first > 0 or offered):
        return _Reading(span[:80], right=False, decided=False)
    if right and not check.rivals and _with_another(text, right):
        return _Reading(span[:80], right=False, decided=False)
    if not right and len({folded(name) for name, _ in wrong.values()}) > 1 and first > 0:
        return _Reading(span[:80], right=False, decided=False)
    return _Reading(chosen, first in right and (first not in wrong or right[first].end >= wrong[first].end))


def _with_another(text: str, right: Mapping[int, _Named]) -> bool:
    """Whether each accepted answer in a text is offered beside something else: "Paris or Lyon"."""
    ends = {one.end for one in right.values()}
    return all(
        (text[one.end :].startswith(" or ") and one.end + 4 not in right)
        or (text[:start].endswith(" or ") and start - 4 not in ends)
        for start, one in right.items()
    )


def _places(text: str, answers: Iterable[str]) -> dict[int, _Named]:
    """Where answers are named as whole words and not denied; the longest where several begin."""
    found: dict[int, _Named] = {}
    named = [(words, answer) for answer in answers for words in spellings(answer)]
    for words, answer in sorted(named, key=lambda one: len(one[0])):
        for match in re.finditer(rf"(?<!\S){re.escape(words)}(?!\S)", text):
            if not _NEGATED.search(text[max(0, match.start() - _NEAR) : match.start()]):
                found[match.start()] = _Named(answer, match.end())
    return found


# --- to the letter -------------------------------------------------------------------------------


def _exact(check: TextCheck, reply: str) -> Finding | Unscored:
    accepted = {words for answer in check.answers for words in spellings(answer)}
    mark = marked(reply)
    block = _block(reply)
    if mark is not None and (mark.label or block is None):
        first = last = list(_given(mark.text))
    elif block is not None:
        first = last = [block]
    else:
        own = lines(reply)
        first = [plain(reply).strip(), *_given(own[0])] if own else []
        last = list(_given(own[-1])) if own else []
    in_first, in_last = (
        next((text for text in each if folded(text) in accepted), None) for each in (first, last)
    )
    if in_last is None and in_first is not None and len(last) > 1:
        return UNDECIDED  # the last line quotes another text
    right = in_last or in_first
    if right is not None:
        return Finding(1.0, right[:80])
    if not first:
        return NO_ANSWER
    return Finding(0.0, first[0][:80], evidence=f"expected {check.answers[0]}")


def _block(reply: str) -> str | None:
    """The one block of text that a reply gives, of several the last that it calls its output."""
    found = [match.groups() for match in _BLOCK.finditer(reply) if match[2].lower() not in _PROGRAM_TAGS]
    texts = [text for before, _, text in found if _GIVES.search(before)] or [text for *_, text in found]
    return texts[-1].strip() if texts and texts[-1].strip() else None


def _given(line: str) -> Iterator[str]:
    """A line, what it quotes where that is one thing, and what stands after its colon."""
    text = plain(line).strip()
    yield text
    quoted = _QUOTED.findall(text)
    if len(quoted) == 1:
        yield quoted[0]
    if text.partition(":")[2].strip():
        yield text.partition(":")[2]
