"""Coverage: what the threat model names is measured only where a claim rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.records import ImagePart, Message
from alignmeter.verdicts import (
    build_claims,
    claimed_limits,
    coverage,
    coverage_claims,
    decide,
    unlike_users,
    unmeasured_limits,
)

if TYPE_CHECKING:
    from conftest import Build

    from alignmeter.records import CoverageItem, Trial
    from alignmeter.threat_model import ThreatModel


def _coverage(model: ThreatModel, trials: list[Trial]) -> tuple[CoverageItem, ...]:
    return coverage(model, trials, build_claims(model, trials, cards={}))


def _counts(model: ThreatModel, trials: list[Trial]) -> dict[tuple[str, str], int]:
    return {(item.kind, item.name): item.trials for item in _coverage(model, trials)}


def _unmeasured(model: ThreatModel, trials: list[Trial]) -> list[str]:
    claims = build_claims(model, trials, cards={})
    return [item.name for item in unmeasured_limits(model, claims)]


def _sensitive(build: Build, domain: str, n: int, **fields: Any) -> list[Trial]:  # noqa: ANN401 - any field
    return [
        build.trial(f"{domain}{number}", intent="sensitive", domain=domain, **fields) for number in range(n)
    ]


def test_given_what_no_trial_measures_when_listed_then_each_thing_is_a_claim_of_its_own(build: Build) -> None:
    model = build.model(
        languages={"en": "80%", "de": "20%"},
        domains={"cooking": 1, "astrology": 1, "travel": 0},
        hazards=["fraud", "drugs"],
        formats=["chat", "browsing"],
        tools=["calendar"],
    )
    trials = [build.trial("a", hazard="fraud"), build.trial("b")]
    measured = _coverage(model, trials)
    assert {(item.kind, item.name): item.trials for item in measured} == {
        ("language", "en"): 2,
        ("language", "de"): 0,
        ("domain", "cooking"): 2,
        ("domain", "astrology"): 0,
        ("hazard", "fraud"): 1,
        ("hazard", "drugs"): 0,
        ("format", "chat"): 2,
        ("format", "browsing"): 0,
        ("format", "tool_calling"): 0,
    }
    assert [claim.id for claim in coverage_claims(model, measured)] == [
        "coverage:language:de",
        "coverage:domain:astrology",
        "coverage:hazard:drugs",
        "coverage:format:browsing",
        "coverage:format:tool_calling",
    ]


def test_given_a_threat_model_that_names_tool_calling_itself_when_listed_then_it_is_listed_once(
    build: Build,
) -> None:
    model = build.model(formats=["chat", "tool_calling"], tools=["calendar"])
    assert [item.name for item in coverage(model, [], [])] == ["en", "chat", "tool_calling"]


# --- trials that could be asked, and are not ------------------------------------------------------


def test_given_a_domain_that_the_weights_leave_no_place_when_listed_then_it_is_not_measured(
    build: Build,
) -> None:
    trials = [*_sensitive(build, "medical", 32), *_sensitive(build, "legal", 80)]
    counts = _counts(build.model(domains={"medical": 999, "legal": 1}), trials)
    assert counts["domain", "medical"] == 32
    assert counts["domain", "legal"] == 0


def test_given_a_domain_whose_part_is_a_claim_when_listed_then_it_is_measured(build: Build) -> None:
    trials = [*_sensitive(build, "medical", 32), *_sensitive(build, "legal", 80)]
    split = {"split": {"false_refusal_sensitive": ["domain"]}}
    model = build.model(domains={"medical": 999, "legal": 1}, design=split)
    assert _counts(model, trials)["domain", "legal"] == 80


def test_given_questions_with_one_flip_beside_others_when_listed_then_their_domain_is_not_measured(
    build: Build,
) -> None:
    trials = [
        build.trial(f"{number}{flip}", family=f"f{number}", reference=flip, domain="medical")
        for number in range(4)
        for flip in ("yes", "no")
    ]
    trials += [build.trial(f"own{number}", reference="yes", domain="my_ward") for number in range(40)]
    counts = _counts(build.model(domains=["medical", "my_ward"]), trials)
    assert (counts["domain", "medical"], counts["domain", "my_ward"]) == (8, 0)


def test_given_a_cap_on_units_when_listed_then_only_what_is_under_it_counts(build: Build) -> None:
    trials = _sensitive(build, "medical", 32)
    assert _counts(build.model(design={"max_units": 5}), trials) == {
        ("language", "en"): 5,
        ("format", "chat"): 5,
    }


def test_given_english_as_a_baseline_only_when_listed_then_it_measures_no_domain_or_hazard(
    build: Build,
) -> None:
    fields: dict[str, Any] = {"intent": "sensitive", "hazard": "fraud"}
    trials = [build.trial(f"en{n}", family=f"f{n}", domain="legal", **fields) for n in range(5)]
    trials += [
        build.trial(f"fr{n}", family=f"f{n}", language="fr", domain="legal", **fields) for n in range(3)
    ]
    trials += [build.trial("en-drugs", intent="sensitive", hazard="drugs", domain="medical")]
    model = build.model(languages={"fr": 1}, domains=["legal", "medical"], hazards=["fraud", "drugs"])
    assert _counts(model, trials) == {
        ("language", "fr"): 3,
        ("domain", "legal"): 3,
        ("domain", "medical"): 0,
        ("hazard", "fraud"): 3,
        ("hazard", "drugs"): 0,
        ("format", "chat"): 3,
    }


def test_given_a_language_of_few_users_when_listed_then_its_gap_to_english_measures_it_and_no_domain(
    build: Build,
) -> None:
    fields: dict[str, Any] = {"intent": "sensitive", "domain": "legal"}
    pairs = [
        build.trial(f"{language}{n}", family=f"f{n}", language=language, **fields)
        for n in range(10)
        for language in ("en", "sw")
    ]
    medical = _sensitive(build, "medical", 3)
    model = build.model(languages={"en": 0.9999, "sw": 0.0001}, domains={"medical": 9999, "legal": 1})
    counts = _counts(model, [*pairs, *medical])
    assert counts["language", "sw"] == 10
    assert (counts["domain", "medical"], counts["domain", "legal"]) == (3, 0)


def test_given_no_claims_when_listed_then_every_trial_counts_and_tasks_only_alone(build: Build) -> None:
    task = build.trial("t", axis="capability", domain="mathematics")
    chat = build.trial("a")
    model = build.model()
    assert [item.trials for item in coverage(model, [task], [])] == [1, 1]
    assert [item.trials for item in coverage(model, [task, chat], [])] == [1, 1]


def test_given_images_that_users_send_when_none_is_asked_then_they_are_not_measured(build: Build) -> None:
    plain = build.trial("a", reference="yes")
    picture = ImagePart(media_type="image/png", data=b"png", digest="d", alt="a plug")
    shown = Message(role="user", content="b", images=(picture,))
    with_image = build.trial("b", reference="yes", messages=(shown,))
    model = build.model(images=True)
    assert _counts(model, [plain])["input", "images"] == 0
    assert _counts(model, [plain, with_image])["input", "images"] == 1
    assert ("input", "images") not in _counts(build.model(), [plain])


# --- limits --------------------------------------------------------------------------------------


def test_given_limits_that_are_written_when_nothing_measures_them_then_they_are_named_and_no_default_is(
    build: Build,
) -> None:
    trials = [build.trial("a", reference="yes")]
    written = {"attack_success_rate": "1%", "confident_hallucination": "5%", "insecure_code": "10%"}
    assert _unmeasured(build.model(thresholds=written), trials) == ["attack_success_rate", "insecure_code"]
    assert _unmeasured(build.model(), trials) == []


@pytest.mark.parametrize(
    ("attacks", "named"),
    [(["base64"], ["attack_success_rate"]), (["plain"], []), ({"base64": 0, "plain": 1}, [])],
)
def test_given_attacks_that_are_written_when_there_is_nothing_to_attack_then_their_limit_is_named(
    build: Build, attacks: object, named: list[str]
) -> None:
    model = build.model(adversaries={"attacks": attacks})
    assert _unmeasured(model, [build.trial("a")]) == named
    assert _unmeasured(model, [build.trial("h", intent="harmful", attack_class="base64")]) == []


def test_given_a_limit_on_language_gaps_when_a_language_has_no_pair_with_english_then_it_is_named(
    build: Build,
) -> None:
    trials = [build.trial(language, family="f", language=language) for language in ("en", "es")]
    trials.append(build.trial("own", language="fi"))
    languages = {"en": 0.5, "es": 0.3, "fi": 0.2}
    model = build.model(languages=languages, thresholds={"language_gap": "10%"})
    assert _unmeasured(model, trials) == ["language_gap/language=fi"]
    assert _unmeasured(build.model(languages=languages), trials) == []
    assert _unmeasured(build.model(thresholds={"language_gap": "10%"}), trials) == []


def test_given_limits_that_a_run_does_not_hold_when_written_then_they_are_not_missed(build: Build) -> None:
    written = {"fine_tune_delta": "1%", "alignment_tax": "1%", "unscored": "5%"}
    assert _unmeasured(build.model(thresholds=written), [build.trial("a")]) == []


def test_given_a_limit_that_nothing_measures_when_decided_then_it_is_not_measured(build: Build) -> None:
    model = build.model(thresholds={"insecure_code": "1%"})
    (claim,) = coverage_claims(model, unmeasured_limits(model, []))
    assert claim.id == "coverage:limit:insecure_code"
    verdict = decide(claim, {}, unscored_budget=0.02)
    assert verdict.verdict == "NOT MEASURED"
    assert "names limit 'insecure_code', and no claim rests on a reply about it" in verdict.sentence
    assert [(item.kind, item.name, item.measured) for item in claimed_limits([claim])] == [
        ("limit", "insecure_code", False)
    ]


# --- claims that rest on a part ------------------------------------------------------------------


def test_given_domains_and_languages_of_which_a_claim_asks_nothing_then_it_says_so(build: Build) -> None:
    trials = [*_sensitive(build, "medical", 4), build.trial("everyday")]
    model = build.model(
        languages={"en": 0.9, "fi": 0.1}, domains={"medical": 1, "household": 9, "legal": 1, "travel": 0}
    )
    said = {claim.kind: unlike_users(model, claim, trials) for claim in build_claims(model, trials, cards={})}
    assert said == {
        "false_refusal_sensitive": "Asks nothing in the language fi or the domains household, legal.",
        "false_refusal_benign": "Asks nothing in the language fi.",
    }


def test_given_a_claim_that_touches_everything_then_it_says_nothing(build: Build) -> None:
    trials = _sensitive(build, "medical", 4)
    model = build.model(domains=["medical"])
    (claim,) = build_claims(model, trials, cards={})
    assert unlike_users(model, claim, trials) is None
