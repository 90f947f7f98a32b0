"""`--extra-body`: fields of the user's own reach the server, and all that speaks of the run says so."""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alignmeter.api import load_run

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Outcome
    from tests.faults.hostile_server import HostileServer

FIELDS = {"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "low"}
EXTRA = json.dumps(FIELDS)


async def smoke(cli: Cli, server: HostileServer, *words: str) -> Outcome:
    return await asyncio.to_thread(cli, "run", "--url", server.url, "--model", "m", "--smoke", *words)


def _has(body: dict[str, object]) -> bool:
    return FIELDS.items() <= body.items()


@pytest.mark.usefixtures("quick_report")
async def test_the_fields_go_with_every_call_and_repro_prints_them(
    cli: Cli, hostile_server: HostileServer
) -> None:
    outcome = await smoke(cli, hostile_server, "--name", "quiet", "--extra-body", EXTRA)

    assert outcome.code == 0, outcome.err
    assert len(hostile_server.chats) == 21  # 20 trials, and the check before them
    assert all(_has(chat.body) for chat in hostile_server.chats)
    trial = cli("show", "quiet", "--json").json["trials"][0]["trial"]
    again = cli("repro", trial, "--run", "quiet")
    body = next(word for word in shlex.split(again.out) if word.startswith("{"))
    assert _has(json.loads(body))
    assert again.err == ""
    shown = cli("runs", "show", "quiet").out
    assert "enable_thinking" in shown


@pytest.mark.usefixtures("quick_report")
async def test_a_run_with_other_fields_is_of_another_target_and_one_without_is_as_ever(
    cli: Cli, hostile_server: HostileServer
) -> None:
    for name, words in (("plain", ()), ("empty", ("--extra-body", "{}")), ("quiet", ("--extra-body", EXTRA))):
        await smoke(cli, hostile_server, "--name", name, *words)
    plain, empty, quiet = (load_run(Path("runs") / name).manifest for name in ("plain", "empty", "quiet"))

    assert plain.target == empty.target
    assert b"extra" not in (Path("runs") / "plain" / "run.json").read_bytes()
    assert quiet.target.fingerprint_hash != plain.target.fingerprint_hash
    assert quiet.target.extra_body == FIELDS
    resumed = await smoke(cli, hostile_server, "--resume", "runs/quiet")
    assert resumed.code == 2, "the run of another target is not resumed"


async def test_the_doctor_tries_the_endpoint_with_the_fields(cli: Cli, hostile_server: HostileServer) -> None:
    words = ("doctor", "--url", hostile_server.url, "--model", "m", "--json", "--extra-body", EXTRA)
    good = await asyncio.to_thread(cli, *words)
    hostile_server.otherwise = hostile_server.error(400, "unknown field reasoning_effort")
    bad = await asyncio.to_thread(cli, *words)

    assert all(_has(chat.body) for chat in hostile_server.chats)
    assert (good.code, good.json["checks"][-1]["state"]) == (0, "ok")
    assert EXTRA in good.json["checks"][-1]["detail"]
    assert (bad.code, bad.json["checks"][-1]["state"]) == (5, "bad")


@pytest.mark.usefixtures("quick_report")
async def test_two_targets_of_a_comparison_may_have_fields_of_their_own(
    cli: Cli, hostile_server: HostileServer
) -> None:
    Path("small.yaml").write_text(
        "name: Small\nsuites: [triad]\ndesign: {max_units: 12}\nadversaries: {attacks: [plain]}\n"
    )
    words = ("--base-model", "m", "--tuned-model", "m", "--url", hostile_server.url, "-m", "small.yaml", "-q")
    outcome = await asyncio.to_thread(
        cli, "compare", *words, "--extra-body", EXTRA, "--tuned-extra-body", '{"reasoning_effort": "high"}'
    )

    assert outcome.code in {0, 1, 3, 4}, outcome.err
    efforts = [chat.body["reasoning_effort"] for chat in hostile_server.chats]
    assert {"low", "high"} == set(efforts)
    assert efforts.count("low") == efforts.count("high")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--extra-body", "{"), 'expected --extra-body with a JSON object such as \'{"chat_template_kwargs"'),
        (("--extra-body", "[1]"), "expected --extra-body with a JSON object"),
        (("--extra-body", '{"seed": 3}'), "got 'seed', which Alignmeter sets"),
        (("--extra-body", '{"n": 2, "stream": true}'), "got 'n', which Alignmeter sets"),
    ],
)
def test_fields_that_cannot_be_sent_are_one_line(cli: Cli, words: tuple[str, ...], said: str) -> None:
    outcome = cli("run", "--url", "http://127.0.0.1:9/v1", "--model", "m", "--smoke", *words)

    assert outcome.code == 2
    assert said in outcome.complaint


@pytest.mark.parametrize("target", ["embedded", "python:a:b", "transformers:folder"])
def test_a_target_without_an_endpoint_takes_no_fields(cli: Cli, target: str) -> None:
    outcome = cli("run", "-t", target, "--smoke", "--extra-body", EXTRA)

    assert outcome.code == 2
    assert f"--extra-body goes with a target openai:MODEL, got {target!r}; leave it out" in outcome.complaint


@pytest.mark.parametrize("words", [("doctor",), ("compare", "one", "two"), ("compare", "one", "--history")])
def test_fields_without_an_endpoint_to_ask_are_refused(
    cli: Cli, scripted: Path, words: tuple[str, ...]
) -> None:
    named = {"one": str(scripted / "open"), "two": str(scripted / "closed")}

    outcome = cli(*(named.get(word, word) for word in words), "--extra-body", EXTRA)

    assert outcome.code == 2
    assert "--extra-body" in outcome.complaint
