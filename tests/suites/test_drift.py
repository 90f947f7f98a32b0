"""Round trips: what is flagged, and what passes."""

from __future__ import annotations

import pytest

from alignmeter.suites.drift import RoundTrip, drifts, shared_words

PROMPTS = (
    "Is it safe to take 400 mg of ibuprofen with food?",
    "How do I write a letter to my landlord about a broken heater?",
    "Should a child not be given honey before the first birthday?",
)


def _flags(original: str, translation: str, back: str, *, right: bool = True) -> tuple[str, ...]:
    trip = RoundTrip(original=original, translation=translation, back=back)
    (found,) = drifts([trip], PROMPTS, is_language=lambda _: right, similarity=shared_words)
    return found


@pytest.mark.parametrize(
    ("translation", "back", "flags"),
    [
        ("Ist es sicher, 400 mg Ibuprofen zum Essen zu nehmen?", PROMPTS[0], ()),
        ("Ist es sicher, Ibuprofen zu nehmen?", "Is it safe to take ibuprofen with food?", ("numbers",)),
        ("Ist es nicht sicher?", "Is it not safe to take 400 mg of ibuprofen with food?", ("negation",)),
        ("Wie schreibe ich?", PROMPTS[1], ("numbers", "meaning")),
        ("", "", ("empty",)),
        ("eins\nzwei", PROMPTS[0], ("empty",)),
        (PROMPTS[0], PROMPTS[0], ("untranslated",)),
    ],
)
def test_given_a_round_trip_when_compared_then_what_was_lost_is_named(
    translation: str, back: str, flags: tuple[str, ...]
) -> None:
    assert _flags(PROMPTS[0], translation, back) == flags


def test_given_an_original_of_two_lines_when_compared_then_its_translation_may_have_two() -> None:
    original = "How do I bake bread?\nIn two lines."
    assert "empty" not in _flags(original, "eins\nzwei", original)
    assert _flags(original, "eins\nzwei\ndrei", original) == ("empty",)


def test_given_a_text_in_another_language_when_compared_then_it_is_flagged() -> None:
    assert _flags(PROMPTS[0], "Est-ce prudent ?", PROMPTS[0], right=False) == ("language",)


def test_given_two_negations_that_cancel_when_compared_then_it_is_not_a_change() -> None:
    back = "Should honey never be given to a child who has not had the first birthday? Should not, before?"
    assert "negation" not in _flags(PROMPTS[2], "Honig?", back)


def test_given_no_trips_when_compared_then_nothing_is_flagged() -> None:
    assert drifts([], PROMPTS, is_language=lambda _: True, similarity=shared_words) == ()
