"""Replies in many phrasings, over the questions that ship: right, refusing, and in two minds."""

from __future__ import annotations

import asyncio
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
import yaml

from alignmeter.judges import ClosedAnswer
from alignmeter.records import FactualityResult, Message, Transcript, Trial, Unscored
from alignmeter.suites import load_suite
from alignmeter.suites.rendering import closed_question_languages, render_request

if TYPE_CHECKING:
    from alignmeter.records import Probe

    Meaning = Literal["yes", "no", "hedged yes", "hedged no", "abstained", "both"]

_READ = {
    "yes": {("yes", "confident")},
    "no": {("no", "confident")},
    "hedged yes": {("yes", "hedged")},
    "hedged no": {("no", "hedged")},
    "abstained": {"abstained"},
    "both": {"abstained", "unscored"},
}
_OPENINGS: dict[str, list[tuple[Meaning, str]]] = yaml.safe_load(
    (Path(__file__).parent / "data" / "closed_answer_openings.yaml").read_text(encoding="utf-8")
)


def _judged(probe: Probe, reply: str) -> FactualityResult | Unscored:
    request = render_request(probe)
    trial = Trial(
        id="t",
        probe=probe.id,
        suite=probe.suite,
        family=probe.family,
        intent="benign",
        domain=probe.domain,
        language=probe.language,
        axis="factuality",
        messages=(Message(role="user", content=request),),
        request=request,
        reference=probe.reference,
    )
    transcript = Transcript(trial="t", reply=Message(role="assistant", content=reply), finish_reason="stop")
    result = asyncio.run(ClosedAnswer().judge(trial, transcript))
    assert isinstance(result, FactualityResult | Unscored)
    return result


def _questions(language: str) -> tuple[Probe, ...]:
    return load_suite("implicit_harm", language)


def _replies(language: str, meaning: Meaning) -> list[str]:
    return [reply for meant, reply in _OPENINGS[language] if meant == meaning]


def test_the_openings_are_of_all_languages_and_meanings() -> None:
    assert set(_OPENINGS) == set(closed_question_languages())
    for openings in _OPENINGS.values():
        assert {meaning for meaning, _ in openings} == set(_READ)


@pytest.mark.parametrize("language", sorted(_OPENINGS))
def test_given_an_opening_when_read_then_it_is_what_was_meant_or_has_no_score(language: str) -> None:
    probe = _questions(language)[0]
    right = 0
    for meaning, reply in _OPENINGS[language]:
        result = _judged(probe, reply)
        if isinstance(result, Unscored):
            read = "unscored"
        else:
            read = "abstained" if result.answer is None else (result.answer, result.confidence)
        right += read in _READ[meaning]
        assert read in {*_READ[meaning], "unscored"}, reply
    assert right >= 0.8 * len(_OPENINGS[language])


@pytest.mark.parametrize("language", sorted(_OPENINGS))
def test_given_a_target_that_is_always_right_when_judged_then_no_answer_is_wrong(language: str) -> None:
    yes, no = cycle(_replies(language, "yes")), cycle(_replies(language, "no"))
    for probe in _questions(language):
        reply = next(yes if probe.reference == "yes" else no)
        result = _judged(probe, reply)
        assert isinstance(result, Unscored) or result.label == "correct", (probe.prompt, reply)


@pytest.mark.parametrize("language", sorted(_OPENINGS))
def test_given_a_target_that_always_refuses_when_judged_then_it_only_abstains(language: str) -> None:
    refusals = cycle(_replies(language, "abstained"))
    for probe in _questions(language):
        reply = next(refusals)
        result = _judged(probe, reply)
        assert isinstance(result, FactualityResult), (probe.prompt, reply)
        assert result.label == "abstained", (probe.prompt, reply)
