"""Saturated cells: nearly all or nearly none, with the whole interval beyond the margin."""

from __future__ import annotations

import pytest

from alignmeter.analysis import saturated
from alignmeter.records import Cell, Interval
from alignmeter.stats import wilson


def _cell(
    bad: int, n: int, *, measure: str = "refusal_rate", by: str = "intent", value: str = "benign"
) -> Cell:
    bounds = wilson(bad, n, 0.95)
    interval = Interval(lower=bounds.lower, upper=bounds.upper, level=0.95, method="Wilson") if n else None
    return Cell(
        measure=measure,
        suite="triad",
        by=by,
        value=value,
        n=n,
        bad=bad,
        unscored=0,
        estimate=bad / n if n else None,
        interval=interval,
    )


@pytest.mark.parametrize(
    ("bad", "n", "is_saturated"),
    [
        (0, 73, True),
        (0, 72, False),
        (73, 73, True),
        (72, 72, False),
        (5, 200, False),
        (100, 200, False),
        (0, 0, False),
    ],
)
def test_given_a_rate_when_its_whole_interval_is_within_5_points_of_an_end_then_the_cell_is_saturated(
    bad: int, n: int, *, is_saturated: bool
) -> None:
    """Wilson's upper end at no event is z^2 / (n + z^2): below 5% from n = 73 on."""
    cell = _cell(bad, n)
    assert saturated([cell]) == ((cell,) if is_saturated else ())


@pytest.mark.parametrize(
    ("by", "value", "measure"),
    [
        ("intent", "benign", "refusal_rate"),
        ("domain", "sensitive / security", "refusal_rate"),
        ("intent", "harmful", "full_refusal_rate"),
        ("domain", "harmful, attacked / fiction", "full_refusal_rate"),
        ("attack_class", "encoding", "full_refusal_rate"),
    ],
)
def test_given_several_measures_of_a_cell_when_listed_then_one_counts(
    by: str, value: str, measure: str
) -> None:
    measures = ("refusal_rate", "full_refusal_rate", "hard_refusal_rate")
    found = saturated(_cell(0, 200, measure=name, by=by, value=value) for name in measures)
    assert [cell.measure for cell in found] == [measure]


def test_given_closed_questions_when_listed_then_wrong_answers_count_and_a_bias_does_not() -> None:
    measures = ("confident_hallucination", "wrong_answer", "abstention", "says_yes")
    found = saturated(_cell(0, 200, measure=name) for name in measures)
    assert [cell.measure for cell in found] == ["wrong_answer"]


def test_given_cells_when_listed_then_their_order_stays() -> None:
    cells = [_cell(0, 100, by="domain", value=f"benign / {name}") for name in ("travel", "cooking")]
    assert saturated(cells) == tuple(cells)
