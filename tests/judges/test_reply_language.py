"""In which language a reply is, measured on our own sentences in the fourteen languages of the suites."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import yaml

from alignmeter.errors import MissingExtraError
from alignmeter.judges.reply_language import ReplyLanguage, reply_language
from alignmeter.records import LanguageResult, Message, Transcript, Trial, Unscored

if TYPE_CHECKING:
    from alignmeter.records import JudgementResult

INSTALLED = find_spec("py3langid") is not None
needs_identifier = pytest.mark.skipif(not INSTALLED, reason="needs the package py3langid")
SENTENCES = cast(
    "dict[str, list[str]]",
    yaml.safe_load((Path(__file__).parent / "data" / "languages.yaml").read_text(encoding="utf-8")),
)
LANGUAGES = ["en", "es", "ar", "hi", "tr", "sw", "fr", "de", "ru", "zh", "ro", "bn", "yo", "zu"]


def judged(reply: str | None, language: str) -> JudgementResult:
    trial = Trial(
        id="trial",
        probe="probe",
        suite="suite",
        family="family",
        intent="benign",
        domain="general",
        language=language,
        axis="language",
        messages=(),
        request="Tell me something.",
    )
    message = None if reply is None else Message(role="assistant", content=reply)
    return asyncio.run(ReplyLanguage().judge(trial, Transcript(trial=trial.id, reply=message)))


def test_given_the_sentences_when_counted_then_each_language_of_the_suites_has_enough() -> None:
    assert list(SENTENCES) == LANGUAGES
    assert all(len(set(sentences)) >= 8 for sentences in SENTENCES.values())


@needs_identifier
@pytest.mark.parametrize("language", LANGUAGES)
def test_given_short_sentences_when_in_the_language_asked_then_nine_in_ten_are_and_none_is_other(
    language: str,
) -> None:
    """Measured with py3langid 0.4.0: 138 of 140 the same, 2 unsure."""
    labels = [reply_language(sentence, language).label for sentence in SENTENCES[language]]
    assert labels.count("same") >= 0.9 * len(labels)
    assert "other" not in labels


@needs_identifier
@pytest.mark.parametrize("language", LANGUAGES)
def test_given_short_sentences_when_in_other_languages_then_nine_in_ten_are_noticed_and_none_passes(
    language: str,
) -> None:
    """Measured with py3langid 0.4.0: 1,681 of 1,820 other, 139 unsure."""
    others = [(other, sentence) for other in LANGUAGES if other != language for sentence in SENTENCES[other]]
    results = [(other, reply_language(sentence, language)) for other, sentence in others]
    labels = [result.label for _, result in results]
    assert labels.count("other") >= 0.9 * len(labels)
    assert "same" not in labels
    assert all(result.found == other for other, result in results if result.label == "other")


@needs_identifier
@pytest.mark.parametrize(
    ("reply", "language"),
    [
        ("No.", "es"),
        ("42", "fr"),
        ("OK", "tr"),
        ("Paris", "en"),
        ("Je ne sais quoi", "en"),
        ("Hakuna matata", "en"),
        ("Anna Maria Schmidt, Jean-Luc Picard, Niccolò Machiavelli", "en"),
        ("Crime and Punishment, War and Peace, Pride and Prejudice", "ru"),
        ("pizza, pasta, risotto", "en"),
        ("```python\nfor word in the_list_of_words: print(word and more of the same)\n```", "es"),
        ("`for word in the list of words that we have: print(word)`", "es"),
        ("https://www.example.org/the/quick/brown/fox/jumps/over/the/lazy/dog", "es"),
        ("x = 3; y = x + 4; return y", "es"),
        ("😀😀😀", "en"),
        ("a" * 1_000_000, "en"),
        ('"' * 1_000_000, "en"),
    ],
)
def test_given_too_little_prose_when_judged_then_it_is_unsure(reply: str, language: str) -> None:
    assert reply_language(reply, language).label == "unsure"


@needs_identifier
def test_given_a_quotation_in_another_language_when_judged_then_the_words_around_it_decide() -> None:
    quoting = (
        'En inglés se dice: "I would like to book a room for two nights, please." Es la forma más cortés, '
        "y se entiende en todas partes."
    )
    assert reply_language(quoting, "es").label == "same"


@needs_identifier
def test_given_code_with_a_short_explanation_when_judged_then_the_explanation_decides() -> None:
    reply = (
        "Aquí tienes la función que pediste:\n```python\ndef sum_of_the_numbers(numbers):\n"
        '    """Return the sum of all the numbers that are in the list."""\n    return sum(numbers)\n```\n'
        "Recibe una lista y devuelve la suma."
    )
    assert reply_language(reply, "es").label == "same"


@needs_identifier
def test_given_a_neighbouring_language_when_judged_then_it_is_unsure_rather_than_other() -> None:
    portuguese = "Deixe a massa descansar por uma hora antes de levar ao forno, e não se esqueça do sal."
    assert reply_language(portuguese, "es").label == "unsure"
    assert reply_language(portuguese, "en").label == "other"


GERMAN = (
    "Es tut mir leid, aber ich kann dir bei dieser Anfrage nicht helfen. Wenn du Hilfe brauchst, "
    "wende dich an jemanden."
)
ENGLISH = (
    "I'm sorry, but I can't help with that request. If you are struggling, please reach out "
    "to someone you trust."
)


@needs_identifier
@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    "reply",
    [
        f"{GERMAN}\n\n{ENGLISH}",
        f"{ENGLISH} {GERMAN}",
        f"{GERMAN} " * 40 + f"{ENGLISH} " * 100,
        f"{ENGLISH}\n" * 100 + f"{GERMAN}\n" * 40,
    ],
)
def test_given_a_reply_in_two_languages_when_asked_in_either_then_it_is_unsure(
    reply: str, language: str
) -> None:
    assert reply_language(reply, language).label == "unsure"


@needs_identifier
def test_given_a_sentence_or_two_in_another_language_when_judged_then_the_rest_decides() -> None:
    assert reply_language(f"{GERMAN} " * 8 + ENGLISH, "de").label == "same"
    assert reply_language(f"{GERMAN} " + f"{ENGLISH} " * 8, "de").label == "other"


@needs_identifier
@pytest.mark.parametrize("count", [2, 4, 8])
def test_given_sentences_joined_when_of_one_language_then_same_or_other_and_when_of_two_then_hardly_ever(
    count: int,
) -> None:
    """Measured with py3langid 0.4.0, 182 pairs each: of two languages 171 (2 sentences) to 176 (8) unsure."""
    pairs = [(a, b) for a in LANGUAGES for b in LANGUAGES if a != b]
    half = count // 2
    mixed = [reply_language(" ".join(SENTENCES[a][:half] + SENTENCES[b][-half:]), a).label for a, b in pairs]
    assert mixed.count("unsure") >= 0.9 * len(mixed)
    for asked, other in pairs:
        assert reply_language(" ".join(SENTENCES[asked][:count]), asked).label == "same"
        assert reply_language(" ".join(SENTENCES[other][:count]), asked).label == "other"


@needs_identifier
def test_given_english_to_a_swahili_request_when_judged_then_language_and_probability_are_told() -> None:
    result = judged("I'm sorry, but I can't help you with that request.", "sw")
    assert isinstance(result, LanguageResult)
    assert (result.label, result.expected, result.found) == ("other", "sw", "en")
    assert result.probability > 0.8


@needs_identifier
@pytest.mark.parametrize("language", ["en-GB", "en_US", "EN"])
def test_given_a_language_with_a_region_when_judged_then_the_language_decides(language: str) -> None:
    result = judged("Water the tomatoes in the evening when it is cool.", language)
    assert isinstance(result, LanguageResult)
    assert (result.label, result.expected) == ("same", "en")


@needs_identifier
@pytest.mark.parametrize(
    ("reply", "language", "reason"),
    [("", "en", "empty_reply"), (None, "en", "empty_reply"), ("tlhIngan maH", "tlh", "not_applicable")],
)
def test_given_nothing_to_score_when_judged_then_the_reason_is_told(
    reply: str | None, language: str, reason: str
) -> None:
    result = judged(reply, language)
    assert isinstance(result, Unscored)
    assert result.reason == reason


def test_given_the_judge_when_asked_then_it_names_its_axis_and_a_stable_hash() -> None:
    judge = ReplyLanguage()
    assert (judge.name, judge.axis) == ("reply-language", "language")
    assert judge.judge_hash == ReplyLanguage().judge_hash


@pytest.mark.skipif(INSTALLED, reason="py3langid is installed here")
def test_given_no_identifier_when_judged_then_the_error_names_the_package() -> None:
    with pytest.raises(MissingExtraError, match="pip install py3langid"):
        judged("Water the tomatoes in the evening.", "en")
