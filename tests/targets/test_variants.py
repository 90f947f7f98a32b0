"""Variants: a system prompt and examples in front of every conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError
from alignmeter.identity import text_digest
from alignmeter.records import Message
from alignmeter.targets.variants import Variant, load_variant, read_variant

if TYPE_CHECKING:
    from pathlib import Path

USER = Message(role="user", content="Hello")
SHOTS = (Message(role="user", content="q"), Message(role="assistant", content="a"))


def test_an_empty_variant_changes_nothing() -> None:
    messages = (Message(role="system", content="Shop."), USER)
    assert Variant().apply(messages) == messages


def test_the_system_prompt_comes_first_then_the_examples_then_the_trial() -> None:
    applied = Variant(system_prompt="Be safe.", few_shot=SHOTS).apply((USER,))
    assert applied == (Message(role="system", content="Be safe."), *SHOTS, USER)


def test_the_trials_own_system_message_is_merged_after_the_variants() -> None:
    applied = Variant(system_prompt="Be safe.", few_shot=SHOTS).apply(
        (Message(role="system", content="Shop."), USER)
    )
    assert applied == (Message(role="system", content="Be safe.\n\nShop."), *SHOTS, USER)


def test_a_system_message_in_the_middle_stays_where_the_attack_put_it() -> None:
    messages = (USER, Message(role="system", content="Override."))
    assert Variant(system_prompt="Be safe.").apply(messages)[1:] == messages


def test_digests_are_none_without_and_differ_with_each_content() -> None:
    assert (Variant().system_prompt_digest, Variant().few_shot_digest) == (None, None)
    one, other = Variant(system_prompt="a", few_shot=SHOTS), Variant(system_prompt="b", few_shot=SHOTS[::-1])
    assert one.system_prompt_digest == text_digest("a")
    assert one.system_prompt_digest != other.system_prompt_digest
    assert one.few_shot_digest != other.few_shot_digest


def test_the_name_is_no_part_of_the_digests() -> None:
    named, unnamed = Variant(name="x", system_prompt="a"), Variant(system_prompt="a")
    assert named.system_prompt_digest == unnamed.system_prompt_digest


def test_a_variant_is_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "system.txt").write_text("Be safe.\n", encoding="utf-8")
    (tmp_path / "shots.jsonl").write_text(
        '{"user": "q", "assistant": "a"}\n\n{"user": "ü", "assistant": "ö"}\n', encoding="utf-8"
    )
    variant = load_variant(
        name="guarded", system_prompt=tmp_path / "system.txt", few_shot=tmp_path / "shots.jsonl"
    )
    assert variant.name == "guarded"
    assert variant.system_prompt == "Be safe."
    assert variant.few_shot == (
        *SHOTS,
        Message(role="user", content="ü"),
        Message(role="assistant", content="ö"),
    )


def test_an_example_may_hold_characters_that_some_take_for_ends_of_lines(tmp_path: Path) -> None:
    (tmp_path / "shots.jsonl").write_text('{"user": "q\u2028q", "assistant": "a\x85a"}\n', encoding="utf-8")
    assert load_variant(few_shot=tmp_path / "shots.jsonl").few_shot == (
        Message(role="user", content="q\u2028q"),
        Message(role="assistant", content="a\x85a"),
    )


def test_a_byte_order_mark_is_no_part_of_a_system_prompt(tmp_path: Path) -> None:
    prompt = tmp_path / "p.txt"
    prompt.write_bytes(b"\xef\xbb\xbfBe brief.")

    assert load_variant(system_prompt=prompt).system_prompt == "Be brief."


def test_no_files_give_the_empty_variant() -> None:
    assert load_variant() == Variant()


@pytest.mark.parametrize(
    "line", ['{"user": "q"}', '{"user": "q", "assistant": "a", "x": 1}', "q\ta", '{"user": 1']
)
def test_a_bad_line_is_named_by_file_and_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "shots.jsonl"
    path.write_text(f'{{"user": "q", "assistant": "a"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"shots\.jsonl:2: expected a line like"):
        load_variant(few_shot=path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"system prompt file '.*nowhere\.txt' does not exist"):
        load_variant(system_prompt=tmp_path / "nowhere.txt")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "system.txt").write_text(" \n", encoding="utf-8")
    with pytest.raises(InputError, match="is empty"):
        load_variant(system_prompt=tmp_path / "system.txt")


def test_a_file_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "system.txt").write_bytes(b"caf\xe9 \xff")
    with pytest.raises(InputError, match="cannot be read as UTF-8"):
        load_variant(system_prompt=tmp_path / "system.txt")


def test_a_variant_file_holds_name_system_prompt_and_examples(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text(
        "name: guarded\nabout: for people\nsystem_prompt: |\n  Be safe.\n\n  Be kind.\n"
        "few_shot:\n  - {user: q, assistant: a}\n",
        encoding="utf-8",
    )
    assert read_variant(tmp_path / "v.yaml") == Variant(
        name="guarded", system_prompt="Be safe.\n\nBe kind.", few_shot=SHOTS
    )


@pytest.mark.parametrize(
    "text",
    [
        "system_prompt: x\n",
        "name: a\nsystem: x\n",
        "- a\n",
        "name: [\n",
        "name: a\nfew_shot: [{user: q}]\n",
        "",
    ],
)
def test_a_variant_file_that_is_not_as_expected_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "v.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"v\.yaml") as caught:
        read_variant(tmp_path / "v.yaml")
    assert "\n" not in str(caught.value)
