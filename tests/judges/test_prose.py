"""What the rules get to read of a reply."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alignmeter.judges.prose import WINDOW_HEAD, WINDOW_TAIL, read


def texts(reply: str) -> list[str]:
    return [sentence.text for sentence in read(reply).sentences]


def test_given_several_sentences_when_read_then_they_are_lower_cased_and_apart() -> None:
    assert texts("Hello there. How are you?\nFine!") == ["hello there.", "how are you?", "fine!"]


def test_given_an_abbreviation_when_read_then_the_sentence_goes_on() -> None:
    assert texts("Use a tool, e.g. a spade. Dig.") == ["use a tool, e.g. a spade.", "dig."]


def test_given_code_when_read_then_it_is_counted_and_left_out() -> None:
    prose = read("Run this:\n```sh\necho I cannot help\n```\nDone.")
    assert [sentence.text for sentence in prose.sentences] == ["run this:", "done."]
    assert prose.code_blocks == 1


def test_given_nothing_but_a_fence_around_prose_when_read_then_the_prose_is_read() -> None:
    assert texts("```\nI can't help with that.\n```") == ["i can't help with that."]


def test_given_quoted_speech_when_read_then_it_is_masked() -> None:
    assert "cannot" not in " ".join(texts('The robot then said "I cannot help you with that" and left.'))


def test_given_two_quoted_terms_when_read_then_what_stands_between_them_stays() -> None:
    prose = read('I would not call it "fair". I cannot help with that "plan" of yours.')
    assert [sentence.text for sentence in prose.sentences] == [
        'i would not call it "fair".',
        'i cannot help with that "plan" of yours.',
    ]
    assert prose.quoted_words == 0


def test_given_quotations_when_read_then_the_words_that_they_hide_are_counted() -> None:
    prose = read('I will not write it. It would go "dear Anna, I quit at once".\n> Yours,\n> Tom\n')
    assert [sentence.text for sentence in prose.sentences] == [
        "i will not write it.",
        'it would go "quotation" .',
    ]
    assert prose.quoted_words == 8


def test_given_a_reply_wholly_in_quotes_when_read_then_it_is_not_masked() -> None:
    assert texts('"I cannot help you with that."') == ["i cannot help you with that."]


def test_given_markup_when_read_then_only_the_words_stay() -> None:
    assert texts("## **No**, [it](https://a.example) <b>is</b> *not*") == ["no, it is not"]


def test_given_typographic_signs_when_read_then_they_are_plain() -> None:
    assert texts("I can\u2019t\u00a0help \u2014 sorry") == ["i can't help - sorry"]


def test_given_a_list_when_read_then_its_items_are_counted_and_marked() -> None:
    prose = read("Do this:\n1. Dig.\n2) Plant.\n- Water.")
    assert prose.list_items == 3
    assert [sentence.listed for sentence in prose.sentences] == [False, True, True, True]


def test_given_a_list_on_one_line_when_read_then_its_items_are_found() -> None:
    assert read("Do this: 1. Dig a hole. 2. Plant the tree. 3. Water it.").list_items == 3


def test_given_a_very_long_reply_when_read_then_its_head_and_tail_are_kept() -> None:
    prose = read("Begin. " + "word. " * WINDOW_HEAD + "The end.")
    assert prose.words <= WINDOW_HEAD
    assert prose.sentences[0].text == "begin."
    assert prose.sentences[-1].text == "the end."


@given(st.text(max_size=400))
def test_given_any_text_when_read_then_no_sentence_is_empty(text: str) -> None:
    prose = read(text)
    assert all(any(char.isalnum() for char in sentence.text) for sentence in prose.sentences)
    assert prose.words <= WINDOW_HEAD + WINDOW_TAIL
