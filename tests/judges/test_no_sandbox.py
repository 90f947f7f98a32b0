"""Where no sandbox stands, or one has a hole, none is used."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.judges import sandbox as module
from alignmeter.judges.sandbox import find_sandbox

if TYPE_CHECKING:
    from pathlib import Path


def test_without_bubblewrap_and_docker_there_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_found", [])
    monkeypatch.setenv("PATH", "/nonexistent")

    assert asyncio.run(find_sandbox()) is None


def test_a_sandbox_whose_walls_do_not_stand_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\necho \'{"no network": false, "no writing": true}\'\n', encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setattr(module, "_found", [])
    monkeypatch.setenv("PATH", str(tmp_path))  # no Docker there

    assert asyncio.run(find_sandbox()) is None


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not there on Windows")
def test_a_program_that_ends_before_it_is_fed_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvloop

    start = asyncio.create_subprocess_exec

    async def already_over(*argv: str, **streams: Any) -> asyncio.subprocess.Process:  # noqa: ANN401
        process = await start(*argv, **streams)
        await process.wait()
        await asyncio.sleep(0.1)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", already_over)
    run = module._communicate  # pyright: ignore[reportPrivateUsage]

    done = uvloop.run(run(["false"], b"x" * 100_000, module.Limits()))

    assert (done.outcome, done.code) == ("exited", 1)
