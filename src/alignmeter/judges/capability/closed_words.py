"""Answers out of a small closed set: yes and no, true and false in many languages; none, low, high.

Such words stand in many sentences that do not give them as the answer ("There is no limit"), and what
else could be answered is known, so that a right one and its opposites can be told apart.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

from alignmeter.judges.capability.words import folded

Polarity = Literal["yes", "no"]
POLARITIES: tuple[Polarity, ...] = get_args(Polarity)

_POLAR = {
    "en": (("yes", "true", "correct", "y"), ("no", "false", "incorrect", "n")),
    "ar": (("نعم", "صحيح", "صح"), ("لا", "خطأ", "غير صحيح")),
    "bn": (("হ্যাঁ", "সত্য", "ঠিক"), ("না", "মিথ্যা", "ভুল")),
    "de": (("ja", "wahr", "richtig"), ("nein", "falsch", "unwahr")),
    "es": (("sí", "verdadero", "cierto", "correcto"), ("no", "falso", "incorrecto")),
    "fr": (("oui", "vrai", "exact"), ("non", "faux", "inexact")),
    "hi": (("हाँ", "हां", "सही", "सत्य"), ("नहीं", "गलत", "असत्य")),
    "it": (("sì", "vero", "corretto"), ("no", "falso", "scorretto")),
    "ja": (("はい", "正しい"), ("いいえ", "正しくない")),
    "ko": (("예", "네", "참"), ("아니요", "아니오", "거짓")),
    "nl": (("ja", "waar", "juist"), ("nee", "onwaar", "onjuist")),
    "pl": (("tak", "prawda"), ("nie", "fałsz")),
    "pt": (("sim", "verdadeiro", "correto"), ("não", "falso", "incorreto")),
    "ro": (("da", "adevărat", "corect"), ("nu", "fals", "incorect")),
    "ru": (("да", "верно", "правда"), ("нет", "неверно", "ложь")),
    "sw": (("ndiyo", "ndio", "kweli"), ("hapana", "si kweli", "uongo")),
    "tr": (("evet", "doğru"), ("hay\u0131r", "yanl\u0131ş")),
    "yo": (("bẹ́ẹ̀ ni", "bẹ́ẹ̀ni", "òótọ́"), ("rárá", "bẹ́ẹ̀ kọ́", "irọ́")),
    "zh": (("是", "是的", "对", "正确", "真"), ("否", "不是", "不", "不对", "错", "错误", "假")),
    "zu": (("yebo", "iqiniso"), ("cha", "qha", "amanga")),
}
"""Words for yes (and true) and for no (and false), by language."""

TRUTH = frozenset({"true", "false", "correct", "incorrect"})
"""English words that say of a statement whether it holds."""

_SETS = tuple(
    frozenset(words.split())
    for words in (
        "none some all both neither either",
        "nothing something everything",
        "none low medium moderate high",
        "mild moderate severe",
        "minor major",
        "positive negative neutral",
        "normal abnormal",
        "excellent good fair poor bad",
        "pass fail",
        "approved accepted rejected denied declined pending",
        "right wrong",
        "left right",
        "up down",
        "on off",
        "in out",
        "same different",
        "maybe yes no",
        "other",
        "may",
    )
)
"""English words that are answers beside each other; the last ones stand alone and mean something else
where they are no answer."""

QUANTIFIERS = _SETS[0] | _SETS[1]
"""Words that are the subject of an answer: "Both are covered." """
AT_END = frozenset[str]().union(*_SETS[2:]) - {"in", "other", "may", "yes", "no"}
"""Words that are an answer at the end of a sentence whatever is before them: "It goes up." """


@lru_cache(maxsize=1024)
def polarity(answer: str, language: str) -> tuple[Polarity, str] | None:
    """Return whether an answer is a yes or a no, and in which language; None where it is neither.

    Args:
        answer: An accepted answer.
        language: That of the question; English and then the others are tried after it.
    """
    said = folded(answer)
    for code in dict.fromkeys((language, "en", *_POLAR)):
        yes, no = polar_words(code)
        if said in yes or said in no:
            return ("yes" if said in yes else "no"), code
    return None


@lru_cache(maxsize=64)
def polar_words(language: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the folded words for yes and for no in a language; none where they are not known."""
    yes, no = _POLAR.get(language, ((), ()))
    return frozenset(map(folded, yes)), frozenset(map(folded, no))


def beside(answer: str) -> frozenset[str]:
    """Return the words of the closed sets that an answer is of, itself among them; none for others."""
    said = folded(answer)
    return frozenset[str]().union(*(words for words in _SETS if said in words))
