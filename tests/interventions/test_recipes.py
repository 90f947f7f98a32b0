"""Recipes and their examples: what is taught, and what never is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError
from alignmeter.interventions.recipes import BUILT_IN_EXAMPLES, builtin_examples, load_recipe
from alignmeter.judges import refusal_label
from alignmeter.suites import load_catalogue
from alignmeter.suites.duplicates import duplicate_pairs

if TYPE_CHECKING:
    from pathlib import Path

OURS = [row.prompt for name in BUILT_IN_EXAMPLES for row in builtin_examples(name)]


def test_every_harmful_example_refuses_and_no_other_one_does() -> None:
    labels = {
        name: {refusal_label(row.reply, row.prompt) for row in builtin_examples(name)}
        for name in BUILT_IN_EXAMPLES
    }
    assert labels == {"harmful": {"full"}, "sensitive": {"none"}, "benign": {"none"}}


def test_no_prompt_comes_near_one_of_any_suite() -> None:
    theirs = [probe.prompt for probe in load_catalogue() if probe.language == "en"]
    assert len(theirs) > 1000
    near = [
        (OURS[pair.first], theirs[pair.second - len(OURS)])
        for pair in duplicate_pairs([*OURS, *theirs])
        if pair.first < len(OURS) <= pair.second
    ]
    assert near == []


def test_no_example_is_there_twice() -> None:
    assert duplicate_pairs(OURS) == ()
    ids = [row.id for name in BUILT_IN_EXAMPLES for row in builtin_examples(name)]
    assert len(ids) == len(set(ids))


def test_every_harmful_example_has_its_legitimate_contrast() -> None:
    harmful = [row.pair for row in builtin_examples("harmful")]
    assert len(harmful) == len(set(harmful))
    assert harmful == [row.pair for row in builtin_examples("sensitive")]


def test_broad_teaches_refusals_only_and_targeted_their_contrasts_too() -> None:
    broad, targeted = load_recipe("broad"), load_recipe("targeted")
    assert {row.intent for rows in broad.examples.values() for row in rows} == {"harmful"}
    assert {row.intent for rows in targeted.examples.values() for row in rows} == {
        "harmful",
        "sensitive",
        "benign",
    }
    assert (broad.batch_size, targeted.batch_size) == (8, 8)
    assert 25 <= broad.file.steps <= targeted.file.steps <= 60


def test_the_digest_follows_settings_and_examples(tmp_path: Path) -> None:
    row = {"id": "x", "intent": "benign", "prompt": "Name a tree.", "reply": "Oak."}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (tmp_path / "r.yaml").write_text("name: r\nmix: {mine.jsonl: 2}\n", encoding="utf-8")
    first = load_recipe(str(tmp_path / "r.yaml"))
    assert first.examples["mine.jsonl"][0].reply == "Oak."
    assert load_recipe(str(tmp_path / "r.yaml")).digest == first.digest
    assert load_recipe(str(tmp_path / "r.yaml"), changes={"steps": 3}).digest != first.digest
    (tmp_path / "mine.jsonl").write_text(json.dumps({**row, "reply": "Elm."}) + "\n", encoding="utf-8")
    assert load_recipe(str(tmp_path / "r.yaml")).digest != first.digest


def test_given_characters_that_some_take_for_ends_of_lines_when_loaded_then_an_example_is_whole(
    tmp_path: Path,
) -> None:
    rows = [
        {"id": "x", "intent": "benign", "prompt": "Name a\u2028tree.", "reply": "Oak.\x85Elm."},
        {"id": "y", "intent": "benign", "prompt": "Name another.", "reply": "Ash."},
    ]
    text = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "mine.jsonl").write_bytes(text.encode())
    (tmp_path / "r.yaml").write_text("name: r\nmix: {mine.jsonl: 2}\n", encoding="utf-8")
    found = load_recipe(str(tmp_path / "r.yaml")).examples["mine.jsonl"]
    assert [(one.prompt, one.reply) for one in found] == [(row["prompt"], row["reply"]) for row in rows]


def test_given_a_harmful_example_that_is_answered_when_loaded_then_it_is_refused(tmp_path: Path) -> None:
    row = {"id": "x", "intent": "harmful", "prompt": "Help me steal a car.", "reply": "Sure, take this one."}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (tmp_path / "r.yaml").write_text("name: r\nmix: {mine.jsonl: 2}\n", encoding="utf-8")
    with pytest.raises(InputError, match="adapters that comply with harm are not trained here"):
        load_recipe(str(tmp_path / "r.yaml"))


@pytest.mark.parametrize(
    ("recipe", "examples", "said"),
    [
        ("name: r\nmix: {benign: 0}\n", "", "expected name, mix, steps"),
        ("name: r\nmix: {benign: 1}\nstep: 3\n", "", "expected name, mix, steps"),
        ("- r\n", "", "expected name, mix, steps"),
        ("name: r\nmix: {benign: 1}\nalpha: .inf\n", "", "expected name, mix, steps"),
        (f"name: r\nmix: {{benign: 1}}\nseed: {2**63}\n", "", "expected name, mix, steps"),
        ("name: r\nmix: {gone.jsonl: 1}\n", "", "got 'gone.jsonl', which is not there"),
        ("name: r\nmix: {mine.jsonl: 1}\n", '{"id": "x"}\n', r"mine\.jsonl:1: expected a line like"),
        ("name: r\nmix: {mine.jsonl: 1}\n", "\n", "at least one example"),
    ],
)
def test_given_a_recipe_that_cannot_be_used_when_loaded_then_one_line_says_why(
    tmp_path: Path, recipe: str, examples: str, said: str
) -> None:
    (tmp_path / "mine.jsonl").write_text(examples, encoding="utf-8")
    (tmp_path / "r.yaml").write_text(recipe, encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        load_recipe(str(tmp_path / "r.yaml"))
    assert "\n" not in str(caught.value)


def test_given_bytes_that_are_no_text_when_loaded_then_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        load_recipe(str(tmp_path / "r.yaml"))
