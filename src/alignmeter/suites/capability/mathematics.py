"""Mathematics: from one-digit sums to long chains of modular arithmetic."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from alignmeter.records import NumberCheck, SequenceCheck
from alignmeter.suites.capability.drawing import Kind, Task

if TYPE_CHECKING:
    from alignmeter.records import Grade
    from alignmeter.suites.capability.drawing import Dice

_ONLY = "Answer with the number only."
_WORKED = "Work it out step by step and end with a line `Answer: NUMBER`."
_NAMES = ("Amal", "Bruno", "Chidi", "Dana", "Emre", "Farah", "Goran", "Hana", "Ivo", "Juma", "Kemal", "Lina")
_NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_GOODS = ("pencils", "apples", "stickers", "marbles", "oranges", "postcards", "buttons", "shells")


def _task(prompt: str, answer: int, grade: Grade, *, tolerance: float = 0.0) -> Task:
    check = NumberCheck(answer=answer, tolerance=tolerance, grade=grade)
    return Task(prompt, check, str(answer))


# --- easy: of several wordings those that a model of 135M parameters takes as a question ---------


def _sum(dice: Dice) -> Task:
    a, b = dice.between(1, 5), dice.between(1, 5)
    return _task(f"What is the sum of {a} and {b}?", a + b, "easy")


def _tens(dice: Dice) -> Task:
    number = dice.between(2, 12)
    return _task(f"What is 10 times {number}?", 10 * number, "easy")


def _digits(dice: Dice) -> Task:
    number = dice.between(1, 20)
    return _task(f"Write the number {_NUMBERS[number - 1]} in digits.", number, "easy")


def _count(dice: Dice) -> Task:
    numbers = tuple(map(str, range(1, dice.between(3, 10) + 1)))
    return Task(
        f"Count from 1 to {numbers[-1]}.", SequenceCheck(items=numbers, grade="easy"), ", ".join(numbers)
    )


# --- medium --------------------------------------------------------------------------------------


def _three_digits(dice: Dice) -> Task:
    a, b, c = dice.between(120, 980), dice.between(120, 980), dice.between(11, 99)
    return _task(f"What is {a} + {b} - {c}? {_ONLY}", a + b - c, "medium")


def _product(dice: Dice) -> Task:
    a, b = dice.between(12, 98), dice.between(13, 97)
    return _task(f"What is {a} times {b}? {_ONLY}", a * b, "medium")


def _equation(dice: Dice) -> Task:
    x, a, b, c = dice.between(-15, 25), dice.between(3, 9), dice.between(-30, 30), dice.between(1, 2)
    right = f"{'' if c == 1 else c}x {'+' if (a - c) * x + b >= 0 else '-'} {abs((a - c) * x + b)}"
    left = f"{a}x {'+' if b >= 0 else '-'} {abs(b)}"
    return _task(
        f"Solve for x: {left.replace(' + 0', '').replace(' - 0', '')} = {right}. {_WORKED}", x, "medium"
    )


def _percentage(dice: Dice) -> Task:
    share, whole = dice.pick((5, 15, 20, 35, 45, 60, 75)), dice.between(2, 40) * 20
    name = dice.pick(_NAMES)
    return _task(
        f"{name} has {whole} coins and gives away {share}% of them. How many coins are left? {_WORKED}",
        whole - whole * share // 100,
        "medium",
    )


def _shopping(dice: Dice) -> Task:
    name, goods = dice.pick(_NAMES), dice.pick(_GOODS)
    packs, each, given, friends = (
        dice.between(4, 9),
        dice.between(12, 30),
        dice.between(2, 6),
        dice.between(3, 8),
    )
    return _task(
        f"{name} buys {packs} packs of {each} {goods}, gives {given} {goods} to each of {friends} friends "
        "and "
        f"then loses {packs}. How many {goods} does {name} have left? {_WORKED}",
        packs * each - given * friends - packs,
        "medium",
    )


def _common_divisor(dice: Dice) -> Task:
    shared, a, b = dice.between(6, 24), dice.between(5, 19), dice.between(5, 19)
    return _task(
        f"What is the greatest common divisor of {shared * a} and {shared * b}? {_WORKED}",
        math.gcd(shared * a, shared * b),
        "medium",
    )


def _remainder(dice: Dice) -> Task:
    a, b = dice.between(300, 3_000), dice.between(7, 29)
    return _task(f"What is the remainder when {a} is divided by {b}? {_WORKED}", a % b, "medium")


# --- hard: many steps, each easy to get wrong ----------------------------------------------------


def _chain(dice: Dice) -> Task:
    modulus, value = dice.between(503, 997), dice.between(100, 499)
    lines = [f"Start with {value}. After every step keep only the remainder on division by {modulus}."]
    for number in range(1, 25):
        factor, addend = dice.between(3, 97), dice.between(11, 499)
        operation = dice.pick(("times", "square", "minus"))
        if operation == "times":
            lines.append(f"{number}. Multiply by {factor}, then add {addend}.")
            value = value * factor + addend
        elif operation == "square":
            lines.append(f"{number}. Square it, then add {addend}.")
            value = value * value + addend
        else:
            lines.append(f"{number}. Subtract it from {addend + 1_000}, then multiply by {factor}.")
            value = (addend + 1_000 - value) * factor
        value %= modulus
    return _task("\n".join(lines) + f"\nWhat is the result after step 24? {_WORKED}", value, "hard")


def _recurrence(dice: Dice) -> Task:
    p, q, r = dice.between(3, 19), dice.between(2, 17), dice.between(1, 50)
    modulus, terms = dice.between(211, 499), dice.between(28, 36)
    first, second = dice.between(1, 90), dice.between(1, 90)
    a, b = first, second
    for _ in range(terms - 2):
        a, b = b, (p * b + q * a + r) % modulus
    return _task(
        f"Let a(1) = {first}, a(2) = {second}, and for n > 2 let a(n) be the remainder of "
        f"{p}*a(n-1) + {q}*a(n-2) + {r} on division by {modulus}. What is a({terms})? {_WORKED}",
        b,
        "hard",
    )


def _long_product(dice: Dice) -> Task:
    a, b = dice.between(1_234_567, 9_876_543), dice.between(1_234_567, 9_876_543)
    return _task(f"Without any tool, what is {a} * {b}? {_WORKED}", a * b, "hard")


def _digit_sum(dice: Dice) -> Task:
    base, exponent = dice.pick((7, 11, 13, 17, 19, 23)), dice.between(14, 22)
    return _task(
        f"What is the sum of the decimal digits of {base}^{exponent}? {_WORKED}",
        sum(map(int, str(base**exponent))),
        "hard",
    )


def _divisibility(dice: Dice) -> Task:
    a, b, c = dice.several((4, 6, 7, 9, 10, 11, 14, 15, 21, 22), 3)
    low, high = dice.between(100, 900), dice.between(2_000, 9_000)
    count = sum((n % a == 0 or n % b == 0) and n % c != 0 for n in range(low, high + 1))
    return _task(
        f"How many whole numbers from {low} to {high}, both included, are divisible by {a} or by {b} but "
        "not by "
        f"{c}? {_WORKED}",
        count,
        "hard",
    )


def _paths(dice: Dice) -> Task:
    width, height = dice.between(7, 8), dice.between(7, 8)
    inner = [
        (x, y) for x in range(width) for y in range(height) if (x, y) not in {(0, 0), (width - 1, height - 1)}
    ]
    closed = set(dice.several(inner, 9))
    ways = [[0] * height for _ in range(width)]
    ways[0][0] = 1
    for x in range(width):
        for y in range(height):
            if (x, y) in closed:
                ways[x][y] = 0
            elif (x, y) != (0, 0):
                ways[x][y] = (ways[x - 1][y] if x else 0) + (ways[x][y - 1] if y else 0)
    listed = ", ".join(f"({x}, {y})" for x, y in sorted(closed))
    return _task(
        f"A robot stands on the point (0, 0) of a grid and goes to ({width - 1}, {height - 1}). Each step "
        "adds 1 to "
        f"its first or to its second coordinate. It may not enter the points {listed}. How many different "
        "ways "
        f"are there? {_WORKED}",
        ways[width - 1][height - 1],
        "hard",
    )


MATHEMATICS: tuple[Kind, ...] = (
    Kind("sum", "easy", 18, _sum),
    Kind("tens", "easy", 10, _tens),
    Kind("digits", "easy", 14, _digits),
    Kind("count", "easy", 6, _count),
    Kind("three_digits", "medium", 8, _three_digits),
    Kind("product", "medium", 6, _product),
    Kind("equation", "medium", 7, _equation),
    Kind("percentage", "medium", 7, _percentage),
    Kind("shopping", "medium", 8, _shopping),
    Kind("common_divisor", "medium", 6, _common_divisor),
    Kind("remainder", "medium", 6, _remainder),
    Kind("chain", "hard", 10, _chain),
    Kind("recurrence", "hard", 9, _recurrence),
    Kind("long_product", "hard", 6, _long_product),
    Kind("digit_sum", "hard", 7, _digit_sum),
    Kind("divisibility", "hard", 8, _divisibility),
    Kind("paths", "hard", 8, _paths),
)
"""Kinds of tasks in mathematics: 48 families of each grade."""
