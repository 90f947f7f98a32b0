"""Factual recall: facts that do not change, from tables; what everybody knows is easy."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from alignmeter.records import Grade, NumberCheck, Record, TextCheck
from alignmeter.suites.capability.drawing import Task
from alignmeter.suites.data_files import data_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Table(Record, frozen=True):
    """Facts of one kind: entity and right answers by grade."""

    name: str
    question: str
    easy_question: str = ""
    numbers: bool = False
    easy: dict[str, tuple[str | int, ...]] = msgspec.field(default_factory=dict[str, tuple[str | int, ...]])
    medium: dict[str, tuple[str | int, ...]] = msgspec.field(default_factory=dict[str, tuple[str | int, ...]])
    hard: dict[str, tuple[str | int, ...]] = msgspec.field(default_factory=dict[str, tuple[str | int, ...]])

    def grades(self) -> Iterator[tuple[Grade, dict[str, tuple[str | int, ...]]]]:
        """The facts of each grade."""
        yield "easy", self.easy
        yield "medium", self.medium
        yield "hard", self.hard


class _Tables(Record, frozen=True):
    version: int
    tables: tuple[_Table, ...]


def recall_tasks() -> Iterator[tuple[str, Task]]:
    """Yield every fact as a task, with the name of its table."""
    for table in _tables().tables:
        for grade, facts in table.grades():
            for entity, answers in facts.items():
                template = (table.easy_question if grade == "easy" else "") or table.question
                yield table.name, _task(table, template.replace("{entity}", entity), answers, grade)


def _task(table: _Table, prompt: str, answers: tuple[str | int, ...], grade: Grade) -> Task:
    if table.numbers:
        number = int(answers[0])
        return Task(prompt, NumberCheck(answer=number, grade=grade), str(number))
    accepted = tuple(str(answer) for answer in answers)
    taken = {answer.casefold() for answer in accepted}
    rivals = sorted(
        {
            str(other[0])
            for _, facts in table.grades()
            for other in facts.values()
            if not any(str(one).casefold() in taken for one in other)
        }
    )
    # What the question itself names is no answer of its own.
    rivals = [rival for rival in rivals if rival.casefold() not in prompt.casefold()]
    return Task(prompt, TextCheck(answers=accepted, rivals=tuple(rivals), grade=grade), accepted[0])


@cache
def _tables() -> _Tables:
    return msgspec.convert(data_yaml("recall.yaml", "alignmeter.suites.capability"), _Tables)
