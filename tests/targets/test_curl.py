"""The command that repeats a call by hand."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from alignmeter.records import Message, Sampling
from alignmeter.targets.base import Request
from alignmeter.targets.endpoint import Endpoint
from alignmeter.targets.openai_compatible import OpenAICompatible, curl

if TYPE_CHECKING:
    from tests.faults.hostile_server import HostileServer

KEY = "sk-test-0123456789"
NASTY = 'It\'s "quoted", costs $5, runs `id`, ends\nwith ünïcödé and \\ and !'

pytestmark = pytest.mark.usefixtures("keyless")


def asking(text: str) -> Request:
    return Request(messages=(Message(role="user", content=text),), sampling=Sampling())


def test_the_command_splits_into_words_and_holds_the_body_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    command = OpenAICompatible("http://localhost:8000", "m").curl_command(asking(NASTY))
    words = shlex.split(command)
    assert words[:3] == ["curl", "-sS", "http://localhost:8000/v1/chat/completions"]
    assert "Authorization: Bearer $OPENAI_API_KEY" in words
    assert json.loads(words[-1])["messages"] == [{"role": "user", "content": NASTY}]
    assert KEY not in command


def test_without_a_key_there_is_no_authorization() -> None:
    assert "Authorization" not in OpenAICompatible("http://localhost:8000", "m").curl_command(asking("Hi"))


def test_the_key_of_a_server_of_this_process_is_not_in_the_command() -> None:
    target = OpenAICompatible("http://localhost:8000", "m", api_key=KEY)
    assert KEY not in target.curl_command(asking("Hi"))


def test_it_can_be_made_without_a_target() -> None:
    assert shlex.split(curl(Endpoint("http://h/v1"), b'{"a":1}', "K"))[-3:] == [
        "Authorization: Bearer $K",
        "--data-raw",
        '{"a":1}',
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("text", [NASTY, "many shots, it's long. " * 10_000], ids=["nasty", "long"])
async def test_the_shell_sends_exactly_what_the_target_sends(
    hostile_server: HostileServer, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with OpenAICompatible(hostile_server.url, "m") as target:
        await target.generate(asking(text))
        # By its standard input, as a terminal gives it what was pasted.
        shell = await asyncio.create_subprocess_exec(
            "sh", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
        )
        await shell.communicate(target.curl_command(asking(text)).encode())
        assert shell.returncode == 0
    ours, shells = hostile_server.requests
    assert shells.body == ours.body
    assert shells.path == ours.path
    assert shells.headers["Authorization"] == ours.headers["Authorization"]
