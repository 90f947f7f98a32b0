"""Puzzles with one solution, which a search over all possibilities has found: liars, and neighbours."""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations, product
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from alignmeter.records import SequenceCheck, TextCheck
from alignmeter.suites.capability.drawing import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alignmeter.suites.capability.drawing import Dice

NAMES = ("Ana", "Bo", "Cem", "Dia", "Eli", "Fay", "Gus", "Hal", "Ida", "Jon")
WORKED = "Think step by step and end with a line `Answer: ...`."

_PEOPLE = 6
_HOUSES = range(5)
_ANIMALS = ("cat", "dog", "owl", "hen", "fox", "goat", "pony")

Arrangement: TypeAlias = tuple[int, ...]
"""House numbers from 0: of each person, or of each animal."""


class _Saying(NamedTuple):
    """What one of the six says, about others by their numbers."""

    kind: Literal["same", "implies", "exactly", "liars", "not_both"]
    a: int
    b: int
    c: int
    number: int

    def words(self, names: Sequence[str]) -> str:
        """As it is told."""
        a, b, c = names[self.a], names[self.b], names[self.c]
        return {
            "same": f"{a} and {b} are of the same kind.",
            "implies": f"{a} lies, or {b} tells the truth.",
            "exactly": f"Exactly {self.number} of us tell the truth.",
            "liars": f"Of {a}, {b} and {c} at least two lie.",
            "not_both": f"{a} tells the truth only if {b} lies.",
        }[self.kind]

    def holds(self, honest: Sequence[bool]) -> bool:
        """Whether it is true where these are honest."""
        a, b, c = honest[self.a], honest[self.b], honest[self.c]
        return {
            "same": a == b,
            "implies": not a or b,
            "exactly": sum(honest) == self.number,
            "liars": a + b + c <= 1,
            "not_both": not (a and b),
        }[self.kind]


class _Clue(NamedTuple):
    """A statement about persons, animals and houses by their numbers."""

    kind: Literal["left", "after", "apart", "home", "near", "den"]
    i: int
    j: int

    def words(self, people: Sequence[str], animals: Sequence[str]) -> str:
        """As it is told."""
        i, j = self.i, self.j
        match self.kind:
            case "left":
                return f"{people[i]} lives somewhere left of the {animals[j]}."
            case "after":
                return f"{people[i]} lives right after the {animals[j]}."
            case "apart":
                return f"{people[i]} does not live with the {animals[j]}."
            case "home":
                return f"{people[i]} lives in house {j + 1}."
            case "near":
                return f"The {animals[i]} and the {animals[j]} live next to each other."
            case "den":
                return f"The {animals[i]} lives in house {j + 1}."

    def test(self) -> Callable[[Arrangement, Arrangement], bool]:
        """Return what tells whether it is true of an arrangement: asked of thousands."""
        i, j = self.i, self.j
        match self.kind:
            case "left":
                return lambda homes, dens: homes[i] < dens[j]
            case "after":
                return lambda homes, dens: homes[i] == dens[j] + 1
            case "apart":
                return lambda homes, dens: homes[i] != dens[j]
            case "home":
                return lambda homes, _: homes[i] == j
            case "near":
                return lambda _, dens: abs(dens[i] - dens[j]) == 1
            case "den":
                return lambda _, dens: dens[i] == j


def knights(dice: Dice) -> Task:
    """Who of six always tells the truth? Drawn until one answer alone fits what they say."""
    while True:
        names = dice.several(NAMES, _PEOPLE)
        sayings = [_saying(dice, speaker) for speaker in range(_PEOPLE)]
        solutions = [
            honest
            for honest in product((True, False), repeat=_PEOPLE)
            if all(honest[speaker] == saying.holds(honest) for speaker, saying in enumerate(sayings))
        ]
        if len(solutions) == 1 and 0 < sum(solutions[0]) < _PEOPLE:
            break
    told = " ".join(
        f"{name} says: {saying.words(names)}" for name, saying in zip(names, sayings, strict=True)
    )
    answer = sorted(name for name, says_truth in zip(names, solutions[0], strict=True) if says_truth)
    return Task(
        f"Each of {', '.join(names)} either always tells the truth or always lies. {told} Who tells the "
        "truth? End with `Answer:` and their names in alphabetical order, separated by commas.",
        SequenceCheck(items=tuple(answer), grade="hard"),
        ", ".join(answer),
    )


def _saying(dice: Dice, speaker: int) -> _Saying:
    a, b, c = dice.several([other for other in range(_PEOPLE) if other != speaker], 3)
    kinds = ("same", "implies", "exactly", "liars", "not_both")
    return _Saying(dice.pick(kinds), a, b, c, dice.between(2, 4))


def houses(dice: Dice) -> Task:
    """Who lives with which animal? Clues are taken until one arrangement alone is left."""
    people, animals = dice.several(NAMES, len(_HOUSES)), dice.several(_ANIMALS, len(_HOUSES))
    homes, dens = tuple(dice.shuffled(_HOUSES)), tuple(dice.shuffled(_HOUSES))
    left = _arrangements()
    clues: list[str] = []
    for clue in _clues(dice, homes, dens):
        holds = clue.test()
        fitting = [(home, den) for home, den in left if holds(home, den)]
        if len(fitting) < len(left):  # a clue that tells nothing new is left out
            clues.append(clue.words(people, animals))
            left = fitting
        if len(left) == 1:
            break
    asked = dice.pick(_HOUSES)
    answer = people[homes.index(dens[asked])]
    return Task(
        f"Five houses stand in a row, numbered 1 to 5. In each lives one of {', '.join(people)}, with one "
        f"of the animals {', '.join(animals)}. {' '.join(dice.shuffled(clues))} Who lives with the "
        f"{animals[asked]}? {WORKED}",
        TextCheck(
            answers=(answer,),
            rivals=tuple(name for name in people if name != answer),
            grade="hard",
            chance=1 / len(people),
        ),
        answer,
    )


@cache
def _arrangements() -> Sequence[tuple[Arrangement, Arrangement]]:
    """Everybody in every house, with every animal in every house."""
    return tuple(product(permutations(_HOUSES), permutations(_HOUSES)))


def _clues(dice: Dice, homes: Arrangement, dens: Arrangement) -> list[_Clue]:
    """True statements, enough to leave one arrangement: first such as leave much open, then any."""
    every = [_Clue(kind, i, j) for kind in ("left", "after", "apart") for i, j in product(_HOUSES, _HOUSES)]
    every += [_Clue("home", i, home) for i, home in enumerate(homes)]
    every += [_Clue("near", i, j) for i, j in combinations(_HOUSES, 2)]
    true = [clue for clue in every if clue.test()(homes, dens)]
    loose = [clue for clue in true if clue.kind == "left"]
    # Where each animal lives settles whatever the others leave open.
    last = [_Clue("den", animal, den) for animal, den in enumerate(dens)]
    return [*dice.several(loose, min(4, len(loose))), *dice.shuffled(true), *last]
