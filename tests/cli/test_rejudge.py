"""`judge rejudge` says how many replies have a score, and what a judge answered that gave none."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bot, Cli


@pytest.fixture
def run(scripted: Path, cli: Cli, tmp_path: Path) -> str:  # noqa: ARG001 - cli goes first
    """A copy of a small run of a target that never refuses."""
    shutil.copytree(scripted / "open", tmp_path / "runs" / "open")
    return "open"


def test_a_guard_that_is_a_chat_model_is_told_by_what_it_said(cli: Cli, bot: Bot, run: str) -> None:
    judge = "guard:llama-guard-3@" + bot("return chr(27) + '[31mGladly: ' + 'a b c ' * 500")
    outcome = cli("judge", "rejudge", run, "--judge", judge)

    said = " ".join(outcome.out.split())
    total = int(said.partition(" replies scored")[0].rpartition(" ")[2])
    assert f": 0 of {total} replies scored" in said
    assert f"unscored: {total} judge_malformed" in said
    assert "expected" in said
    assert r"\x1b[31mGladly" in said
    assert "\x1b" not in outcome.out
    assert len(said) < 1_000
    assert outcome.code == 4


def test_a_second_look_at_what_has_no_score_ends_as_the_first(cli: Cli, bot: Bot, run: str) -> None:
    judge = "guard:llama-guard-3@" + bot("return 'Gladly.'")
    first = cli("judge", "rejudge", run, "--judge", judge, "--json")
    again = cli("judge", "rejudge", run, "--judge", judge, "--json")
    assert (first.code, again.code) == (4, 4)
    (one,), (other,) = first.json["judges"], again.json["judges"]
    assert (one["scored"], other["scored"], other["judged"]) == (0, 0, 0)
    assert one["stumbled"] == other["stumbled"] != ""


def test_an_endpoint_that_fails_on_every_reply_is_a_failure_of_the_command(
    cli: Cli, bot: Bot, run: str
) -> None:
    outcome = cli("judge", "rejudge", run, "--judge", f"guard:llama-guard-3@{bot('raise ValueError(3)')}")
    assert outcome.code == 5


def test_a_judge_that_scores_ends_well(cli: Cli, bot: Bot, run: str) -> None:
    outcome = cli("judge", "rejudge", run, "--judge", "guard:llama-guard-3@" + bot("return 'safe'"))
    assert outcome.code == 0
    assert "Nothing has a score" not in outcome.out


@pytest.mark.parametrize("command", ["rejudge", "validate", "calibrate"])
def test_the_endpoint_of_a_judge_has_one_name_and_the_first_one_still_works(cli: Cli, command: str) -> None:
    shown = " ".join(cli("judge", command, "--help").out.split())
    for name in ("--judge-url", "--url", "--judge-key-env", "--api-key-env"):
        assert name in shown
    for option in ("--judge-url", "--url"):
        outcome = cli("judge", command, "--judge", "llm:harm@openai:m", option, "nonsense")
        assert "No such option" not in outcome.err
