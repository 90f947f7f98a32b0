"""What the frames say, and that the page about them says the same as the registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from alignmeter.attacks import attack_names, frames, get_attack

_FILES = sorted(Path(str(frames.folder())).glob("*.yaml"))
_BANNED = re.compile(
    r"\b(?:child|children|kid|kids|teen\w*|minor|minors|schoolgirl|schoolboy|girl|boy|toddler|pupil|"
    r"sex\w*|porn\w*|nude|naked|rape\w*|incest|kill\w*|murder\w*|bomb\w*|explosiv\w*|weapon\w*|gun|guns|"
    r"poison\w*|nerve agent|ricin|anthrax|drug|drugs|meth|cocaine|heroin|fentanyl|suicid\w*|self-harm|"
    r"terror\w*|massacre|genocide|hitler|nazi\w*|malware|ransomware|phish\w*|slur|torture|kidnap\w*)\b",
    re.IGNORECASE,
)
_DOCS = Path(__file__).parents[2] / "docs" / "attacks.md"


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in cast("dict[object, object]", value).items() for text in _texts(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in cast("list[object]", value) for text in _texts(item)]
    return []


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_given_a_data_file_when_read_then_it_holds_nothing_that_is_banned(file: Path) -> None:
    texts = _texts(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert texts
    assert [found[0] for text in texts for found in _BANNED.finditer(text)] == []


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_given_a_data_file_when_read_then_there_are_at_least_four_frames_that_all_differ(file: Path) -> None:
    name, language, _ = file.name.split(".")
    assert name in attack_names()
    assert len(language) == 2
    data: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert data["version"] >= 1
    items: list[Any] = data["demonstrations" if name == "many_shot" else "frames"]
    assert len(items) >= 4
    assert len({str(item) for item in items}) == len(items)
    for item in items if "frames" in data and name != "suffix" else []:
        text = item if isinstance(item, str) else item["text"]
        wanted = {"{pieces}", "{order}"} if name == "payload_splitting" else None
        found = set(re.findall(r"\{[a-z]+\}", text))
        assert found == (wanted or ({"{payload}"} if "{payload}" in text else {"{request}"}))


def test_given_the_page_on_attacks_when_read_then_its_table_is_the_registry() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in _DOCS.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    table = {row[0].strip("`"): row[1:] for row in rows}
    assert list(table) == [row[0].strip("`") for row in rows]
    assert set(table) == set(attack_names())
    for name, (attack_class, pool, script, summary, reference) in table.items():
        found = get_attack(name)
        assert attack_class == f"`{found.attack_class}`"
        assert pool == found.pool.replace("_", " ")
        assert script == ("Latin" if found.latin_only else "any")
        assert summary == found.summary
        assert reference == found.reference
