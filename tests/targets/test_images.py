"""Images on the wire, and targets that take none."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alignmeter.records import CallError, ImagePart, Message, Sampling
from alignmeter.targets.base import Reply, Request
from alignmeter.targets.openai_compatible import OpenAICompatible
from alignmeter.targets.python_callable import PythonCallable
from alignmeter.targets.variants import Variant
from alignmeter.targets.wire import encode

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = ImagePart(media_type="image/png", data=b"\x89PNG\r\n\x1a\n...", digest="d", alt="A sign.")
REQUEST = Request(
    messages=(Message(role="user", content="May I swim?", images=(IMAGE,)),), sampling=Sampling()
)


def test_given_an_image_when_encoded_then_the_content_is_text_and_a_data_url() -> None:
    body = json.loads(encode(REQUEST, model="m", variant=Variant(system_prompt="Be kind.")))
    system, user = body["messages"]
    assert system == {"role": "system", "content": "Be kind."}
    text, image = user["content"]
    assert text == {"type": "text", "text": "May I swim?"}
    assert image["type"] == "image_url"
    start, _, data = image["image_url"]["url"].partition(",")
    assert start == "data:image/png;base64"
    assert base64.b64decode(data, validate=True) == IMAGE.data
    assert "A sign." not in json.dumps(body)


@pytest.mark.usefixtures("keyless")
def test_given_a_server_when_asked_about_an_image_then_it_gets_the_image_and_its_reply_is_read() -> None:
    seen: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(await request.json())
        message = {"role": "assistant", "content": "No."}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})

    async def ask() -> Reply | CallError:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        async with TestServer(app) as server, OpenAICompatible(str(server.make_url("/v1")), "m") as target:
            return await target.generate(REQUEST)

    reply = asyncio.run(ask())
    assert isinstance(reply, Reply)
    assert reply.message.content == "No."
    (part,) = [part for part in seen[0]["messages"][0]["content"] if part["type"] == "image_url"]
    assert base64.b64decode(part["image_url"]["url"].partition(",")[2]) == IMAGE.data


@pytest.mark.usefixtures("keyless")
def test_given_a_server_that_takes_no_image_when_asked_then_it_is_a_bad_request() -> None:
    async def refuse(request: web.Request) -> web.Response:
        await request.read()
        error = {"message": "image_url is not supported by this model", "type": "invalid_request_error"}
        return web.json_response({"error": error}, status=400)

    async def ask() -> Reply | CallError:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", refuse)
        async with TestServer(app) as server, OpenAICompatible(str(server.make_url("/v1")), "m") as target:
            return await target.generate(REQUEST)

    fault = asyncio.run(ask())
    assert isinstance(fault, CallError)
    assert fault.kind == "bad_request"
    assert "image_url is not supported" in fault.message


def test_given_a_function_when_asked_about_an_image_then_it_is_a_bad_request_and_it_is_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot_without_images.py").write_text(
        "def answer(messages):\n    raise AssertionError('called')\n"
    )
    monkeypatch.chdir(tmp_path)
    fault = asyncio.run(PythonCallable("python:bot_without_images:answer").generate(REQUEST))
    assert isinstance(fault, CallError)
    assert fault.kind == "bad_request"
    assert fault.message.startswith("python:bot_without_images:answer takes text only, got an image")
