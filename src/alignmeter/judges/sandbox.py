"""A place where a program that a model wrote can do no harm: bubblewrap, else Docker, else none.

Inside there is no network, nothing of the user's files, nothing that can be written, no way to other
processes; time, memory, processes and output are limited. A sandbox is used only after a program run in
it has found all of that to hold here, and nothing is ever run without one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Protocol, cast
from weakref import WeakKeyDictionary

import msgspec

from alignmeter.judges.sandbox_process import Finished, Limits, communicate

SEMANTICS = 1
"""Bumped when what a program inside may do changes; part of the hash of a judge that uses it. Both kinds
promise the same, so which of them ran is not."""
IMAGE = "python:3.12-slim"
IMAGE_VARIABLE = "ALIGNMETER_SANDBOX_IMAGE"
"""Environment variable that names another Docker image; it must have `python3` and be pulled already."""
HINT = f"install bubblewrap (`apt-get install bubblewrap`), or start Docker and `docker pull {IMAGE}`"

SandboxKind = Literal["bubblewrap", "docker"]

_LAUNCHER = "sandbox_launcher.py"
_PROBE = "sandbox_probe.py"
_PYTHON = ("-s", "-S", "-B")
"""Without site packages, without writing byte code."""
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
"""All of it; the seed makes the order of a set the same in every run."""
_DOCKER_FAILED = 125
_MOST_AT_ONCE = 4
_UIDS = (1_000_000_000, 2_000_000_000)
_PROBE_TIMEOUT = 20.0


class Sandbox(Protocol):
    """Runs Python programs where they can do no harm."""

    @property
    def kind(self) -> SandboxKind:
        """Which technique it uses."""
        ...

    async def run(self, program: str, data: bytes = b"", limits: Limits | None = None) -> Finished:
        """Run a Python program to its end or to a limit.

        Args:
            program: Source; only the standard library can be imported.
            data: What it can read from its standard input.
            limits: What it may use; None for the defaults.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Sandbox:
    """A command that starts Python isolated; programs are fed through its standard input."""

    kind: SandboxKind
    command: tuple[str, ...]
    drops_user: bool = False
    """Whether the launcher gives up the user that the command starts as, for one that nobody is."""

    async def run(self, program: str, data: bytes = b"", limits: Limits | None = None) -> Finished:
        limits = limits or Limits()
        name = f"alignmeter-{secrets.token_hex(8)}"
        uid = _UIDS[0] + secrets.randbelow(_UIDS[1] - _UIDS[0]) if self.drops_user else None
        order = {
            "program": program,
            "cpu_seconds": limits.cpu_seconds,
            "memory": limits.memory,
            "processes": limits.processes,
            "uid": uid,
            "mark": (mark := secrets.token_hex(16)),
        }
        argv = [part.replace("{name}", name) for part in self.command]
        first = json.dumps(order).encode() + b"\n"
        async with _loop().places:
            try:
                return self._told(await communicate(argv, first + data, limits), f"{mark}\n".encode())
            finally:
                if self.kind == "docker":  # the client may be dead while the container lives
                    await _quietly("docker", "rm", "--force", name)

    def _told(self, done: Finished, mark: bytes) -> Finished:
        """What became of the program; `failed` where the sandbox never reached it, or ended before it did."""
        # Docker's client ends so where its daemon fails it, and says why; a program whose standard error is
        # closed to it may choose the same code, but has no words.
        broken = self.kind == "docker" and done.code == _DOCKER_FAILED and bool(done.stderr.strip())
        if broken or not done.stdout.startswith(mark):
            return Finished(outcome="failed", code=done.code, stderr=done.stderr)
        return msgspec.structs.replace(done, stdout=done.stdout[len(mark) :])


async def find_sandbox() -> Sandbox | None:
    """Return a sandbox that holds on this machine, None where there is none; looked for once a process."""
    async with _loop().looking:
        if not _found:
            _found.append(await _first_that_holds())
    return _found[0]


async def _first_that_holds() -> Sandbox | None:
    for candidate in candidates():
        if await _holds(candidate):
            return candidate
    return None


_found: list[Sandbox | None] = []
"""What was found in this process; empty before anybody asked."""


def candidates() -> list[Sandbox]:
    """Return what this machine may have, in order of preference; none has been proven yet."""
    found: list[Sandbox] = []
    bubblewrap, docker = shutil.which("bwrap"), shutil.which("docker")
    if bubblewrap is not None and sys.platform == "linux":
        for python in _interpreters():
            if os.geteuid() == 0:
                # Without a user namespace: in one, root's limit on processes would not hold.
                found.append(_Sandbox("bubblewrap", _bubblewrap(bubblewrap, python, as_root=True), True))
            found.append(_Sandbox("bubblewrap", _bubblewrap(bubblewrap, python, as_root=False)))
    if docker is not None:
        found.append(_Sandbox("docker", _docker(docker)))
    return found


def _interpreters() -> list[Path]:
    """This interpreter outside any virtual environment, then the system's."""
    # The path that a virtual environment was made from; sys.executable would need the environment too.
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    system = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    return list(dict.fromkeys([own, *([Path(system).resolve()] if system else [])]))


def _bubblewrap(bwrap: str, python: Path, *, as_root: bool) -> tuple[str, ...]:
    namespaces = (
        ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
        if as_root
        else ("--unshare-all", "--uid", "65534", "--gid", "65534")
    )
    capabilities = (
        "--cap-drop",
        "ALL",
        *(("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID") if as_root else ()),
    )
    prefix = python.parents[1]
    # Made first, the folders above can be entered by everybody; bubblewrap's own copy the rights outside.
    above = [part for folder in reversed(prefix.parents[:-1]) for part in ("--dir", str(folder))]
    own = () if prefix.is_relative_to("/usr") else (*above, "--ro-bind", str(prefix), str(prefix))
    return (
        bwrap,
        *namespaces,
        *capabilities,
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        *(part for name, value in _ENVIRONMENT.items() for part in ("--setenv", name, value)),
        *("--hostname", "sandbox"),
        *("--ro-bind", "/usr", "/usr"),
        *(part for name in ("bin", "lib", "lib32", "lib64", "nix/store") for part in _system(f"/{name}")),
        *("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"),
        *own,
        *("--proc", "/proc"),
        *("--dev", "/dev"),
        *("--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own
        *("--remount-ro", "/tmp"),  # noqa: S108
        *("--remount-ro", "/dev"),
        *("--remount-ro", "/"),
        *("--chdir", "/tmp"),  # noqa: S108
        str(python),
        *_PYTHON,
        "-c",
        _source(_LAUNCHER),
    )


def _system(folder: str) -> tuple[str, ...]:
    """How a system folder comes in: as the link that it is here, or read-only."""
    path = Path(folder)
    if path.is_symlink():
        return ("--symlink", str(path.readlink()), folder)
    return ("--ro-bind", folder, folder) if path.is_dir() else ()


def _docker(docker: str) -> tuple[str, ...]:
    most = Limits()
    return (
        docker,
        "run",
        # An init of its own: a program that is the first process of a container ignores its time limit.
        *("--rm", "--interactive", "--init", "--name", "{name}", "--pull", "never"),
        *("--network", "none", "--read-only", "--workdir", "/tmp"),  # noqa: S108 - the container's own
        *("--memory", str(most.memory), "--memory-swap", str(most.memory)),
        *("--pids-limit", str(most.processes + 8), "--cpus", "1"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534"),
        *("--ipc", "none"),
        os.environ.get(IMAGE_VARIABLE) or IMAGE,
        *("env", "-i", *(f"{name}={value}" for name, value in _ENVIRONMENT.items()), "python3"),
        *_PYTHON,
        "-c",
        _source(_LAUNCHER),
    )


async def _holds(sandbox: Sandbox) -> bool:
    """Whether a program inside finds every wall where it should be."""
    limits = Limits(cpu_seconds=5, seconds=_PROBE_TIMEOUT, memory=256 * 2**20)
    outside = Path.home() if Path.home() != Path("/") else Path("/home")
    parts = [
        python.relative_to(outside).parts[0] for python in _interpreters() if python.is_relative_to(outside)
    ]
    question = json.dumps({"outside": str(outside), "visible": parts}).encode()
    done = await sandbox.run(_source(_PROBE), question, limits)
    if done.outcome != "exited" or done.code != 0:
        return False
    try:
        found: Any = json.loads(done.stdout)
    except ValueError:
        return False
    walls = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    return bool(walls) and all(holds is True for holds in walls.values())


async def _quietly(*argv: str) -> None:
    with contextlib.suppress(OSError):
        process = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await process.wait()


class _Loop:
    """What the sandboxes of one event loop share.

    Attributes:
        places: Few, so that a run with many replies in flight does not overload the machine.
        looking: Held while a sandbox is looked for.
    """

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(max(1, min(_MOST_AT_ONCE, os.cpu_count() or 1)))
        self.looking = asyncio.Lock()


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()


def _loop() -> _Loop:
    return _loops.setdefault(asyncio.get_running_loop(), _Loop())


@cache
def _source(name: str) -> str:
    return files("alignmeter.judges").joinpath("data", name).read_text(encoding="utf-8")
