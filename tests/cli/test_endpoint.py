"""An endpoint that refuses, is gone, or tells secrets: the exit code, the line, and no key anywhere."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import duckdb
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli, Outcome
    from tests.faults.hostile_server import HostileServer

KEY = "sk-test-123456789"


async def run(cli: Cli, server: HostileServer, *options: str) -> Outcome:
    """A smoke run beside the server, which lives in this thread's event loop."""
    return await asyncio.to_thread(cli, "run", "--url", server.url, "--model", "m", "--smoke", *options)


async def test_an_endpoint_that_answers_is_measured(cli: Cli, hostile_server: HostileServer) -> None:
    outcome = await run(cli, hostile_server)

    assert outcome.code == 0
    assert "20 of 20 trials answered" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


async def test_a_wrong_key_is_a_failure_and_leaves_no_run(
    cli: Cli, hostile_server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    hostile_server.otherwise = hostile_server.key_echo()

    outcome = await run(cli, hostile_server)

    assert outcome.code == 5
    assert "the one in $OPENAI_API_KEY was refused" in outcome.complaint
    assert KEY not in outcome.complaint
    assert not (tmp_path / "runs").exists()


async def test_an_unknown_model_is_a_failure_and_leaves_no_run(
    cli: Cli, hostile_server: HostileServer, tmp_path: Path
) -> None:
    hostile_server.otherwise = hostile_server.error(404, "no such model", code="model_not_found")

    outcome = await run(cli, hostile_server)

    assert outcome.code == 5
    assert "'m'" in outcome.complaint
    assert not (tmp_path / "runs").exists()


def test_a_server_that_is_gone_is_a_failure_and_leaves_no_run(cli: Cli, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses connections
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"

        outcome = cli("run", "--url", url, "--model", "m")
        told = cli("run", "--url", url, "--model", "m", "--json")

    assert outcome.code == 5
    assert "refused the connection" in outcome.complaint
    assert (told.json["exit_code"], told.err) == (5, "")
    assert not (tmp_path / "runs").exists()


async def test_the_key_is_nowhere_in_the_run_folder_or_the_output(
    cli: Cli, hostile_server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    hostile_server.otherwise = hostile_server.reply(f"Your key is {KEY}. Here is what you asked for.")
    hostile_server.script(hostile_server.reply(), hostile_server.key_echo(500), hostile_server.key_echo(400))

    outcome = await run(cli, hostile_server, "--name", "leaky")
    said = [outcome, cli("show", "leaky", "--unmask"), cli("show", "leaky", "--unmask", "--json")]
    said += [cli("runs", "show", "leaky", "--json"), cli("report", "leaky"), cli("doctor")]
    trial = said[2].json["trials"][0]["trial"]
    said.append(cli("repro", trial))

    assert outcome.code == 0
    assert all(received.headers["Authorization"] == f"Bearer {KEY}" for received in hostile_server.chats)
    assert "Your key is [key]" in said[1].out
    assert '"Authorization: Bearer $OPENAI_API_KEY"' in said[-1].out
    assert [text for one in said for text in (one.out, one.err) if KEY in text] == []
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert len(files) >= 6
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    tables = [path for path in files if path.suffix == ".parquet"]  # compressed: their bytes tell nothing
    assert len(tables) == 2
    assert KEY not in str([duckdb.read_parquet(str(path)).fetchall() for path in tables])


async def test_the_doctor_tries_the_endpoint(cli: Cli, hostile_server: HostileServer) -> None:
    arguments = ("doctor", "--url", hostile_server.url, "--model", "m", "--json")
    good = await asyncio.to_thread(cli, *arguments)
    hostile_server.otherwise = hostile_server.key_echo()
    bad = await asyncio.to_thread(cli, *arguments)

    assert (good.code, good.json["checks"][-1]["state"]) == (0, "ok")
    assert (bad.code, bad.json["checks"][-1]["state"]) == (5, "bad")
    assert "expected an API key" in bad.json["checks"][-1]["detail"]


async def test_the_doctor_closes_with_what_to_do_now(cli: Cli, hostile_server: HostileServer) -> None:
    arguments = ("doctor", "--url", hostile_server.url, "--model", "m")
    ready = await asyncio.to_thread(cli, *arguments)
    hostile_server.otherwise = hostile_server.key_echo()
    refused = await asyncio.to_thread(cli, *arguments)

    assert (ready.code, refused.code) == (0, 5)
    assert ready.out.splitlines()[-1] == (
        "Ready. What is missing is optional: it matters only where a run needs it."
    )
    assert refused.out.splitlines()[-1] == (
        "Not ready: put right what is bad (endpoint) before you start a run."
    )
    assert "optional" not in refused.out


def test_the_doctor_says_that_a_key_variable_is_not_set(cli: Cli) -> None:
    outcome = cli("doctor", "--api-key-env", "NOT_SET", "--json")

    states = {check["name"]: check["state"] for check in outcome.json["checks"]}
    assert (outcome.code, states["API key"]) == (2, "bad")
    assert cli("run", "--url", "http://h/v1", "--model", "m", "--api-key-env", "NOT_SET").code == 2


@pytest.mark.parametrize(
    ("status", "code"), [(401, "invalid_api_key"), (429, "insufficient_quota"), (404, "model_not_found")]
)
async def test_the_same_failure_has_one_exit_code_before_a_run_in_its_midst_in_doctor_and_gate(
    cli: Cli, hostile_server: HostileServer, status: int, code: str
) -> None:
    refusal = hostile_server.error(status, "no", code=code)
    hostile_server.script(*[hostile_server.reply()] * 6)  # the look before the run and some trials
    hostile_server.otherwise = refusal
    midst = await run(cli, hostile_server, "--name", "midst")
    gated = cli("gate", "midst", "--inconclusive", "warn")
    before = await run(cli, hostile_server)
    told = await asyncio.to_thread(cli, "doctor", "--url", hostile_server.url, "--model", "m")

    assert [one.code for one in (before, told)] == [5, 5]
    if status != 404:  # one request may meet a 404 that others do not
        assert (midst.code, gated.code) == (5, 5)
        assert "The run: INVALID" in gated.out
        assert f"answered {status}" in " ".join(gated.out.split())


def test_the_key_of_a_server_of_ones_own_is_not_sent_to_openai_where_its_url_is_forgotten(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIGNMETER_API_KEY", KEY)
    judge = ("--judge", "llm:harm@openai:big", "--url", "http://127.0.0.1:9/v1")

    forgotten = cli("run", "--model", "m")
    judged = cli("run", "--model", "m", *judge)
    empty = cli("run", "--model", "m", "--url", "")
    told = cli("doctor", "--model", "m")

    for outcome in (forgotten, judged):
        assert outcome.code == 2
        assert "the key in $ALIGNMETER_API_KEY would go to api.openai.com; give the URL" in outcome.complaint
    assert (empty.code, told.code) == (2, 2)
    assert "expected a URL" in empty.complaint
    assert not (tmp_path / "runs").exists()


async def test_calls_that_all_fail_are_told_with_the_last_error(
    cli: Cli, hostile_server: HostileServer
) -> None:
    hostile_server.script(hostile_server.reply())
    hostile_server.otherwise = hostile_server.error(400, "temperature must be warmer")

    outcome = await run(cli, hostile_server)

    assert outcome.code == 5
    assert "Errors of the target: 20 bad_request; the last: " in outcome.out
    assert "temperature must be warmer" in " ".join(outcome.out.split())


async def test_a_smoke_run_without_one_score_does_not_say_that_the_pipeline_works(
    cli: Cli, hostile_server: HostileServer
) -> None:
    hostile_server.otherwise = hostile_server.reply("", finish_reason="length")

    outcome = await run(cli, hostile_server)

    assert outcome.code == 4
    assert "pipeline works" not in outcome.out
    said = " ".join(outcome.out.split())
    assert "0 of 20 trials could be scored (unscored: 20 empty reply)" in said
    assert "--max-tokens" in said


async def test_a_smoke_run_that_scored_most_says_what_it_did_not(
    cli: Cli, hostile_server: HostileServer
) -> None:
    hostile_server.script(*[hostile_server.reply("", finish_reason="length")] * 3)

    outcome = await run(cli, hostile_server)

    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert "the pipeline works end to end; " in said
    assert " empty reply)" in said


async def test_a_smoke_run_that_its_budget_stopped_says_so(cli: Cli, hostile_server: HostileServer) -> None:
    nothing = await run(cli, hostile_server, "--budget-calls", "1", "--name", "one")
    some = await run(cli, hostile_server, "--budget-calls", "8", "--name", "eight")

    assert nothing.code != 0
    for outcome in (nothing, some):
        assert "pipeline works" not in outcome.out
        assert "stopped before it was through" in " ".join(outcome.out.split())
