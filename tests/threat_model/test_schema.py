"""The shipped JSON Schema, by which editors complete and check a threat model."""

from __future__ import annotations

import json
from typing import Any, cast

import jsonschema
import pytest
import yaml

from alignmeter.errors import ThreatModelError
from alignmeter.threat_model import parse_threat_model, preset_names, preset_text, schema_json
from alignmeter.threat_model.schema import generate_schema


def schema() -> dict[str, Any]:
    return json.loads(schema_json())


def valid(yaml_text: str) -> bool:
    validator = cast(Any, jsonschema.Draft202012Validator(schema()))
    return validator.is_valid(yaml.safe_load(yaml_text))


def loads(yaml_text: str) -> bool:
    try:
        parse_threat_model(yaml_text, source="tm.yaml")
    except ThreatModelError:
        return False
    return True


def test_the_shipped_schema_is_the_one_that_the_model_gives() -> None:
    assert schema() == generate_schema(), "renew it: see the docstring of alignmeter.threat_model.schema"


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", preset_names())
def test_the_presets_are_valid_under_the_schema_they_name(name: str) -> None:
    assert preset_text(name).startswith("# yaml-language-server: $schema=./threat_model.schema.json\n")
    assert valid(preset_text(name))


@pytest.mark.parametrize(
    "yaml_text",
    [
        "name: x",
        "name: x\nthresholds: {unscored: 5%, language_gap: 0.05, alignment_tax: 2.5 %}",
        "name: x\ndomains: [medical]\nhazards: [fraud]\nsuites: null",
        "name: x\ndomains: {medical: 2, legal: 50%}",
        "name: x\nadversaries: {attacks: [plain, suffix], paired_plain: false}",
        "name: x\nadversaries: {attacks: {plain: 1}, context_tokens: 8192}",
        "name: x\nadversaries: {attacks: [form_fill, 'roleplay | base64', our_own], suffix_file: a.jsonl}",
        "name: x\ndesign: {max_units: 5, alpha: 1%, seed: 0}",
        "name: x\ndesign: {max_units: {attack_compliance: 5}}",
        "name: x\nlanguages: {en: 60%, sw: 0.4}",
        "name: x\nformats: [chat, tool_calling]\ntools: [search]",
    ],
)
def test_what_loads_is_valid_under_the_schema(yaml_text: str) -> None:
    assert loads(yaml_text)
    assert valid(yaml_text)


@pytest.mark.parametrize(
    "yaml_text",
    [
        "description: x",
        "name: ''",
        "name: x\ntreshold: {}",
        "name: x\nthresholds: {unscored: 5}",
        "name: x\nthresholds: {unscored: 5 percent}",
        "name: x\nthresholds: {foo: 5%}",
        "name: x\nthresholds: null",
        "name: x\ndomains: [Medical]",
        "name: x\ndomains: []",
        "name: x\nadversaries: {attacks: {Roleplay: 1}}",
        "name: x\nadversaries: {attacks: ['roleplay |']}",
        "name: x\nadversaries: {attacks: {suffix: -1}}",
        "name: x\ndesign: {max_units: 0}",
        "name: x\ndesign: {max_units: {foo: 5}}",
        "name: x\ndesign: {alpha: 0.7}",
        "name: x\nlanguages: {english: 1}",
        "name: x\nformats: [chta]",
        "name: x\nformats: []",
    ],
)
def test_what_the_schema_refuses_does_not_load(yaml_text: str) -> None:
    assert not valid(yaml_text)
    assert not loads(yaml_text)


def test_every_key_has_a_description_for_the_editor() -> None:
    made = schema()
    for part in (made, *made["$defs"].values()):
        for key, described in part["properties"].items():
            # A section whose key and class are described alike has its text at the class.
            behind = made["$defs"][described["$ref"].rpartition("/")[2]] if "$ref" in described else described
            assert described.get("description") or behind.get("description"), key
