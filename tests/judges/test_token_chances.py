"""How sure a model was of the word that decides."""

from __future__ import annotations

import math

import pytest

from alignmeter.judges.token_chances import chance_of
from alignmeter.records import TokenLogprob


def _token(text: str, **top: float) -> TokenLogprob:
    chances = {name: math.log(chance) for name, chance in top.items()}
    return TokenLogprob(token=text, logprob=chances.get(text, math.log(0.5)), top=chances)


def test_given_both_answers_in_the_first_place_when_asked_then_their_chances_are_set_against_each_other() -> (
    None
):
    tokens = (_token("Yes", Yes=0.6, No=0.2, Maybe=0.2),)
    assert chance_of(tokens, ("yes",), ("no",)) == pytest.approx(0.75)
    assert chance_of(tokens, ("no",), ("yes",)) == pytest.approx(0.25)


def test_given_spellings_with_space_and_case_when_asked_then_they_are_summed() -> None:
    top = {"Yes": math.log(0.5), "no": -9.0}
    tokens = (TokenLogprob(token=" yes", logprob=math.log(0.3), top=top),)  # noqa: S106 - no password
    assert chance_of(tokens, ("yes",), ("no",)) == pytest.approx(0.8 / (0.8 + math.exp(-9)))


def test_given_white_space_before_the_verdict_when_asked_then_the_first_deciding_token_counts() -> None:
    tokens = (_token("\n\n"), _token("safe", safe=0.9, unsafe=0.1), _token("unsafe", unsafe=1.0))
    assert chance_of(tokens, ("unsafe",), ("safe",)) == pytest.approx(0.1)


@pytest.mark.parametrize("tokens", [(), (_token("Perhaps", Perhaps=0.9),), (_token("Yes"),)])
def test_given_no_deciding_token_or_no_alternatives_when_asked_then_it_is_unknown(
    tokens: tuple[TokenLogprob, ...],
) -> None:
    assert chance_of(tokens, ("yes",), ("no",)) is None


@pytest.mark.parametrize(
    ("before", "known"),
    [
        ((), True),
        (("\n\n",), True),
        (("\u010a", "\u0120<", "Score", ">\u2581"), True),
        (("<score>", " "), True),
        (("<score",), False),
        (("<think>", "It", " is", " fine", "</think>", "<score>"), False),
    ],
)
def test_given_a_lead_when_asked_then_a_verdict_behind_anything_else_is_unknown(
    before: tuple[str, ...], known: bool
) -> None:
    tokens = (*map(_token, before), _token("yes", yes=0.9, no=0.1))
    expected = pytest.approx(0.9) if known else None
    assert chance_of(tokens, ("yes",), ("no",), lead="<score>") == expected
