"""The generated tasks: the same for a seed, enough of each grade, and with answers that are right."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import pytest

from alignmeter.identity import digest
from alignmeter.records import CodeCheck, InstructionsCheck, NumberCheck, TextCheck
from alignmeter.suites import load_suite
from alignmeter.suites.capability import (
    CAPABILITY_SEED,
    CAPABILITY_VERSION,
    generate_capability,
)
from alignmeter.suites.task_rules import check_problems

if TYPE_CHECKING:
    from types import ModuleType

    from alignmeter.records import Probe

DOMAINS = ("mathematics", "formal_reasoning", "factual_recall", "general_code", "instruction_following")
LISTED = {"factual_recall"}
"""Domains of which nothing is drawn."""


@pytest.fixture(scope="module")
def probes() -> tuple[Probe, ...]:
    return generate_capability()


def kind_of(probe: Probe) -> str:
    """`sum` of `capability-en-mathematics-sum-001`."""
    return probe.id.split("-")[3]


def of_kind(probes: tuple[Probe, ...], *kinds: str) -> list[Probe]:
    found = [probe for probe in probes if kind_of(probe) in kinds]
    assert found, kinds
    return found


def answer(probe: Probe) -> int | float:
    assert isinstance(probe.check, NumberCheck)
    return probe.check.answer


# --- the same for everybody ----------------------------------------------------------------------


def test_the_same_seed_gives_the_same_tasks_in_another_process(probes: tuple[Probe, ...]) -> None:
    program = (
        "from alignmeter.suites.capability import generate_capability\n"
        "from alignmeter.identity import digest\n"
        "print(digest(generate_capability(7)))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }

    assert found == {digest(generate_capability(7))}
    assert probes == generate_capability(CAPABILITY_SEED) == load_suite("capability")


def test_another_seed_draws_other_tasks_of_the_procedural_kinds_and_keeps_what_is_listed(
    probes: tuple[Probe, ...],
) -> None:
    other = {probe.prompt for probe in generate_capability(7)}

    kept = [probe for probe in probes if probe.prompt in other]
    listed = [probe for probe in probes if probe.domain in LISTED or isinstance(probe.check, CodeCheck)]
    assert {probe.id for probe in listed} <= {probe.id for probe in kept}
    drawn = [
        probe
        for probe in probes
        if probe.check is not None and probe.check.grade == "hard" and probe not in listed
    ]
    again = [probe for probe in drawn if probe.prompt in other]
    assert len(again) < 0.1 * len(drawn), "of a few kinds there are not many different ones"


def test_every_row_names_the_version_of_the_generators(probes: tuple[Probe, ...]) -> None:
    assert {probe.version for probe in probes} == {CAPABILITY_VERSION}
    assert {probe.pool for probe in probes} == {"public"}


# --- enough, and different -----------------------------------------------------------------------


def test_every_domain_has_enough_families_of_every_grade(probes: tuple[Probe, ...]) -> None:
    cells = Counter((probe.domain, probe.check.grade) for probe in probes if probe.check is not None)

    assert cells.keys() == set(product(DOMAINS, ("easy", "medium", "hard")))
    assert min(cells.values()) >= 36


def test_every_task_is_a_family_of_its_own_that_asks_something_else(probes: tuple[Probe, ...]) -> None:
    for values in ({p.id for p in probes}, {p.family for p in probes}, {p.prompt for p in probes}):
        assert len(values) == len(probes)


def test_no_check_has_a_problem_and_no_task_is_all_guessing(probes: tuple[Probe, ...]) -> None:
    for probe in probes:
        assert probe.check is not None
        assert list(check_problems(probe.check)) == []
        assert probe.check.chance <= 0.75


# --- the answers are right -----------------------------------------------------------------------


def test_what_a_program_is_said_to_print_is_what_it_prints(probes: tuple[Probe, ...]) -> None:
    for probe in of_kind(probes, "loop", "slices", "counting", "recursion", "shared_list", "bits"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(probe.prompt.split("\n\n", 1)[1], {})  # noqa: S102 - our own generator wrote it

        assert printed.getvalue().strip() == probe.reference, probe.id


def test_products_sums_and_digit_sums_agree_with_python(probes: tuple[Probe, ...]) -> None:
    for probe in of_kind(probes, "long_product", "three_digits", "product"):
        expression = re.search(r"what is ([\d +*-]+|\d+ times \d+)\?", probe.prompt, re.IGNORECASE)
        assert expression is not None
        value = eval(expression.group(1).replace("times", "*"))  # noqa: S307 - digits and signs
        assert value == answer(probe), probe.id
    for probe in of_kind(probes, "digit_sum"):
        base, exponent = map(int, re.findall(r"(\d+)\^(\d+)", probe.prompt)[0])
        assert sum(map(int, str(base**exponent))) == answer(probe)


def test_the_solution_of_an_equation_solves_it(probes: tuple[Probe, ...]) -> None:
    for probe in of_kind(probes, "equation"):
        left, right = re.findall(r"x: (.+) = (.+?)\. ", probe.prompt)[0]
        sides = [re.sub(r"(\d*)x", lambda m: f"{m[1] or 1}*x", side) for side in (left, right)]
        values = [eval(side, {"x": Fraction(answer(probe))}) for side in sides]  # noqa: S307 - own text
        assert values[0] == values[1], probe.prompt


def test_a_chain_of_steps_followed_by_reading_it_ends_where_the_answer_says(
    probes: tuple[Probe, ...],
) -> None:
    for probe in of_kind(probes, "chain"):
        head, *steps = probe.prompt.split("\n")
        value, modulus = map(int, re.findall(r"\d+", head))
        for step in steps[:-1]:
            numbers = list(map(int, re.findall(r"\d+", step)))[1:]
            if "Multiply by" in step and "Subtract" not in step:
                value = value * numbers[0] + numbers[1]
            elif "Square" in step:
                value = value**2 + numbers[0]
            else:
                value = (numbers[0] - value) * numbers[1]
            value %= modulus
        assert value == answer(probe), probe.id


def test_expressions_of_true_and_false_have_the_value_that_python_gives_them(
    probes: tuple[Probe, ...],
) -> None:
    for probe in of_kind(probes, "boolean"):
        text = re.findall(r"value of: (.+)\? Answer", probe.prompt)[0]
        value = eval(text.replace("true", "True").replace("false", "False"))  # noqa: S307 - own text
        assert str(value).lower() == probe.reference, probe.prompt


def test_the_number_of_ways_to_satisfy_a_formula_is_counted_right(probes: tuple[Probe, ...]) -> None:
    for probe in of_kind(probes, "satisfied"):
        formula = re.findall(r"satisfy: (.+)\? Think", probe.prompt)[0]
        found = sum(
            bool(eval(formula, dict(zip("abcdef", values, strict=True))))  # noqa: S307 - own text
            for values in product((True, False), repeat=6)
        )
        assert found == answer(probe), probe.id


def test_who_holds_what_after_all_swaps_is_found_by_following_the_story(probes: tuple[Probe, ...]) -> None:
    for probe in of_kind(probes, "swaps", "many_swaps"):
        held = dict(re.findall(r"(\w+) holds the (\w+)\.", probe.prompt))
        for one, other in re.findall(r"(\w+) and (\w+) swap\.", probe.prompt):
            held[one], held[other] = held[other], held[one]
        asked = re.findall(r"What does (\w+) hold now", probe.prompt)[0]
        assert held[asked] == probe.reference, probe.id


def test_a_machine_run_by_its_printed_moves_visits_a_state_as_often_as_said(
    probes: tuple[Probe, ...],
) -> None:
    for probe in of_kind(probes, "automaton"):
        moves = {(a, sign): b for a, sign, b in re.findall(r"(\w) on (\w) goes to (\w)", probe.prompt)}
        state = re.findall(r"starts in state (\w)", probe.prompt)[0]
        asked = re.findall(r"is it in state (\w)", probe.prompt)[0]
        visits = 0
        for sign in re.findall(r"sign by sign: ([xyz ]+)\.", probe.prompt)[0].split():
            state = moves[state, sign]
            visits += state == asked
        assert visits == answer(probe), probe.id


def test_options_are_as_many_as_the_chance_says(probes: tuple[Probe, ...]) -> None:
    """A guesser who names one of the options that the task shows scores the chance on average."""
    for probe in probes:
        check = probe.check
        if isinstance(check, TextCheck) and check.chance:
            assert 1 / (1 + len(check.rivals)) == pytest.approx(check.chance, abs=1e-3), probe.id


# --- programs to be written ----------------------------------------------------------------------


def test_every_programming_task_has_a_tried_solution_and_a_wrong_one(
    probes: tuple[Probe, ...], oracle: ModuleType
) -> None:
    names = {probe.check.entry_point for probe in probes if isinstance(probe.check, CodeCheck)}

    assert names == oracle.solutions().keys()
    assert all(one.right != one.wrong for one in oracle.solutions().values())


def test_instructions_name_what_a_reply_keeps_without_doing_anything(probes: tuple[Probe, ...]) -> None:
    graded = [probe.check for probe in probes if isinstance(probe.check, InstructionsCheck)]

    assert {check.chance for check in graded if check.grade == "medium"} >= {0.0}
    assert any(check.chance > 0.3 for check in graded if check.grade == "hard")
