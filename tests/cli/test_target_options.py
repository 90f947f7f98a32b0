"""Every option of `alignmeter run` about its target reaches targets of every kind, or is refused there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer

from alignmeter.cli.app import app
from alignmeter.targets import KINDS
from alignmeter.targets.resolve import TAKEN_BY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli

    from alignmeter.api import RunRequest

TARGETS = {
    "embedded": "embedded",
    "openai": "openai:m",
    "python": "python:a:b",
    "replay": "replay:before",
    "transformers": "transformers:folder",
}
FILES = {
    "prompt.txt": "Be kind.",
    "shots.jsonl": '{"user": "Hello?", "assistant": "Hello."}\n',
    "before/run.json": "{}",
}
SAID = {
    "url": "http://h/v1",
    "system_prompt": "prompt.txt",
    "few_shot": "shots.jsonl",
    "variant": "mine",
    "revision": "r1",
    "api_key_env": "KEY",
    "max_tokens": "7",
    "temperature": "0.7",
    "seed": "7",
    "timeout": "7",
    "slots": "7",
    "logprobs": None,
    "adapter": "adapter",
    "extra_body": '{"a": 1}',
}
ELSEWHERE = {"target", "model", "threat_model", "runs", "name", "resume", "fresh", "same_system", "smoke"} | {
    "fixed", "force_sequestered", "quiet", "as_json", "concurrency", "rpm", "tpm", "max_attempts",
    "trial_timeout", "budget_calls", "budget_tokens", "budget_money", "price_prompt", "price_completion",
    "judge", "judge_url", "judge_key_env", "judge_self", "price_judge_prompt", "price_judge_completion",
}  # fmt: skip
"""Parameters of `run` that name the target, or are about something else: speed, money, judges, the folder."""


def parameters() -> dict[str, str]:
    """The options of `run` by the names of their parameters, from the command itself."""
    command: Any = typer.main.get_command(app)
    return {one.name: max(one.opts, key=len) for one in command.commands["run"].params}


OPTIONS = parameters()


@pytest.fixture
def requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    """What would be run; nothing is."""
    found = list[Any]()

    def execute(request: RunRequest, **_: object) -> None:
        found.append(request)
        raise typer.Exit(0)

    monkeypatch.setattr("alignmeter.cli.run.execute", execute)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return found


def test_all_kinds_of_target_and_all_their_options_are_walked() -> None:
    assert set(TARGETS) == set(KINDS)
    assert set(SAID) == set(TAKEN_BY) == set(OPTIONS) - ELSEWHERE


@pytest.mark.parametrize("kind", TARGETS)
def test_each_option_changes_what_is_run_or_is_refused(
    cli: Cli, requests: list[RunRequest], kind: str
) -> None:
    words = ("run", "-t", TARGETS[kind])
    assert cli(*words).code == 0
    plain = requests.pop()
    refused = set[str]()
    for name, value in SAID.items():
        outcome = cli(*words, OPTIONS[name], *([] if value is None else [value]))
        if outcome.code == 2:
            assert outcome.complaint.startswith(f"error: {OPTIONS[name]} goes with ")
            assert "replay:" in outcome.complaint if kind == "replay" else TARGETS[kind] in outcome.complaint
            refused.add(name)
        else:
            assert requests.pop() != plain, name
        assert requests == []

    assert refused == {name for name in SAID if kind not in TAKEN_BY[name]}


def test_a_default_that_is_typed_is_refused_too(cli: Cli, requests: list[RunRequest]) -> None:
    outcome = cli("run", "-t", "replay:before", "--temperature", "0")

    assert outcome.code == 2
    assert "--temperature goes with the targets embedded, openai:MODEL" in outcome.complaint
    assert requests == []
