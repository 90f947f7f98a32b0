r"""Regular expressions of others on texts of others, within a time limit.

Some expressions take exponential time (`^(\w+\s?)*$` on thirty letters and an exclamation mark), and
while Python searches, no other thread runs and nothing can stop it. So what may take long is first
tried in a process of its own, which can be ended.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from threading import Timer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

SECONDS = 2.0
"""What all searches of one reply that may take long are given together, on the clock."""
MAX_STEPS = 10_000_000
"""Searches of one reply are not tried first while a rough bound on them all is below: tenths of a second."""

_PROGRAM = """
import json, re, sys, warnings
warnings.simplefilter("ignore")
for line in sys.stdin:
    pattern, texts = json.loads(line)
    for text in texts:
        re.search(pattern, text)
    print("done", flush=True)
"""
_ESCAPED_OR_SET = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEAT = re.compile(r"(?<!\()(?:[*+?]|\{\d*,?\d*\})")
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})")


class SlowPatternError(Exception):
    """A pattern takes longer than there is time on a text of the reply."""


class TimedPatterns:
    """Tries patterns on the texts of one reply; a context that ends its process with it."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Set the time.

        Args:
            seconds: For all that is tried.
        """
        self._seconds = seconds
        self._steps = 0
        self._process: subprocess.Popen[str] | None = None
        self._timer: Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def search(self, pattern: str, texts: Sequence[str]) -> None:
        """Search texts for a pattern, if only to see that it ends.

        Args:
            pattern: One that `re` can compile; with any other nothing is done.
            texts: Of any length.

        Raises:
            SlowPatternError: The time is up.
        """
        self._steps += sum(_steps(pattern, text) for text in texts)
        if self._steps <= MAX_STEPS or not _compiles(pattern):
            return
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("expected a process with pipes")
        try:
            process.stdin.write(json.dumps([pattern, texts]) + "\n")
            process.stdin.flush()
            done = process.stdout.readline()
        except BrokenPipeError:
            done = ""
        if not done:
            raise SlowPatternError(
                f"the pattern {pattern[:60]!r} takes longer than {self._seconds:g} s on this reply: "
                "write it without a repeat inside a repeat"
            )

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - this Python, and a program that is written above
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
        )
        self._timer = Timer(self._seconds, process.kill)
        self._timer.daemon = True
        self._timer.start()
        self._process = process
        return process


def _steps(pattern: str, text: str) -> int:
    """A rough bound on a search: a power of the text's length; exponential with repeated groups."""
    plain = _ESCAPED_OR_SET.sub("x", pattern)
    repeats = len(_REPEAT.findall(plain))
    length = len(text) + 1
    if _REPEATED_GROUP.search(plain) is None:
        return length ** min(repeats + 1, 12)
    choices = 1 + repeats + plain.count("|")
    return choices ** min(length, 40)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True
