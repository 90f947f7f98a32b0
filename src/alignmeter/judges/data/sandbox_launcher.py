"""The first thing that runs inside a sandbox: gives up rights, sets the limits, runs the program.

The first line of standard input is the order; what follows is left to the program to read. The first line
of standard output is the order's mark: from there on whatever happens is the program's doing.
"""

import json
import os
import resource
from typing import Any


def _order() -> dict[str, Any]:
    line = bytearray()
    while not line.endswith(b"\n"):  # byte by byte: the rest belongs to the program
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit("no order")
        line += byte
    return json.loads(line)


def _limit(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(what, (value, value))


def _confine(order: dict[str, Any]) -> None:
    if order["uid"] is not None:
        os.setgroups([])
        os.setresgid(order["uid"], order["uid"], order["uid"])
        os.setresuid(order["uid"], order["uid"], order["uid"])
    if os.getuid() == 0 or os.geteuid() == 0:
        raise SystemExit("still root")
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 2**20)
    _limit(resource.RLIMIT_NOFILE, 64)
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_seconds"], order["cpu_seconds"] + 1))
    _limit(resource.RLIMIT_AS, order["memory"])
    _limit(resource.RLIMIT_NPROC, order["processes"])


_given = _order()
_confine(_given)
os.write(1, _given["mark"].encode() + b"\n")
exec(compile(_given["program"], "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102 - what a sandbox is for
