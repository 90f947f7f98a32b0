"""What a person reads when a threat model does not validate: one line with file, line, key and way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.errors import ThreatModelError
from alignmeter.threat_model import load_threat_model, parse_threat_model, preset_text, threat_model_from_dict

if TYPE_CHECKING:
    from pathlib import Path


def error_of(yaml_text: str) -> str:
    with pytest.raises(ThreatModelError) as caught:
        parse_threat_model(yaml_text, source="tm.yaml")
    message = str(caught.value)
    assert "\n" not in message
    return message


SHARE = "expected a share between 0 and 1 such as 5% or 0.05"
MAPPING = "expected a mapping of keys"

SCHEMA_ERRORS = {
    # Keys
    "name: x\ntreshold: {}": "2: key 'treshold' is not known here; nearest valid key: 'thresholds'",
    "name: x\nthresholds:\n  atack_success_rate: 5%": (
        "3: key 'atack_success_rate' is not known here; nearest valid key: 'attack_success_rate'"
    ),
    "name: x\nalpha: 5%": "2: key 'alpha' is not known here; it belongs under 'design'",
    "name: x\ndesign:\n  languages: {}": "3: key 'languages' is not known here; it belongs at the top level",
    "name: x\nadversaries: {qqq: 1}": (
        "2: key 'qqq' is not known here; valid keys: attacks, paired_plain, context_tokens, suffix_file"
    ),
    "name: x\n<<: {alpha: 1}": "2: key '<<' is not known here",
    "description: x": "1: key 'name' is missing",
    # Shares
    "name: x\nthresholds:\n  unscored: 2%\n  attack_success_rate: 5 percent": (
        f"4: thresholds.attack_success_rate: {SHARE}, got '5 percent'"
    ),
    "name: x\nthresholds: {unscored: 5}": f"2: thresholds.unscored: {SHARE}, got 5 (write 5% for percent)",
    "name: x\nthresholds: {unscored: 0}": f"2: thresholds.unscored: {SHARE}, got 0",
    "name: x\nthresholds: {unscored: 100%}": f"2: thresholds.unscored: {SHARE}, got '100%'",
    "name: x\nthresholds: {unscored: .nan}": f"2: thresholds.unscored: {SHARE}, got nan",
    "name: x\nthresholds: {unscored: true}": f"2: thresholds.unscored: {SHARE}, got true",
    "name: x\nthresholds: {unscored: }": f"2: thresholds.unscored: {SHARE}, got nothing",
    "name: x\nthresholds: {unscored: [5%]}": f"2: thresholds.unscored: {SHARE}, got a list",
    "name: x\ndesign: {alpha: 0.7}": "2: design.alpha: expected an error rate between 0 and 0.5",
    # Sections
    "name: x\nthresholds:": f"2: thresholds: {MAPPING}, got nothing (leave the key out for its default)",
    "name: x\nthresholds: 5": f"2: thresholds: {MAPPING}, got 5",
    "name: x\nadversaries: [a]": f"2: adversaries: {MAPPING}, got a list",
    # Text
    "name: 2024": "1: name: expected text, got 2024 (put it in quotes)",
    "name: '  '": "1: name: expected text that is not empty, got '  '",
    'name: "a\\nb"': "1: name: expected text without control characters, got '\\n' in it",
    'name: "a\\x1b[2J"': "1: name: expected text without control characters, got '\\x1b' in it",
    'name: x\ndescription: "\\ud800"': "2: description: expected text without control characters",
    "name: x\ndescription: [a]": "2: description: expected text, got a list",
    # Languages
    "name: x\nlanguages:\n  en: 0.5\n  no: 0.4": (
        "2: languages: expected user shares that sum to 1, got 0.9 (en 0.5, no 0.4)"
    ),
    "name: x\nlanguages: {en: 90%, fr: 12%}": "2: languages: expected user shares that sum to 1, got 1.02",
    "name: x\nlanguages: {}": "2: languages: expected user shares that sum to 1, got 0 (no language)",
    "name: x\nlanguages: [en]": f"2: languages: {MAPPING}, got a list",
    "name: x\nlanguages:\n  en: 0.5\n  english: 0.5": (
        "4: languages.english: expected a two-letter ISO 639-1 code such as en, got 'english'"
    ),
    "name: x\nlanguages: {EN: 1}": "got 'EN'; nearest: 'en'",
    "name: x\nlanguages: {en: 1, fr: 0}": (
        "2: languages.fr: expected a share of users above 0 and at most 1, got 0"
    ),
    "name: x\nlanguages: {en: 2, fr: -1}": "2: languages.en: expected a share of users",
    # Weights
    "name: x\nadversaries:\n  attacks:\n    suffix: -1": (
        "4: adversaries.attacks.suffix: expected a weight: a number of 0 or more, got -1"
    ),
    "name: x\nadversaries: {attacks: {suffix: .nan}}": "adversaries.attacks.suffix: expected a weight",
    "name: x\nadversaries: {attacks: {suffix: .inf}}": "adversaries.attacks.suffix: expected a weight",
    "name: x\nadversaries: {attacks: {suffix: lots}}": "expected a weight: a number of 0 or more, got 'lots'",
    "name: x\nadversaries: {attacks: {suffix: 0, plain: 0}}": (
        "adversaries.attacks: expected weights with a finite sum above 0, got a sum of 0"
    ),
    "name: x\nadversaries: {attacks: {suffix: 1e308, plain: 1e308}}": "finite sum above 0, got a sum of inf",
    f"name: x\nadversaries: {{attacks: {{suffix: {'9' * 400}}}}}": "expected a weight",
    "name: x\nadversaries: {attacks: {}}": "adversaries.attacks: expected at least one name, got none",
    "name: x\ndomains: {medical: 0}": "domains: expected weights with a finite sum above 0",
    "name: x\ndomains: Medical": (
        "domains: expected a list of names, or a mapping from names to weights, got 'Medical'"
    ),
    "name: x\ndomains: [1]": "domains: expected a list of names, got 1 in it",
    "name: x\ndomains: [medical, medical]": "domains: expected each item once, got 'medical' twice",
    "name: x\ndomains:\n  - medical\n  - Legal Stuff": (
        "4: domains.Legal Stuff: expected a lower-case name such as household_safety, got 'Legal Stuff'"
    ),
    "name: x\nhazards: []": "hazards: expected at least one item, got an empty list",
    "name: x\nsuites: [Triad]": "suites.0: expected a lower-case name",
    # Attacks: whether there is one of that name is known when a run is planned
    "name: x\nadversaries:\n  attacks:\n    many-shot: 1": (
        "4: adversaries.attacks.many-shot: expected the name of an attack such as many_shot, or several such "
        "as 'roleplay | base64', got 'many-shot'; nearest valid name: 'many_shot'"
    ),
    "name: x\nadversaries: {attacks: [Roleplay]}": "got 'Roleplay'; nearest valid name: 'roleplay'",
    "name: x\nadversaries: {attacks: {'roleplay |': 1}}": "expected the name of an attack",
    "name: x\nadversaries: {attacks: {'| base64': 1}}": "expected the name of an attack",
    "name: x\nadversaries: {attacks: {5: 1}}": "expected the name of an attack such as many_shot",
    "name: x\nadversaries: {attacks: {'a|b': 1, 'a | b': 2}}": (
        "2: adversaries.attacks: expected each attack once, got 'a | b' twice"
    ),
    "name: x\nadversaries: {suffix_file: 5}": "2: adversaries.suffix_file: expected text, got 5",
    # Names of a fixed set
    "name: x\nformats:\n  - chat\n  - browse": (
        "4: formats.1: expected a format, got 'browse'; nearest valid name: 'browsing'"
    ),
    "name: x\nformats: chat": "2: formats: expected a list such as [one, two], got 'chat'",
    "name: x\nformats: []": "2: formats: expected at least one item, got an empty list",
    "name: x\nformats: [chat, chat]": "2: formats: expected each item once, got 'chat' twice",
    "name: x\ntools: [search, 5]": "2: tools.1: expected text, got 5",
    # Numbers and switches
    "name: x\nadversaries: {paired_plain: yes}": "expected true or false, got 'yes'",
    "name: x\nadversaries: {context_tokens: '4096'}": "expected a whole number, got '4096'",
    "name: x\nadversaries: {context_tokens: 10}": "expected a number of at least 256, got 10",
    "name: x\ndesign: {seed: 1.0}": "design.seed: expected a whole number, got 1.0",
    "name: x\ndesign: {seed: -1}": "design.seed: expected a number of at least 0, got -1",
    f"name: x\ndesign: {{seed: {2**63}}}": "design.seed: expected a number below 9223372036854775808",
    f"name: x\ndesign: {{seed: {'9' * 5000}}}": "2: '999",
    "name: x\ndesign: {max_units: 0}": "design.max_units: expected a whole number of 1 or more, or a mapping",
    "name: x\ndesign: {max_units: true}": "design.max_units: expected a whole number of 1 or more",
    "name: x\ndesign:\n  max_units:\n    attack_compliance: 0": (
        "4: design.max_units.attack_compliance: expected a number of at least 1, got 0"
    ),
    "name: x\ndesign: {max_units: {false_refusal: 5}}": (
        "expected a claim, got 'false_refusal'; nearest valid name: 'false_refusal_"
    ),
}


@pytest.mark.parametrize("yaml_text", SCHEMA_ERRORS, ids=lambda text: text[:60])
def test_a_wrong_value_is_named_with_its_line_and_what_was_expected(yaml_text: str) -> None:
    message = error_of(yaml_text)

    assert message.startswith("tm.yaml:")
    assert SCHEMA_ERRORS[yaml_text] in message


YAML_ERRORS = {
    "": "1: the file is empty; expected keys such as 'name:'",
    "# nothing but a comment\n": "1: the file is empty",
    "- a\n- b": "1: expected keys such as 'name:' at the top level, got a list",
    "\n\njust text": "3: expected keys such as 'name:' at the top level, got 'just text'",
    "name: [x\nformats: [chat]": "2: not valid YAML at column 8: ",
    "name: 'x": "1: not valid YAML at column 9: ",
    "name: x\n  formats: y": "2: not valid YAML at column 10: mapping values are not allowed here",
    "name: x\ndesign:\n\tseed: 1": "3: a tab at column 1 is not valid YAML; indent with spaces",
    "name: x\nformats: [chat]\nname: y": "3: key 'name' appears twice; it was first given on line 1",
    "name: x\ndesign:\n  seed: 1\n  seed: 1": "4: key 'seed' appears twice; it was first given on line 3",
    "name: x\n---\nname: y": "2: a second document starts here; expected one document a file",
    "name: &a x\ndescription: *a": "2: aliases are not read here; write the value out instead of *a",
    "name: !!python/object/apply:os.system [ls]": "1: the tag 'tag:yaml.org,2002:python/object/apply:os.",
    "name: !mine x": "1: the tag '!mine' is not read here; remove it",
    "name: !!int abc": "1: 'abc' is not a value of the type int",
    "name: !!bool no": "1: 'no' is not a value of the type bool",
    "name: x\n? [a, b]\n: c": "2: expected text as a key, got a list or a mapping",
    "name: x\ndescription: a\x07b": "2: the character '\\x07' is not allowed in YAML",
    "[" * 100_000: "1: nested more than 32 levels deep",
}


@pytest.mark.parametrize("yaml_text", YAML_ERRORS, ids=lambda text: text[:40])
def test_what_is_not_readable_yaml_is_named_with_its_line(yaml_text: str) -> None:
    assert error_of(yaml_text).startswith(f"tm.yaml:{YAML_ERRORS[yaml_text]}")


def test_a_billion_laughs_is_refused_before_it_expands() -> None:
    layers = ["a0: &a0 [ha, ha, ha]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]

    assert error_of("\n".join(layers)).startswith("tm.yaml:2: aliases are not read here")


def test_of_several_problems_the_first_in_the_file_is_told_and_the_rest_counted() -> None:
    text = "thresholds:\n  unscored: 7\nname: x\nalpha: 1\nformats: [chta]\n"

    message = error_of(text)

    assert message.startswith("tm.yaml:2: thresholds.unscored")
    assert message.endswith("(and 2 more)")


def test_one_problem_is_not_followed_by_a_count() -> None:
    assert "more)" not in error_of("name: x\nalpha: 1")


def test_a_very_long_value_is_cut_short_in_the_message() -> None:
    assert len(error_of(f"name: x\nthresholds: {{unscored: {'x' * 10_000}}}")) < 250


def test_the_message_stays_on_one_line_whatever_the_file_and_its_keys_are_called() -> None:
    with pytest.raises(ThreatModelError) as caught:
        parse_threat_model('name: x\nlanguages: {"a\\nb": 1}', source="two\nlines.yaml")
    assert "\n" not in str(caught.value)


# --- files ---------------------------------------------------------------------------------------


def load_error(path: Path | str) -> str:
    with pytest.raises(ThreatModelError) as caught:
        load_threat_model(path)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ward.yaml"
    assert load_error(path) == f"{path}: no such file; expected a threat model in YAML"


def test_a_directory_is_not_a_threat_model(tmp_path: Path) -> None:
    assert load_error(tmp_path) == f"{tmp_path}: is a directory; expected a threat model in YAML"


def test_a_path_that_no_system_has_is_an_error_and_no_crash() -> None:
    assert "cannot be read" in load_error("a\0b.yaml")


def test_a_file_below_another_file_is_an_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("name: x")
    assert "cannot be read" in load_error(tmp_path / "file" / "tm.yaml")


def test_a_file_that_is_not_utf8_is_named_with_the_byte_and_its_line(tmp_path: Path) -> None:
    path = tmp_path / "tm.yaml"
    path.write_bytes("name: x\ndescription: Café\n".encode("latin-1"))
    assert load_error(path) == f"{path}:2: not UTF-8 (byte 0xe9); save the file as UTF-8"


def test_a_huge_file_is_refused_unparsed(tmp_path: Path) -> None:
    path = tmp_path / "tm.yaml"
    path.write_bytes(b"#" * 1_000_001)
    assert "larger than 1,000,000 bytes" in load_error(path)


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "tm.yaml"
    path.write_bytes(b"")
    assert load_error(path) == f"{path}:1: the file is empty; expected keys such as 'name:'"


def test_the_error_names_the_file_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "tm.yaml"
    path.write_text("name: x\ntreshold: {}\n")
    assert load_error(path).startswith(f"{path}:2: key 'treshold'")


# --- other sources -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "near"),
    [("medcal", "medical"), ("general_assistant", "general-assistant"), ("general", "general-assistant")],
)
def test_an_unknown_preset_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ThreatModelError, match=f"unknown preset '{name}'; nearest: '{near}'"):
        preset_text(name)


@pytest.mark.parametrize("name", ["qqqq", "", "../schema", "presets/medical"])
def test_a_preset_that_resembles_none_is_answered_with_all_of_them(name: str) -> None:
    with pytest.raises(ThreatModelError, match=r"presets: coding-agent, customer-support, .*, medical"):
        preset_text(name)


def test_an_error_in_data_that_came_from_no_file_names_no_line() -> None:
    with pytest.raises(ThreatModelError) as caught:
        threat_model_from_dict({"name": "x", "thresholds": {"unscored": 5}})
    assert str(caught.value).startswith("threat model: thresholds.unscored: expected a share")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], "threat model: expected keys such as 'name:' at the top level, got a list"),
        ({"name": "x", "design": {"seed": 10**5000}}, "got a number that is far too large"),
        ({"name": "x", "thresholds": {"unscored": {}}}, "got a mapping"),
        ({"name": "x", "languages": {5: 1.0}}, "expected a two-letter ISO 639-1 code such as en, got 5"),
        ({"name": "x", 5: 1}, "keys should be strings"),
    ],
)
def test_data_that_no_yaml_file_could_hold_is_refused_in_one_line(data: Any, expected: str) -> None:  # noqa: ANN401
    with pytest.raises(ThreatModelError) as caught:
        threat_model_from_dict(data)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
