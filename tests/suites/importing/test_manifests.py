"""Manifests: what the package has, and what is said of one that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError
from alignmeter.suites.importing import built_in_manifests, find_manifest, manifest_names, parse_manifest

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
name: mine
title: Mine
licence: CC0
citation: Nobody 2026
homepage: https://example.org
tables:
  - files: ["*.csv"]
    rows: 12
    contrast_pairs: true
    fields:
      prompt: {column: text}
      language: {value: no}
      domain: {value: 1.0}
      intent: {column: label, map: {yes: harmful, no: benign}}
"""


def test_given_the_package_when_its_manifests_are_read_then_all_that_are_promised_are_there() -> None:
    promised = {
        "xstest", "or_bench", "coconot", "strongreject", "harmbench", "jailbreakbench", "advbench",
        "simplesafetytests", "multijail", "xsafety", "jailflipbench", "truthfulqa", "gsm8k", "humaneval",
        "ifeval", "mgsm", "cyberseceval", "agentdojo",
    }  # fmt: skip

    found = built_in_manifests()

    assert set(found) == promised == set(manifest_names())
    for name, loaded in found.items():
        assert loaded.manifest.name == name  # `manifest_names` goes by the names of the files
        assert loaded.manifest.homepage.startswith("https://")
        assert all(address.startswith("https://") for address in loaded.manifest.download)
        assert loaded.manifest.download


def test_given_yaml_words_when_a_manifest_is_read_then_they_stay_texts() -> None:
    manifest = parse_manifest(GOOD, "mine.yaml")

    fields = manifest.tables[0].fields
    assert fields["language"].value == "no"
    assert fields["domain"].value == "1.0"
    assert fields["intent"].map == {"yes": "harmful", "no": "benign"}
    assert manifest.tables[0].rows == 12
    assert manifest.tables[0].contrast_pairs


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "licence: CC0",
            "license: CC0",
            r"top level: expected keys from .*, got 'license'; nearest: 'licence'",
        ),
        ("title: Mine\n", "", r"top level: expected the key 'title', which is not there"),
        ("title: Mine", "title: ''", r"title: expected a text, got an empty one"),
        ("title: Mine", "title: [a]", r"title: expected a text, got \['a'\]"),
        ("name: mine", "name: My Suite", r"name: expected lower-case letters, digits and underscores"),
        (
            "prompt: {column: text}",
            "promt: {column: text}",
            r"fields.promt: expected one of axis, .*'prompt'",
        ),
        ("{column: text}", "{colum: text}", r"fields.prompt: expected keys from column.*nearest: 'column'"),
        ("{column: text}", "text", r"tables\[0\].fields.prompt: expected a mapping with the keys column"),
        (
            "{column: text}",
            "{column: a, value: b}",
            r"fields.prompt: expected exactly one of .*column and val",
        ),
        ("{column: text}", "{pattern: b}", r"fields.prompt: expected exactly one of .* got none of them"),
        ("{column: text}", '{column: a, pattern: "("}', r"prompt.pattern: expected a regular expression"),
        ("{column: text}", "{template: 'a {b'}", r"prompt.template: expected columns in braces, got 'a {b'"),
        ("{column: text}", "{column: a, every: 3}", r"prompt.every: expected a number of 1 or more beside"),
        ("{column: text}", "{column: a, match: contains}", r"prompt.match: expected `map` beside it"),
        ("{column: text}", "{column: a, otherwise: skip}", r"expected one of drop, error, keep, got 'skip'"),
        ("rows: 12", "rows: twelve", r"tables\[0\].rows: expected a whole number, got 'twelve'"),
        ("contrast_pairs: true", "contrast_pairs: 1", r"contrast_pairs: expected true or false, got '1'"),
        ("rows: 12", "format: xml", r"tables\[0\].format: expected one of csv, json, .*, got 'xml'"),
        ("rows: 12", "delimiter: ';;'", r"tables\[0\].delimiter: expected one character, got ';;'"),
        ("rows: 12", "filters: {column: a}", r"tables\[0\].filters: expected a list, got"),
        ("rows: 12", "filters: [{column: a}]", r"filters\[0\]: expected exactly one of one_of, none_of"),
        ("rows: 12", "first_row: {a: '['}", r"tables\[0\].first_row.a: expected a regular expression"),
        ("rows: 12", "task: {kind: number}", r"tables\[0\].task.answer: expected a rule, which a task"),
        (
            "rows: 12",
            "task: {kind: sum}",
            r"tables\[0\].task.kind: expected one of choice, code, .*got 'sum'",
        ),
        ('["*.csv"]', "[]", r"tables\[0\].files: expected at least one pattern"),
        ("      language: {value: no}\n", "", r"tables\[0\].fields: expected a rule for 'language'"),
    ],
)
def test_given_a_wrong_manifest_when_it_is_read_then_key_and_expectation_are_named(
    old: str, new: str, complaint: str
) -> None:
    assert old in GOOD

    with pytest.raises(InputError, match=rf"^mine.yaml: .*{complaint}") as raised:
        parse_manifest(GOOD.replace(old, new), "mine.yaml")

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "- a", "a: [", "just words"])
def test_given_something_else_than_a_manifest_when_it_is_read_then_it_says_so(text: str) -> None:
    with pytest.raises(InputError, match=r"^mine.yaml: (expected YAML|top level: expected a mapping)"):
        parse_manifest(text, "mine.yaml")


def test_given_a_name_that_is_nearly_right_when_it_is_looked_up_then_the_nearest_is_named() -> None:
    with pytest.raises(InputError, match=r"got 'xtest'; nearest: 'xstest'"):
        find_manifest("xtest")


def test_given_a_hyphen_when_a_manifest_is_looked_up_then_it_is_found() -> None:
    assert find_manifest("OR-Bench").manifest.name == "or_bench"


def test_given_a_file_when_it_is_no_manifest_then_it_says_so(tmp_path: Path) -> None:
    binary = tmp_path / "mine.yaml"
    binary.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InputError, match=r"expected a manifest, got 'No such file"):
        find_manifest(str(tmp_path / "none.yaml"))
    with pytest.raises(InputError, match=r"expected a manifest in UTF-8"):
        find_manifest(str(binary))
