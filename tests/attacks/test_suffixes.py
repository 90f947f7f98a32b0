"""Cached suffixes: a file of the user's own, one a line or JSONL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.attacks import AttackContext, get_attack, load_suffixes
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_given_a_text_file_when_read_then_each_line_is_a_suffix_with_its_spaces(tmp_path: Path) -> None:
    file = tmp_path / "found.txt"
    file.write_bytes("\ufeff == one \r\n\n{not json\x85 at all\n# two\n == one \n".encode())
    assert load_suffixes(file) == (" == one ", "{not json\x85 at all", "# two")


def test_given_jsonl_when_read_then_strings_and_objects_are_suffixes(tmp_path: Path) -> None:
    file = tmp_path / "found.jsonl"
    file.write_text('"a\\nb"\n{"suffix": "c", "model": "m", "loss": 0.1}\n\n', encoding="utf-8")
    assert load_suffixes(str(file)) == ("a\nb", "c")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.txt", b"\n \n", "a.txt: expected at least one suffix, one a line, got an empty file"),
        ("a.txt", b"ok\n\xff", "a.txt: not UTF-8 at byte 3; save the file as UTF-8"),
        ("a.jsonl", b'"ok"\n{"text": "x"}', "a.jsonl:2: expected a JSON string or an object such as"),
        ("a.jsonl", b"{", "a.jsonl:1: expected a JSON string"),
        (
            "a.jsonl",
            b'"ok"\n"\\ud83d x"',
            "a.jsonl:2: expected a suffix of valid Unicode, got half of a surr",
        ),
        ("a.jsonl", b"[" * 100_000, "a.jsonl:1: expected a JSON string"),
        ("a.jsonl", b'{"suffix": ""}', "a.jsonl:1: expected a JSON string"),
        ("missing.txt", None, "missing.txt: cannot read the file of suffixes: No such file"),
    ],
)
def test_given_a_file_that_is_none_when_read_then_the_error_names_the_place(
    tmp_path: Path, name: str, content: bytes | None, what: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_suffixes(tmp_path / name)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_given_suffixes_when_attacked_then_every_one_comes_up_behind_the_request() -> None:
    context = AttackContext(suffixes=("!!", "??"))
    said = {get_attack("cached_suffix").render("x", seed=s, context=context)[0].content for s in range(40)}
    assert said == {"x !!", "x ??"}


def test_given_no_file_when_attacked_then_the_error_says_where_to_name_one() -> None:
    with pytest.raises(InputError, match=r"'cached_suffix' needs a file of suffixes.*suffix_file: FILE"):
        get_attack("cached_suffix").render("x", seed=1, context=AttackContext())
