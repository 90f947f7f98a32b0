"""Means and paired differences of scored items, with intervals by family."""

from __future__ import annotations

import msgspec
import pytest

from alignmeter.analysis.score_means import compare_scores, describe_scores
from alignmeter.errors import InputError
from alignmeter.records import ItemScores, ScoredItem
from alignmeter.stats import cluster_mean, tango, wilson


def scores(model: str, *values: float | None, family: int = 1, **more: dict[str, float] | None) -> ItemScores:
    """Items of one domain; `family` of them share one."""
    items = tuple(
        ScoredItem(item=str(n), family=str(n // family), domain="law", score=value)
        for n, value in enumerate(values)
    )
    made = ItemScores(model=model, source="csv", origin=model, items=items)
    return msgspec.structs.replace(made, **more)


def test_independent_right_and_wrong_answers_have_wilsons_interval() -> None:
    (law,) = describe_scores(scores("m", 1.0, 0.0, 1.0, 1.0)).domains

    assert (law.n, law.families, law.mean) == (4, 4, 0.75)
    assert law.interval is not None
    assert law.interval.method == "Wilson"
    assert (law.interval.lower, law.interval.upper) == pytest.approx(wilson(3, 4))


@pytest.mark.parametrize(
    ("values", "family"), [((1.0, 0.0, 1.0, 1.0, 0.0, 0.0), 2), ((0.5, 0.25, 1.0, 0.0), 1)]
)
def test_families_and_grades_have_an_interval_by_family(values: tuple[float, ...], family: int) -> None:
    (law,) = describe_scores(scores("m", *values, family=family)).domains

    expected = cluster_mean(values, [n // family for n in range(len(values))])
    assert law.interval is not None
    assert (law.interval.lower, law.interval.upper) == pytest.approx((expected.lower, expected.upper))
    assert law.interval.method.endswith("by family")


@pytest.mark.parametrize("lost", [0.1, 0.5])
def test_one_item_that_loses_a_part_shows_no_higher_mean_than_none(lost: float) -> None:
    (none,) = describe_scores(scores("m", *[1.0] * 30)).domains
    (one,) = describe_scores(scores("m", *[1.0] * 29, 1 - lost)).domains

    assert none.interval is not None
    assert one.interval is not None
    assert one.interval.lower <= none.interval.lower


def test_an_item_that_comes_twice_is_refused_as_in_pairing() -> None:
    once = scores("m.csv", 1.0, 0.0)
    twice = msgspec.structs.replace(once, items=(*once.items, once.items[0]))

    said = r"m\.csv: expected each item once in its domain, got 1 that"
    with pytest.raises(InputError, match=said):
        describe_scores(twice)
    with pytest.raises(InputError, match=said):
        compare_scores(twice, once)


def test_without_two_families_there_is_no_interval_and_without_a_score_no_mean() -> None:
    (one,) = describe_scores(scores("m", 1.0, None)).domains
    (none,) = describe_scores(scores("m", None, None)).domains

    assert (one.mean, one.unscored, one.interval) == (1.0, 1, None)
    assert (none.mean, none.unscored, none.interval) == (None, 2, None)


def test_refusals_are_counted_where_somebody_looked() -> None:
    looked = ItemScores(
        model="m",
        source="csv",
        origin="f",
        items=tuple(
            ScoredItem(item=str(n), family=str(n), domain=domain, score=0.0, refused=refused)
            for n, (domain, refused) in enumerate(
                [("law", True), ("law", False), ("law", None), ("art", None)]
            )
        ),
    )

    assert [one.refused for one in describe_scores(looked).domains] == [1, None]


def test_what_the_source_printed_stands_beside() -> None:
    (law,) = describe_scores(scores("m", 1.0, 0.0, reported={"law": 0.5}, chance={"law": 0.25})).domains

    assert (law.reported, law.chance) == (0.5, 0.25)


def test_a_difference_of_independent_answers_has_tangos_interval() -> None:
    found = compare_scores(scores("base", 1.0, 1.0, 1.0, 0.0), scores("dpo", 0.0, 0.0, 1.0, 1.0))

    (law,) = found.domains
    expected = tango(1, 2, 4, level=0.95)
    assert (law.base, law.other, law.difference) == (0.75, 0.5, -0.25)
    assert law.interval is not None
    assert law.interval.method == "Tango"
    assert (law.interval.lower, law.interval.upper) == pytest.approx((expected.lower, expected.upper))
    assert found.exit_code == 0


def test_a_difference_of_families_is_clustered() -> None:
    base, other = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    (law,) = compare_scores(scores("base", *base, family=2), scores("dpo", *other, family=2)).domains

    differences = [two - one for one, two in zip(base, other, strict=True)]
    expected = cluster_mean(differences, [0, 0, 1, 1, 2, 2], support=(-1.0, 1.0))
    assert (law.pairs, law.families) == (6, 3)
    assert law.interval is not None
    assert (law.interval.lower, law.interval.upper) == pytest.approx((expected.lower, expected.upper))


def test_equal_scores_do_not_give_an_interval_without_width() -> None:
    (law,) = compare_scores(scores("base", 0.5, 0.5, 0.5), scores("dpo", 0.5, 0.5, 0.5)).domains

    assert law.difference == 0.0
    assert law.interval is not None
    assert law.interval.lower < 0 < law.interval.upper


def test_too_few_pairs_are_invalid_and_exit_with_4() -> None:
    found = compare_scores(scores("base", 1.0, None), scores("dpo", 0.0, 1.0))

    assert found.exit_code == 4
    assert found.domains[0].interval is None
    assert "at least 2 are needed" in found.domains[0].invalid


@pytest.mark.parametrize(("items", "few"), [(20, 2), (45, 3), (100, 2)])
def test_items_without_a_score_are_too_many_where_chance_leaves_fewer(items: int, few: int) -> None:
    """At 2%, of 20 items 3 have no score in 0.7% of cases, of 45 items 4 in 1.2%: one in twenty at most."""
    base = scores("base", *[1.0] * items)
    within, over = (
        compare_scores(base, scores("dpo", *[None] * missing, *[1.0] * (items - missing)))
        for missing in (few, few + 1)
    )

    assert (within.exit_code, within.domains[0].difference) == (0, 0.0)
    assert (over.exit_code, over.domains[0].difference) == (4, None)
    assert f"{few + 1} of {items} items have no score on both sides, more than" in over.domains[0].invalid


def test_what_items_without_a_score_may_do_to_a_figure_is_said() -> None:
    one = scores("base", *[1.0] * 19, None)
    found = compare_scores(one, scores("dpo", *[1.0] * 18, 0.0, 0.5))

    assert found.domains[0].difference == pytest.approx(-1 / 19)
    # The twentieth item scored 0.5, and anything from 0 to 1 before.
    assert "law 1 and 0 of 20 (-7.5 to -2.5 points)" in found.notes[-1]
    assert "law 1 of 20 (95.0% to 100.0%)" in describe_scores(one).notes[-1]
    assert not any("law 1" in note for note in found.base.notes)
    assert not describe_scores(scores("m", 1.0, 0.0)).notes
