"""What every generator of tasks shares: keyed draws, and a task before it becomes a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from alignmeter.identity import keyed_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alignmeter.records import Grade, TaskCheck

T = TypeVar("T")


class Task(NamedTuple):
    """One generated task.

    Attributes:
        reference: The right result in words, for people.
        explanation: How it comes about, where that is not plain.
    """

    prompt: str
    check: TaskCheck
    reference: str
    explanation: str = ""


class Kind(NamedTuple):
    """One kind of task: how hard it is meant to be, how many are made, and how.

    Attributes:
        make: Makes a task from draws; two draws may give the same task, which is then made once.
    """

    name: str
    grade: Grade
    families: int
    make: Callable[[Dice], Task]


class Dice:
    """Draws that depend on a seed and a name alone, the same on every machine and version of Python."""

    def __init__(self, seed: int, *name: str) -> None:
        """Begin the draws of one task."""
        self._seed = seed
        self._name = name
        self._drawn = 0

    def between(self, lowest: int, highest: int) -> int:
        """A whole number from `lowest` to `highest`, both included."""
        self._drawn += 1
        drawn = int.from_bytes(keyed_hash(self._seed, *self._name, str(self._drawn))[:16], "big")
        return lowest + drawn % (highest - lowest + 1)

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.between(0, len(items) - 1)]

    def several(self, items: Sequence[T], count: int) -> list[T]:
        """Different ones of the items, in a drawn order."""
        left = list(items)
        return [left.pop(self.between(0, len(left) - 1)) for _ in range(count)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All items in a drawn order."""
        return self.several(items, len(items))
