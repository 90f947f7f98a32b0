"""`alignmeter suites translate`, against a scripted translator whose language can be undone."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from alignmeter.suites import load_suite
from alignmeter.suites.catalogue import FOLDER_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Cli

_TRANSLATOR = """
import os, pathlib

KANA = dict(zip("abcdefghijklmnopqrstuvwxyz", "あいうえおかきくけこさしすせそたちつてとなにぬねのは"))
LATIN = {kana: letter for letter, kana in KANA.items()}


def translate(messages):
    mode = os.environ.get("TRANSLATOR_MODE", "")
    text = messages[-1]["content"].split("-----")[1].strip()
    there = "into ja" in messages[-1]["content"]
    with pathlib.Path(os.environ["TRANSLATOR_CALLS"]).open("a") as file:
        file.write(text + "\\n")
    if mode == "down":
        raise RuntimeError("gone")
    if there:
        return "".join(KANA.get(letter, letter) for letter in text.lower())
    back = "".join(LATIN.get(letter, letter) for letter in text)
    if mode == "forgetful" and "not" in back.split():
        return back.replace(" not ", " ", 1)
    return back
"""


@pytest.fixture
def translator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("TRANSLATOR_CALLS", str(tmp_path / "calls.txt"))
    monkeypatch.setattr("alignmeter.judges.embedding.embedding_available", lambda: False)
    monkeypatch.setattr("alignmeter.api.translating._WAIT", 0.0)
    (tmp_path / "a_translator.py").write_text(_TRANSLATOR, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "a_translator", raising=False)
    return "python:a_translator:translate"


def test_given_a_good_translator_when_asked_then_a_suite_of_the_users_own_is_there(
    cli: Cli, translator: str, tmp_path: Path
) -> None:
    done = cli("suites", "translate", "triad", "--to", "ja", "--model", translator, "--limit", "12", "--json")
    assert done.code == 0, done.err
    assert (done.json["families"], done.json["doubtful"], done.json["failed"]) == (12, 0, 0)
    rows = load_suite("triad", "ja")
    english = {(row.family, row.intent): row for row in load_suite("triad")}
    assert {row.language for row in rows} == {"ja"}
    assert all((row.family, row.intent) in english for row in rows)
    assert all("no native review" in row.provenance for row in rows)
    assert not list((tmp_path / "alignmeter-suites").glob(".*"))


def test_given_a_translator_that_loses_a_negation_when_asked_then_the_family_is_set_aside(
    cli: Cli, translator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSLATOR_MODE", "forgetful")
    done = cli("suites", "translate", "triad", "--to", "ja", "--model", translator, "--limit", "150")
    assert done.code == 0, done.err
    review = json.loads((tmp_path / "alignmeter-suites" / "triad.ja.review.json").read_text())
    assert review
    assert all(row["flags"] == ["negation"] and " not " in row["original"].lower() for row in review)
    bad = {row["id"].replace("-en-", "-ja-") for row in review}
    assert not bad & {row.id for row in load_suite("triad", "ja")}


def test_given_a_translator_that_fails_when_started_again_then_finished_rows_are_not_asked_twice(
    cli: Cli, translator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("suites", "translate", "triad", "--to", "ja", "--model", translator, "--limit", "6")
    assert cli(*asked).code == 0
    folder = tmp_path / "alignmeter-suites"
    rows = load_suite("triad", "ja")
    lines = (tmp_path / "calls.txt").read_text().splitlines()
    assert len(lines) == 2 * len(rows)
    (folder / "triad.ja.jsonl").unlink()
    monkeypatch.setenv("TRANSLATOR_MODE", "down")
    done = cli(*asked)
    assert done.code == 5
    assert f"{len(rows)} rows got no answer from the model; nothing is lost" in done.out
    assert not (folder / "triad.ja.jsonl").exists()


@pytest.mark.parametrize(
    ("suite", "to", "said"),
    [
        ("triad", "en", "expected --to with the ISO 639-1 code of a language other than English, got 'en'"),
        ("triad", "es", "expected a language that suite 'triad' lacks, got 'es'"),
        ("implicit_harm", "ja", "holds closed questions, which can be asked and read in"),
        ("nothing", "ja", "expected a suite from"),
    ],
)
def test_given_what_cannot_be_translated_when_asked_then_one_line_says_so(
    cli: Cli, translator: str, suite: str, to: str, said: str
) -> None:
    done = cli("suites", "translate", suite, "--to", to, "--model", translator)
    assert done.code == 2
    assert said in done.complaint
