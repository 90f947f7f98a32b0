"""A file to write into a folder that is not there: one line, exit code 2, no work done and nothing made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer.main

from alignmeter.cli.app import app
from alignmeter.errors import InputError
from alignmeter.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Cli

GONE = "no/such"
COMMANDS = {
    "label --export": ("label", "first", "--export", f"{GONE}/labels.csv"),
    "gate --junit": ("gate", "first", "--junit", f"{GONE}/gate.xml"),
    "gate --markdown": ("gate", "first", "--markdown", f"{GONE}/gate.md"),
    "plan --plot": ("plan", "--plot", f"{GONE}/calls.svg"),
    "compare --out": ("compare", "a", "b", "--out", f"{GONE}/c.html"),
    "tax --out": ("tax", "--scores", "s.csv", "--out", f"{GONE}/t.md"),
    "frontier --out": ("frontier", "a", "b", "--out", f"{GONE}/f.html"),
    "regions --out": ("regions", "first", "--out", f"{GONE}/r.html"),
    "regions --export": ("regions", "first", "--export", f"{GONE}/r.jsonl"),
    "scores --out": ("scores", "first", "--out", f"{GONE}/s.csv"),
    "audit-scorer --out": ("audit-scorer", "python:a:b", "--out", f"{GONE}/a.md"),
    "audit-scorer --scores": ("audit-scorer", "python:a:b", "--scores", f"{GONE}/a.jsonl"),
    "judge calibrate --out": ("judge", "calibrate", "--judge", "harm-embedded", "--out", f"{GONE}/c.json"),
    "judge calibrate --judgements": (
        *("judge", "calibrate", "--judge", "llm:harm@embedded"),
        *("--judgements", f"{GONE}/j.jsonl"),
    ),
    "judge validate --judgements": ("judge", "validate", "--axis", "harm", "--judgements", f"{GONE}/j.jsonl"),
    "suites import --new": ("suites", "import", "--new", f"{GONE}/m.yaml", "data.csv"),
    "rotate new --out": ("rotate", "new", "--pool", "facts", "--fresh", "--out", f"{GONE}/c.json"),
    "rotate reveal --out": ("rotate", "reveal", "cycle_1", "--out", f"{GONE}/r.json"),
    "lab convert --out": ("lab", "convert", "adapter", "--out", f"{GONE}/a.gguf"),
}
MAKES_ITS_FOLDER = {"init --output"}
"""Begins the work on a deployment, so it makes the folder of that work too."""
WRITES = ("Write ", "Keep ", "File to write", "File of the cards", "The file;")
"""How the help of such an option begins."""


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_file_in_a_folder_that_is_not_there_is_refused_before_any_work(
    cli: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    outcome = cli(*words)

    assert outcome.code == 2
    assert f"expected a file in a folder that exists, got '{GONE}/" in outcome.complaint
    assert f"make '{GONE}' first" in outcome.complaint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_a_file_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").mkdir()

    outcome = cli("label", "first", "--export", "labels.csv")

    assert outcome.code == 2
    assert "got the folder 'labels.csv'; name a file in it" in outcome.complaint


def test_the_library_refuses_it_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in a folder that exists"):
        write_text(tmp_path / GONE / "x.csv", "")
    assert list(tmp_path.iterdir()) == []


def writers(command: object, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Every option that writes a file, with its command."""
    for name, sub in getattr(command, "commands", {}).items():
        yield from writers(sub, (*words, name))
    for one in getattr(command, "params", ()):
        told = str(getattr(one, "help", ""))
        if "FILE" in str(one.metavar or "") and told.startswith(WRITES):
            yield f"{' '.join(words)} {max(one.opts, key=len)}"


def test_no_option_that_writes_a_file_is_left_out_here() -> None:
    assert set(writers(typer.main.get_command(app))) == {*COMMANDS, *MAKES_ITS_FOLDER}
