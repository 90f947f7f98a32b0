"""Programs to be written: what is asked and the unit tests that a program must pass."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from alignmeter.records import CodeCheck, Grade, Record
from alignmeter.suites.capability.drawing import Task
from alignmeter.suites.data_files import data_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCED = "Answer with one Python code block that holds the whole program and no example of its use."


class CodingTask(Record, frozen=True):
    """One programming task; `name` is what the tests call."""

    name: str
    grade: Grade
    prompt: str
    tests: str


class _File(Record, frozen=True):
    version: int
    tasks: tuple[CodingTask, ...]


def coding_tasks() -> Iterator[tuple[str, Task]]:
    """Yield every programming task, with its name."""
    for task in _file().tasks:
        check = CodeCheck(tests=task.tests, entry_point=task.name, grade=task.grade)
        yield (
            task.name.lower(),
            Task(f"{task.prompt}\n\n{_FENCED}", check, f"a program that defines {task.name}"),
        )


@cache
def _file() -> _File:
    return msgspec.convert(data_yaml("code.yaml", "alignmeter.suites.capability"), _File)
