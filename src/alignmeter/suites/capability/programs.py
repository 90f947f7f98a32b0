"""What does this program print? Small programs whose output the generator works out itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.records import NumberCheck, TextCheck
from alignmeter.suites.capability.drawing import Kind, Task

if TYPE_CHECKING:
    from alignmeter.records import Grade
    from alignmeter.suites.capability.drawing import Dice

_WORDS = (
    "hello",
    "apple",
    "green",
    "music",
    "table",
    "river",
    "cloud",
    "bread",
    "stone",
    "light",
    "paper",
    "chair",
)
_OUTPUT = "What is the output of this Python program?"
_QUESTION = "What does this Python program print? Give only the output."


def _number(program: str, answer: int, grade: Grade, question: str = _QUESTION) -> Task:
    return Task(f"{question}\n\n{program}", NumberCheck(answer=answer, grade=grade), str(answer))


def _printed_sum(dice: Dice) -> Task:
    a, b = dice.between(1, 5), dice.between(1, 4)
    return _number(f"print({a} + {b})", a + b, "easy", _OUTPUT)


def _printed_word(dice: Dice) -> Task:
    word = dice.pick(_WORDS)
    return Task(f'{_OUTPUT}\n\nprint("{word}")', TextCheck(answers=(word,), grade="easy"), word)


def _printed_value(dice: Dice) -> Task:
    name, value = dice.pick("abcnxy"), dice.between(2, 90)
    return _number(f"{name} = {value}\nprint({name})", value, "easy", _OUTPUT)


def _loop(dice: Dice) -> Task:
    start, stop, step, skipped = (
        dice.between(0, 4),
        dice.between(12, 24),
        dice.between(2, 3),
        dice.between(3, 5),
    )
    total = sum(value for value in range(start, stop, step) if value % skipped)
    return _number(
        f"total = 0\nfor value in range({start}, {stop}, {step}):\n    if value % {skipped} == 0:\n       "
        " continue\n"
        f"    total += value\nprint(total)",
        total,
        "medium",
    )


def _slices(dice: Dice) -> Task:
    word = dice.pick(
        ("alphabet", "notebook", "sandcastle", "microphone", "waterfall", "bookshelf", "playground")
    )
    first, last, step = dice.between(0, 2), dice.between(5, 8), dice.pick((1, 2, -1))
    shown = (
        f"[{first}:{last}]" if step == 1 else f"[{first}:{last}:2]" if step > 1 else f"[{first}:{last}][::-1]"
    )
    cut = word[first:last:step] if step > 0 else word[first:last][::-1]
    return Task(
        f'{_QUESTION}\n\nword = "{word}"\nprint(word{shown})',
        TextCheck(answers=(cut,), exact=True, grade="medium"),
        cut,
    )


def _counting(dice: Dice) -> Task:
    numbers = [dice.between(1, 30) for _ in range(7)]
    limit = dice.between(8, 20)
    best = max((number for number in numbers if number < limit), default=0) + len({n % 5 for n in numbers})
    return _number(
        f"numbers = {numbers}\nsmall = [n for n in numbers if n < {limit}]\nrests = "
        f"{{n % 5 for n in numbers}}\n"
        f"print(max(small, default=0) + len(rests))",
        best,
        "medium",
    )


def _recursion(dice: Dice) -> Task:
    a, b, n = dice.between(2, 3), dice.between(1, 5), dice.between(17, 22)
    values = [1, 1, 2]
    for k in range(3, n + 1):
        values.append((values[k - 1] + a * values[k - 3] + b * (k % 4)) % 1_009)
    return _number(
        f"def f(k):\n    if k < 2:\n        return 1\n    if k == 2:\n        return 2\n"
        f"    return (f(k - 1) + {a} * f(k - 3) + {b} * (k % 4)) % 1009\n\nprint(f({n}))",
        values[n],
        "hard",
        _QUESTION.replace("Give only the output.", "Work it out and end with a line `Answer: NUMBER`."),
    )


def _shared_list(dice: Dice) -> Task:
    """A default argument that is kept between calls, and an alias: both surprise."""
    first, second, third, factor = (dice.between(2, 9) for _ in range(4))
    kept: list[int] = []
    out = 0
    for index, value in enumerate((first, second, third, first + third, second * 2, 7)):
        kept.append(value * factor + index)
        if index % 2:
            kept.reverse()
        out += kept[0] - kept[-1] // 2
    return _number(
        f"def push(value, index, kept=[]):\n    alias = kept\n    alias.append(value * {factor} + "
        "index)\n    if index % 2:\n"
        "        kept.reverse()\n    return alias[0] - kept[-1] // 2\n\nout = 0\nfor index, value in "
        "enumerate(("
        f"{first}, {second}, {third}, {first} + {third}, {second} * 2, 7)):\n    out += push(value, "
        "index)\nprint(out)",
        out,
        "hard",
        _QUESTION.replace("Give only the output.", "Work it out and end with a line `Answer: NUMBER`."),
    )


def _bits(dice: Dice) -> Task:
    seed, mask, turns = dice.between(1_000, 60_000), dice.between(300, 65_000), dice.between(9, 13)
    state = seed
    for turn in range(turns):
        state ^= (state << 3) & 0xFFFF
        state = (state >> 2) ^ (mask if state & 1 else turn)
    return _number(
        f"state = {seed}\nfor turn in range({turns}):\n    state ^= (state << 3) & 0xFFFF\n"
        f"    state = (state >> 2) ^ ({mask} if state & 1 else turn)\nprint(state)",
        state,
        "hard",
        _QUESTION.replace("Give only the output.", "Work it out and end with a line `Answer: NUMBER`."),
    )


PROGRAMS: tuple[Kind, ...] = (
    Kind("printed_sum", "easy", 10, _printed_sum),
    Kind("printed_word", "easy", 10, _printed_word),
    Kind("printed_value", "easy", 10, _printed_value),
    Kind("loop", "medium", 9, _loop),
    Kind("slices", "medium", 8, _slices),
    Kind("counting", "medium", 9, _counting),
    Kind("recursion", "hard", 9, _recursion),
    Kind("shared_list", "hard", 9, _shared_list),
    Kind("bits", "hard", 9, _bits),
)
"""Programs to be read: 30 easy families, 26 medium, 27 hard; the rest of general code is to be written."""
