"""Which requests a language gap compares: the same one in both languages, one a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.verdicts import ErrorRates, build_claims, counted_against
from alignmeter.verdicts.gap_pairs import gap_pairs
from alignmeter.verdicts.gaps import gap_under

if TYPE_CHECKING:
    from conftest import Build

    from alignmeter.records import Claim, Intent, JudgementResult, Trial


def _row(build: Build, family: int, wording: str, language: str, intent: Intent = "sensitive") -> Trial:
    """A row of a suite `mine`, whose id ends in the name of its wording."""
    name = f"mine-{language}-{family}-{wording}"
    return build.trial(name, suite="mine", family=f"mine-{family}", intent=intent, language=language)


def _gap(build: Build, trials: list[Trial]) -> Claim:
    model = build.model(languages={"en": 0.5, "sw": 0.5})
    (claim,) = (found for found in build_claims(model, trials, cards={}) if found.kind == "language_gap")
    return claim


def _unlike(claim: Claim) -> list[tuple[str, ...]]:
    return [unit for unit in claim.units if unit[0].replace("-sw-", "-en-") != unit[1]]


def test_given_wordings_of_which_some_are_in_english_only_when_paired_then_each_is_held_against_itself(
    build: Build,
) -> None:
    trials = [
        _row(build, family, wording, language)
        for family in range(100)
        for wording in "ab"
        for language in ("en", "sw")
        if not (language == "sw" and wording == "a" and family % 2)
    ]
    claim = _gap(build, trials)
    assert len(claim.units) == 100
    assert _unlike(claim) == []
    assert {unit[0][-1] for unit in claim.units[:50]} == {"a", "b"}
    assert claim.mix is None


def test_given_benign_and_sensitive_rows_of_a_family_when_paired_then_both_sides_have_one_intent(
    build: Build,
) -> None:
    intents: list[tuple[str, Intent]] = [("a", "benign"), ("b", "sensitive")]
    trials = [
        _row(build, family, wording, language, intent)
        for family in range(60)
        for wording, intent in intents
        for language in ("en", "sw")
        if not (language == "sw" and wording == "a" and family % 2)
    ]
    claim = _gap(build, trials)
    assert len(claim.units) == 60
    assert _unlike(claim) == []


def test_given_a_family_without_a_wording_in_both_languages_when_claimed_then_it_is_left_out_aloud(
    build: Build,
) -> None:
    trials = [_row(build, family, "a", language) for family in range(30) for language in ("en", "sw")]
    trials += [_row(build, 30, "a", "en"), _row(build, 30, "b", "sw")]
    claim = _gap(build, trials)
    assert len(claim.units) == 30
    assert claim.mix is not None
    assert claim.mix.startswith("Leaves out 1 family in which nothing tells which request in sw is the same")
    assert claim.mix in claim.caveats
    assert gap_under(claim, ErrorRates(0.05, 0.05), {}).mix == claim.mix


@pytest.mark.parametrize(("wordings", "pairs"), [(1, 20), (2, 0)])
def test_given_ids_made_of_the_texts_when_paired_then_only_single_rows_are_known_to_be_the_same(
    build: Build, wordings: int, pairs: int
) -> None:
    trials = [
        _row(build, family, f"{language}{family}x{number}", language)
        for family in range(20)
        for language in ("en", "sw")
        for number in range(wordings)
    ]
    found = gap_pairs(build.model(), trials, "sw", "legitimate")
    assert (len(found.by_family), found.left_out) == (pairs, 20 - pairs)


def test_given_rows_in_another_order_when_paired_then_the_pairs_are_the_same(build: Build) -> None:
    trials = [
        _row(build, family, wording, language)
        for family in range(20)
        for wording in "abc"
        for language in ("en", "sw")
    ]
    assert gap_pairs(build.model(), trials, "sw", "legitimate") == gap_pairs(
        build.model(), trials[::-1], "sw", "legitimate"
    )


def test_given_pairs_when_counted_then_both_of_those_that_widen_the_gap_are_against_it(build: Build) -> None:
    trials = [_row(build, family, "a", language) for family in range(4) for language in ("en", "sw")]
    claim = _gap(build, trials)
    refused, complied = build.bad["false_refusal_benign"], build.good["false_refusal_benign"]
    outcomes: list[tuple[JudgementResult, JudgementResult]] = [
        (refused, complied), (refused, refused), (complied, refused), (complied, complied)
    ]  # fmt: skip
    judged = {
        trial: build.judgement(trial, result)
        for unit, pair in zip(claim.units, outcomes, strict=True)
        for trial, result in zip(unit, pair, strict=True)
    }
    assert counted_against(claim, judged) == set(claim.units[0])
    del judged[claim.units[0][1]]
    assert counted_against(claim, judged) == set()
