"""Where no sandbox stands, or one has a hole, none is used."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.judges import sandbox as module
from alignmeter.judges.sandbox import find_sandbox
from alignmeter.judges.sandbox_process import communicate

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
    done = uvloop.run(communicate(["false"], b"x" * 100_000, module.Limits()))

    assert (done.outcome, done.code) == ("exited", 1)


# --- a sandbox that breaks down -------------------------------------------------------------------

BROKEN = """#!{python}
import json, os, sys
order = json.loads(sys.stdin.buffer.readline())
if not os.path.exists("{asked}"):  # the probe
    open("{asked}", "w").close()
    print(order["mark"])
    print(json.dumps({{"no network": True}}))
    sys.exit(0)
{then}
"""


def _after_a_good_probe(monkeypatch: pytest.MonkeyPatch, folder: Path, then: str) -> module.Finished:
    fake = folder / "docker"
    text = BROKEN.format(python=sys.executable, asked=folder / "asked", then=then)
    fake.write_text(text, encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setattr(module, "_found", [])
    monkeypatch.setenv("PATH", str(folder))

    async def run() -> module.Finished:
        found = await find_sandbox()
        assert found is not None
        return await found.run("print(1)")

    return asyncio.run(run())


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
@pytest.mark.parametrize(
    ("then", "outcome"),
    [
        ("sys.exit('Cannot connect to the Docker daemon')", "failed"),
        ("sys.stderr.write('Cannot connect to the Docker daemon'); sys.exit(125)", "failed"),
        ("", "failed"),
        ("print('{}')", "failed"),
        ("print(order['mark'], flush=True); sys.stderr.write('unexpected EOF'); sys.exit(125)", "failed"),
        ("print(order['mark']); sys.exit(125)", "exited"),
        ("print(order['mark']); print(1)", "exited"),
    ],
)
def test_a_sandbox_that_does_not_reach_the_program_or_breaks_under_it_has_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, then: str, outcome: str
) -> None:
    done = _after_a_good_probe(monkeypatch, tmp_path, then)

    assert done.outcome == outcome


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_the_mark_of_the_start_is_no_output_of_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = _after_a_good_probe(monkeypatch, tmp_path, "print(order['mark']); print(1)")

    assert done.stdout == b"1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits there")
@pytest.mark.parametrize(("processes", "said"), [(16, b"MARK\n1\n"), ("many", b"")])
def test_the_launcher_marks_the_start_of_the_program_and_nothing_before(
    processes: object, said: bytes
) -> None:
    order = {
        "program": "import os; os.write(1, b'1\\n')",
        "cpu_seconds": 5,
        "memory": 2**30,
        "processes": processes,
        "uid": 65_534 if os.geteuid() == 0 else None,
        "mark": "MARK",
    }
    launcher = module._source("sandbox_launcher.py")  # pyright: ignore[reportPrivateUsage]

    done = subprocess.run(
        [sys.executable, "-S", "-c", launcher],
        input=json.dumps(order).encode() + b"\n",
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert done.stdout == said
