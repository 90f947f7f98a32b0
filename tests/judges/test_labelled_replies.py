"""The labelled replies that ship keep their promises: counts, kinds, scripts, variety, no copies."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError
from alignmeter.judges import labelled_replies
from alignmeter.judges.labelled_replies import (
    HARM_LABELS,
    REFUSAL_LABELS,
    HarmReply,
    RefusalReply,
    harm_languages,
    load_harm_replies,
    load_refusal_replies,
    refusal_languages,
)
from alignmeter.suites.duplicates import duplicate_pairs, words

if TYPE_CHECKING:
    from collections.abc import Iterable

LANGUAGES = ("ar", "bn", "de", "en", "es", "fr", "hi", "ro", "ru", "sw", "tr", "yo", "zh", "zu")
SCRIPTS = {"ar": "ARABIC", "bn": "BENGALI", "hi": "DEVANAGARI", "ru": "CYRILLIC", "zh": "CJK"}
# Function words (for Zulu, which joins them to others, beginnings and ends of words).
FUNCTION_WORDS = {
    "de": "der die das und ist nicht ich sie zu den mit ein",
    "en": "the and of to a is in that it i you for",
    "es": "el la de que y en no los un una con por",
    "fr": "le la de et les des vous pas que un une je",
    "ro": "și să nu de la în cu pe care mai din o",
    "sw": "ya na wa kwa ni la za si kama hiyo yako katika",
    "tr": "bir ve bu için da de ne ile o çok mi sonra",
    "yo": "tí ni mo láti kí ó sì bá náà fún kò wọn",
}
ZULU = re.compile(r"\b(?:uku|nge|nga|ngi|oku|ama|isi|ezi|aba|umu)\w+|\w+(?:ini|ile|ela|isa|ayo|ona)\b")
PUBLIC_DATA = Path(__file__).parents[2].parent / "shared" / "data"
PUBLIC_FILES = {".csv", ".json", ".jsonl"}
PUBLIC_DIALOGUES = (
    *("advbench", "coconot", "gptfuzz_labeled", "harmbench", "hh_rlhf_harmless_test", "jailbreakbench"),
    *(
        "jailflip_sample",
        "mt_bench",
        "multijail",
        "pandalm_test",
        "simplesafetytests",
        "strongreject",
        "xstest",
    ),
)
RUN_START = 4
RUN = 10
MET_IN_SEVERAL_WAYS = {"opinion": 12, "opinion_refusal": 6, "menu_refusal": 6, "partial_menu": 4}
"""Kinds whose requests are each met by replies with different labels, and how many of them a language has."""
SOURCE = "alignmeter, written by a language model, "


def opening(text: str, language: str) -> tuple[str, ...]:
    """Return the first three words; of Chinese, which writes none apart, four characters."""
    if language == "zh":
        return tuple([character for character in text if character.isalnum()][:4])
    return tuple("".join(filter(str.isalnum, word)) for word in text.casefold().split()[:3])


def public_text() -> str:
    """Return the requests and replies of the public data sets, with the escapes of JSON undone."""
    paths = (path for folder in PUBLIC_DIALOGUES for path in sorted((PUBLIC_DATA / folder).rglob("*.*")))
    # The folder of labels repeats the replies that are labelled.
    wanted = (
        path for path in paths if path.suffix in PUBLIC_FILES and path.parent.name != "automated_labels"
    )
    text = "\n".join(path.read_text(errors="replace") for path in wanted)
    text = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\[nt]", " ", text)


def copied_runs(mine: Iterable[tuple[str, ...]], theirs: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Return the runs of words that also stand in another text; they have `RUN_START` words or more."""
    starts: defaultdict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for run in mine:
        starts[run[:RUN_START]].add(run)
    grams = zip(*(theirs[offset:] for offset in range(RUN_START)), strict=False)
    hits = ((at, starts[gram]) for at, gram in enumerate(grams) if gram in starts)
    return {run for at, runs in hits for run in runs if theirs[at : at + len(run)] == run}


def script_share(text: str, script: str) -> float:
    letters = [character for character in text if character.isalpha()]
    return sum(unicodedata.name(letter, "").startswith(script) for letter in letters) / len(letters)


def test_fourteen_languages_have_labelled_replies() -> None:
    assert refusal_languages() == LANGUAGES
    assert {row.language for row in load_refusal_replies()} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_each_kind_of_reply(language: str) -> None:
    kinds = Counter(row.kind for row in load_refusal_replies(language))
    assert kinds.total() >= 66 + 28
    least = 22 if language == "en" else 11
    written_once = REFUSAL_LABELS.keys() - MET_IN_SEVERAL_WAYS.keys() - {"partial_refusal"}
    assert all(kinds[kind] >= least for kind in written_once)
    assert kinds["partial_refusal"] >= (22 if language == "en" else 0)
    assert MET_IN_SEVERAL_WAYS.items() <= kinds.items()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_request_that_is_met_in_several_ways_does_not_tell_the_label(language: str) -> None:
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for row in load_refusal_replies(language):
        if row.kind in MET_IN_SEVERAL_WAYS:
            labels[row.prompt].add(row.label)
    assert min(len(each) for each in labels.values()) >= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_about_half_of_the_requests_are_harmful_in_every_kind(language: str) -> None:
    rows = load_refusal_replies(language)
    assert 0.4 <= sum(row.intent == "harmful" for row in rows) / len(rows) <= 0.6
    for kind in {row.kind for row in rows}:
        intents = Counter(row.intent == "harmful" for row in rows if row.kind == kind)
        assert min(intents[True], intents[False]) >= (2 if kind in MET_IN_SEVERAL_WAYS else 4), kind


def test_the_label_follows_from_the_kind() -> None:
    assert all(row.label == REFUSAL_LABELS[row.kind] for row in load_refusal_replies())
    assert all(row.label == HARM_LABELS[row.kind] for row in load_harm_replies())


def test_rows_say_who_they_are_and_who_looked_at_them() -> None:
    rows: tuple[RefusalReply | HarmReply, ...] = (*load_refusal_replies(), *load_harm_replies())
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        stem = "rr" if isinstance(row, RefusalReply) else "hr"
        assert re.fullmatch(rf"{stem}-{row.language}-\d{{3}}", row.id)
        said = "reviewed once" if row.language == "en" else "no native review"
        assert row.provenance == SOURCE + said, row.id
        assert row.prompt == row.prompt.strip(), row.id
        assert row.reply == row.reply.strip(), row.id
        assert row.reply == unicodedata.normalize("NFC", row.reply), row.id
        assert len(row.prompt) >= 6, row.id
        assert 4 <= len(row.reply) <= 900, row.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_replies_are_in_the_script_of_their_language(language: str) -> None:
    for row in (*load_refusal_replies(language), *load_harm_replies(language)):
        script = SCRIPTS.get(language, "LATIN")
        # A Roman product name, a kind of letter or a quoted word does not make another language.
        assert script_share(row.reply, script) >= 0.7, row.id
        assert script_share(row.prompt, script) >= 0.5, row.id


@pytest.mark.parametrize("language", sorted(FUNCTION_WORDS))
def test_replies_in_roman_letters_use_the_words_of_their_language(language: str) -> None:
    used = Counter(words(" ".join(row.reply for row in load_refusal_replies(language))))
    shares = {
        other: sum(used[word] for word in listed.split()) / used.total()
        for other, listed in FUNCTION_WORDS.items()
    }
    assert max(shares, key=shares.__getitem__) == language, shares


def test_zulu_replies_are_zulu() -> None:
    def share(language: str) -> float:
        text = " ".join(row.reply.casefold() for row in load_refusal_replies(language))
        return len(ZULU.findall(text)) / len(words(text))

    assert share("zu") > 0.2
    assert share("zu") > 2 * max(share(other) for other in FUNCTION_WORDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_opening_is_a_template(language: str) -> None:
    rows = load_refusal_replies(language)
    start, times = Counter(opening(row.reply, language) for row in rows).most_common(1)[0]
    assert times <= 4, start


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_replies_or_prompts_are_alike(language: str) -> None:
    rows = load_refusal_replies(language)
    assert duplicate_pairs([row.reply for row in rows], threshold=0.2) == ()
    several = list(dict.fromkeys(row.prompt for row in rows if row.kind in MET_IN_SEVERAL_WAYS))
    once = [row.prompt for row in rows if row.kind not in MET_IN_SEVERAL_WAYS]
    assert duplicate_pairs([*once, *several]) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_lengths_are_mixed(language: str) -> None:
    # Chinese and Yoruba are counted as they are written; the shares hold for both.
    lengths = sorted(len(row.reply) for row in load_refusal_replies(language))
    assert lengths[-1] >= 5 * lengths[0]
    assert lengths[len(lengths) * 9 // 10] >= 2 * lengths[len(lengths) // 4]


def test_harm_replies_have_their_numbers() -> None:
    assert harm_languages() == LANGUAGES
    rows = load_harm_replies("en")
    labels = Counter(row.label for row in rows)
    assert labels["delivered"] >= 55
    assert labels["partial"] >= 25
    assert labels["none"] >= 80
    assert min(Counter(row.kind for row in rows).values()) >= 18
    assert {row.kind for row in rows} == set(HARM_LABELS)


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_harm_replies_of_other_languages_have_their_numbers(language: str) -> None:
    rows = load_harm_replies(language)
    assert {row.language for row in rows} == {language}
    assert Counter(row.kind for row in rows) == dict.fromkeys(HARM_LABELS, 4)
    # But for requests of something grave, the request does not tell the label.
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[row.prompt].add(row.label)
    assert sum(len(each) > 1 for each in labels.values()) >= 8
    assert all(each == {"none"} for each in labels.values() if len(each) == 1)


def test_words_of_refusal_do_not_tell_what_harm_replies_deliver() -> None:
    cells = Counter((row.label, row.surface) for row in load_harm_replies())
    # Safe without a refusal, and delivered behind one.
    assert cells["none", "none"] >= 40
    assert cells["delivered", "full"] + cells["delivered", "partial"] >= 15


def test_the_surface_of_a_harm_reply_fits_its_kind() -> None:
    for row in load_harm_replies():
        if row.kind == "refusal":
            assert row.surface == "full", row.id
        elif row.kind == "hollow_refusal":
            assert row.surface != "none", row.id
        elif row.kind in {"safe_completion", "vague_talk", "fiction_deflection", "fiction_delivery"}:
            assert row.surface == "none", row.id


def test_no_two_harm_replies_are_alike() -> None:
    rows = load_harm_replies()
    assert duplicate_pairs([row.reply for row in rows], threshold=0.2) == ()
    assert duplicate_pairs(list(dict.fromkeys(row.prompt for row in rows)), threshold=0.75) == ()
    assert max(Counter((row.prompt, row.label, row.kind) for row in rows).values()) == 1
    assert Counter(opening(row.reply, "en") for row in rows).most_common(1)[0][1] <= 0.02 * len(rows)


def test_harm_replies_are_none_of_the_refusal_replies() -> None:
    replies = [row.reply for row in (*load_refusal_replies(), *load_harm_replies())]
    assert duplicate_pairs(replies, threshold=0.3) == ()


def test_nothing_is_taken_from_the_public_data_sets() -> None:
    if not PUBLIC_DATA.is_dir():
        pytest.skip(f"no public data sets beside the repository ({PUBLIC_DATA.name} is missing)")
    rows: tuple[RefusalReply | HarmReply, ...] = (*load_refusal_replies(), *load_harm_replies())
    text = public_text()
    # Whole requests, and runs of words that are longer than ready phrases of refusal.
    prompts = {words(row.prompt) for row in rows}
    replies = (words(row.reply) for row in rows)
    runs = {reply[at : at + RUN] for reply in replies for at in range(len(reply) - RUN + 1)}
    mine = runs | {prompt for prompt in prompts if len(prompt) >= RUN_START}
    assert copied_runs(mine, words(text)) == set()
    # Languages that write no spaces.
    assert [row.id for row in rows if len(words(row.prompt)) < RUN_START and row.prompt in text] == []


def test_the_datasheet_prints_the_counts_of_the_files() -> None:
    sheet = (Path(__file__).parents[2] / "docs" / "labelled-replies.md").read_text()
    rows = load_refusal_replies()
    assert f"{len(rows)} replies in fourteen languages" in sheet
    for kind, label in REFUSAL_LABELS.items():
        english = sum(row.kind == kind for row in rows if row.language == "en")
        others = sum(row.kind == kind for row in rows if row.language == "sw")
        assert re.search(rf"^\| `{kind}` \| {label} \| {english} \| {others} \|", sheet, re.M), kind
    harm = load_harm_replies()
    assert f"{len(harm)} replies to harmful requests" in sheet
    for kind, label in HARM_LABELS.items():
        english = sum(row.kind == kind for row in harm if row.language == "en")
        others = sum(row.kind == kind for row in harm if row.language == "sw")
        assert re.search(rf"^\| `{kind}` \| {label} \| {english} \| {others} \|", sheet, re.M), kind


def test_when_there_are_no_replies_in_a_language_then_the_error_names_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"ship in ar, bn, .*, zu, got 'xx'"):
        load_refusal_replies("xx")


def test_when_a_line_is_wrong_then_the_error_names_file_and_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str) -> bytes:
        return b'{"id": "hr-en-001"}'

    monkeypatch.setattr(labelled_replies, "data_bytes", broken)
    with pytest.raises(InputError, match=r"harm_replies\.ar\.jsonl:1: expected a JSON object with id, "):
        load_harm_replies()
