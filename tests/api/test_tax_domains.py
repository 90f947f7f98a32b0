"""Domains that only one of two models has: none of them vanishes from a tax, and none ends it well."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.console import Console

from alignmeter.api import tax
from alignmeter.errors import InputError
from alignmeter.records import MeanScore
from alignmeter.report.tax import render_tax, tax_markdown
from alignmeter.report.text import NOTHING

if TYPE_CHECKING:
    from tests.api.conftest import PlantRun, PlantScores

    from alignmeter.records import ItemScores, TaxReport

BASE = {"law": 0.9, "math": 0.9, "code": 0.9}


def _printed(report: TaxReport) -> str:
    out = io.StringIO()
    Console(file=out, width=80, force_terminal=False, highlight=False).print(render_tax(report))
    return out.getvalue()


def _flags(report: TaxReport) -> dict[tuple[str, str], str]:
    return {(one.domain, one.variant): one.flag for one in report.taxes}


def _without_score(scores: ItemScores, domain: str) -> ItemScores:
    items = tuple(
        msgspec.structs.replace(item, score=None, unscored="failed") if item.domain == domain else item
        for item in scores.items
    )
    return msgspec.structs.replace(scores, items=items)


def test_a_domain_that_only_one_side_has_is_a_row_without_numbers_and_exits_with_4(
    plant_scores: PlantScores,
) -> None:
    report = tax(plant_scores("base", BASE), [plant_scores("dpo", {"law": 0.9, "maths": 0.2})])

    assert _flags(report) == {
        ("law", "dpo"): "within",
        ("math", "dpo"): "unmeasured",
        ("code", "dpo"): "unmeasured",
        ("maths", "dpo"): "unmeasured",
    }
    assert report.exit_code == 4
    unmeasured = report.taxes[1]
    assert (unmeasured.base, unmeasured.score, unmeasured.absolute, unmeasured.relative) == (None,) * 4
    said = " ".join(report.outcomes[0].notes)
    assert "Not measured, because the variant has no items there: math, code." in said
    assert "Not measured, because the base model has no items there: maths." in said
    for text in (" ".join(_printed(report).split()), tax_markdown(report)):
        assert "0 of 4 taxes flagged as above 10%, 3 not measured." in text
    assert f"| math | dpo |{f' {NOTHING} |' * 5} ○ NOT MEASURED |" in tax_markdown(report)
    assert max(map(len, _printed(report).splitlines())) <= 80


def test_a_domain_of_one_name_and_other_items_was_not_measured(plant_scores: PlantScores) -> None:
    other = plant_scores("dpo", {"law": 0.9, "math": 0.9})
    items = tuple(
        msgspec.structs.replace(item, item=f"new-{item.item}") if item.domain == "math" else item
        for item in other.items
    )

    report = tax(
        plant_scores("base", {"law": 0.9, "math": 0.9}), [msgspec.structs.replace(other, items=items)]
    )

    assert _flags(report) == {("law", "dpo"): "within", ("math", "dpo"): "unmeasured"}
    assert "the two share no item there: math." in " ".join(report.outcomes[0].notes)


def test_a_variant_that_shares_nothing_exits_with_4_beside_others_too(
    plant_run: PlantRun, plant_scores: PlantScores
) -> None:
    base = [plant_run("base", attacked=0.5), plant_scores("base", {"law": 0.9})]
    good = [plant_run("good", attacked=0.1), plant_scores("good", {"law": 0.9})]

    report = tax(base, {"good": good, "none": plant_run("none", attacked=0.1)})

    assert _flags(report) == {("law", "good"): "within", ("law", "none"): "unmeasured"}
    assert report.exit_code == 4


def test_a_flag_goes_before_what_was_not_measured(plant_scores: PlantScores) -> None:
    report = tax(plant_scores("base", BASE), [plant_scores("dpo", {"law": 0.5})])

    assert report.exit_code == 1


def test_the_domains_that_are_meant_can_be_named(plant_scores: PlantScores) -> None:
    base, dpo = plant_scores("base", BASE), plant_scores("dpo", {"law": 0.9, "maths": 0.2})

    report = tax(base, [dpo], domains=["law"])

    assert (_flags(report), report.exit_code) == ({("law", "dpo"): "within"}, 0)
    assert tax(base, [dpo], domains=["law", "code"]).exit_code == 4
    with pytest.raises(InputError, match=r"one of the models has \(code, law, math, maths\), got 'lav'"):
        tax(base, [dpo], domains=["lav"])


def test_what_has_no_score_on_both_sides_has_no_numbers_and_is_not_the_base_of_others(
    plant_scores: PlantScores,
) -> None:
    base, other = plant_scores("base", {"law": 0.9, "math": 1.0}), {"law": 0.9, "math": 0.9}
    silent = _without_score(plant_scores("silent", other), "math")

    report = tax(base, [silent, plant_scores("dpo", other)])

    failed, scored = report.taxes[2:]
    assert (failed.flag, failed.base, failed.score, failed.absolute) == ("invalid", None, None, None)
    assert (scored.base, scored.unscored) == (MeanScore(value=1.0, n=300), 0)
    assert '"base"' not in msgspec.json.encode(failed).decode()
    nothing, beside = " ".join([NOTHING] * 4), " ".join(_printed(report).split())
    assert f"math 1.000 measured base silent {nothing} ! INVALID dpo 0.900" in beside
    alone = " ".join(_printed(tax(base, [silent])).split())
    assert f"math {NOTHING} silent {nothing} ! INVALID" in alone


def test_each_variant_stands_beside_its_own_base_where_they_were_paired_with_other_items(
    plant_scores: PlantScores,
) -> None:
    base = plant_scores("base", {"law": 0.5})
    right = {item.item for item in base.items if item.score == 1.0}
    scores = plant_scores("dpo", {"law": 0.5})
    halves = {
        name: msgspec.structs.replace(
            scores, origin=name, items=tuple(item for item in scores.items if (item.item in right) == half)
        )
        for name, half in (("easy", True), ("hard", False))
    }

    report = tax(base, {"easy": halves["easy"], "all": scores}, items="shared")

    text = " ".join(_printed(report).split())
    assert "law bases differ easy 1.000 0.000 0.00%" in text
    assert "of 1.000" in text
    assert "of 0.500" in text


def test_a_variant_of_one_source_pairs_with_a_base_put_together_of_two(plant_scores: PlantScores) -> None:
    law, art = ({name: 0.9} for name in ("law", "art"))
    base = [
        _scored(plant_scores("base", law), "lm-eval", "task version 1"),
        _scored(plant_scores("b", art), "inspect", ""),
    ]
    one = _scored(plant_scores("dpo", law), "lm-eval", "task version 1")
    two = _scored(plant_scores("a", art), "inspect", "")

    report = tax(base, {"both": [one, two], "one": one}, domains=["law"])

    assert _flags(report) == {("law", "both"): "within", ("law", "one"): "within"}
    assert (report.exit_code, [outcome.invalid for outcome in report.outcomes]) == (0, ["", ""])
    assert not any("does not say who scored" in note for note in report.outcomes[1].notes)


def test_another_scorer_of_one_domain_is_found_among_several_sources(plant_scores: PlantScores) -> None:
    base = [
        _scored(plant_scores("base", {"law": 0.9}), "lm-eval", ""),
        _scored(plant_scores("b", {"art": 0.9}), "inspect", ""),
    ]

    report = tax(base, {"dpo": _scored(plant_scores("dpo", {"law": 0.9}), "inspect", "")})

    (one,) = report.outcomes
    assert (one.outcome.outcome, report.exit_code) == ("INVALID", 4)
    assert "domain 'law': expected scores by one scorer, got 'lm-eval' and 'inspect'" in one.invalid


def test_items_without_a_score_are_said_to_count_and_not_to_be_left_out(plant_scores: PlantScores) -> None:
    report = tax(plant_scores("base", {"law": 0.9}), [plant_scores("dpo", {"law": 0.9}, unscored=3)])

    said = " ".join(report.outcomes[0].notes)
    assert "count at their worst in tests and intervals: law 3." in said
    assert "left out for want of a score" not in said


def _scored(scores: ItemScores, by: str, how: str) -> ItemScores:
    scorers = {item.domain: how for item in scores.items if how}
    return msgspec.structs.replace(scores, scored_by=by, scorers=scorers)
