# ruff: noqa: D103, PLR2004, PTH123, PTH208, S108 - a script; it imports as little as it can
"""Run inside a sandbox before it is used: is every wall where it should be? Prints one answer a wall."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable


def refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except (OSError, MemoryError):
        return True
    return False


def write() -> None:
    with open("/tmp/alignmeter", "w") as file:
        file.write("x")


def write_root() -> None:
    with open("/alignmeter", "w") as file:
        file.write("x")


def write_device() -> None:
    with open("/dev/alignmeter", "w") as file:
        file.write("x")


def write_shared_memory() -> None:
    with open("/dev/shm/alignmeter", "w") as file:
        file.write("x")


def connect() -> None:
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.connect((address, 53))  # sends nothing, but needs a route


def fork_many() -> None:
    children: list[int] = []
    try:
        for _ in range(64):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def allocate() -> None:
    bytearray(2**32)


def hidden(folder: str, visible: list[str]) -> bool:
    """Whether nothing can be seen of a folder outside but the way to the interpreter."""
    try:
        return set(os.listdir(folder)) <= set(visible)
    except OSError:
        return True


given = json.loads(sys.stdin.readline())
writes = (write, write_root, write_device, write_shared_memory)
walls = {
    "not root": os.getuid() != 0 and os.geteuid() != 0,
    "no writing": all(refused(each) for each in writes),
    "no network": refused(connect),
    "few processes": refused(fork_many),
    "little memory": refused(allocate),
    "no other processes": all(int(name) < 100 for name in os.listdir("/proc") if name.isdigit()),
    "no files of the user": hidden(given["outside"], given["visible"]),
    "no environment": "HOME" not in os.environ and "USER" not in os.environ,
}
sys.stdout.write(json.dumps(walls))
