"""Pairing two models' scores by item: what pairs, what is refused, what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignmeter.analysis.pairing import pair_items
from alignmeter.errors import InputError
from alignmeter.records import ItemScores, ScoredItem

if TYPE_CHECKING:
    from collections.abc import Sequence


def item(name: str, score: float | None, domain: str = "law", **more: Any) -> ScoredItem:  # noqa: ANN401 - fields
    family = more.pop("family", name)
    return ScoredItem(item=name, domain=domain, score=score, family=family, **more)


def scores(model: str, items: Sequence[ScoredItem], **more: Any) -> ItemScores:  # noqa: ANN401 - fields
    return ItemScores(model=model, source="csv", origin=f"{model}.csv", items=tuple(items), **more)


def test_items_pair_by_name_on_what_both_have_where_the_two_sets_differ_on_purpose() -> None:
    base = scores("base", [item("a", 1.0), item("b", 0.0), item("c", 1.0)])
    other = scores("dpo", [item("c", 0.5), item("a", 0.0), item("d", 1.0)])

    paired = pair_items(base, other, items="shared")

    assert paired.shared == 2
    (law,) = paired.domains
    assert [pair.base.item for pair in law.pairs] == ["a", "c"]
    assert law.base.tolist() == [1.0, 1.0]
    assert law.other.tolist() == [0.0, 0.5]
    assert (law.only_base, law.only_other, law.invalid) == (1, 1, "")
    assert any(
        "1 are only in base.csv and 1 only in dpo.csv, and are left out" in one for one in paired.notes
    )


def test_an_item_that_one_side_has_no_row_of_has_no_score_there() -> None:
    base = scores("base", [item("a", 1.0, family="f"), item("b", 0.0), item("c", 1.0)])
    other = scores("dpo", [item("c", 0.5), item("a", 0.0, family="f"), item("d", 1.0)])

    paired = pair_items(base, other)

    (law,) = paired.domains
    assert [(pair.base.item, pair.base.score, pair.other.score) for pair in law.pairs] == [
        ("a", 1.0, 0.0),
        ("b", 0.0, None),
        ("c", 1.0, 0.5),
        ("d", None, 1.0),
    ]
    assert (paired.shared, law.shared, len(law.scored)) == (2, 2, 2)
    assert (law.absent_base, law.absent_other, law.unscored_base, law.unscored_other) == (1, 1, 1, 1)
    assert (law.only_base, law.only_other) == (1, 1)
    said = " ".join(paired.notes)
    assert "law: 1 items have no row in base.csv" in said
    assert "law: 1 items have no row in dpo.csv" in said
    assert "left out." not in said
    assert "2 shared items have no version" in said


def test_what_a_source_states_that_it_was_not_asked_is_left_out() -> None:
    base = scores("base", [item("a", 1.0), item("b", 0.0), item("c", 1.0)])
    other = scores("dpo", [item("a", 0.0), item("c", 1.0), item("d", 1.0)], stated=("law",))

    (law,) = pair_items(base, other).domains
    assert [pair.base.item for pair in law.pairs] == ["a", "c", "d"]
    assert (law.absent_base, law.absent_other, law.only_base, law.only_other) == (1, 0, 1, 1)

    both = pair_items(scores("base", base.items, stated=("law",)), other).domains
    assert [pair.base.item for pair in both[0].pairs] == ["a", "c"]


def test_the_same_name_in_two_domains_is_two_items() -> None:
    both = [item("1", 1.0, "law"), item("1", 0.0, "medicine"), item("2", 1.0, "law"), item("2", 1.0, "art")]
    base = scores("base", both[:3])
    other = scores("dpo", [both[1], both[0], both[3]])

    paired = pair_items(base, other, fewest=2)

    assert [(one.domain, one.shared) for one in paired.domains] == [("law", 1), ("medicine", 1)]
    assert paired.only_other == ("art",)


def test_unscored_items_are_counted_and_left_out() -> None:
    base = scores(
        "base", [item("a", 1.0), item("b", None, unscored="error"), item("c", 1.0), item("d", None)]
    )
    other = scores("dpo", [item("a", 1.0), item("b", 1.0), item("c", None), item("d", None)])

    (law,) = pair_items(base, other).domains

    assert (len(law.pairs), len(law.scored)) == (4, 1)
    assert (law.unscored_base, law.unscored_other) == (2, 2)
    assert "at least 2 are needed" in law.invalid


def test_members_of_one_family_are_not_independent() -> None:
    items = [item("a", 1.0, family="f"), item("b", 0.0, family="f"), item("c", 1.0, family="g")]

    (law,) = pair_items(scores("base", items), scores("dpo", items)).domains

    assert law.clustered
    assert law.n_families == 2
    assert law.families.tolist() == [0, 0, 1]


def test_a_domain_with_too_few_families_is_invalid_and_the_others_are_not() -> None:
    items = [item("a", 1.0), item("b", 1.0), item("c", 0.0), item("x", 1.0, "art"), item("y", 1.0, "art")]

    law, art = pair_items(scores("base", items), scores("dpo", items), fewest=3).domains

    assert law.invalid == ""
    assert art.invalid.startswith("2 of 2 shared items")


def test_other_versions_of_items_are_refused_by_name() -> None:
    base = scores("base", [item(str(n), 1.0, version="1") for n in range(9)])
    other = scores("dpo", [item(str(n), 1.0, version="2" if n > 2 else "1") for n in range(9)])

    with pytest.raises(
        InputError, match=r"got 6 whose content differs: 'law' '3', .* and 3 more; score both"
    ):
        pair_items(base, other)


def test_a_version_that_one_side_does_not_know_pairs_with_a_note() -> None:
    base = scores("base", [item("a", 1.0, version="1"), item("b", 1.0, version="1")])
    other = scores("dpo", [item("a", 1.0), item("b", 1.0, version="1")])

    paired = pair_items(base, other)

    assert paired.versioned == 1
    assert paired.notes[0].startswith("1 shared items have no version on both sides")


def test_other_prompts_are_refused_unless_they_are_allowed() -> None:
    base = scores("base", [item("a", 1.0, prompt="plain"), item("b", 1.0, prompt="plain")])
    other = scores("dpo", [item("a", 1.0, prompt="chat"), item("b", 1.0, prompt="plain")])

    with pytest.raises(
        InputError, match=r"same text for an item, got 1 that differ: 'law' 'a'; .*`prompts=any`"
    ):
        pair_items(base, other)
    assert "different texts for 1 shared items" in " ".join(pair_items(base, other, prompts="any").notes)


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        ({"metric": {"law": "f1"}}, {"metric": {"law": "exact"}}, "different metrics, 'f1' and 'exact'"),
        ({"scorers": {"law": "v1"}}, {"scorers": {"law": "v2"}}, "scored differently, by 'v1' and by 'v2'"),
        ({"chance": {"law": 0.25}}, {"chance": {"law": 0.5}}, "guessing scores 0.25 on one side and 0.5 on"),
    ],
)
def test_a_domain_that_was_not_scored_alike_is_invalid_and_leaves_the_others_be(
    one: dict[str, Any], two: dict[str, Any], said: str
) -> None:
    items = [item(name, 1.0, domain) for name in "ab" for domain in ("law", "art")]

    law, art = pair_items(scores("base", items, **one), scores("dpo", items, **two)).domains

    assert said in law.invalid
    assert not art.invalid


def test_scores_of_two_scorers_are_refused() -> None:
    items = [item("a", 1.0), item("b", 0.0)]
    base = scores("base", items, scored_by="lm-eval")

    with pytest.raises(InputError, match="by one scorer, got 'lm-eval' and 'inspect'"):
        pair_items(base, scores("dpo", items, scored_by="inspect"))


def test_guessing_is_that_of_the_shared_items_where_it_is_known_of_each() -> None:
    items = [item("a", 1.0, chance=1 / 3), item("b", 1.0, chance=0.25), item("c", 1.0, chance=0.25)]
    base = scores("base", items, chance={"law": 5 / 18})

    (law,) = pair_items(base, scores("dpo", items[:2], chance={"law": 7 / 24})).domains
    assert (law.chance, law.invalid) == (pytest.approx(7 / 24), "")

    asked_otherwise = [item("a", 1.0, chance=0.5), *items[1:]]
    (law,) = pair_items(base, scores("dpo", asked_otherwise)).domains
    assert law.invalid == "guessing scores 0.333333 on one side and 0.5 on the other; state the same for both"


def test_only_shared_domains_must_be_scored_alike() -> None:
    law = [item("a", 1.0), item("b", 0.0)]
    base = scores("base", [*law, item("z", 1.0, "art")], metric={"art": "f1"}, scorers={"art": "v1"})

    assert pair_items(base, scores("dpo", law, metric={"art": "exact"}, scorers={"art": "v2"})).shared == 2


def test_a_side_that_does_not_say_who_scored_is_noted() -> None:
    items = [item("a", 1.0), item("b", 0.0)]

    paired = pair_items(scores("base", items, scored_by="judge"), scores("dpo", items))

    assert "dpo.csv does not say who scored" in " ".join(paired.notes)


def test_items_that_come_twice_are_refused() -> None:
    twice = scores("dpo", [item("a", 1.0), item("a", 0.0), item("b", 1.0)])

    with pytest.raises(
        InputError, match=r"dpo\.csv: expected each item once in its domain, got 1 .*'law' 'a'"
    ):
        pair_items(scores("base", [item("a", 1.0)]), twice)


def test_nothing_shared_names_what_is_there() -> None:
    with pytest.raises(InputError, match=r"got 1 in base\.csv \('law' 'a'\) and 1 in dpo\.csv \('law' 'b'\)"):
        pair_items(scores("base", [item("a", 1.0)]), scores("dpo", [item("b", 1.0)]))
    with pytest.raises(InputError, match=r"and 0 in dpo\.csv without one"):
        pair_items(scores("base", [item("a", 1.0)]), scores("dpo", []))


def test_fewer_than_two_families_can_not_be_asked_for() -> None:
    items = [item("a", 1.0)]

    with pytest.raises(InputError, match="at least 2 families, got 1"):
        pair_items(scores("base", items), scores("dpo", items), fewest=1)


ITEMS = st.dictionaries(
    st.tuples(st.sampled_from("xy"), st.integers(0, 5)), st.none() | st.floats(0, 1), min_size=1, max_size=12
)


# How long the first example takes to draw says how busy the machine is, not that it is too large.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ITEMS, ITEMS)
def test_every_item_is_paired_left_or_counted_and_sides_swap(
    one: dict[tuple[str, int], float | None], two: dict[tuple[str, int], float | None]
) -> None:
    base, other = (
        scores(model, [item(str(name), score, domain) for (domain, name), score in found.items()])
        for model, found in (("base", one), ("dpo", two))
    )
    if not one.keys() & two.keys():
        with pytest.raises(InputError, match="without one in common"):
            pair_items(base, other)
        return

    there, back = pair_items(base, other), pair_items(other, base)

    assert there.shared == back.shared == len(one.keys() & two.keys())
    for domain in there.domains:
        (twin,) = (found for found in back.domains if found.domain == domain.domain)
        assert sorted(zip(domain.base, domain.other, strict=True)) == sorted(
            zip(twin.other, twin.base, strict=True)
        )
        assert len(domain.scored) <= len(domain.pairs) - max(domain.unscored_base, domain.unscored_other)
        assert (domain.only_base, domain.unscored_base) == (twin.only_other, twin.unscored_other)
