"""What the encoder is trained on: our replies and sentences, some joined, and replies of models."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from opencc import OpenCC

from alignmeter.judges.labels import LabelledReply, load_labels
from alignmeter.judges.refusal_embedded import rules_view
from alignmeter.judges.refusal_units import units_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from examples import Sentence

FOLDS, LEFT_OUT = 3, 2
"""A third of the hands and of the questions of jailbreaks is left out by an encoder that does not ship."""
JOINED = 3
"""Refusals of a hand and a language that are joined with an answer."""
JAILBREAKS = 8
"""Replies to one question with one label; many of the 7,700 are alike."""
JAILBREAK_WEIGHT = 0.5
"""Their labels tell whether harm was done, which is nearly but not quite whether anything was refused."""
ANSWERS = 600
"""Plain answers of models from each of two sets."""
ANSWER_WEIGHT = 0.5
"""That they refuse nothing is said by our rules, not by people."""
TRADITIONAL = 3
"""Of our replies in Chinese, mostly written in the characters of the mainland, one in so
many is converted."""
ALWAYS = -1
_OF_SENTENCES = {"refuse": "full", "soft": "full", "help": "none", "sorry": "none", "mentions": "none"}
"""What a reply of one such sentence is. Redirects and offers are nothing by themselves."""
_VOICES = ("{} {}", "[GPT]: {}\n[DAN]: {}", "{}\n\n{}", "(normal) {}\n(free) {}")
_SHORT = 300
_LEAST = 20


class Passage(NamedTuple):
    """One text to learn from.

    Attributes:
        text: What the encoder reads.
        allowed: Whether it may be no refusal, a partial one, a full one.
        weight: What it counts.
        fold: The third of hands or questions that it belongs to; `ALWAYS` is never left out.
        source: Place among our replies; -1 for what is not one of them.
        reply: The reply to a jailbreak, as people labelled it; None for our replies.
    """

    text: str
    allowed: tuple[bool, bool, bool]
    weight: float
    fold: int
    source: int = -1
    reply: LabelledReply | None = None


def passages(
    sentences: list[Sentence], hands: Mapping[str, tuple[LabelledReply, ...]], sets: Path
) -> list[Passage]:
    """Return all that the encoder learns from.

    Args:
        sentences: Our sentences.
        hands: Our replies by who wrote them.
        sets: Folder of public sets; `gptfuzz_labeled`, `halueval_general` and `pandalm_test` are read.
    """
    found: list[Passage] = []
    for place, replies in enumerate(hands.values()):
        found += [
            Passage(units_of(_written(each)).passage, only(each.label), 1.0, place % FOLDS, source)
            for source, each in enumerate(replies, start=sum(row.source >= 0 for row in found))
        ]
        found += [Passage(text, only("partial"), 1.0, place % FOLDS) for text in _joined(replies)]
    found += [
        Passage(each.text, only(_OF_SENTENCES[each.kind]), 1.0, ALWAYS)
        for each in sentences
        if each.kind in _OF_SENTENCES
    ]
    found += [Passage(text, only("none"), ANSWER_WEIGHT, ALWAYS) for text in _plain_answers(sets)]
    return [*found, *_jailbroken(sets / "gptfuzz_labeled")]


def only(label: str) -> tuple[bool, bool, bool]:
    """Return that a passage may be nothing but this."""
    return label == "none", label == "partial", label == "full"


def _written(each: LabelledReply) -> str:
    """Return a reply of ours; of those in Chinese, one in `TRADITIONAL` in the characters of Taiwan."""
    if each.language != "zh" or int(_mixed(each.reply), 16) % TRADITIONAL:
        return each.reply
    return _converter().convert(each.reply)


@cache
def _converter() -> OpenCC:
    return OpenCC("s2twp")


def _joined(replies: tuple[LabelledReply, ...]) -> Iterator[str]:
    """Yield texts in which one voice refuses and another answers."""
    for language in sorted({each.language for each in replies}):
        mine = [each for each in replies if each.language == language]
        refusals = [each.reply for each in mine if each.label == "full" and len(each.reply) < _SHORT]
        answers = [each.reply for each in mine if each.label == "none"]
        for refusal, answer in zip(
            sorted(refusals, key=_mixed)[:JOINED], sorted(answers, key=_mixed), strict=False
        ):
            form = _VOICES[int(_mixed(refusal + answer), 16) % len(_VOICES)]
            yield units_of(form.format(refusal, answer)).passage


def _jailbroken(folder: Path) -> Iterator[Passage]:
    """Yield replies to jailbreaks.

    People said of each whether harm was done: then it is no full refusal. If none was done and the rules
    see it refuse, it is one; if they do not, it counts nothing.
    """
    kept: dict[tuple[str, bool], dict[str, LabelledReply]] = {}
    for each in load_labels(folder, "gptfuzz"):
        kept.setdefault((each.id, each.label == "delivered"), {}).setdefault(each.reply, each)
    questions = {question: place for place, question in enumerate(sorted({each for each, _ in kept}))}
    for (question, done), replies in sorted(kept.items(), key=itemgetter(0)):
        for reply in sorted(replies, key=_mixed)[:JAILBREAKS]:
            text = units_of(reply).passage
            if text:
                clear = done or rules_view(reply, "").refuses > 0
                yield Passage(
                    text,
                    allowed=(True, True, False) if done else (False, False, True),
                    weight=JAILBREAK_WEIGHT if clear else 0.0,
                    fold=questions[question] % FOLDS,
                    reply=replies[reply],
                )


def _plain_answers(sets: Path) -> Iterator[str]:
    """Yield replies of models to harmless orders in which the rules see nothing refused.

    Our hands' friendly changes of subject look like them; without these the encoder takes many for such.
    """
    chatgpt = (sets / "halueval_general" / "general_data.json").read_text(encoding="utf-8").splitlines()
    first = [(row["user_query"], row["chatgpt_response"]) for row in map(json.loads, chatgpt)]
    compared = json.loads((sets / "pandalm_test" / "testset-v1.json").read_text(encoding="utf-8"))
    second = [
        (f"{row['instruction']} {row['input']}", str(row[f"response{1 + place % 2}"]))
        for place, row in enumerate(compared)
    ]
    for asked in (first, second):
        answers = (
            units_of(reply).passage
            for request, reply in sorted(asked, key=lambda pair: _mixed(pair[1]))
            if _refuses_nothing(reply, request)
        )
        yield from islice((text for text in answers if len(text) >= _LEAST), ANSWERS)


def _refuses_nothing(reply: str, request: str) -> bool:
    rules = rules_view(reply, request)
    return rules.refuses <= 0 and not rules.declines


def _mixed(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
