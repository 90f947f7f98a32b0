"""Answers in words: a phrase, the letter of an option, a list, a JSON value."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from alignmeter.judges.capability.finding import NO_ANSWER, Finding
from alignmeter.judges.capability.numbers import numbers
from alignmeter.judges.capability.spans import MAX_CHARACTERS, lines, marked, plain, sentences, unlisted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from alignmeter.records import ChoiceCheck, JsonCheck, SequenceCheck, TextCheck

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ARTICLES = frozenset({"a", "an", "the"})
_NEGATED = re.compile(
    r"\b(?:not|never|isnt|wasnt|rather than|instead of|unlike|other than) (?:(?!but\b)\w+ )?$"
)
_SHORT_LINE = 8
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_QUOTED = re.compile(r"[\"'`\u201c\u2018]([^\"`\u201c\u201d\n]{1,400}?)[\"'`\u201d\u2019](?!\w)")
_OPTION = re.compile(
    r"[\s(\[\"'*]*(?:option|choice|letter|statement)?[\s(\[\"'*]*([A-Z])(?=[)\].,:;\"'*]|\s*$|\s+[-\u2013\u2014(]|\s+because\b)"
)
_OPTION_NAMED = re.compile(r"\b(?:option|choice)\s+\(?([A-Z])\b")
_SEPARATORS = re.compile(r"\s*(?:,\s*and\s|,|;|\s->\s|\u2192|\s<\s|\s>\s|\s\|\s|\band\b)\s*")
_BETWEEN_WORDS = re.compile(r"(?:[\s,;|<>\u2192]|->|\band\b|\bthen\b)+")
_BRACKETED = re.compile(r"\[([^\[\]\n]{1,2000})\]")
_FENCED = re.compile(r"```[\w+-]{0,20}[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL)


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return words of a text in one form: no case, accents, punctuation, articles or runs of space."""
    letters = unicodedata.normalize("NFKD", text.replace("'", "").replace("\u2019", "")).casefold()
    kept = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    return " ".join(word for word in kept.split() if word not in _ARTICLES) or " ".join(kept.split())


# --- a phrase ------------------------------------------------------------------------------------


def check_text(check: TextCheck, reply: str) -> Finding:
    """Look for an accepted answer where the reply answers: what it marks, its beginning, its end."""
    if check.exact:
        return _exact(check, reply)
    for span, final in _answer_spans(reply):
        named = _named(span, check)
        if named is not None:
            text, right = named
            evidence = "" if right else f"expected {check.answers[0]}"
            return Finding(float(right), text, final=final, evidence=evidence)
    said = next((span for span, _ in _answer_spans(reply)), None)
    if said is None:
        return NO_ANSWER
    # A short reply that names something else has answered; a long one may only not be understood.
    mark = marked(reply)
    answer = said[:80] if mark is not None or len(folded(plain(reply)).split()) <= _SHORT_LINE else None
    return Finding(0.0, answer, final=mark is not None, evidence=f"expected {check.answers[0]}")


def _answer_spans(reply: str) -> Iterator[tuple[str, bool]]:
    mark = marked(reply)
    if mark is not None:
        yield _SENTENCE.split(mark.text, maxsplit=1)[0], True
        return
    found = sentences(reply)
    for index in dict.fromkeys((0, len(found) - 1)):
        if found:
            whole = len(found) > 1 or found[0].endswith((".", "!"))
            yield found[index], whole and index == 0


def _named(span: str, check: TextCheck) -> tuple[str, bool] | None:
    """What a span answers and whether it is right; None where it names nothing, or both."""
    text = f"{folded(span)} "
    right, wrong = _places(text, check.answers), _places(text, check.rivals)
    if not right and not wrong:
        return None
    first = min(right | wrong)
    if right and wrong and first > 0:
        return f"{span[:80]}", False  # it names several and has not decided
    chosen = (right | wrong)[first]
    return chosen, first in right and (first not in wrong or len(right[first]) >= len(wrong[first]))


def _places(text: str, answers: Iterable[str]) -> dict[int, str]:
    """Where answers are named as whole words and not denied; the longest where several begin."""
    found: dict[int, str] = {}
    for answer in sorted(answers, key=len):
        words = folded(answer)
        for match in re.finditer(rf"(?<!\S){re.escape(words)}(?!\S)", text) if words else ():
            if not _NEGATED.search(text[: match.start()]):
                found[match.start()] = answer
    return found


def _exact(check: TextCheck, reply: str) -> Finding:
    accepted = {folded(answer) for answer in check.answers}
    mark = marked(reply)
    given = list(_whole_answers(mark.text if mark is not None else reply))
    for answer in given:
        if folded(answer) in accepted:
            return Finding(1.0, answer[:80], final=True)
    if not given:
        return NO_ANSWER
    return Finding(0.0, given[0][:80], final=mark is not None, evidence=f"expected {check.answers[0]}")


def _whole_answers(text: str) -> Iterator[str]:
    """All of a text, its only line of content, and what it quotes where that is the one thing it gives."""
    whole = plain(text).strip()
    if not whole:
        return
    yield whole
    own = lines(text)
    if len(own) > 1:
        yield own[0]
    quoted = _QUOTED.findall(own[0])
    if len(quoted) == 1:
        yield quoted[0]
    if ":" in own[0]:
        yield own[0].partition(":")[2]


# --- the letter of an option ---------------------------------------------------------------------


def check_choice(check: ChoiceCheck, reply: str) -> Finding:
    """Compare the option that a reply chooses: by its letter, else by its text."""
    letters = _LETTERS[: len(check.options)]
    chosen, final = _chosen(reply, letters, check.options)
    if chosen is None:
        return NO_ANSWER
    right = chosen == check.answer
    return Finding(float(right), chosen, final=final, evidence="" if right else f"expected {check.answer}")


def _chosen(reply: str, letters: str, options: Sequence[str]) -> tuple[str | None, bool]:
    mark = marked(reply)
    spans = [mark.text] if mark is not None else []
    own = lines(reply)
    spans += [own[0], own[-1]] if own else []
    for span in spans:
        match = _OPTION.match(span)
        if match is not None and match.group(1) in letters:
            return match.group(1), True
    named = [letter for letter in _OPTION_NAMED.findall(plain(reply)) if letter in letters]
    if named and len(set(named)) == 1:
        return named[0], True
    for span in spans:
        by_text = _by_text(span, letters, options)
        if by_text is not None:
            return by_text, mark is not None
    return None, False


def _by_text(span: str, letters: str, options: Sequence[str]) -> str | None:
    """The letter of the one option whose text a span holds; of options inside one another the longest."""
    text = f" {folded(span)} "
    held = [
        (folded(option), letter)
        for option, letter in zip(options, letters, strict=True)
        if folded(option) and f" {folded(option)} " in text
    ]
    outer = [one for one in held if not any(one[0] in other[0] for other in held if other is not one)]
    return outer[0][1] if len(outer) == 1 else None


# --- a list --------------------------------------------------------------------------------------


def check_sequence(check: SequenceCheck, reply: str) -> Finding:
    """Compare the last list of a reply that is made of what is asked for."""
    wanted = [_item(item) for item in check.items]
    found = None
    for items in _lists(reply, check.items):
        given = [_item(item) for item in items]
        if len(given) >= min(2, len(wanted)) and 2 * sum((Counter(given) & Counter(wanted)).values()) >= len(
            given
        ):
            found = (items, given)
    if found is None:
        return NO_ANSWER
    items, given = found
    right = given == wanted if check.ordered else sorted(given) == sorted(wanted)
    evidence = "" if right else f"expected {', '.join(check.items)}"
    return Finding(float(right), ", ".join(items)[:200], final=True, evidence=evidence)


def _lists(reply: str, wanted: Sequence[str]) -> Iterator[list[str]]:
    """The lists of a reply in the order of their weight, the last one weighing most."""
    numeric = all(_is_number(item) for item in wanted)
    own = lines(reply)
    listed = [unlisted(line) for line in own if unlisted(line) != line]
    if len(listed) > 1:
        yield [_clean(item) for item in listed]
    if len(own) == len(wanted) > 1:
        yield [_clean(line) for line in own]
    mark = marked(reply)
    spans = [
        *(_after_colon(unlisted(line)) for line in own),
        *_BRACKETED.findall(plain(reply)),
        *([mark.text] if mark is not None else ()),
    ]
    for span in spans:
        if numeric:
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


# --- a JSON value --------------------------------------------------------------------------------


def check_json(check: JsonCheck, reply: str) -> Finding:
    """Compare the last JSON object or array of a reply, in a fence or bare, by value.

    Raises:
        MissingExtraError: The check has a schema and `jsonschema` is not installed.
    """
    value, text = _last_json(reply[-MAX_CHARACTERS:])
    if text is None:
        return NO_ANSWER
    if check.expected is not None and not _equal(value, check.expected):
        return Finding(0.0, text[:200], final=True, evidence=f"expected {json.dumps(check.expected)[:120]}")
    if check.schema is not None:
        from alignmeter.judges.schema_valid import schema_problems

        problems = schema_problems(text, check.schema)
        if problems.label == "invalid":
            return Finding(0.0, text[:200], final=True, evidence="; ".join(problems.problems)[:160])
    return Finding(1.0, text[:200], final=True)


def _last_json(reply: str) -> tuple[Any, str | None]:
    decoder = json.JSONDecoder()
    for fenced in reversed(_FENCED.findall(reply)):
        try:
            return json.loads(fenced), fenced.strip()
        except (ValueError, RecursionError):
            continue
    found: tuple[Any, str | None] = (None, None)
    position = 0
    tries = 0
    while tries < 200 and (start := min(_at(reply, "{", position), _at(reply, "[", position))) < len(reply):  # noqa: PLR2004
        tries += 1
        try:
            value, end = decoder.raw_decode(reply, start)
        except (ValueError, RecursionError):
            position = start + 1
            continue
        found, position = (value, reply[start:end]), end
    return found


def _at(text: str, sign: str, start: int) -> int:
    position = text.find(sign, start)
    return len(text) if position < 0 else position


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Equality of JSON values: 1 is 1.0, but true is no number."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(one, list) and isinstance(other, list):
        left, right = cast("list[Any]", one), cast("list[Any]", other)
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(one == other)
