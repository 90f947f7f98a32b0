"""A run asks one system: another address begins a new run or is refused, unless it is the same system."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cli.conftest import Cli, Outcome
    from tests.faults.hostile_server import HostileServer

pytestmark = pytest.mark.usefixtures("quick_report")
BEGUN = 6
"""Replies of the run that is unfinished."""


@pytest_asyncio.fixture
async def other_server(hostile_server: HostileServer) -> AsyncIterator[HostileServer]:
    """Another server that calls its model by the same name."""
    async with type(hostile_server)() as server:
        yield server


async def ask(cli: Cli, server: HostileServer, *options: str) -> Outcome:
    """A smoke run of one name of a model, beside its server."""
    return await asyncio.to_thread(
        cli, "run", "--url", server.url, "--model", "m", "--smoke", "--json", *options
    )


async def begin(cli: Cli, server: HostileServer) -> str:
    """Begin a run that its budget stops after a few replies; returns its folder."""
    made = await ask(cli, server, "--budget-calls", str(BEGUN + 1), "-q")  # one call checks the server
    assert made.json["stopped"]["reason"] == "budget"
    return str(made.json["run"])


def notes(outcome: Outcome) -> str:
    """What the progress on standard error says beside its counts."""
    events = [json.loads(line) for line in outcome.err.splitlines()]
    return " ".join(event["message"] for event in events if event["event"] == "note")


async def test_the_same_command_with_another_url_begins_anew_and_says_how_to_go_on_with_the_old_run(
    cli: Cli, hostile_server: HostileServer, other_server: HostileServer, tmp_path: Path
) -> None:
    old = await begin(cli, hostile_server)
    before = (tmp_path / old / "journal.jsonl").read_bytes()

    made = await ask(cli, other_server)

    assert made.json["run"] != old
    assert made.json["resumed_trials"] == 0
    assert len(other_server.chats) == 1 + 20
    for words in (
        f"{old} is unfinished",
        hostile_server.url,
        other_server.url,
        f"--resume {old} --same-system",
    ):
        assert words in notes(made)
    assert (tmp_path / old / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("named", ["--resume", "--name"])
async def test_a_named_run_of_another_address_is_refused_with_both_addresses(
    cli: Cli, hostile_server: HostileServer, other_server: HostileServer, tmp_path: Path, named: str
) -> None:
    old = await begin(cli, hostile_server)
    before = (tmp_path / old / "journal.jsonl").read_bytes()

    refused = await ask(cli, other_server, named, old.removeprefix("runs/"), "-q")

    assert refused.code == 2
    said = refused.json["error"]
    for words in (
        "cannot be resumed at another address",
        hostile_server.url,
        other_server.url,
        "--same-system",
    ):
        assert words in said
    assert (tmp_path / old / "journal.jsonl").read_bytes() == before


async def test_the_same_system_goes_on_at_its_new_address_is_remembered_and_stands_in_the_run(
    cli: Cli, hostile_server: HostileServer, other_server: HostileServer
) -> None:
    old = await begin(cli, hostile_server)
    named = ("--resume", old)

    moved = await ask(cli, other_server, *named, "--same-system", "--budget-calls", str(2 * BEGUN))
    ended = await ask(cli, other_server, *named)

    assert (moved.json["resumed_trials"], moved.json["run"]) == (BEGUN, old)
    assert f"has asked target at {hostile_server.url} and {other_server.url}" in notes(moved)
    assert (ended.code, ended.json["run"], ended.json["stopped"]["reason"]) == (0, old, "complete")
    shown = cli("runs", "show", old)
    assert f"{hostile_server.url}, then {other_server.url}" in " ".join(shown.out.split())
    asked = cli("runs", "show", old, "--json").json["asked_at"]
    assert asked["target"] == [hostile_server.url, other_server.url]


async def test_the_same_system_is_said_of_a_run_that_is_named(
    cli: Cli, hostile_server: HostileServer
) -> None:
    outcome = await ask(cli, hostile_server, "--same-system")

    assert outcome.code == 2
    assert "name the run with" in outcome.json["error"]
    assert hostile_server.requests == []


async def compare(cli: Cli, server: HostileServer, *options: str) -> Outcome:
    """Compare two models of one server until the budget ends, beside it."""
    from tests.cli.conftest import SMALL

    Path("small.yaml").write_text(SMALL, encoding="utf-8")
    targets = ("openai:base", "openai:tuned", "--url", server.url, "-m", "small.yaml")
    return await asyncio.to_thread(cli, "compare", *targets, "--budget-calls", "12", "--json", *options)


async def test_a_comparison_at_another_url_begins_anew_and_says_how_to_go_on_with_the_old_one(
    cli: Cli, hostile_server: HostileServer, other_server: HostileServer
) -> None:
    old = (await compare(cli, hostile_server, "-q")).json["base_run"].removesuffix("-base")

    made = await compare(cli, other_server)

    assert made.json["resumed_trials"] == 0
    assert made.json["base_run"] != f"{old}-base"
    name = old.removeprefix("runs/")
    for words in (
        hostile_server.url,
        other_server.url,
        f"--name {name} --same-system goes on with the old one",
    ):
        assert words in notes(made)


async def test_a_named_comparison_of_another_address_is_refused_or_goes_on_as_the_same_system(
    cli: Cli, hostile_server: HostileServer, other_server: HostileServer
) -> None:
    await compare(cli, hostile_server, "--name", "c", "-q")

    refused = await compare(cli, other_server, "--name", "c", "-q")
    moved = await compare(cli, other_server, "--name", "c", "--same-system")

    assert refused.code == 2
    assert "cannot be resumed at another address" in refused.json["error"]
    for words in (hostile_server.url, other_server.url):
        assert words in refused.json["error"]
        assert words in notes(moved)
    assert moved.json["resumed_trials"] > 0
