"""Taxes, tiers, flags and rankings from tables of mean scores."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.analysis.tax_scores import tax_of_table
from alignmeter.records import BaseSource, DomainScores, MeanScore, ScoreTable, Tax, TaxReport


def _row(
    domain: str,
    *values: float,
    n: int | None = None,
    maximum: float | None = None,
    chance: float = 0.0,
    source: BaseSource = "measured",
) -> DomainScores:
    base, *variants = (MeanScore(value=value, n=n) for value in values)
    return DomainScores(
        domain=domain,
        base=base,
        variants=tuple(variants),
        maximum=maximum,
        chance=chance,
        base_source=source,
    )


def _report(*rows: DomainScores) -> TaxReport:
    names = ("first", "second", "third")[: len(rows[0].variants)]
    return tax_of_table(ScoreTable(source="test", variants=names, domains=rows))


def _only(row: DomainScores) -> Tax:
    (tax,) = _report(row).taxes
    return tax


def test_the_published_table_gives_its_taxes_tiers_and_flags() -> None:
    report = _report(
        _row("MMLU", 86.2, 85.8, 85.5),
        _row("HumanEval", 72.1, 70.3, 71.0),
        _row("GSM8K", 91.5, 90.8, 91.2),
        _row("creative writing", 8.2, 7.1, 7.5),
        _row("controversial", 7.8, 4.2, 5.1),
    )

    assert [round(100 * (tax.relative or math.nan), 2) for tax in report.taxes] == [
        *(0.46, 0.81),
        *(2.50, 1.53),
        *(0.77, 0.33),
        *(13.41, 8.54),
        *(46.15, 34.62),
    ]
    assert [tax.tier for tax in report.taxes] == [
        *["minimal"] * 6,
        *("significant", "moderate"),
        *("critical", "critical"),
    ]
    assert [tax.flag for tax in report.taxes] == [
        *["within"] * 6,
        *("above", "within"),
        *("above", "above"),
    ]
    first, second = report.variants
    assert first.ranking == ("controversial", "creative writing", "HumanEval", "GSM8K", "MMLU")
    assert (first.high, second.high) == (("controversial", "creative writing"), ("controversial",))
    assert first.low == ("MMLU", "GSM8K", "HumanEval")
    assert first.mean == pytest.approx((0.4 / 86.2 + 1.8 / 72.1 + 0.7 / 91.5 + 1.1 / 8.2 + 3.6 / 7.8) / 5)
    assert report.exit_code == 1


def test_without_items_there_is_no_interval_and_the_point_decides() -> None:
    tax = _only(_row("law", 80, 71))

    assert (tax.interval, tax.absolute_interval, tax.confirmed, tax.p_above) == (None, None, None, None)
    assert (tax.flag, tax.basis) == ("above", "point")


def test_few_items_leave_the_same_tax_undecided_and_many_confirm_it() -> None:
    few, many = (_report(_row("law", 80, 68, n=n, maximum=100)) for n in (30, 5000))

    assert (few.taxes[0].flag, few.taxes[0].basis, few.exit_code) == ("undecided", "test", 3)
    assert (few.taxes[0].confirmed, few.taxes[0].cleared) == ("minimal", "critical")
    assert (many.taxes[0].flag, many.exit_code) == ("above", 1)
    assert (many.taxes[0].confirmed, many.taxes[0].cleared) == ("significant", "significant")


def test_a_small_tax_on_many_items_is_shown_to_be_within_the_limit() -> None:
    report = _report(_row("law", 0.862, 0.858, n=14_000, maximum=1))

    assert (report.taxes[0].flag, report.taxes[0].cleared, report.exit_code) == ("within", "minimal", 0)


def test_intervals_do_not_depend_on_the_unit_of_the_scores_but_points_do() -> None:
    share, percentage = (_only(_row("law", 0.8 * m, 0.6 * m, n=200, maximum=m)) for m in (1, 100))

    assert share.interval is not None
    assert percentage.interval is not None
    assert percentage.interval.lower == pytest.approx(share.interval.lower)
    assert share.absolute_interval is not None
    assert percentage.absolute_interval is not None
    assert percentage.absolute_interval.upper == pytest.approx(100 * share.absolute_interval.upper)
    assert percentage.absolute == pytest.approx(20)


def test_a_base_of_zero_has_no_ratio_whether_or_not_items_are_known() -> None:
    for n in (None, 100):
        tax = _only(_row("law", 0, 3, n=n, maximum=100))
        assert (tax.relative, tax.tier, tax.not_estimable) == (None, None, "zero_base")
        assert (tax.flag, tax.absolute) == ("undecided", -3)


def test_a_base_near_guessing_shows_the_absolute_tax_only() -> None:
    report = _report(_row("quiz", 30, 26, n=500, maximum=100, chance=25))

    (tax,) = report.taxes
    assert (tax.relative, tax.interval, tax.not_estimable) == (None, None, "no_headroom")
    assert tax.absolute_interval is not None
    assert report.exit_code == 3
    assert report.variants[0].mean is None
    assert any("Ratio not estimable: quiz." in note for note in report.notes)


def test_flags_by_test_are_corrected_for_the_number_of_cells() -> None:
    alone = _only(_row("law", 80, 64, n=250, maximum=100))
    crowd = _report(
        _row("law", 80, 64, n=250, maximum=100),
        *(_row(f"other {i}", 80, 80, n=250, maximum=100) for i in range(20)),
    )

    assert alone.flag == "above"
    assert crowd.taxes[0].flag == "undecided"
    assert crowd.taxes[0].confirmed == alone.confirmed, "tiers are not corrected"
    assert alone.p_above is not None
    assert crowd.taxes[0].p_above == pytest.approx(21 * alone.p_above)


def test_where_base_scores_come_from_is_said() -> None:
    report = _report(
        _row("a", 50, 50, source="published"),
        _row("b", 50, 50, source="proxy"),
        _row("c", 50, 50, source="unstated"),
        _row("d", 50, 50),
    )

    said = "\n".join(report.notes)
    assert "Published base scores, not measured here: a." in said
    assert "stands in for the base model: b." in said
    assert "does not say where these base scores come from (column base_source): c." in said


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(
        st.tuples(st.floats(0.01, 1), st.floats(0, 1), st.integers(1, 5000)), min_size=1, max_size=8
    )
)
def test_every_cell_is_coherent(values: list[tuple[float, float, int]]) -> None:
    report = _report(*(_row(f"{i}", b, a, n=n, maximum=1) for i, (b, a, n) in enumerate(values)))

    for tax in report.taxes:
        if tax.interval is None:
            assert (tax.flag, tax.relative) == ("undecided", None)
            continue
        assert tax.relative is not None
        assert tax.interval.lower <= tax.relative <= tax.interval.upper
        if tax.flag == "above":
            assert tax.interval.lower > report.limit - 1e-9
        if tax.flag == "within":
            assert tax.interval.upper < report.limit + 1e-9
    found = {tax.domain: tax.relative or 0.0 for tax in report.taxes}
    ranking = report.variants[0].ranking
    assert all(found[high] >= found[low] for high, low in pairwise(ranking))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (_row("law", 26, 24, maximum=100, chance=25), "no_headroom"),
        (_row("law", 34.9, 30, maximum=100, chance=25), "no_headroom"),
        (_row("law", 0.8, 72, maximum=100), "no_headroom"),
        (_row("law", 25, 24, chance=25), "no_headroom"),
        (_row("law", 35, 34, maximum=100, chance=25), None),
        (_row("law", 0.35, 0.34, maximum=1, chance=0.25), None),
        (_row("law", 26, 25.5, chance=25), None),
    ],
)
def test_bare_scores_need_headroom_above_guessing_too(row: DomainScores, reason: str | None) -> None:
    tax = _only(row)

    assert tax.not_estimable == reason
    assert (tax.relative is None, tax.flag) == ((True, "undecided") if reason else (False, "within"))
