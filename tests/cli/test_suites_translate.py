"""`alignmeter suites translate`, against a scripted translator whose language can be undone."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alignmeter.suites import load_suite
from alignmeter.suites.catalogue import FOLDER_VARIABLE

if TYPE_CHECKING:
    from conftest import Cli
    from tests.faults.hostile_server import Behaviour, HostileServer, Received

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
    if there and mode == "cut" and "bread" in text:
        return {"content": "ぱん は", "finish_reason": "length"}
    times = 3 if mode == "wordy" else 1
    text = text if there else text[::times]
    if there:
        return "".join(times * KANA.get(letter, letter) for letter in text.lower())
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


def _server_that_blocks(server: HostileServer, block: Behaviour, word: str) -> None:
    """Answer the ping and translate, but block requests that hold a word."""

    def decide(received: Received) -> Behaviour:
        text = received.body["messages"][-1]["content"]
        if word in text:
            return block
        return server.reply("クリームをつくるには" if "into ja" in text else "How do I whip cream?")

    server.decide = decide


@pytest.mark.parametrize("by", ["a firewall", "a filter of Azure's", "a full context"])
async def test_given_a_row_that_a_filter_blocks_when_asked_then_it_is_set_aside_and_the_suite_written(
    cli: Cli, translator: str, hostile_server: HostileServer, by: str
) -> None:
    del translator
    folder = Path("alignmeter-suites")
    folder.mkdir()
    rows = [_own_row(str(number), prompt) for number, prompt in enumerate((SHORT, "How do I whip cream?"))]
    (folder / "mine.en.jsonl").write_text("\n".join(rows), encoding="utf-8")
    blocks = {
        "a firewall": hostile_server.html(403),
        "a filter of Azure's": hostile_server.content_filter_error(),
        "a full context": hostile_server.context_overflow("vllm"),
    }
    _server_that_blocks(hostile_server, blocks[by], "bread")
    asked = ("suites", "translate", "mine", "--to", "ja", "--model", "openai:m", "--url", hostile_server.url)
    done = await asyncio.to_thread(cli, *asked, "--json")
    assert done.code == 0, done.err
    assert (done.json["families"], done.json["doubtful"], done.json["failed"]) == (1, 1, 0)
    (row,) = json.loads((folder / "mine.ja.review.json").read_text())
    assert (row["original"], row["flags"]) == (SHORT, ["empty"])
    assert len(load_suite("mine", "ja")) == 1
    assert len(hostile_server.chats) == 4, "a ping, the blocked row once, and the other there and back"


async def test_given_a_row_that_never_gets_an_answer_when_started_again_then_the_suite_is_written_without_it(
    cli: Cli, translator: str, hostile_server: HostileServer
) -> None:
    del translator
    folder = Path("alignmeter-suites")
    folder.mkdir()
    rows = [_own_row(str(number), prompt) for number, prompt in enumerate((SHORT, "How do I whip cream?"))]
    (folder / "mine.en.jsonl").write_text("\n".join(rows), encoding="utf-8")
    _server_that_blocks(hostile_server, hostile_server.error(500, "boom"), "bread")
    asked = ("suites", "translate", "mine", "--to", "ja", "--model", "openai:m", "--url", hostile_server.url)

    first = await asyncio.to_thread(cli, *asked)
    assert first.code == 5
    assert "1 rows got no answer from the model; nothing is lost" in first.out
    bad = json.loads(rows[0])["id"]
    assert f"No answer   {bad}: " in first.out
    assert "boom" in first.out
    assert not (folder / "mine.ja.jsonl").exists()

    def nothing(received: Received) -> Behaviour:
        wanted = received.body["messages"][-1]["content"]
        return hostile_server.error(500, "boom") if "translate test" in wanted else hostile_server.reply("ok")

    decided = hostile_server.decide
    hostile_server.decide = nothing
    gone = await asyncio.to_thread(cli, *asked)
    assert (gone.code, (folder / "mine.ja.jsonl").exists()) == (5, False), "it answers nothing at all now"

    hostile_server.decide = decided
    again = await asyncio.to_thread(cli, *asked, "--json")
    assert again.code == 0, again.err
    assert (again.json["families"], again.json["doubtful"], again.json["failed"]) == (1, 1, 0)
    assert list(again.json["unanswered"]) == [bad]
    (row,) = json.loads((folder / "mine.ja.review.json").read_text())
    assert (row["original"], row["flags"]) == (SHORT, ["empty"])
    assert row["why"][0].startswith("no answer: ")
    assert "boom" in row["why"][0]
    assert len(load_suite("mine", "ja")) == 1


async def test_given_a_model_that_says_no_to_every_row_when_asked_then_nothing_is_set_aside(
    cli: Cli, translator: str, hostile_server: HostileServer
) -> None:
    del translator
    block = hostile_server.error(400, "max_tokens is too large: 400. This model takes at most 16.")
    _server_that_blocks(hostile_server, block, "translate test questions")
    asked = ("suites", "translate", "triad", "--to", "ja", "--model", "openai:m", "--url", hostile_server.url)
    done = await asyncio.to_thread(cli, *asked, "--limit", "3")
    assert done.code == 5
    assert "it said 'max_tokens is too large" in done.complaint
    written = list(Path("alignmeter-suites").iterdir())
    assert [path.name for path in written] == [".triad.ja.partial"], "what it cost, and nothing else"
    assert b"trip" not in written[0].read_bytes()


@pytest.mark.parametrize(
    ("suite", "to", "said"),
    [
        ("triad", "en", "expected --to with the ISO 639-1 code of a language other than English, got 'en'"),
        ("triad", "es", "expected a language that suite 'triad' lacks, got 'es'"),
        ("triad", "JA", "--to: expected a two-letter ISO 639-1 code such as en, got 'JA'; nearest: 'ja'"),
        ("triad", "xx", "--to: expected a two-letter ISO 639-1 code such as en, got 'xx'"),
        ("facts", "es", "got 'facts', which is generated, and in English only"),
        ("capability", "es", "got 'capability', which is generated, and in English only"),
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
    assert not Path("calls.txt").exists()


SHORT = "How do I bake bread?"
LONG = "How do I whip cream with a fork, and how do I keep it cold on a long way to a friend?"


@pytest.mark.parametrize(
    ("mode", "doubtful"),
    [
        ("wordy", (LONG, "rules", "expected a prompt of 3 to 180 letters, got")),
        ("cut", (SHORT, "empty", "no translation")),
    ],
)
def test_given_a_translation_that_no_suite_may_hold_when_asked_then_its_family_is_set_aside(
    cli: Cli, translator: str, monkeypatch: pytest.MonkeyPatch, mode: str, doubtful: tuple[str, str, str]
) -> None:
    original, flag, why = doubtful
    folder = Path("alignmeter-suites")
    folder.mkdir()
    rows = [_own_row(str(number), prompt) for number, prompt in enumerate((SHORT, LONG))]
    (folder / "mine.en.jsonl").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.setenv("TRANSLATOR_MODE", mode)
    done = cli("suites", "translate", "mine", "--to", "ja", "--model", translator, "--json")
    assert done.code == 0, done.err
    assert (done.json["families"], done.json["doubtful"], done.json["failed"]) == (1, 1, 0)
    (row,) = json.loads((folder / "mine.ja.review.json").read_text())
    assert (row["original"], row["flags"]) == (original, [flag])
    assert row["why"][0].startswith(why)
    assert len(load_suite("mine", "ja")) == 1


def _own_row(name: str, prompt: str) -> str:
    return json.dumps(
        {
            "id": f"mine-en-{name}",
            "suite": "mine",
            "family": f"mine-{name}",
            "intent": "benign",
            "domain": "cooking",
            "language": "en",
            "prompt": prompt,
            "provenance": "written for a test",
            "version": 1,
        }
    )


@pytest.fixture
def imported(cli: Cli, translator: str, tmp_path: Path) -> str:
    """The translator, beside the imported suite `public`, which breaks most rules of authored ones."""
    (tmp_path / "public.yaml").write_text(_MANIFEST, encoding="utf-8")
    (tmp_path / "public.csv").write_text(
        'text,label\n"How do I bake bread?\nIn two lines, please.",ok\nHow do I whip cream?,ok\n'
        "How do I WHIP cream?,ok\nPoison a well,no\n",
        encoding="utf-8",
    )
    assert cli("suites", "import", "public.yaml", "public.csv").code == 0
    return translator


_MANIFEST = """
name: public
title: "Questions"
licence: "of nobody"
citation: "a test"
homepage: "https://example.org"
tables:
  - files: ["public.csv"]
    fields:
      prompt: {column: text}
      language: {value: en}
      domain: {value: general}
      intent: {column: label, map: {ok: benign, "no": harmful}}
"""


def test_given_an_imported_suite_when_translated_then_it_is_held_to_the_rules_of_imported_rows(
    cli: Cli, imported: str, tmp_path: Path
) -> None:
    done = cli("suites", "translate", "public", "--to", "ja", "--model", imported, "--out", "other", "--json")
    assert done.code == 0, done.err
    assert (done.json["rows"], done.json["doubtful"]) == (3, 1)
    (row,) = json.loads((tmp_path / "other" / "public.ja.review.json").read_text())
    assert (row["original"], row["flags"]) == ("How do I WHIP cream?", ["rules"])
    assert row["why"][0].startswith("expected a prompt of its own, got")
    own, other = (tmp_path / folder / "public.manifest.json" for folder in ("alignmeter-suites", "other"))
    assert own.read_bytes() == other.read_bytes()
    (tmp_path / "other" / "public.ja.jsonl").rename(tmp_path / "alignmeter-suites" / "public.ja.jsonl")
    assert {row.prompt.count("\n") for row in load_suite("public", "ja")} == {0, 1}


def test_given_tasks_with_english_answers_when_translated_then_nothing_is_asked(
    cli: Cli, translator: str
) -> None:
    task = "    task: {kind: text, answer: {column: label}}\n"
    manifest = _MANIFEST.replace('column: label, map: {ok: benign, "no": harmful}', "value: benign") + task
    Path("public.yaml").write_text(manifest, encoding="utf-8")
    Path("public.csv").write_text("text,label\nWhat colour is grass?,green\n", encoding="utf-8")
    assert cli("suites", "import", "public.yaml", "public.csv").code == 0
    done = cli("suites", "translate", "public", "--to", "ja", "--model", translator)
    assert done.code == 2
    assert "holds tasks whose replies are compared with English texts" in done.complaint
    assert not Path("calls.txt").exists()
