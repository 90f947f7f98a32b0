"""What the target reads."""

from __future__ import annotations

import msgspec
import pytest

from alignmeter.errors import InputError
from alignmeter.suites import load_suite, render_request


def test_a_refusal_probe_is_asked_as_it_stands() -> None:
    for probe in load_suite("triad"):
        assert render_request(probe) == probe.prompt


def test_a_closed_question_follows_the_same_instruction() -> None:
    instructions: set[str] = set()
    for probe in load_suite("implicit_harm"):
        instruction, _, question = render_request(probe).partition("\n\n")
        assert question == f"Question: {probe.prompt}"
        instructions.add(instruction)
    (instruction,) = instructions
    assert "Begin your answer with Yes or No" in instruction
    assert "not sure" in instruction


def test_braces_in_a_question_are_left_alone() -> None:
    question = "Is {question} or {0} safe to type into a form?"
    probe = msgspec.structs.replace(load_suite("implicit_harm")[0], prompt=question)
    assert render_request(probe).endswith(f"\n\nQuestion: {question}")


def test_a_closed_question_in_a_language_without_instruction_is_an_input_error() -> None:
    probe = msgspec.structs.replace(load_suite("implicit_harm")[0], language="xx")
    with pytest.raises(InputError, match=r"expected a closed question in ar, .*, zu, got language 'xx'"):
        render_request(probe)
