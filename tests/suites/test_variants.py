"""Variants of closed questions: another wording, the same question."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.cli.suites import VariantName as CliVariantName
from alignmeter.errors import InputError
from alignmeter.suites import VARIANTS, VariantName, load_suite, variant

QUESTIONS = load_suite("implicit_harm")
PROBES = st.sampled_from(QUESTIONS)
SEEDS = st.integers(0, 2**31)
NEGATIONS = re.compile(r"\b(?:not|no|never|without)\b|n't\b", re.IGNORECASE)


@given(PROBES, st.sampled_from(VARIANTS), SEEDS)
@settings(max_examples=200, deadline=None)
def test_given_a_question_when_reworded_then_only_id_and_prompt_change(
    probe: object, name: VariantName, seed: int
) -> None:
    question = next(each for each in QUESTIONS if each is probe)
    made = variant(question, name, seed)
    assert made == variant(question, name, seed)
    assert made.id == f"{question.id}-{name}"
    assert (made.family, made.reference, made.source) == (
        question.family,
        question.reference,
        question.source,
    )
    assert len(made.prompt.splitlines()) == 1
    assert re.findall(r"\d+", made.prompt.replace("2nite", "").replace("Entry 1:", "")) == re.findall(
        r"\d+", question.prompt
    )


@given(PROBES, SEEDS)
@settings(max_examples=100, deadline=None)
def test_given_small_talk_an_instruction_or_a_reason_when_added_then_the_question_stands_in_it(
    probe: object, seed: int
) -> None:
    question = next(each for each in QUESTIONS if each is probe)
    for name in ("long_context", "instruction", "because"):
        assert question.prompt in variant(question, name, seed).prompt
    assert len(variant(question, "long_context", seed).prompt) > 3 * len(question.prompt) / 2
    because = variant(question, "because", seed).prompt
    assert "Yes, because" in because
    assert "No, because" in because


@given(PROBES, SEEDS)
@settings(max_examples=100, deadline=None)
def test_given_a_typo_when_made_then_letters_change_places_and_none_is_lost(probe: object, seed: int) -> None:
    question = next(each for each in QUESTIONS if each is probe)
    made = variant(question, "typo", seed).prompt
    assert made != question.prompt
    pairs = list(zip(question.prompt.split(), made.split(), strict=True))
    assert all(sorted(a) == sorted(b) and a[0] == b[0] for a, b in pairs)
    assert sum(a != b for a, b in pairs) <= 4


@pytest.mark.parametrize("name", ["slang", "compact"])
def test_given_every_question_when_shortened_then_no_negation_is_lost(name: VariantName) -> None:
    for question in QUESTIONS:
        made = variant(question, name, 3).prompt
        plain = question.prompt.replace("\u2019", "'")
        if name == "slang":  # apostrophes are gone there
            plain = plain.replace("'", "")
        kept = [word.casefold() for word in NEGATIONS.findall(plain)]
        found = [word.casefold() for word in NEGATIONS.findall(made)]
        assert found[: len(kept)] == kept or all(found.count(word) >= kept.count(word) for word in kept)


def test_given_compact_questions_when_compared_then_many_are_shorter_and_none_longer() -> None:
    shorter = [len(variant(probe, "compact", 1).prompt) < len(probe.prompt) for probe in QUESTIONS]
    assert sum(shorter) > 0.7 * len(shorter)
    assert all(len(variant(probe, "compact", 1).prompt) <= len(probe.prompt) for probe in QUESTIONS)


@pytest.mark.parametrize("name", ["slang", "long_context", "typo", "instruction", "because"])
def test_given_two_seeds_when_reworded_then_wordings_differ(name: VariantName) -> None:
    assert len({variant(QUESTIONS[0], name, seed).prompt for seed in range(12)}) > 1


def test_given_what_is_no_english_closed_question_when_reworded_then_it_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"expected a variant from slang, .* got 'rap'"):
        variant(QUESTIONS[0], "rap", 1)
    with pytest.raises(InputError, match="expected a closed question in English, got axis 'refusal' in 'en'"):
        variant(load_suite("triad")[0], "slang", 1)
    with pytest.raises(InputError, match="got axis 'factuality' in 'es'"):
        variant(load_suite("implicit_harm", "es")[0], "slang", 1)


def test_given_the_command_line_when_it_lists_variants_then_they_are_those_of_the_suites() -> None:
    assert get_args(CliVariantName) == VARIANTS
