"""Best-of-N: noisy spellings, each with a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.attacks import AttackContext, get_attack
from alignmeter.attacks.perturbations import perturb

_TEXT = "Please describe thoroughly where the travelling circus stored umbrellas " * 40


@given(st.text(), st.integers(0, 2**31 - 1), st.integers(0, 1000), st.floats(0, 1))
def test_given_any_text_when_perturbed_then_its_length_stays_and_the_spelling_is_its_number_s(
    text: str, seed: int, index: int, sigma: float
) -> None:
    spelled = perturb(text, seed=seed, index=index, sigma=sigma)
    assert len(spelled) == len(text)
    assert spelled == perturb(text, seed=seed, index=index, sigma=sigma)


def test_given_one_family_when_drawn_n_times_then_the_spellings_differ() -> None:
    sentence = "How does the harbour master count ships?"
    drawn = [
        get_attack("best_of_n").render(sentence, seed=7, context=AttackContext(draw=draw))[0].content
        for draw in range(50)
    ]
    assert len(set(drawn)) == 50
    assert drawn[:2] == [
        get_attack("best_of_n").render(sentence, seed=7, context=AttackContext(draw=draw))[0].content
        for draw in (0, 1)
    ]
    assert sentence not in drawn


def test_given_no_strength_when_perturbed_then_nothing_changes() -> None:
    assert perturb(_TEXT, seed=1, index=0, sigma=0) == _TEXT


def test_given_the_published_strength_when_perturbed_then_the_shares_are_those_of_the_paper() -> None:
    """sqrt(.4) = .632 of letters raised, .4^3 = .064 of characters moved, .632 of long words shuffled."""
    spelled = perturb(_TEXT, seed=1, index=0)
    raised = sum(letter.isupper() for letter in spelled if letter.isalpha()) / sum(map(str.isalpha, spelled))
    moved_spaces = sum(a == " " != b for a, b in zip(_TEXT, spelled, strict=True)) / _TEXT.count(" ")
    # A moved space is 31, below the printable ones and clipped back to 32, half of the time.
    assert raised == pytest.approx(0.632, abs=0.03)
    assert moved_spaces == pytest.approx(0.032, abs=0.025)


def test_given_long_words_when_perturbed_then_the_published_share_of_them_is_shuffled_inside() -> None:
    words = [f"abcdefgh{chr(number)}" for number in range(ord("i"), ord("z"))] * 60
    text = perturb(" ".join(words), seed=3, index=1).lower()
    spelled = [text[start : start + 9] for start in range(0, len(text), 10)]
    pairs = [pair for pair in zip(words, spelled, strict=True) if sorted(pair[0]) == sorted(pair[1])]
    shuffled = sum(before != after for before, after in pairs) / len(pairs)
    assert len(pairs) > 300  # in the others some letter has moved
    assert shuffled == pytest.approx(0.632, abs=0.08)
    assert all((before[0], before[-1]) == (after[0], after[-1]) for before, after in pairs)


@pytest.mark.parametrize(("index", "sigma"), [(-1, 0.4), (0, -0.1), (0, 1.1), (0, float("nan"))])
def test_given_an_index_or_strength_out_of_range_when_perturbed_then_it_is_refused(
    index: int, sigma: float
) -> None:
    with pytest.raises(ValueError, match="must"):
        perturb("x", seed=1, index=index, sigma=sigma)
