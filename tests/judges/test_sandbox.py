"""The sandbox in earnest: programs that try to do harm are really run, and do none."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import TYPE_CHECKING, get_args

import pytest

from alignmeter.judges import sandbox as module
from alignmeter.judges.sandbox import Limits, SandboxKind, find_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from alignmeter.judges.sandbox import Finished

QUICK = Limits(cpu_seconds=1, seconds=30.0)


@pytest.fixture(scope="module", params=get_args(SandboxKind), autouse=True)
def _technique(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with each of the techniques, where that stands here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_found", [])
        candidates = [each for each in module.candidates() if each.kind == request.param]
        patch.setattr(module, "candidates", lambda: candidates)
        if asyncio.run(find_sandbox()) is None:
            pytest.skip(f"no sandbox by {request.param} holds on this machine")
        yield


def ran(program: str, data: bytes = b"", limits: Limits = QUICK) -> Finished:
    async def run() -> Finished:
        found = await find_sandbox()
        assert found is not None
        return await found.run(program, data, limits)

    return asyncio.run(run())


def test_a_harmless_program_reads_its_input_and_prints() -> None:
    done = ran("import sys; print(sys.stdin.read()[::-1])", b"stressed")

    assert (done.outcome, done.code, done.stdout) == ("exited", 0, b"desserts\n")


def test_a_fork_bomb_ends_with_its_program_and_leaves_no_process_behind() -> None:
    mark = f"fork_bomb_{os.getpid()}"
    bomb = f"""
import os
mark = {mark!r}
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
    before = time.monotonic()
    done = ran(bomb, limits=Limits(cpu_seconds=1, seconds=3.0))

    assert done.outcome == "timeout"
    assert time.monotonic() - before < 60
    assert not _processes_that_mention(mark)


def test_no_more_processes_start_than_the_limit_allows() -> None:
    program = """
import os, signal
started = []
try:
    while len(started) < 1000:
        child = os.fork()
        if child == 0:
            signal.pause()
        started.append(child)
except OSError:
    pass
print(len(started))
for child in started:
    os.kill(child, signal.SIGKILL)
"""
    done = ran(program)

    assert done.outcome == "exited"
    assert 0 < int(done.stdout) <= Limits().processes


@pytest.mark.parametrize("place", ["/tmp", "/", "/dev", "/dev/shm", "/usr", "/etc", "."])  # noqa: S108 - its own
def test_no_file_can_be_written(place: str) -> None:
    done = ran(f"open({place!r} + '/harm.txt', 'w').write('x')")

    assert done.outcome == "exited"
    assert done.code == 1
    assert "Error" in done.stderr


def test_a_file_of_the_user_can_be_neither_read_nor_overwritten(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("untouched", encoding="utf-8")

    read = ran(f"print(open({str(secret)!r}).read())")
    write = ran(f"open({str(secret)!r}, 'w').write('harm')")

    assert (read.code, read.stdout) == (1, b"")
    assert "FileNotFoundError" in read.stderr
    assert write.code == 1
    assert secret.read_text(encoding="utf-8") == "untouched"


def test_a_network_call_reaches_nobody_not_even_this_machine() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0.2)
        port = listening.getsockname()[1]
        done = ran(f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)")

        assert done.code == 1
        assert "OSError" in done.stderr or "ConnectionRefusedError" in done.stderr
        with pytest.raises(TimeoutError):
            listening.accept()


def test_an_endless_loop_is_stopped_by_its_processor_time() -> None:
    done = ran("while True: pass")

    assert done.outcome == "timeout"
    assert done.code is None


def test_a_program_that_only_waits_is_stopped_by_the_clock() -> None:
    before = time.monotonic()
    done = ran("import time; time.sleep(1000)", limits=Limits(cpu_seconds=5, seconds=2.0))

    assert done.outcome == "timeout"
    assert time.monotonic() - before < 30


def test_endless_output_is_cut() -> None:
    done = ran("while True: print('x' * 1000)", limits=Limits(cpu_seconds=5, seconds=30.0, output=10_000))

    assert done.outcome == "output"
    assert len(done.stdout) <= 10_000


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_that_fills_its_pipes_after_the_cut_is_ended_all_the_same(stream: str) -> None:
    """A pipe may be full, with nobody reading, when the program is killed."""
    program = (
        "import sys, threading, time\n"
        "def fill(out):\n    while True: out.write('x' * 100_000)\n"
        f"threading.Thread(target=fill, args=(sys.{stream},), daemon=True).start()\n"
        "time.sleep(0.3)\nfill(sys.stdout)"
    )
    for _ in range(5):
        done = ran(program, limits=Limits(cpu_seconds=5, seconds=30.0, output=10))
        assert done.outcome == "output"


def test_memory_is_limited() -> None:
    done = ran("x = bytearray(2**31)", limits=Limits(cpu_seconds=2, memory=256 * 2**20))

    assert done.code == 1
    assert "MemoryError" in done.stderr


def test_the_environment_holds_nothing_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "abc")

    done = ran("import os; print(sorted(os.environ), os.getuid() == 0)")

    assert b"SECRET_KEY" not in done.stdout
    assert b"HOME" not in done.stdout
    assert done.stdout.strip().endswith(b"False")


def test_other_processes_cannot_be_seen() -> None:
    done = ran("import os; print(max(int(name) for name in os.listdir('/proc') if name.isdigit()))")

    assert int(done.stdout) < 100


def _processes_that_mention(mark: str) -> list[str]:
    found: list[str] = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names alone are needed
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:  # noqa: PTH123
                    if mark.encode() in file.read():
                        found.append(name)
            except OSError:
                continue
    return found
