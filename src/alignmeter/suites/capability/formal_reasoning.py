"""Formal reasoning: statements read back, rules to follow, puzzles whose one solution a search found."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from alignmeter.records import NumberCheck, SequenceCheck, TextCheck
from alignmeter.suites.capability.drawing import Kind, Task
from alignmeter.suites.capability.puzzles import NAMES, WORKED, houses, knights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import Grade
    from alignmeter.suites.capability.drawing import Dice

_KINDS = (
    ("dogs", "dog", "animal"), ("cats", "cat", "animal"), ("roses", "rose", "flower"),
    ("oaks", "oak", "tree"),
    ("apples", "apple", "fruit"), ("ants", "ant", "insect"), ("robins", "robin", "bird"),
    ("tulips", "tulip", "flower"), ("pears", "pear", "fruit"), ("pines", "pine", "tree"),
    ("owls", "owl", "bird"), ("bees", "bee", "insect"),
)  # fmt: skip

_THINGS = ("ball", "key", "cat", "cup", "book", "coin", "dog", "hat", "lamp", "ring")
_PLACES = ("garden", "drawer", "kitchen", "box", "car", "cellar", "bag", "tent")

_WORDS = (
    "amber", "basil", "cedar", "delta", "ember", "fjord", "gravel", "harbor", "island", "jungle", "kettle",
    "ladder", "meadow", "needle", "orchid", "pepper", "quartz", "ribbon", "saddle", "timber",
)  # fmt: skip


def _word(prompt: str, answer: str, grade: Grade, rivals: Sequence[str] = (), chance: float = 0.0) -> Task:
    others = tuple(rival for rival in rivals if rival != answer)
    return Task(
        prompt, TextCheck(answers=(answer,), rivals=others, grade=grade, chance=round(chance, 4)), answer
    )


def _list(prompt: str, items: Sequence[str], grade: Grade) -> Task:
    return Task(prompt, SequenceCheck(items=tuple(items), grade=grade), ", ".join(items))


# --- easy ----------------------------------------------------------------------------------------


def _where(dice: Dice) -> Task:
    thing, place = dice.pick(_THINGS), dice.pick(_PLACES)
    return _word(f"The {thing} is in the {place}. Where is the {thing}?", place, "easy")


def _comparison(dice: Dice) -> Task:
    more, less = dice.several(NAMES, 2)
    asked = dice.shuffled((more, less))
    word = dice.pick(("older", "taller", "faster", "stronger"))
    return _word(
        f"{more} is {word} than {less}. Who is {word}, {asked[0]} or {asked[1]}?",
        more,
        "easy",
        (less,),
        0.5,
    )


def _list_again(dice: Dice) -> Task:
    numbers = [str(number) for number in dice.several(range(1, 10), 3)]
    return _list(f"Copy this list: {', '.join(numbers)}", numbers, "easy")


def _membership(dice: Dice) -> Task:
    plural, single, kind = dice.pick(_KINDS)
    name = dice.pick(NAMES)
    article = "an" if single[0] in "aeio" else "a"
    whole = "an" if kind[0] in "aeio" else "a"
    return _word(
        f"All {plural} are {kind}s. {name} is {article} {single}. So {name} is {whole}",
        kind,
        "easy",
        (single,),
    )


# --- medium --------------------------------------------------------------------------------------


def _tallest(dice: Dice) -> Task:
    people = dice.several(NAMES, 5)
    facts = [f"{people[i]} is taller than {people[i + 1]}." for i in range(4)]
    place, word = dice.pick(((0, "tallest"), (4, "shortest"), (1, "second tallest"), (2, "in the middle")))
    return _word(
        f"{' '.join(dice.shuffled(facts))} Who is {'the ' if place != 2 else ''}{word}? {WORKED}",  # noqa: PLR2004
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
        f"{' '.join(dice.shuffled(rules))} {letters[start]} is true. Which letters must be true? List "
        "them in "
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
            case word:
                return word == "true", position + 1

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
    chosen = dice.several(_WORDS, 7)
    return _list(
        f"Sort these words in reverse alphabetical order, separated by commas: {', '.join(chosen)}.",
        sorted(chosen, reverse=True),
        "medium",
    )


# --- hard ----------------------------------------------------------------------------------------


def _many_swaps(dice: Dice) -> Task:
    return _swapped(dice, people=9, swaps=34, grade="hard")


def _swapped(dice: Dice, *, people: int, swaps: int, grade: Grade) -> Task:
    names = dice.several(NAMES, people)
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
        f"{' '.join(story)} What does {asked} hold now? {WORKED}", held[asked], grade, objects, 1 / people
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
        f"How many of the 64 ways to make a, b, c, d, e and f true or false satisfy: {shown}? {WORKED}",
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
        f"A machine starts in state {start}. Its moves: {rules}. It reads, sign by sign: "
        f"{' '.join(word)}. After how "
        f"many of these moves is it in state {asked}? {WORKED}",
        NumberCheck(answer=visits[asked], grade="hard"),
        str(visits[asked]),
    )


FORMAL_REASONING: tuple[Kind, ...] = (
    Kind("where", "easy", 14, _where),
    Kind("comparison", "easy", 14, _comparison),
    Kind("list_again", "easy", 10, _list_again),
    Kind("membership", "easy", 10, _membership),
    Kind("tallest", "medium", 10, _tallest),
    Kind("rules", "medium", 10, _rules),
    Kind("boolean", "medium", 8, _boolean),
    Kind("swaps", "medium", 10, _swaps),
    Kind("sort_words", "medium", 10, _sort_words),
    Kind("many_swaps", "hard", 9, _many_swaps),
    Kind("satisfied", "hard", 9, _satisfied),
    Kind("automaton", "hard", 10, _automaton),
    Kind("knights", "hard", 10, knights),
    Kind("houses", "hard", 10, houses),
)
"""Kinds of tasks in formal reasoning: 48 families of each grade."""
