"""Formal reasoning: patterns and orders, rules to follow, puzzles whose one solution a search has found."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

from alignmeter.records import NumberCheck, SequenceCheck, TextCheck
from alignmeter.suites.capability.drawing import Kind, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alignmeter.records import Grade
    from alignmeter.suites.capability.drawing import Dice

_NAMES = ("Ana", "Bo", "Cem", "Dia", "Eli", "Fay", "Gus", "Hal", "Ida", "Jon")
_KINDS = (
    ("dogs", "dog", "animal"), ("cats", "cat", "animal"), ("roses", "rose", "flower"), ("oaks", "oak", "tree"),
    ("apples", "apple", "fruit"), ("ants", "ant", "insect"), ("robins", "robin", "bird"),
    ("tulips", "tulip", "flower"), ("pears", "pear", "fruit"), ("pines", "pine", "tree"),
    ("owls", "owl", "bird"), ("bees", "bee", "insect"),
)  # fmt: skip
_WORKED = "Think step by step and end with a line `Answer: ...`."


def _word(prompt: str, answer: str, grade: Grade, rivals: Sequence[str] = (), chance: float = 0.0) -> Task:
    others = tuple(rival for rival in rivals if rival != answer)
    return Task(
        prompt, TextCheck(answers=(answer,), rivals=others, grade=grade, chance=round(chance, 4)), answer
    )


def _list(prompt: str, items: Sequence[str], grade: Grade) -> Task:
    return Task(prompt, SequenceCheck(items=tuple(items), grade=grade), ", ".join(items))


# --- easy ----------------------------------------------------------------------------------------


def _pattern(dice: Dice) -> Task:
    first, second = dice.several(("red", "blue", "sun", "moon", "cat", "dog", "one", "two", "up", "down"), 2)
    shown = " ".join((first, second) * 3)
    return _word(
        f"Continue the pattern with one word.\nyes no yes no yes: no\n{shown} {first}:",
        second,
        "easy",
        (first,),
        0.5,
    )


def _membership(dice: Dice) -> Task:
    plural, single, kind = dice.pick(_KINDS)
    name = dice.pick(_NAMES)
    article = "an" if single[0] in "aeio" else "a"
    whole = "an" if kind[0] in "aeio" else "a"
    return _word(
        f"All {plural} are {kind}s. {name} is {article} {single}. So {name} is {whole}",
        kind,
        "easy",
        (single,),
    )


def _sort_three(dice: Dice) -> Task:
    numbers = dice.several(range(1, 10), 3)
    ordered = [str(number) for number in sorted(numbers)]
    return _list(
        f"Sort from smallest to largest.\n3, 1, 2: 1, 2, 3\n6, 9, 4: 4, 6, 9\n{', '.join(map(str, numbers))}:",
        ordered,
        "easy",
    )


def _last_of_list(dice: Dice) -> Task:
    words = dice.several(("pen", "cup", "hat", "box", "key", "bag", "fish", "tree", "lamp", "door"), 3)
    return _word(
        f"Write the last word of the list.\nmap, bed, car: car\nsea, sky, sand: sand\n{', '.join(words)}:",
        words[-1],
        "easy",
        words[:-1],
    )


# --- medium --------------------------------------------------------------------------------------


def _tallest(dice: Dice) -> Task:
    people = dice.several(_NAMES, 5)
    facts = [f"{people[i]} is taller than {people[i + 1]}." for i in range(4)]
    place, word = dice.pick(((0, "tallest"), (4, "shortest"), (1, "second tallest"), (2, "in the middle")))
    return _word(
        f"{' '.join(dice.shuffled(facts))} Who is {'the ' if place != 2 else ''}{word}? {_WORKED}",  # noqa: PLR2004
        people[place],
        "medium",
        people,
        0.2,
    )


def _rules(dice: Dice) -> Task:
    letters = dice.several("ABCDEFGHIJ", 8)
    rules = [f"If {letters[i]} then {letters[i + 1]}." for i in range(5)]
    rules += [f"If {letters[6]} then {letters[5]}.", f"If {letters[7]} then {letters[6]}."]
    start = dice.between(0, 3)
    reached = letters[start:6]
    return Task(
        f"{' '.join(dice.shuffled(rules))} {letters[start]} is true. Which letters must be true? List them in "
        f"alphabetical order, {letters[start]} included, separated by commas, after `Answer:`.",
        SequenceCheck(items=tuple(sorted(reached)), grade="medium"),
        ", ".join(sorted(reached)),
    )


def _boolean(dice: Dice) -> Task:
    def grown(depth: int) -> str:
        if depth == 0:
            return dice.pick(("true", "false"))
        operator = dice.pick(("and", "or", "and", "or", "not"))
        if operator == "not":
            return f"not ({grown(depth - 1)})"
        return f"({grown(depth - 1)}) {operator} ({grown(depth - 1)})"

    expression = grown(3).replace("(true)", "true").replace("(false)", "false")
    value = _truth(expression)
    return _word(
        f"What is the value of: {expression}? Answer `true` or `false`.",
        "true" if value else "false",
        "medium",
        ("true", "false"),
        0.5,
    )


def _truth(expression: str) -> bool:
    """Value of an expression of true, false, and, or, not and brackets."""
    tokens = expression.replace("(", " ( ").replace(")", " ) ").split()

    def atom(position: int) -> tuple[bool, int]:
        match tokens[position]:
            case "not":
                value, position = atom(position + 1)
                return not value, position
            case "(":
                value, position = either(position + 1)
                return value, position + 1
            case token:
                return token == "true", position + 1

    def both(position: int) -> tuple[bool, int]:
        value, position = atom(position)
        while position < len(tokens) and tokens[position] == "and":
            other, position = atom(position + 1)
            value = value and other
        return value, position

    def either(position: int) -> tuple[bool, int]:
        value, position = both(position)
        while position < len(tokens) and tokens[position] == "or":
            other, position = both(position + 1)
            value = value or other
        return value, position

    return either(0)[0]


def _swaps(dice: Dice) -> Task:
    return _swapped(dice, people=4, swaps=5, grade="medium")


def _sort_words(dice: Dice) -> Task:
    words = ("amber", "basil", "cedar", "delta", "ember", "fjord", "gravel", "harbor", "island", "jungle", "kettle",
             "ladder", "meadow", "needle", "orchid", "pepper", "quartz", "ribbon", "saddle", "timber")  # fmt: skip
    chosen = dice.several(words, 7)
    return _list(
        f"Sort these words in reverse alphabetical order, separated by commas: {', '.join(chosen)}.",
        sorted(chosen, reverse=True),
        "medium",
    )


# --- hard ----------------------------------------------------------------------------------------


def _many_swaps(dice: Dice) -> Task:
    return _swapped(dice, people=9, swaps=34, grade="hard")


def _swapped(dice: Dice, *, people: int, swaps: int, grade: Grade) -> Task:
    names = dice.several(_NAMES, people)
    objects = dice.several(
        ("ball", "book", "coin", "drum", "flag", "ring", "rope", "shoe", "vase", "kite"), people
    )
    held = dict(zip(names, objects, strict=True))
    story = [f"{name} holds the {thing}." for name, thing in held.items()]
    for _ in range(swaps):
        one, other = dice.several(names, 2)
        held[one], held[other] = held[other], held[one]
        story.append(f"{one} and {other} swap.")
    asked = dice.pick(names)
    return _word(
        f"{' '.join(story)} What does {asked} hold now? {_WORKED}", held[asked], grade, objects, 1 / people
    )


def _satisfied(dice: Dice) -> Task:
    letters = "abcdef"
    clauses = [
        [(dice.pick((True, False)), letter) for letter in sorted(dice.several(letters, 3))] for _ in range(9)
    ]
    count = sum(
        all(any(values[letters.index(letter)] == sign for sign, letter in clause) for clause in clauses)
        for values in product((True, False), repeat=len(letters))
    )
    shown = " and ".join(
        "(" + " or ".join(letter if sign else f"not {letter}" for sign, letter in clause) + ")"
        for clause in clauses
    )
    return Task(
        f"How many of the 64 ways to make a, b, c, d, e and f true or false satisfy: {shown}? {_WORKED}",
        NumberCheck(answer=count, grade="hard"),
        str(count),
    )


def _automaton(dice: Dice) -> Task:
    states = "PQRSTU"
    table = {(state, sign): dice.pick(states) for state in states for sign in "xyz"}
    word = "".join(dice.pick("xyz") for _ in range(45))
    state = start = dice.pick(states)
    visits = dict.fromkeys(states, 0)
    for sign in word:
        state = table[state, sign]
        visits[state] += 1
    rules = "; ".join(f"{a} on {sign} goes to {b}" for (a, sign), b in table.items())
    asked = max(states, key=lambda each: (visits[each] != max(visits.values()), visits[each], each))
    return Task(
        f"A machine starts in state {start}. Its moves: {rules}. It reads, sign by sign: {' '.join(word)}. After how "
        f"many of these moves is it in state {asked}? {_WORKED}",
        NumberCheck(answer=visits[asked], grade="hard"),
        str(visits[asked]),
    )


def _knights(dice: Dice) -> Task:
    while True:
        names = dice.several(_NAMES, 6)
        sayings = [_saying(dice, names, index) for index in range(6)]
        solutions = [
            honest
            for honest in product((True, False), repeat=6)
            if all(honest[index] == saying[1](honest) for index, saying in enumerate(sayings))
        ]
        if len(solutions) == 1 and 1 <= sum(solutions[0]) <= 5:  # noqa: PLR2004 - neither none nor all
            break
    told = " ".join(f"{name} says: {saying[0]}" for name, saying in zip(names, sayings, strict=True))
    honest = sorted(name for name, says_truth in zip(names, solutions[0], strict=True) if says_truth)
    return _list(
        f"Each of {', '.join(names)} either always tells the truth or always lies. {told} Who tells the truth? End with "
        "`Answer:` and their names in alphabetical order, separated by commas.",
        honest,
        "hard",
    )


def _saying(dice: Dice, names: Sequence[str], speaker: int) -> tuple[str, Callable[[Sequence[bool]], bool]]:
    a, b, c = dice.several([index for index in range(len(names)) if index != speaker], 3)
    count = dice.between(2, 4)
    sayings: tuple[tuple[str, Callable[[Sequence[bool]], bool]], ...] = (
        (f"{names[a]} and {names[b]} are of the same kind.", lambda honest: honest[a] == honest[b]),
        (f"{names[a]} lies, or {names[b]} tells the truth.", lambda honest: not honest[a] or honest[b]),
        (f"Exactly {count} of us tell the truth.", lambda honest: sum(honest) == count),
        (
            f"Of {names[a]}, {names[b]} and {names[c]} at least two lie.",
            lambda honest: sum((honest[a], honest[b], honest[c])) <= 1,
        ),
        (
            f"{names[a]} tells the truth only if {names[b]} lies.",
            lambda honest: not (honest[a] and honest[b]),
        ),
    )
    return dice.pick(sayings)


def _houses(dice: Dice) -> Task:
    """Who lives where, with which pet: clues are taken until one arrangement alone is left."""
    people, pets = (
        dice.several(_NAMES, 5),
        dice.several(("cat", "dog", "owl", "hen", "fox", "goat", "pony"), 5),
    )
    homes, owners = dice.shuffled(range(5)), dice.shuffled(range(5))
    every = [(home, pet) for home in permutations(range(5)) for pet in permutations(range(5))]
    clues: list[str] = []
    # Clues that leave much open come first, so that no single one gives the puzzle away.
    for text, holds in _clues(dice, people, pets, homes, owners):
        left = [each for each in every if holds(*each)]
        if len(left) < len(every):
            clues.append(text)
            every = left
        if len(every) == 1:
            break
    asked = dice.between(0, 4)
    by_home = {home: name for name, home in zip(people, homes, strict=True)}
    return _word(
        f"Five houses stand in a row, numbered 1 to 5. In each lives one of {', '.join(people)}, with one of the animals "
        f"{', '.join(pets)}. {' '.join(dice.shuffled(clues))} Who lives with the {pets[asked]}? {_WORKED}",
        by_home[owners[asked]],
        "hard",
        people,
        0.2,
    )


Arrangement = tuple[int, ...]


def _clues(
    dice: Dice, people: Sequence[str], pets: Sequence[str], homes: Sequence[int], owners: Sequence[int]
) -> list[tuple[str, Callable[[Arrangement, Arrangement], bool]]]:
    """True statements about an arrangement: `homes` by person and `owners` by pet are house numbers from 0."""
    loose: list[tuple[str, Callable[[Arrangement, Arrangement], bool]]] = []
    exact: list[tuple[str, Callable[[Arrangement, Arrangement], bool]]] = []
    for i in range(5):
        for j in range(5):
            if homes[i] < owners[j]:
                loose.append(
                    (
                        f"{people[i]} lives somewhere left of the {pets[j]}.",
                        lambda h, o, i=i, j=j: h[i] < o[j],
                    )
                )
            if homes[i] == owners[j] + 1:
                exact.append(
                    (f"{people[i]} lives right after the {pets[j]}.", lambda h, o, i=i, j=j: h[i] == o[j] + 1)
                )
            if i != j and abs(homes[i] - homes[j]) > 1:
                loose.append(
                    (
                        f"{people[i]} and {people[j]} are no neighbours.",
                        lambda h, o, i=i, j=j: abs(h[i] - h[j]) > 1,  # noqa: ARG005
                    )
                )
            if i < j and abs(owners[i] - owners[j]) == 1:
                exact.append(
                    (
                        f"The {pets[i]} and the {pets[j]} live next to each other.",
                        lambda h, o, i=i, j=j: abs(o[i] - o[j]) == 1,  # noqa: ARG005
                    )
                )
        exact.append(
            (
                f"{people[i]} lives in house {homes[i] + 1}.",
                lambda h, o, i=i: h[i] == homes[i],  # noqa: ARG005
            )
        )
    last = [
        (f"The {pets[i]} lives in house {owners[i] + 1}.", lambda h, o, i=i: o[i] == owners[i])
        for i in range(5)
    ]
    return [*dice.several(loose, min(5, len(loose))), *dice.shuffled([*loose, *exact]), *last]


FORMAL_REASONING: tuple[Kind, ...] = (
    Kind("pattern", "easy", 12, _pattern),
    Kind("membership", "easy", 12, _membership),
    Kind("sort_three", "easy", 12, _sort_three),
    Kind("last_of_list", "easy", 12, _last_of_list),
    Kind("tallest", "medium", 10, _tallest),
    Kind("rules", "medium", 10, _rules),
    Kind("boolean", "medium", 8, _boolean),
    Kind("swaps", "medium", 10, _swaps),
    Kind("sort_words", "medium", 10, _sort_words),
    Kind("many_swaps", "hard", 9, _many_swaps),
    Kind("satisfied", "hard", 9, _satisfied),
    Kind("automaton", "hard", 10, _automaton),
    Kind("knights", "hard", 10, _knights),
    Kind("houses", "hard", 10, _houses),
)
"""Kinds of tasks in formal reasoning: 48 families of each grade."""
