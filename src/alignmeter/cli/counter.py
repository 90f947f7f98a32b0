"""A count that grows on a terminal while work goes on; silent elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from alignmeter.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Generator


class Count(Protocol):
    """Told how many of how many are done."""

    def __call__(self, done: int, total: int) -> None:
        """Show it."""
        ...


@contextmanager
def counter(what: str) -> Generator[Count | None]:
    """Give a function to be told how many of how many are done; None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show
