"""One key an answer on a terminal; one line an answer anywhere else, so that it can be scripted."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_ESCAPE = "\x1b"
_END = {"", "\x04", "\x1a"}
"""The end of the input, control-D and control-Z."""


def is_single() -> bool:
    """Whether one key is an answer, because a person sits at a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def single_keys() -> Generator[None]:
    """Let a terminal hand over every key at once, and give it back as it was.

    Elsewhere lines are read, with U+FFFD for what is not of their encoding.
    """
    if not is_single() or sys.platform == "win32":
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # pyright: ignore[reportUnknownMemberType] - its buffer
        yield
        return
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd, termios.TCSADRAIN)  # what was typed ahead is kept
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def read_answer() -> str | None:
    """Return the next answer, empty for an empty line or a key without a character; None at the end."""
    if not is_single():
        return _line()
    key = _windows_key() if sys.platform == "win32" else _unix_key(sys.stdin.fileno())
    if key in _END:
        return None
    return key if key.isprintable() else ""


def read_line() -> str | None:
    """Return a whole line without white space around it, None at the end of the input."""
    if not is_single():
        return _line()
    text = ""
    while (key := read_answer()) is not None:
        if not key:  # Enter, or a key without a character
            break
        text += key
        sys.stdout.write(key)
        sys.stdout.flush()
    return text.strip()


def _line() -> str | None:
    text = sys.stdin.readline()
    return text.strip() if text else None


def _windows_key() -> str:
    import msvcrt

    key: str = getattr(msvcrt, "getwch")()  # noqa: B009 - unknown to type checkers elsewhere
    if key in {"\x00", "\xe0"}:  # an arrow or a function key: its second half
        getattr(msvcrt, "getwch")()  # noqa: B009
        return "\n"
    return key


def _unix_key(fd: int) -> str:
    """One key, empty at the end of the input; a sequence, as of an arrow, is read whole and is none."""
    data = os.read(fd, 1)
    if data == _ESCAPE.encode():
        while select.select([fd], [], [], 0)[0] and os.read(fd, 1):
            pass
        return "\n"
    if data and data[0] >= 0xC0:  # noqa: PLR2004 - the first byte of several in UTF-8
        while select.select([fd], [], [], 0)[0] and len(data) < 4 and not _is_whole(data):  # noqa: PLR2004
            data += os.read(fd, 1)
    return data.decode(errors="replace")


def _is_whole(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
