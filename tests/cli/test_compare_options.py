"""Every option of `alignmeter compare` does something in each of its three forms, or is refused there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer

from alignmeter.api import CompareRequest
from alignmeter.cli.app import app
from alignmeter.cli.engine_options import EngineChoice
from alignmeter.engine import EngineOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Cli, Outcome
    from tests.comparison_lab import Lab

VALUES = {
    "SHARE": "30%",
    "FILE.md|FILE.html": "found.md",
    "URL": "http://localhost:1/v1",
    "JSON": '{"reasoning_effort": "low"}',
    "N": "3",
    "S": "3",
    "X": "3",
}
"""What is typed for an option, by the name of its value in the help; anything else is a word."""
FILES = {"few-shot": '{"user": "Hello?", "assistant": "Hello."}\n', "system-prompt": "Be kind."}
FORMS = {
    "--reference": "previous",
    **{f"--{arm}-{name}": name for arm in ("base", "tuned") for name in FILES},
}
"""What is typed where only some words or files will do."""

ENDPOINT = ("--url", "http://h/v1", "--base-model", "a", "--tuned-model", "b")
SPECS = ("--base-target", "openai:a", "--tuned-target", "openai:b")
HERE = ("--base-target", "embedded", "--tuned-target", "embedded")
JUDGED = (*ENDPOINT, "--judge", "llm:harm@openai:j")
BESIDE = {
    "--base-target": SPECS,
    "--tuned-target": SPECS,
    "--slots": HERE,
    "--base-adapter": HERE,
    "--tuned-adapter": HERE,
    "--judge-url": JUDGED,
    "--judge-key-env": JUDGED,
    "--judge-self": JUDGED,
    "--budget-money": (*ENDPOINT, "--price-prompt", "1"),
}
"""What options of targets stand beside, where it is not the endpoint of both."""


def options() -> Iterator[tuple[str, ...]]:
    """All options as a user types them, from the command itself, so that none can be left out here."""
    command: Any = typer.main.get_command(app)
    for parameter in command.commands["compare"].params:
        name = max(parameter.opts, key=len)
        if name.startswith("--"):
            value = FORMS.get(name) or VALUES.get(parameter.metavar, "word")
            yield (name,) if parameter.is_flag else (name, value)


OPTIONS = tuple(options())


@pytest.fixture
def cli_with_runs(cli: Cli, tmp_path: Path, make_lab: type[Lab]) -> Cli:
    """The command line beside three runs of models that differ, and the files that options name."""
    lab = make_lab(tmp_path / "runs", harmful=60, benign=20)
    for name, step in (("base", 12), ("middle", 6), ("tuned", 3)):
        lab.run(name, lab.every(step))
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return cli


def is_refused(option: str, outcome: Outcome) -> bool:
    """Whether the option itself was refused, in one line that names it."""
    return outcome.code == 2 and option in outcome.complaint


@pytest.mark.parametrize(
    "words", [("compare", "base", "tuned"), ("compare", "--history", "base", "middle", "tuned")]
)
def test_beside_runs_each_option_changes_what_comes_out_or_is_refused(
    cli_with_runs: Cli, words: tuple[str, ...]
) -> None:
    cli = cli_with_runs
    plain = cli(*words)
    assert plain.code in {0, 1, 3}
    swallowed = [
        option[0]
        for option in OPTIONS
        if option[0] not in words
        and (found := cli(*words, *option)) == plain
        and not is_refused(option[0], found)
    ]

    assert swallowed == ["--quiet"], "nothing is asked, so there is no progress to leave out"


@pytest.mark.parametrize(
    ("words", "used"),
    [
        (("base", "tuned"), "--margin --equivalence --unmask --flips --judge --out --quiet --runs --json"),
        (("--history", "base", "tuned"), "--margin --reference --judge --out --quiet --runs --json"),
    ],
)
def test_beside_runs_every_option_of_targets_is_refused_by_its_name(
    cli_with_runs: Cli, words: tuple[str, ...], used: str
) -> None:
    heeded = [
        option[0]
        for option in OPTIONS
        if option[0] != "--history" and not is_refused(option[0], cli_with_runs("compare", *words, *option))
    ]

    assert sorted(heeded) == sorted(used.split())


def test_beside_targets_each_option_reaches_the_comparison_or_is_refused(
    cli_with_runs: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def live(request: object, **shown: object) -> None:
        asked.append((request, shown))

    monkeypatch.setattr("alignmeter.cli.compare._live", live)

    def comparison(*words: str) -> object:
        """What would be compared and how it is shown; None where the words are refused."""
        outcome = cli_with_runs("compare", *words)
        assert (outcome.code == 0) == bool(asked), outcome.err
        return asked.pop() if asked else None

    refused = list[str]()
    for option in OPTIONS:
        beside = BESIDE.get(option[0], ENDPOINT)
        found = comparison(*beside, *option)
        if found is None:
            refused.append(option[0])
        else:
            assert found != comparison(*beside), f"{option[0]} is swallowed"

    assert refused == ["--history", "--reference"]


@pytest.mark.parametrize(("name", "value"), [("url", "http://h:1/v1"), ("extra-body", '{"a": 1}')])
def test_what_is_said_for_both_beside_one_for_each_is_refused(cli: Cli, name: str, value: str) -> None:
    words = [word for form in ("--{}", "--base-{}", "--tuned-{}") for word in (form.format(name), value)]
    outcome = cli("compare", "--base-model", "a", "--tuned-model", "b", *words)

    assert outcome.code == 2
    assert f"--{name} is for both targets" in outcome.complaint


def test_whatever_a_run_takes_of_its_target_and_its_engine_a_comparison_takes_in_the_same_words() -> None:
    def helps(name: str) -> dict[str, str]:
        command: Any = typer.main.get_command(app)
        return {max(one.opts, key=len): one.help for one in command.commands[name].params}

    run, compare = helps("run"), helps("compare")
    lacking = [
        name for name in run if name not in compare and name.replace("--", "--base-", 1) not in compare
    ]
    assert lacking == ["--resume", "--smoke", "--fixed"], (
        "a comparison goes on by --name, and has its own looks"
    )
    differ = [name for name in run if name in compare and run[name] != compare[name]]
    assert differ == ["--judge", "--name", "--fresh", "--quiet"], "these speak of a run, or of a comparison"


def test_what_is_not_said_of_the_engine_is_as_the_engine_has_it() -> None:
    assert EngineChoice().options() == EngineOptions()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (*ENDPOINT, "--slots", "2"),
            "--slots goes with the targets embedded and transformers:FOLDER, got 'openai:a' and 'openai:b'",
        ),
        ((*HERE, "--api-key-env", "KEY"), "--api-key-env goes with a target openai:MODEL, got 'embedded';"),
        (
            ("embedded", "openai:b", "--base-revision", "r"),
            "--base-revision goes with the targets openai:MODEL and python:MODULE:FUNCTION, got 'embedded';",
        ),
        (
            ("embedded", "openai:b", "--tuned-adapter", "a"),
            "--tuned-adapter goes with the targets embedded and transformers:FOLDER, got 'openai:b';",
        ),
    ],
)
def test_what_no_target_has_a_use_for_is_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    outcome = cli("compare", *words)

    assert outcome.code == 2
    assert said in outcome.complaint


def test_what_is_said_of_both_goes_to_the_one_that_has_a_use_for_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[CompareRequest]()

    def live(request: CompareRequest, **_: object) -> None:
        asked.append(request)

    monkeypatch.setattr("alignmeter.cli.compare._live", live)
    both = (
        "--slots",
        "2",
        "--api-key-env",
        "KEY",
        "--extra-body",
        '{"a": 1}',
        "--timeout",
        "9",
        "--url",
        "u",
    )
    outcome = cli("compare", "embedded", "openai:b", *both)

    assert outcome.code == 0, outcome.err
    here, there = asked[0].base.options, asked[0].tuned.options
    assert (here.slots, here.api_key_env, here.extra_body, here.url) == (2, None, None, None)
    assert (there.slots, there.api_key_env, there.extra_body, there.url) == (None, "KEY", {"a": 1}, "u")
    assert here.timeout == there.timeout == 9
    assert here.sampling == there.sampling
