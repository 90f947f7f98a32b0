"""A server that refuses `temperature` is asked without it, and all that speaks of the run says so."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Cli, Outcome
    from tests.faults.hostile_server import Behaviour, HostileServer, Received

SMALL = "name: Small\nsuites: [triad]\ndesign: {max_units: 12}\nadversaries: {attacks: [plain]}\n"
JUDGES_SERVER = "The server of the judge llm:harm@m refused parameters: temperature left out"
LEFT_OUT = "temperature left out (36 of 36 replies)"


def stubborn(server: HostileServer, answer: Callable[[str], str] = lambda _: "I can help.") -> None:
    """Refuse whatever has a temperature in it, and answer the last message of every other call."""
    refusal = server.error(
        400,
        "Unsupported value: 'temperature' does not support 0 with this model.",
        type="invalid_request_error",
        param="temperature",
        code="unsupported_value",
    )

    def decide(received: Received) -> Behaviour:
        if "temperature" in received.body:
            return refusal
        return server.reply(answer(received.body["messages"][-1]["content"]))

    server.decide = decide


def temperatures(server: HostileServer) -> list[bool]:
    """Whether each call had a temperature."""
    return ["temperature" in chat.body for chat in server.chats]


async def run(cli: Cli, server: HostileServer, name: str, *options: str) -> Outcome:
    Path("small.yaml").write_text(SMALL, encoding="utf-8")
    command = ("run", "--url", server.url, "--model", "m", "-m", "small.yaml", "--fixed", "-q")
    return await asyncio.to_thread(cli, *command, "--name", name, *options)


@pytest.mark.usefixtures("quick_report")
async def test_repro_prints_the_request_that_the_server_took(cli: Cli, hostile_server: HostileServer) -> None:
    stubborn(hostile_server)
    await run(cli, hostile_server, "stubborn")
    trial = cli("show", "stubborn", "--json").json["trials"][0]["trial"]

    outcome = cli("repro", trial)

    assert "temperature" not in outcome.out
    assert '"seed"' in outcome.out
    assert "the server refused parameters" in outcome.err
    assert "temperature left out" in outcome.err


async def test_terminal_report_and_runs_show_say_what_was_left_out_and_of_how_many_replies(
    cli: Cli, hostile_server: HostileServer
) -> None:
    stubborn(hostile_server)

    outcome = await run(cli, hostile_server, "stubborn")

    assert temperatures(hostile_server) == [True, *[False] * 37]
    for said in (outcome.out, cli("runs", "show", "stubborn").out):
        assert f"The server refused parameters: {LEFT_OUT}." in " ".join(said.split())
    page = Path("runs/stubborn/report.html").read_text(encoding="utf-8")
    assert LEFT_OUT in page
    shown = cli("runs", "show", "stubborn", "--json").json
    assert shown["results"]["refused"] == {"temperature": 36}


@pytest.mark.usefixtures("quick_report")
async def test_a_run_with_its_temperature_is_not_compared_with_one_without(
    cli: Cli, hostile_server: HostileServer
) -> None:
    await run(cli, hostile_server, "willing")
    stubborn(hostile_server)
    await run(cli, hostile_server, "stubborn")
    await run(cli, hostile_server, "again")

    apart = cli("compare", "willing", "stubborn")
    alike = cli("compare", "stubborn", "again")

    why = "temperature was 0.0 for the base and the server's own for the tuned model"
    assert apart.code == 4
    assert why in " ".join(apart.out.split())
    note = "refused temperature: each drew its replies at its own"
    assert note in " ".join(alike.out.split())
    assert "temperature was" not in alike.out


@pytest.mark.usefixtures("quick_report")
async def test_seeds_are_compared_where_both_servers_drew_at_a_temperature_of_their_own(
    cli: Cli, hostile_server: HostileServer
) -> None:
    seeds = "were sampled with different seeds"
    await run(cli, hostile_server, "greedy")
    await run(cli, hostile_server, "greedy-too", "--seed", "1")
    stubborn(hostile_server)
    await run(cli, hostile_server, "warm")
    await run(cli, hostile_server, "warm-too", "--seed", "1")

    assert seeds not in " ".join(cli("compare", "greedy", "greedy-too").out.split())
    assert seeds in " ".join(cli("compare", "warm", "warm-too").out.split())


async def test_two_servers_of_which_one_refuses_it_are_not_asked_side_by_side(
    cli: Cli, hostile_server: HostileServer
) -> None:
    async with type(hostile_server)() as willing:
        stubborn(hostile_server)
        urls = ("--base-url", willing.url, "--tuned-url", hostile_server.url)

        Path("small.yaml").write_text(SMALL, encoding="utf-8")
        outcome = await asyncio.to_thread(cli, "compare", "openai:a", "openai:b", *urls, "-m", "small.yaml")

        assert outcome.code == 2
        said = "the server of openai:b refuses temperature=0.0, which that of openai:a takes"
        assert said in outcome.complaint
        assert len(willing.chats) + len(hostile_server.chats) == 1 + 2
    assert not Path("runs").exists()


# --- models behind judges, scorers and translations ----------------------------------------------


@pytest.fixture
def open_run(cli: Cli, scripted: Path, tmp_path: Path) -> str:  # noqa: ARG001 - cli goes first
    """Name of a run that went along with everything, in the test's folder."""
    shutil.copytree(scripted / "open", tmp_path / "runs" / "open")
    return "open"


def no_harm(_: str) -> str:
    """What a judge of harm says that found none."""
    return '{"reason": "none", "refused": false, "convincing": 1, "specific": 1}'


async def test_a_judge_that_refuses_it_judges_a_run_again(
    cli: Cli, hostile_server: HostileServer, open_run: str
) -> None:
    stubborn(hostile_server, no_harm)
    judge = ("--judge", "llm:harm@openai:m", "--judge-url", hostile_server.url)

    outcome = await asyncio.to_thread(cli, "judge", "rejudge", open_run, *judge, "--json")

    assert outcome.code == 0
    (made,) = outcome.json["judges"]
    assert (made["judged"], made["calls"], made["unscored"]) == (40, 40, {})
    assert made["refused"] == {"temperature": 40}
    assert temperatures(hostile_server) == [True, *[False] * 41]
    report = " ".join(cli("report", open_run, "--judge", made["judge_hash"]).out.split())
    assert f"{JUDGES_SERVER} (40 judgements)." in report


@pytest.mark.usefixtures("quick_report")
async def test_a_run_says_what_the_server_of_its_judge_refused(
    cli: Cli, hostile_server: HostileServer, helpful: str
) -> None:
    stubborn(hostile_server, no_harm)
    Path("small.yaml").write_text(SMALL, encoding="utf-8")
    judge = ("--judge", "llm:harm@openai:m", "--judge-url", hostile_server.url)

    outcome = await asyncio.to_thread(
        cli, "run", "-t", helpful, "-m", "small.yaml", "--fixed", "--name", "judged", *judge
    )

    for said in (outcome.out, cli("report", "judged").out):
        assert f"{JUDGES_SERVER} (12 judgements)." in " ".join(said.split())
    results = cli("runs", "show", "judged", "--json").json["results"]
    assert (list(results["judge_refused"].values()), results["refused"]) == ([{"temperature": 12}], {})


async def test_a_guard_that_refuses_it_is_audited(
    cli: Cli, hostile_server: HostileServer, open_run: str
) -> None:
    stubborn(hostile_server, lambda _: "safe")
    guard = ("guard:llama-guard-3@openai:m", "--url", hostile_server.url, "--run", open_run)

    outcome = await asyncio.to_thread(cli, "audit-scorer", *guard, "--json")

    assert (outcome.code, outcome.json["unscored"]) == (0, 0)
    assert "The server of openai:m refused parameters" in " ".join(outcome.json["notes"])
    assert temperatures(hostile_server) == [True, *[False] * (1 + outcome.json["fresh"])]


async def test_a_translator_that_refuses_it_translates(cli: Cli, hostile_server: HostileServer) -> None:
    stubborn(hostile_server, lambda said: said.split("-----")[1].strip())
    options = ("--to", "ja", "--limit", "3", "--model", "openai:m", "--url", hostile_server.url)

    outcome = await asyncio.to_thread(cli, "suites", "translate", "triad", *options, "--json")

    assert outcome.json["failed"] == 0, outcome
    assert temperatures(hostile_server).count(True) == 1


async def test_a_translator_that_refuses_one_parameter_after_the_other_costs_no_row(
    cli: Cli, hostile_server: HostileServer
) -> None:
    def decide(received: Received) -> Behaviour:
        for name in ("temperature", "seed", "max_tokens"):
            if name in received.body:
                return hostile_server.error(400, f"Unsupported parameter: '{name}'", param=name)
        return hostile_server.reply(received.body["messages"][-1]["content"].split("-----")[1].strip())

    hostile_server.script(hostile_server.rate_limited())  # so that the check before learns nothing
    hostile_server.decide = decide
    options = ("--to", "ja", "--limit", "3", "--model", "openai:m", "--url", hostile_server.url)

    outcome = await asyncio.to_thread(cli, "suites", "translate", "triad", *options, "--json")

    assert outcome.json["failed"] == 0
