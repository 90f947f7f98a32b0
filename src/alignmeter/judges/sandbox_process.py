"""One command of a sandbox: fed, read and ended, within limits of time and output."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Literal

from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

Outcome = Literal["exited", "timeout", "output", "failed"]

_CHUNK = 65_536
_STDERR_CHARACTERS = 2_000


class Limits(Record, frozen=True):
    """What a program inside may use.

    Attributes:
        cpu_seconds: Processor time; what decides about an endless loop, whatever else the machine does.
        seconds: Time on the clock, for a program that waits.
        memory: Bytes of address space of each process.
        processes: Processes and threads.
        output: Bytes of output, standard output and error together.
    """

    cpu_seconds: int = 10
    seconds: float = 60.0
    memory: int = 512 * 2**20
    processes: int = 16
    output: int = 64 * 2**10


class Finished(Record, frozen=True):
    """How a program ended.

    Attributes:
        outcome: `exited`: by itself, or by a signal that it brought on itself; `timeout`: too slow;
            `output`: stopped for writing too much; `failed`: the sandbox itself did not start it, or
            broke down under it, so that nothing is known of the program.
        code: Exit code where it exited; negative for a signal.
        stdout, stderr: As far as they were read.
    """

    outcome: Outcome
    code: int | None = None
    stdout: bytes = b""
    stderr: str = ""


async def communicate(argv: Sequence[str], data: bytes, limits: Limits) -> Finished:
    """Run a command to its end or to a limit of time or output.

    Args:
        argv: The command.
        data: Its standard input.
        limits: Of which `seconds` and `output` are kept here.

    Returns:
        How it ended; `failed` where it could not be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return Finished(outcome="failed", stderr=str(error))
    reading = _Reading(limits.output)
    tasks = [
        asyncio.ensure_future(_feed(process, data)),
        asyncio.ensure_future(reading.read(process.stdout, out=True)),
        asyncio.ensure_future(reading.read(process.stderr)),
    ]
    try:
        async with asyncio.timeout(limits.seconds):
            await asyncio.gather(*tasks)
            code = await process.wait()
    except TimeoutError:
        return reading.finished("timeout")
    except _TooMuchError:
        return reading.finished("output")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _end(process)
    return reading.finished("exited", code)


class _TooMuchError(Exception):
    """More output than the limit."""


class _Reading:
    """What a process writes, up to a limit for both of its streams together."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._out = bytearray()
        self._error = bytearray()

    async def read(self, stream: asyncio.StreamReader | None, *, out: bool = False) -> None:
        kept = self._out if out else self._error
        while stream is not None and (chunk := await stream.read(_CHUNK)):
            kept += chunk[: self._left]
            self._left -= len(chunk)
            if self._left < 0:
                self._left = 0
                raise _TooMuchError

    def finished(self, outcome: Outcome, code: int | None = None) -> Finished:
        error = bytes(self._error).decode(errors="replace")[-_STDERR_CHARACTERS:]
        # Python ends so when the limit of processor time is reached.
        slow = outcome == "exited" and code is not None and code in _BY_CPU_LIMIT
        return Finished(
            outcome="timeout" if slow else outcome,
            code=None if slow else code,
            stdout=bytes(self._out),
            stderr=error,
        )


_SIGXCPU, _SIGNALLED = 24, 128
_BY_CPU_LIMIT = frozenset({-_SIGXCPU, _SIGNALLED + _SIGXCPU})


_GONE = (ConnectionError, RuntimeError)
"""What writing to a process that has ended raises; the second is uvloop's."""


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    stdin = process.stdin
    if stdin is None:
        return
    with contextlib.suppress(*_GONE):
        stdin.write(data)
        await stdin.drain()
    with contextlib.suppress(*_GONE):
        stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is still alive: with bubblewrap's first process everything inside dies."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # Before Python 3.12.5 `wait` waits for the ends of the pipes too, and a full pipe that nobody reads
        # has none: what is left in them is thrown away.
        await asyncio.gather(_drained(process.stdout), _drained(process.stderr), process.wait())


async def _drained(stream: asyncio.StreamReader | None) -> None:
    while stream is not None and await stream.read(_CHUNK):
        pass
