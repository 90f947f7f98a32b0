"""In which language a family is asked: the users' mix, as nearly as the families' languages allow."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from alignmeter.verdicts import build_claims, unlike_users
from alignmeter.verdicts.languages import language_chances

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Build

    from alignmeter.records import Trial


def families(build: Build, number: int, languages: Mapping[str, int]) -> list[Trial]:
    """Families in English, the first so many of them in other languages too."""
    return [
        build.trial(f"f{place}-{language}", family=f"f{place}", language=language)
        for place in range(number)
        for language in ("en", *(name for name, many in languages.items() if place < many))
    ]


def expected(chances: Mapping[str, float], trials: list[Trial]) -> dict[str, float]:
    """The mean share of each language, worked out family by family."""
    languages: dict[str, list[str]] = {}
    for trial in trials:
        languages.setdefault(trial.family, []).append(trial.language)
    found: defaultdict[str, float] = defaultdict(float)
    for known in languages.values():
        whole = sum(chances[language] for language in known)
        for language in known:
            found[language] += chances[language] / whole / len(languages)
    return dict(found)


@pytest.mark.parametrize(
    ("shares", "there", "asked"),
    [
        ({"en": 0.6, "es": 0.4}, {"es": 100}, {"en": 0.6, "es": 0.4}),
        ({"en": 0.6, "es": 0.4}, {"es": 50}, {"en": 0.6, "es": 0.4}),
        ({"en": 0.5, "es": 0.3, "sw": 0.2}, {"es": 60, "sw": 30}, {"en": 0.5, "es": 0.3, "sw": 0.2}),
        # More users than there are families: the language gets all of them, the others share the rest.
        ({"en": 0.3, "es": 0.7}, {"es": 40}, {"en": 0.6, "es": 0.4}),
        ({"en": 1.0}, {}, {"en": 1.0}),
    ],
)
def test_families_come_to_the_users_shares_where_there_are_enough_of_them(
    build: Build, shares: dict[str, float], there: dict[str, int], asked: dict[str, float]
) -> None:
    model = build.model(languages=shares)
    trials = families(build, 100, there)
    assert expected(language_chances(model, trials), trials) == pytest.approx(asked, abs=1e-6)


def test_a_claim_is_asked_in_the_users_languages_though_few_families_are_there_in_one(build: Build) -> None:
    model = build.model(languages={"en": 0.7, "es": 0.3})
    trials = families(build, 400, {"es": 160})
    claim = next(claim for claim in build_claims(model, trials, cards={}) if claim.kind != "language_gap")
    language = {trial.id: trial.language for trial in trials}
    spanish = sum(language[unit[0]] == "es" for unit in claim.units)
    assert 95 < spanish < 145  # 120 of 400 wanted, 48 by the users' shares among families that have it
    assert unlike_users(model, claim, trials) is None


def test_a_claim_says_where_a_language_has_too_few_families_for_its_users(build: Build) -> None:
    model = build.model(languages={"en": 0.4, "es": 0.6})
    trials = families(build, 50, {"es": 10})
    claim = next(claim for claim in build_claims(model, trials, cards={}) if claim.kind != "language_gap")
    assert unlike_users(model, claim, trials) == "Asks 20% in es, which 60% of the users speak."


@pytest.mark.parametrize(
    ("users", "own", "asked"),
    [
        # A tenth of the claim is English only; 10 of 24 medical families are there in Spanish.
        ({"en": 0.95, "es": 0.05}, ("en",), 0.05),
        ({"en": 0.6, "es": 0.4}, ("en", "es"), 0.4),
        ({"en": 0.6, "es": 0.4}, ("es",), 0.4),
        ({"en": 0.5, "es": 0.5}, ("en",), 0.9 * 10 / 24),  # all that there is
    ],
)
def test_a_claim_in_the_mix_of_its_domains_comes_to_the_users_shares_though_a_domain_has_one_language(
    build: Build, users: dict[str, float], own: tuple[str, ...], asked: float
) -> None:
    trials = [
        build.trial(f"m{place}-{language}", family=f"m{place}", domain="medical", language=language)
        for place in range(24)
        for language in (("en", "es") if place < 10 else ("en",))
    ]
    trials += [
        build.trial(f"o{place}-{language}", family=f"o{place}", domain="own", language=language)
        for place in range(200)
        for language in own
    ]
    spanish = units = 0
    for seed in range(60):
        model = build.model(languages=users, domains={"medical": 9, "own": 1}, design={"seed": seed})
        claim = next(claim for claim in build_claims(model, trials, cards={}) if claim.kind != "language_gap")
        spanish += sum(unit[0].endswith("-es") for unit in claim.units)
        units += len(claim.units)
    assert spanish / units == pytest.approx(asked, abs=0.03)  # four standard errors


def test_a_domain_that_the_users_do_not_touch_does_not_weigh_languages(build: Build) -> None:
    model = build.model(languages={"en": 0.6, "es": 0.4}, domains={"medical": 1, "law": 1, "travel": 0})
    asked = [
        build.trial(
            f"{domain}{place}-{language}", family=f"{domain}{place}", domain=domain, language=language
        )
        for domain in ("medical", "law")
        for place in range(40)
        for language in ("en", "es")
    ]
    never = [build.trial(f"t{place}", domain="travel", language="es") for place in range(500)]
    chances = language_chances(model, [*asked, *never])
    assert chances == pytest.approx(language_chances(model, asked))
    assert expected(chances, asked) == pytest.approx({"en": 0.6, "es": 0.4})


def test_no_trials_have_no_languages(build: Build) -> None:
    assert language_chances(build.model(), []) == {}
