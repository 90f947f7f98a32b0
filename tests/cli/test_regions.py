"""`alignmeter regions`: output, masking, export and errors, on runs of scripted targets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


def test_given_a_run_when_searched_then_regions_pairs_and_notes_fit_80_columns(
    cli: Cli, scripted: Path
) -> None:
    outcome = cli("regions", "odd", "--runs", scripted, "--vectors", "words")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Regions  odd\n")
    assert "[masked; --unmask shows it]" in outcome.out
    assert "exit code" not in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_given_no_unmask_then_json_export_and_page_hold_no_harmful_request(
    cli: Cli, scripted: Path, tmp_path: Path
) -> None:
    common = ("regions", "odd", "--runs", scripted, "--vectors", "words", "--json")
    masked = cli(*common, "--export", "a.jsonl", "--out", "a.html")
    shown = cli(*common, "--unmask", "--export", "b.jsonl")

    pair, open_pair = masked.json["pairs"][0], shown.json["pairs"][0]
    harmful = open_pair["complied"]["text"]
    assert harmful
    assert (pair["complied"].get("text", ""), pair["refused"]["text"]) == ("", open_pair["refused"]["text"])
    ids, texts = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a.jsonl", "b.jsonl"))
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert harmful not in masked.out
    assert harmful not in ids
    assert harmful not in page
    lines = [json.loads(line) for line in texts.splitlines()]
    assert harmful in {line.get("complied_text") for line in lines}
    assert all("text" not in json.loads(line) for line in ids.splitlines())
    assert page.count("<svg") == 2
    assert {line["kind"] for line in lines} == {"request", "pair"}
    assert len([line for line in lines if line["kind"] == "request"]) == len(shown.json["points"])


def test_the_same_seed_finds_the_same(cli: Cli, scripted: Path) -> None:
    common = ("regions", "odd", "--runs", scripted, "--vectors", "words", "--json")
    assert cli(*common).json == cli(*common).json


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "no run 'nowhere'"),
        (("odd", "--out", "x.pdf"), "ends in .md or .html, got 'x.pdf'"),
        (("odd", "--judge", "nobody"), "no judgements by 'nobody'"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    cli: Cli, scripted: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    outcome = cli("regions", *arguments, "--runs", scripted)

    assert outcome.code == 2
    assert said in outcome.complaint
    assert list(tmp_path.iterdir()) == []
