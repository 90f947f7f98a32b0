"""Fact tables and the questions that are generated from them."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.errors import InputError
from alignmeter.suites import SuiteFile, load_catalogue, load_suite, parse_suite, suite_digest, suite_names
from alignmeter.suites.facts import FACTS_SEED, fact_tables, generate_facts
from alignmeter.suites.facts.tables import read_table

FACTS = sum(len(table.facts) for table in fact_tables())
SEEDS = st.integers(0, 2**31)


def test_given_the_tables_when_counted_then_there_are_ten_of_eight_facts_and_six_wordings() -> None:
    assert len(fact_tables()) >= 10
    for table in fact_tables():
        assert len(table.facts) >= 8, table.name
        assert len(table.wordings) >= 6, table.name
        assert {wording.right for wording in table.wordings} == {True, False}, table.name


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_given_a_seed_when_generated_then_the_rows_obey_the_schema_of_every_suite(seed: int) -> None:
    probes = generate_facts(seed)
    lines = b"\n".join(msgspec.json.encode(probe) for probe in probes)
    assert parse_suite(lines, SuiteFile("facts.en.jsonl", "facts", "en")) == probes


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, FACTS))
def test_given_a_number_when_generated_then_it_is_that_of_families_with_both_flips(seed: int, n: int) -> None:
    probes = generate_facts(seed, n)
    flips: defaultdict[str, list[str | None]] = defaultdict(list)
    for probe in probes:
        flips[probe.family].append(probe.reference)
    assert len(flips) == n
    assert all(references == ["yes", "no"] for references in flips.values())
    assert len({probe.id for probe in probes}) == len({probe.prompt for probe in probes}) == 2 * n


@given(SEEDS)
@settings(max_examples=5, deadline=None)
def test_given_the_same_seed_when_generated_twice_then_the_questions_are_the_same(seed: int) -> None:
    assert generate_facts(seed) == generate_facts(seed)


def test_given_two_seeds_when_generated_then_most_questions_are_new_and_the_families_are_not() -> None:
    first, second = generate_facts(1), generate_facts(2)
    assert {probe.family for probe in first} == {probe.family for probe in second}
    shared = {probe.prompt for probe in first} & {probe.prompt for probe in second}
    assert len(shared) < 0.2 * len(first)
    assert {probe.id for probe in first if probe.prompt not in shared}.isdisjoint(
        probe.id for probe in second
    )


def test_given_a_question_when_answered_by_its_table_then_the_reference_follows() -> None:
    """The truth of each flip worked out again, from the text of the question alone."""
    facts = {f"facts-{table.name}": [(table, fact) for fact in table.facts] for table in fact_tables()}
    for probe in generate_facts(7):
        candidates = facts[probe.family.rsplit("-", 1)[0]]
        prompt = probe.prompt.casefold()
        asked = [
            wording.right == (value == fact.safe)
            for table, fact in candidates
            for wording in table.wordings
            for value in (fact.safe, *fact.known_wrong)
            if prompt.endswith(
                wording.ask.replace("{entity}", fact.entity).replace("{value}", value).casefold()
            )
        ]
        assert asked == [probe.reference == "yes"], probe.prompt


def test_given_a_known_wrong_value_when_probes_are_generated_then_no_explanation_states_it() -> None:
    for seed in range(5):
        for probe in generate_facts(seed):
            table = next(t for t in fact_tables() if probe.family.startswith(f"facts-{t.name}-"))
            stated = {
                table.statement.replace("{entity}", fact.entity).replace("{value}", fact.safe).casefold()
                for fact in table.facts
            }
            assert (probe.explanation or "").casefold() in stated


def test_given_the_value_alone_when_guessing_then_it_does_not_tell_the_answer() -> None:
    """About half of all known-wrong values stand in questions whose answer is yes."""
    answers: Counter[bool] = Counter()
    for seed in range(10):
        for probe in generate_facts(seed):
            table = next(t for t in fact_tables() if probe.family.startswith(f"facts-{t.name}-"))
            right = any(
                probe.prompt.casefold().endswith(
                    wording.ask.replace("{entity}", fact.entity).replace("{value}", value).casefold()
                )
                for wording in table.wordings
                if wording.right
                for fact in table.facts
                for value in (fact.safe, *fact.known_wrong)
            )
            answers[right == (probe.reference == "yes")] += 1
    assert 0.4 < answers[True] / answers.total() < 0.6


@pytest.mark.parametrize("n", [0, -1, FACTS + 1])
def test_given_more_families_than_facts_when_generated_then_it_is_an_input_error(n: int) -> None:
    with pytest.raises(InputError, match=f"expected 1 to {FACTS} families of facts, got {n}"):
        generate_facts(1, n)


def test_given_the_catalogue_when_asked_for_facts_then_it_generates_with_the_pinned_seed() -> None:
    assert "facts" in suite_names()
    assert load_suite("facts") == generate_facts(FACTS_SEED) == load_catalogue(["facts"])
    assert len(suite_digest("facts")) == 64
    with pytest.raises(InputError, match="suite 'facts': expected a language from en, got 'de'"):
        load_suite("facts", "de")


TABLE = """
domain: food_safety
hazard: household_harm
jurisdiction: international
source: An Authority, https://example.org/
checked_on: "2026-11-21"
statement: "{entity}: {value}."
settings: [One sentence.]
wordings:
  - {ask: "Is {entity} {value}, one?", right: true}
  - {ask: "Is {entity} {value}, two?", right: true}
  - {ask: "Is {entity} {value}, three?", right: true}
  - {ask: "Is {entity} {value}, four?", right: true}
  - {ask: "Is {entity} {value}, five?", right: true}
  - {ask: "Is {entity} not {value}?", right: false}
facts:
""" + "".join(f"  - {{entity: thing {n}, safe: blue, known_wrong: [red]}}\n" for n in range(8))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "domain: food_safety\n",
            "",
            "expected a table of facts, got Object missing required",
        ),
        ("domain:", "flavour: salty\ndomain:", "unknown field `flavour`"),
        ("thing 7", "thing 6", "expected each entity once"),
        ("  - {entity: thing 7, safe: blue, known_wrong: [red]}\n", "", "expected at least 8 facts, got 7"),
        ("right: false", "right: true", "some of them with `right: false`"),
        ("{entity} not {value}", "it not {value}", "expected a wording with {entity} and {value}"),
        ("thing 0, safe: blue", "thing 0, safe: red", "expected known-wrong values other than 'red'"),
        ("https://example.org/", "a book", "expected a source with an https address"),
        ("facts:", "facts: [", "expected a table of facts"),
    ],
)
def test_given_a_broken_table_when_read_then_the_file_and_the_rule_are_named(
    old: str, new: str, expected: str
) -> None:
    assert read_table("demo.yaml", TABLE).name == "demo"
    with pytest.raises(InputError) as caught:
        read_table("demo.yaml", TABLE.replace(old, new, 1))
    assert str(caught.value).startswith("demo.yaml: ")
    assert expected in str(caught.value)
