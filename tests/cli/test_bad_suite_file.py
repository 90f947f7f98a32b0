"""A file among the user's suites that is not usable stops what needs it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Cli

FOLDER = Path("alignmeter-suites")
NAMED = "name: Named\nsuites: [triad]\ndesign: {max_units: 6}\nadversaries: {attacks: [plain]}\n"
ALL = "name: All\nsuites: null\ndesign: {max_units: 6}\nadversaries: {attacks: [plain]}\n"


def without_language() -> None:
    (FOLDER / "mine.jsonl").touch()


def with_a_bad_row() -> None:
    (FOLDER / "mine.en.jsonl").write_text('{"bad": 1}\n', encoding="utf-8")


def of_a_generated_suite() -> None:
    (FOLDER / "facts.de.jsonl").touch()


def a_folder() -> None:
    (FOLDER / "mine.en.jsonl").mkdir()


def a_link_to_nowhere() -> None:
    (FOLDER / "mine.en.jsonl").symlink_to("/no/such/file")


Bad = dict[str, tuple["Callable[[], None]", str, str]]
BAD: Bad = {
    "without a language": (without_language, "mine", "expected a file named SUITE.LANGUAGE.jsonl"),
    "with a bad row": (with_a_bad_row, "mine", "mine.en.jsonl:1: expected one probe as a JSON object"),
    "of a generated suite": (of_a_generated_suite, "facts", "of another name than the built-in ones"),
    "a folder": (a_folder, "mine", "mine.en.jsonl: expected a readable file"),
    "a link to nowhere": (a_link_to_nowhere, "mine", "mine.en.jsonl: expected a readable file"),
}
bad_files = pytest.mark.parametrize(("make", "suite", "said"), BAD.values(), ids=BAD.keys())


@pytest.fixture(autouse=True)
def here(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an empty folder of suites, and two threat models, in the test's own folder."""
    del cli  # it makes the empty working directory
    for name in ("ALIGNMETER_ROTATION", "ALIGNMETER_SUITES"):
        monkeypatch.delenv(name, raising=False)
    FOLDER.mkdir()
    Path("named.yaml").write_text(NAMED, encoding="utf-8")
    Path("all.yaml").write_text(ALL, encoding="utf-8")


@bad_files
def test_what_does_not_need_it_goes_on_with_one_line_at_the_most(
    cli: Cli, helpful: str, make: Callable[[], None], suite: str, said: str
) -> None:
    del suite
    make()

    for words in (
        ("plan", "-m", "named.yaml"),
        ("run", "-t", helpful, "-m", "named.yaml", "--smoke", "-q"),
        ("suites", "list"),
        ("suites", "list", "--json"),
        ("suites", "show", "triad", "--limit", "1"),
        ("attacks", "show", "roleplay", "--probe", "triad-en-harmful-security-001"),
        ("rotate", "status"),
        ("rotate", "new", "--pool", "triad"),
        ("runs", "list"),
    ):
        outcome = cli(*words)

        lines = outcome.err.splitlines()
        assert outcome.code == 0, outcome
        assert len(lines) <= 1
        assert all(line.startswith("warning: left out ") and said in line for line in lines)


@bad_files
def test_what_lists_all_suites_says_which_it_left_out(
    cli: Cli, make: Callable[[], None], suite: str, said: str
) -> None:
    del suite
    before = cli("suites", "list").out
    make()

    listed = cli("suites", "list")

    assert (listed.out, said in listed.err) == (before, True)


@bad_files
def test_what_needs_it_stops_with_one_line(
    cli: Cli, helpful: str, make: Callable[[], None], suite: str, said: str
) -> None:
    make()
    Path("named.yaml").write_text(NAMED.replace("triad", f"triad, {suite}"), encoding="utf-8")

    for words in (
        ("plan", "-m", "all.yaml"),
        ("plan", "-m", "named.yaml"),
        ("run", "-t", helpful, "-m", "all.yaml", "--smoke"),
        ("run", "-t", helpful, "-m", "named.yaml", "--smoke"),
        ("suites", "show", suite),
    ):
        outcome = cli(*words)

        assert outcome.code == 2
        assert said in outcome.complaint
    assert not Path("runs").exists()


@bad_files
def test_the_check_of_suites_finds_it(cli: Cli, make: Callable[[], None], suite: str, said: str) -> None:
    del suite
    make()

    outcome = cli("suites", "check", "--json")

    schema = outcome.json["checks"][0]
    assert (outcome.code, outcome.err) == (1, "")
    assert [said in finding["problem"] for finding in schema["findings"]] == [True]
