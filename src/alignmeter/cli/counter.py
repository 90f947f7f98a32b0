"""A count that grows on a terminal while work goes on; silent elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

from alignmeter.cli.output import console, tell

if TYPE_CHECKING:
    from collections.abc import Generator

_LONG = 5_000
"""From how many on a log is told how far the work is."""


class Count(Protocol):
    """Told how many of how many are done."""

    def __call__(self, done: int, total: int) -> None:
        """Show it."""
        ...


@contextmanager
def counter(what: str) -> Generator[Count]:
    """Give a function to be told how many of how many are done.

    A terminal shows a bar. Elsewhere, as in a log, long work writes a line for each tenth of it.
    """
    if not sys.stderr.isatty():
        yield partial(_tenths, what)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def _tenths(what: str, done: int, total: int) -> None:
    if total >= _LONG and (done == 1 or done * 10 // total > (done - 1) * 10 // total):
        tell(f"{what}: {done} of {total}")
