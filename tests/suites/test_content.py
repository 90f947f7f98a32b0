"""The built-in content keeps its promises: counts, pairs, flips, sources, length, variety."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alignmeter.suites import HAZARDS, check_suites, load_catalogue, load_suite
from alignmeter.suites.duplicates import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import Intent, Probe

TRIAD_DOMAINS = (
    "medical",
    "legal",
    "security",
    "fiction",
    "controversial",
    "journalism",
    "history",
    "chemistry",
    "mental_health",
    "financial",
)
FACT_DOMAINS = ("medical", "legal", "financial", "household_safety")
POOLED_DOMAINS = ("food_safety", "outdoor_safety", "electrical_safety", "cyber_hygiene")
CLAIM_LANGUAGES = ("es", "ar", "hi", "tr", "sw")
SCREENING_LANGUAGES = ("fr", "de", "ru", "zh", "ro", "bn", "yo", "zu")
PUBLIC_DATA = Path(__file__).parents[2].parent / "shared" / "data"


def of(intent: Intent) -> tuple[Probe, ...]:
    return tuple(probe for probe in load_suite("triad") if probe.intent == intent)


def test_the_suites_keep_their_promises() -> None:
    """What `alignmeter suites check` looks for: nothing is found."""
    for check in check_suites():
        assert check.findings == (), check.name
        assert check.looked_at


def test_the_triad_has_its_numbers() -> None:
    assert Counter(probe.intent for probe in load_suite("triad")) == {
        "benign": 200,
        "sensitive": 320,
        "harmful": 240,
    }
    assert Counter(probe.domain for probe in of("sensitive")) == dict.fromkeys(TRIAD_DOMAINS, 32)
    assert Counter(probe.domain for probe in of("harmful")) == dict.fromkeys(TRIAD_DOMAINS, 24)
    assert len({probe.domain for probe in of("benign")}) == 20


@pytest.mark.parametrize("language", CLAIM_LANGUAGES)
def test_a_language_that_carries_claims_has_a_hundred_pairs_and_forty_facts(language: str) -> None:
    intents = Counter(probe.intent for probe in load_suite("triad", language))
    assert intents == {"benign": 20, "sensitive": 100, "harmful": 100}
    assert len({probe.family for probe in load_suite("implicit_harm", language)}) == 40


@pytest.mark.parametrize("language", SCREENING_LANGUAGES)
def test_a_language_for_screening_has_twenty_of_each_intent_and_ten_facts(language: str) -> None:
    intents = Counter(probe.intent for probe in load_suite("triad", language))
    assert intents == {"benign": 20, "sensitive": 20, "harmful": 20}
    assert len({probe.family for probe in load_suite("implicit_harm", language)}) == 10


def test_every_translation_says_who_wrote_it() -> None:
    for language in (*CLAIM_LANGUAGES, *SCREENING_LANGUAGES):
        for probe in load_suite("triad", language):
            assert "no native review" in probe.provenance


def test_each_harmful_probe_is_the_twin_of_one_sensitive_probe() -> None:
    sensitive = {probe.family: probe for probe in of("sensitive")}
    harmful = of("harmful")
    assert len({probe.family for probe in harmful}) == len(harmful)
    for probe in harmful:
        twin = sensitive[probe.family]
        assert (twin.domain, twin.hazard) == (probe.domain, probe.hazard)


def test_benign_families_are_their_own() -> None:
    families = Counter(probe.family for probe in load_suite("triad"))
    assert {families[probe.family] for probe in of("benign")} == {1}


def test_implicit_harm_has_eighty_families_a_claim_and_both_flips_of_each() -> None:
    flips: defaultdict[tuple[str, str], list[str | None]] = defaultdict(list)
    for probe in load_suite("implicit_harm"):
        flips[probe.domain, probe.family].append(probe.reference)
    sizes = Counter(domain for domain, _ in flips)
    assert {domain: sizes[domain] for domain in FACT_DOMAINS} == dict.fromkeys(FACT_DOMAINS, 82)
    assert sum(sizes[domain] for domain in POOLED_DOMAINS) == 84
    assert all(sorted(map(str, references)) == ["no", "yes"] for references in flips.values())


def test_every_fact_cites_a_page_and_law_and_money_expire_where_they_change() -> None:
    for probe in load_suite("implicit_harm"):
        assert probe.source is not None
        organisation, _, address = probe.source.rpartition(", https://")
        assert organisation, probe.id
        assert "." in address.split("/")[0], probe.id
        assert (probe.explanation or "").endswith("."), probe.id
        assert probe.prompt.endswith("?"), probe.id
    assert any(probe.expires for probe in load_suite("implicit_harm") if probe.domain == "financial")


@pytest.mark.parametrize(
    ("intent", "shortest", "longest"), [("benign", 6, 30), ("sensitive", 15, 45), ("harmful", 6, 30)]
)
def test_prompts_have_the_length_of_real_requests(intent: Intent, shortest: int, longest: int) -> None:
    for probe in of(intent):
        assert shortest <= len(words(probe.prompt)) <= longest, probe.id


def test_every_hazard_of_the_vocabulary_is_used_and_described() -> None:
    assert {probe.hazard for probe in load_catalogue()} - {None} == set(HAZARDS)
    guide = (Path(__file__).parents[2] / "docs" / "suites.md").read_text()
    for name, meaning in HAZARDS.items():
        assert f"| `{name}` | {meaning} |" in guide


def test_the_guide_prints_the_counts_of_the_files() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "suites.md").read_text()
    triad = Counter(probe.intent for probe in load_suite("triad"))
    assert f"| `triad` | {triad['benign']} | {triad['sensitive']} | {triad['harmful']} |" in guide
    facts = load_suite("implicit_harm")
    assert f"{len({probe.family for probe in facts})} families, {len(facts)} questions" in guide


def test_trigger_words_do_not_tell_benign_from_harmful() -> None:
    alarming = {"kill", "killing", "murdering", "blow", "died", "dies"}
    assert sum(bool(alarming & set(words(probe.prompt))) for probe in of("benign")) >= 8


def _copied(prompts: Iterable[str], texts: Sequence[str]) -> list[str]:
    """The prompts that stand in a text."""
    # Such a prompt has its pairs of words there too; its first and last may touch other characters.
    pairs = {pair for text in texts for pair in itertools.pairwise(text.split())}
    return [
        prompt
        for prompt in prompts
        if pairs.issuperset(itertools.pairwise(prompt.split()[1:-1]))
        and any(prompt in text for text in texts)
    ]


def test_no_prompt_is_taken_from_the_public_data_sets() -> None:
    if not PUBLIC_DATA.is_dir():
        pytest.skip(f"no public data sets beside the repository ({PUBLIC_DATA.name} is missing)")
    texts = [path.read_text(errors="replace").casefold() for path in sorted(PUBLIC_DATA.rglob("*.csv"))]
    taken = texts[0].splitlines()[1].split(",")[1]
    assert _copied([taken], texts) == [taken]
    assert _copied((probe.prompt.casefold() for probe in load_catalogue()), texts) == []
