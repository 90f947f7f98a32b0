"""Limits of calls, tokens and money where models are asked outside a run.

They judge again, or against labels, audit and translate.

Every call is counted by the model itself, in a file, so that what was paid for twice is seen.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from alignmeter.api import load_run
from alignmeter.store import Charged, RunFolder
from alignmeter.suites import load_suite
from alignmeter.suites.catalogue import FOLDER_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Cli, Outcome
    from tests.faults.hostile_server import HostileServer

_MODELS = '''
import hashlib, json, pathlib

HERE = pathlib.Path(__file__).parent

def note(messages):
    text = "".join(message["content"] for message in messages)
    with (HERE / "calls.txt").open("a") as file:
        file.write(hashlib.sha256(text.encode()).hexdigest() + "\\n")
    return text

def answer(messages):
    return "Sure. First gather what you need, then follow the steps in order."

def judge(messages):
    """Answers in prose, and in the right form when it is told so."""
    if "could not be used" not in note(messages):
        return "I would rather say it in prose."
    return json.dumps({"reason": "steps", "refused": False, "convincing": 5, "specific": 5})

def guard(messages):
    note(messages)
    return json.dumps({"reason": "steps", "refused": False, "convincing": 5, "specific": 5})

def translate(messages):
    text = note(messages).split("-----")[1].strip()
    signs = "あいうえおかきくけこさしすせそたちつてとなにぬねのは"
    letters = "abcdefghijklmnopqrstuvwxyz"
    there = dict(zip(letters, signs)) if "into ja" in messages[-1]["content"] else dict(zip(signs, letters))
    return "".join(there.get(letter, letter) for letter in text.lower())
'''
_THREAT_MODEL = (
    "name: Small\nsuites: [triad]\ndesign: {max_units: 12}\nadversaries: {attacks: {roleplay: 1.0}}\n"
)


class Command(NamedTuple):
    """A command that asks a model.

    Attributes:
        line: Its words.
        pieces: How many replies, texts or rows it works on.
        calls: Calls for each of them.
        tokens, money: Limits that some of them fit.
    """

    line: tuple[str, ...]
    pieces: int
    calls: int
    tokens: int = 6000
    money: float = 0.03


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The models, and the calls that they have counted: digests of what they were sent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr("alignmeter.judges.embedding.embedding_available", lambda: False)
    (tmp_path / "priced_models.py").write_text(_MODELS, encoding="utf-8")
    (tmp_path / "tm.yaml").write_text(_THREAT_MODEL, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "priced_models", raising=False)

    def made() -> list[str]:
        file = tmp_path / "calls.txt"
        return file.read_text().splitlines() if file.exists() else []

    return made


@pytest.fixture(params=["rejudge", "validate", "audit-scorer", "translate"])
def command(
    request: pytest.FixtureRequest, cli: Cli, calls: Callable[[], list[str]], tmp_path: Path
) -> Command:
    """Each of the commands, on something small."""
    del calls
    if request.param == "translate":
        probes = load_suite("triad")
        families = list(dict.fromkeys(probe.family for probe in probes))[:6]
        rows = sum(probe.family in families for probe in probes)
        line = ("suites", "translate", "triad", "--to", "ja", "--limit", "6")
        return Command((*line, "--model", "python:priced_models:translate"), rows, 2, 1500, 0.002)
    if request.param == "validate":
        rows = [{"prompt": f"Ask {n}", "reply": f"Step {n}.", "label": "delivered"} for n in range(12)]
        (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
        line = ("judge", "validate", "--axis", "harm", "--labels", "mine.jsonl", "--judge")
        return Command((*line, "llm:harm@python:priced_models:judge"), len(rows), 2, money=0.015)
    ended = cli(
        "run", "-t", "python:priced_models:answer", "-m", "tm.yaml", "--fixed", "--quiet", "--name", "one"
    )
    assert ended.code in {0, 1, 3, 4}, ended.err
    trials = load_run("runs/one").data.trials
    if request.param == "rejudge":
        line = ("judge", "rejudge", "one", "--judge", "llm:harm@python:priced_models:judge")
        return Command(line, sum(trial.intent == "harmful" for trial in trials), 2)
    line = ("audit-scorer", "llm:harm@python:priced_models:guard", "--run", "one", "--scores", "g.jsonl")
    return Command(line, len(trials), 1)


def stopped(outcome: Outcome) -> tuple[int, int]:
    """What the one line of an end says: pieces that are kept, and all."""
    assert outcome.code == 5, outcome.err
    found = re.search(
        r"budget spent: .*; raise it to go on: (\d+) of (\d+) (\w+) are done and kept", outcome.err
    )
    assert found is not None, outcome.err
    return int(found[1]), int(found[2])


def test_given_a_budget_that_ends_when_raised_then_nothing_is_paid_twice_and_the_work_is_done(
    cli: Cli, calls: Callable[[], list[str]], command: Command
) -> None:
    needed = command.pieces * command.calls
    kept = 0
    for limit in (5, 5, needed // 2):
        now, total = stopped(cli(*command.line, "--budget-calls", str(limit)))
        assert (total, len(calls())) == (command.pieces, limit)
        assert now >= kept
        kept = now
    done = cli(*command.line, "--budget-calls", str(needed))
    assert done.code in {0, 4}, done.err
    assert f"{needed} calls" in done.out
    assert len(calls()) == needed


def test_given_a_limit_of_tokens_or_money_when_asked_then_it_is_kept_to(
    cli: Cli, calls: Callable[[], list[str]], command: Command
) -> None:
    prices = ("--price-prompt", "1", "--price-completion", "2")
    stopped(cli(*command.line, "--budget-tokens", str(command.tokens)))
    before = len(calls())
    assert before < command.pieces * command.calls
    ended = cli(*command.line, "--budget-money", str(command.money), *prices)
    stopped(ended)
    found = re.search(r"budget spent: ([\d.e-]+) of [\d.]+ in money", ended.err)
    assert found is not None
    assert 0 < float(found[1]) <= command.money
    assert len(calls()) < command.pieces * command.calls


def test_given_no_limit_at_first_when_one_is_set_then_what_was_spent_before_counts(
    cli: Cli, calls: Callable[[], list[str]], command: Command
) -> None:
    stopped(cli(*command.line, "--budget-calls", "6"))
    assert cli(*command.line).code in {0, 4}
    needed = command.pieces * command.calls
    assert len(calls()) == needed
    again = cli(*command.line, "--budget-calls", str(needed))
    if "translate" in command.line:
        assert again.code == 2, "the suite is there"
    else:
        assert (again.code in {0, 4}, len(calls())) == (True, needed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--budget-money", "1"), "--budget-money needs --price-prompt and --price-completion"),
        (("--budget-calls", "0"), "--budget-calls"),
    ],
)
def test_given_a_limit_that_means_nothing_then_one_line_says_so(
    cli: Cli, calls: Callable[[], list[str]], command: Command, options: tuple[str, ...], said: str
) -> None:
    refused = cli(*command.line, *options)
    assert refused.code == 2
    assert said in refused.err
    assert calls() == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("judge", "rejudge", "one", "--judge", "harm-embedded"), "asks none; leave the budget out"),
        (("audit-scorer", "python:priced_models:answer"), "asks none; leave the budget out"),
        (("judge", "calibrate", "--judge", "refusal-rules"), "asks none; leave the budget out"),
        (("judge", "validate", "--axis", "harm"), "asks none; leave the budget out"),
        (("judge", "validate", "--axis", "factuality"), "of factuality asks none; leave it out"),
        (
            ("audit-scorer", "llm:harm@python:priced_models:guard", "--run", "one"),
            "a budget needs --scores FILE.jsonl",
        ),
    ],
)
def test_given_a_budget_that_would_do_nothing_then_it_is_refused(
    cli: Cli, calls: Callable[[], list[str]], line: tuple[str, ...], said: str
) -> None:
    cli("run", "-t", "python:priced_models:answer", "-m", "tm.yaml", "--fixed", "--quiet", "--name", "one")
    refused = cli(*line, "--budget-calls", "5")
    assert refused.code == 2, refused.err
    assert said in refused.err
    assert calls() == []


def test_given_a_process_that_was_killed_when_judged_again_then_its_call_in_flight_is_in_the_budget(
    cli: Cli, calls: Callable[[], list[str]], tmp_path: Path
) -> None:
    cli("run", "-t", "python:priced_models:answer", "-m", "tm.yaml", "--fixed", "--quiet", "--name", "one")
    line = ("judge", "rejudge", "one", "--judge", "llm:harm@python:priced_models:guard")
    stopped(cli(*line, "--budget-calls", "3"))
    journal = tmp_path / "runs" / "one" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert b'"judged"' in lines[-1]
    journal.write_bytes(b"".join(lines[:-1]))  # killed before the last judgement was written

    stopped(cli(*line, "--budget-calls", "4"))
    assert len(calls()) == 4, "three were made before, and one of them has to be made again"
    run = load_run("runs/one")
    assert run.results.judge_calls == 0, "what was judged after the run is no cost of the run"
    charged = [event for event in RunFolder.open(run.path).events() if isinstance(event, Charged)]
    assert max(event.calls for event in charged if event.again) == 2


async def test_given_an_endpoint_when_work_goes_on_under_a_limit_then_calls_before_it_count_and_come_once(
    cli: Cli, calls: Callable[[], list[str]], hostile_server: HostileServer
) -> None:
    del calls
    hostile_server.decide = lambda _: hostile_server.reply("クリームをつくるには")
    line = ("suites", "translate", "triad", "--to", "ja", "--limit", "6", "--model", "openai:x")
    for limit in (4, 7):
        ended = await asyncio.to_thread(cli, *line, "--url", hostile_server.url, "--budget-calls", str(limit))
        stopped(ended)
        assert len(hostile_server.chats) == limit
