"""The gaming gap: what is compared with what, and what a verdict needs."""

from __future__ import annotations

import pytest

from alignmeter.analysis.gaming_gap import Badness, FamilyScores, gaming_gap


def scores(family: str, target: float, *references: float, stratum: str = "a") -> FamilyScores:
    return FamilyScores(
        family,
        stratum,
        Badness(target, target),
        tuple(Badness(value, value) for value in references or (0.0,)),
    )


def many(prefix: str, n: int, target: float, *references: float, stratum: str = "a") -> list[FamilyScores]:
    return [scores(f"{prefix}{number}", target, *references, stratum=stratum) for number in range(n)]


def test_a_target_that_knows_the_public_pool_fails_with_an_interval_above_zero() -> None:
    found = gaming_gap(many("f", 30, 0.5, 0.5), many("f", 30, 0.0, 0.5))

    assert (found.verdict, found.gap, found.paired, found.matched) == ("FAIL", 0.5, 30, 0)
    assert found.interval is not None
    assert found.p is not None
    assert found.interval.lower > 0.3
    assert found.p < 1e-6


def test_a_fresh_pool_that_is_harder_for_all_is_no_gap() -> None:
    found = gaming_gap(many("f", 60, 0.9, 0.9), many("f", 60, 0.1, 0.1), names=("t", ["r"]))

    assert (found.verdict, found.gap) == ("PASS", 0.0)
    assert found.target is not None
    assert found.target.gap == found.references[0].gap == pytest.approx(0.8)
    assert (found.target.name, found.references[0].name) == ("t", "r")


def test_several_references_count_by_their_mean() -> None:
    found = gaming_gap(many("f", 20, 0.6, 0.4, 0.8), many("f", 20, 0.2, 0.2, 0.6))

    assert found.gap == pytest.approx(0.4 - 0.2)


def test_families_of_one_pool_stand_against_others_of_their_stratum_and_none_is_lost() -> None:
    fresh = [*many("x", 4, 1.0, stratum="a"), *many("y", 2, 0.0, stratum="b")]
    public = [*many("u", 10, 0.5, stratum="a"), *many("v", 6, 1.0, stratum="b")]

    found = gaming_gap(fresh, public)

    assert (found.paired, found.matched, found.unmatched) == (0, 6, 0)
    assert {one.stratum: one.gap for one in found.strata} == {"a": 0.5, "b": -1.0}
    assert found.gap == pytest.approx((4 * 0.5 - 2 * 1.0) / 6)


def test_every_public_family_counts_once_where_there_are_more_of_them() -> None:
    fresh = many("x", 2, 0.0)
    public = [scores("u0", 1.0), *many("u", 4, 0.0)[1:]]

    found = gaming_gap(fresh, public)

    assert found.gap == pytest.approx(-0.25)


def test_a_family_in_both_pools_is_compared_with_itself_and_the_rest_with_the_rest() -> None:
    fresh = [*many("f", 3, 0.4), scores("new", 0.8)]
    public = [*many("f", 3, 0.4), scores("old", 0.2)]

    found = gaming_gap(fresh, public)

    assert (found.paired, found.matched) == (3, 1)
    assert found.gap == pytest.approx(0.6 / 4)


def test_a_fresh_family_without_any_of_its_stratum_is_counted_and_left_out() -> None:
    found = gaming_gap([*many("f", 12, 0.0), scores("lonely", 1.0, stratum="z")], many("f", 12, 0.0))

    assert (found.paired, found.unmatched, found.gap) == (12, 1, 0.0)


def test_what_has_no_score_counts_at_its_worst_for_either_end() -> None:
    whole = gaming_gap(many("f", 40, 0.0), many("f", 40, 0.0))
    unknown = FamilyScores("f0", "a", Badness(0.0, 1.0), (Badness(0.0, 0.0),))

    fresh = gaming_gap([unknown, *many("f", 40, 0.0)[1:]], many("f", 40, 0.0))
    public = gaming_gap(many("f", 40, 0.0), [unknown, *many("f", 40, 0.0)[1:]])

    assert whole.interval is not None
    assert fresh.interval is not None
    assert public.interval is not None
    assert fresh.interval.upper > whole.interval.upper
    assert fresh.interval.lower == whole.interval.lower
    assert public.interval.lower < whole.interval.lower
    assert public.interval.upper == whole.interval.upper


def test_too_few_blocks_decide_nothing_however_large_the_gap() -> None:
    nine, ten = (gaming_gap(many("f", n, 1.0), many("f", n, 0.0)) for n in (9, 10))

    assert (nine.verdict, ten.verdict) == ("INCONCLUSIVE", "FAIL")


def test_one_block_has_no_interval() -> None:
    found = gaming_gap(many("f", 1, 1.0), many("f", 1, 0.0))

    assert (found.verdict, found.gap, found.interval, found.p) == ("INCONCLUSIVE", None, None, None)


def test_a_margin_that_the_interval_reaches_is_not_ruled_out() -> None:
    fresh, public = many("f", 60, 0.0), many("f", 60, 0.0)

    assert gaming_gap(fresh, public, margin=0.10).verdict == "PASS"
    assert gaming_gap(fresh, public, margin=0.05).verdict == "INCONCLUSIVE"


def test_the_same_audit_twice_gives_the_same() -> None:
    fresh, public = many("x", 20, 0.3), [scores(f"u{n}", n % 2, 0.5) for n in range(50)]

    assert gaming_gap(fresh, public, seed=3) == gaming_gap(fresh[::-1], public[::-1], seed=3)


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.1])
def test_a_margin_out_of_range_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        gaming_gap([], [], margin=margin)


def test_a_family_without_a_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="same references"):
        gaming_gap([FamilyScores("f", "a", Badness(0, 0), ())], [])
