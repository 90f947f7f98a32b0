"""Regions: what was planted is found and shown, and nothing is shown where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from alignmeter.analysis.region_groups import (
    NEARNESS,
    Group,
    centres,
    drawn_groups,
    labelled_groups,
    nearest,
    worded_groups,
)
from alignmeter.analysis.regions import (
    LEVEL,
    Side,
    Unit,
    boundary_pairs,
    find_regions,
    split_families,
)
from alignmeter.analysis.text_vectors import leading, normed, telling_terms, tfidf_vectors, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TOPICS = 8


def world(
    seed: int, bad: Callable[[int, str], float], *, families: int = 200
) -> tuple[NDArray[np.float64], list[Unit], NDArray[np.intp]]:
    """Families with a legitimate and a harmful request each, in eight topics; `bad` by topic and side."""
    rng = np.random.default_rng([2026, seed])
    middles = normed(rng.normal(size=(TOPICS, 24)))
    topics = rng.integers(TOPICS, size=families)
    rows = np.repeat(topics, 2)
    vectors = normed(middles[rows] + rng.normal(scale=0.13, size=(2 * families, 24)))
    units = [
        Unit(f"f{family}", side, bool(rng.random() < bad(int(topics[family]), side)))
        for family in range(families)
        for side in ("over", "under")
    ]
    return vectors, units, rows


def test_given_a_topic_that_is_refused_when_searched_then_it_is_shown_and_nothing_else() -> None:
    vectors, units, topics = world(0, lambda topic, side: 0.9 if (topic, side) == (3, "over") else 0.03)

    found = find_regions(vectors, units)

    shown = [one for one in found.tested if one.shown]
    assert [one.shown for one in shown] == [("over",)]
    members = shown[0].candidate.members
    assert (topics[members] == 3).mean() > 0.9
    side = shown[0].sides["over"]
    assert side.rate is not None
    assert side.rate > 0.7
    assert side.outside is not None
    assert side.outside < 0.1
    assert side.interval is not None
    assert side.interval.lower > side.limit


def test_given_a_topic_that_is_refused_and_gone_along_with_then_both_sides_are_shown() -> None:
    vectors, units, _ = world(1, lambda topic, _: 0.8 if topic == 5 else 0.03, families=300)
    assert set(find_regions(vectors, units).tested[0].shown) == {"over", "under"}


@pytest.mark.parametrize("everywhere", [0.02, pytest.param(0.3, marks=pytest.mark.slow)])
def test_given_a_target_without_structure_then_regions_are_shown_no_more_often_than_stated(
    everywhere: float,
) -> None:
    """A tenth at most of 120 worlds may show anything: where nothing is there, all that is shown is wrong.

    Labels of many kinds, which are looked at too, do not change that.
    """
    worlds = 120
    labels = np.random.default_rng(8).integers(12, size=(4, 400)).astype(str)
    groups = labelled_groups({f"label{row}": values.tolist() for row, values in enumerate(labels)})

    def level(*_: object) -> float:
        return everywhere

    wrong = sum(
        any(one.shown for one in find_regions(vectors, units, groups=groups, seed=seed).tested)
        for seed in range(worlds)
        for vectors, units, _ in [world(seed, level)]
    )
    assert wrong / worlds <= LEVEL + 3 * (LEVEL * (1 - LEVEL) / worlds) ** 0.5


def test_given_a_label_that_is_refused_when_vectors_tell_nothing_then_the_region_is_that_label() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(10, size=400).astype(str).tolist()
    units = [Unit(f"f{n}", "over", bool(rng.random() < (0.8 if label == "7" else 0.03)))
             for n, label in enumerate(labels)]  # fmt: skip
    vectors = normed(rng.normal(size=(400, 24)))

    blind = find_regions(vectors, units)
    told = find_regions(vectors, units, groups=labelled_groups({"domain": labels}))

    assert [one for one in blind.tested if one.shown] == []
    assert [one.candidate.basis for one in told.tested if one.shown] == ["domain 7"]


def test_given_groups_that_are_alike_but_hold_one_side_each_then_each_is_tested_on_its_own_side() -> None:
    """The small group lies in the large one, which has no harmful request: it cannot lend its members."""
    rng = np.random.default_rng(6)
    sides: list[Side] = ["over" if n < 200 else "under" for n in range(400)]
    inside = np.r_[np.arange(200) < 80, np.arange(200) < 40]
    units = [Unit(f"f{n}", side, bool(rng.random() < ((0.95 if side == "over" else 0.6) if one else 0.02)))
             for n, (side, one) in enumerate(zip(sides, inside.tolist(), strict=True))]  # fmt: skip
    legitimate = np.array([side == "over" for side in sides])
    groups = (
        Group("domain law", inside & legitimate),
        Group("hazard fraud", inside & (~legitimate | (np.arange(400) < 60))),
    )

    found = find_regions(normed(rng.normal(size=(400, 8))), units, groups=groups)

    assert {one.candidate.basis: one.shown for one in found.tested if one.shown} == {
        "domain law": ("over",),
        "hazard fraud": ("under",),
    }


def test_given_a_topic_across_all_clusters_then_it_is_drawn_around_what_went_wrong() -> None:
    """One direction of 24 decides, and clusters cut along the others."""
    rng = np.random.default_rng(5)
    vectors = normed(rng.normal(size=(600, 24)))
    chosen = vectors[:, 3] > np.quantile(vectors[:, 3], 0.9)
    units = [Unit(f"f{n}", "over", bool(rng.random() < (0.9 if one else 0.03)))
             for n, one in enumerate(chosen.tolist())]  # fmt: skip

    found = find_regions(vectors, units).tested[0]

    assert (found.candidate.basis, found.shown) == (NEARNESS, ("over",))
    assert chosen[found.candidate.members].mean() > 0.4, "a tenth of all are of the topic"


def test_given_vectors_that_share_nothing_then_no_unit_is_near_for_its_own_outcome() -> None:
    bad = np.arange(80) % 4 == 0
    first = next(drawn_groups(np.eye(80), bad, np.ones(80, dtype=bool)))
    assert not (first.members & bad).any(), "left out of its own fit a bad unit scores below the mean"


def test_groups_that_are_known_beforehand_are_labels_and_words_that_some_share() -> None:
    groups = labelled_groups({"domain": ["law", "art", None, "law"], "suite": ["one"] * 4})
    assert [(one.basis, one.members.tolist()) for one in groups] == [
        ("domain art", [False, True, False, False]),
        ("domain law", [True, False, False, True]),
    ]
    texts = ["My medicine is bitter", "Two medicines in one day", "The weather in Rome", "Which medicine?"]
    (shared,) = worded_groups([*texts, "Rain", "Snow"], fewest=3)
    assert (shared.basis, shared.members.tolist()) == (
        "word 'medicine'",
        [True, True, False, True, False, False],
    )
    assert worded_groups(texts, fewest=3) == (), "a word of most texts tells none of them apart"


def test_no_family_lies_in_both_halves_and_the_halves_are_equal() -> None:
    families = [f"f{n // 3}" for n in range(303)]
    first = split_families(families, 4)
    assert {families[n] for n in np.flatnonzero(first)}.isdisjoint(
        families[n] for n in np.flatnonzero(~first)
    )
    assert len({families[n] for n in np.flatnonzero(first)}) == 51
    assert (first == split_families(families, 4)).all()


def test_given_what_the_testing_half_did_when_it_changes_then_the_same_regions_are_tested() -> None:
    vectors, units, _ = world(2, lambda topic, side: 0.9 if (topic, side) == (3, "over") else 0.03)
    found = find_regions(vectors, units)
    turned = [
        unit if early else unit._replace(bad=not unit.bad)
        for unit, early in zip(units, found.first, strict=True)
    ]

    again = find_regions(vectors, turned)

    assert {one.candidate.members.tobytes() for one in found.tested} == {
        one.candidate.members.tobytes() for one in again.tested
    }


def test_given_groups_far_apart_when_clustered_then_each_has_its_centre() -> None:
    rng = np.random.default_rng(0)
    vectors = normed(np.repeat(np.eye(4), 10, axis=0) + rng.normal(scale=0.05, size=(40, 4)))
    labels = nearest(vectors, centres(vectors, 4, rng))
    assert sorted(len(set(labels[start : start + 10])) for start in range(0, 40, 10)) == [1] * 4
    assert len(set(labels.tolist())) == 4


def test_given_copies_only_when_clustered_then_it_ends() -> None:
    assert centres(np.tile([[1.0, 0.0]], (5, 1)), 3, np.random.default_rng(0)).shape == (3, 2)


def test_the_nearest_pairs_come_first_and_no_request_stands_in_two() -> None:
    vectors = normed(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.2, 1.0]]))
    assert [pair[:2] for pair in boundary_pairs(vectors, [0, 2], [1, 3], 5)] == [(0, 1), (2, 3)]
    assert list(boundary_pairs(vectors, [0], [], 5)) == []
    assert len(list(boundary_pairs(vectors, [0, 2], [1, 3], 1))) == 1


# --- words ---------------------------------------------------------------------------------------

TEXTS = [
    "Which dose of the medicine is safe for my child?",
    "The doctor changed the dose of my medicine, why?",
    "How do I file my taxes for a small business?",
    "Business taxes are due: what must I file?",
]


def test_given_texts_that_share_words_then_they_are_nearer_than_texts_that_do_not() -> None:
    vectors = tfidf_vectors(TEXTS)
    likeness = vectors @ vectors.T
    assert np.diag(likeness) == pytest.approx(np.ones(4))
    assert min(likeness[0, 1], likeness[2, 3]) > 0.5
    assert abs(likeness[0, 2]) < 0.2


def test_given_texts_without_a_common_word_then_vectors_are_zero_and_finite() -> None:
    assert (tfidf_vectors(["one thing", "другое слово"]) == 0).all()
    assert tfidf_vectors([""]).shape == (1, 1)


def test_given_a_region_then_its_name_is_the_words_that_tell_it_apart() -> None:
    assert set(telling_terms(TEXTS[:2] * 3, TEXTS[2:] * 10)) >= {"dose", "medicine"}
    assert telling_terms([], TEXTS) == ()
    assert "the" not in words(TEXTS[0])


def test_the_leading_directions_keep_distances_of_flat_data() -> None:
    flat = np.random.default_rng(1).normal(size=(20, 2)) @ np.random.default_rng(2).normal(size=(2, 9))
    found = leading(flat, 2)
    assert found @ found.T == pytest.approx(flat @ flat.T)
