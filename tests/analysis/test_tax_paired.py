"""The tax of pairs: refusal's share, stopped domains, families, and what is left out of the mean."""

from __future__ import annotations

import pytest

from alignmeter.analysis.pairing import pair_items
from alignmeter.analysis.tax_flags import Limits
from alignmeter.analysis.tax_paired import TaxArm, domain_bounds, overall_tax, tax_of_pairs
from alignmeter.records import ItemScores, ScoredItem, Tax


def _scores(
    model: str,
    scores: dict[str, list[float]],
    *,
    refused: dict[str, list[bool]] | None = None,
    family_size: int = 1,
    chance: dict[str, float] | None = None,
) -> ItemScores:
    items = [
        ScoredItem(
            item=f"{domain}-{number:03d}",
            family=f"{domain}-{number // family_size}",
            domain=domain,
            score=score,
            refused=refused[domain][number] if refused else None,
            version="1",
        )
        for domain, found in scores.items()
        for number, score in enumerate(found)
    ]
    return ItemScores(
        model=model,
        source="run",
        origin=model,
        items=tuple(items),
        chance=chance or {},
        stated=tuple(scores),  # as of a run: what is not there was not asked
    )


def _arm(base: ItemScores, other: ItemScores, **stopped: tuple[str, ...]) -> TaxArm:
    return TaxArm("dpo", pair_items(base, other), stopped=stopped)


def _only(arm: TaxArm) -> Tax:
    (tax,) = tax_of_pairs([arm])
    return tax


def _ones(right: int, wrong: int) -> list[float]:
    return [1.0] * right + [0.0] * wrong


def test_the_share_of_the_tax_that_is_refusal_is_told_apart() -> None:
    # 100 items, all right before; 20 refused and 10 answered wrongly after.
    nobody, some = {"law": [False] * 100}, {"law": [False] * 80 + [True] * 20}
    base = _scores("base", {"law": _ones(100, 0)}, refused=nobody)
    aligned = _scores("dpo", {"law": [0.0] * 10 + [1.0] * 70 + [0.0] * 20}, refused=some)

    answered = _only(_arm(base, aligned)).answered

    assert answered is not None
    assert answered.n == 80
    assert answered.absolute == pytest.approx(0.125)
    assert answered.relative == pytest.approx(0.125)
    assert answered.lost_to_refusal == pytest.approx(0.20)
    assert answered.refusal_share == pytest.approx(2 / 3)
    assert answered.interval is not None


def test_where_nobody_looked_for_refusals_nothing_is_said_of_them() -> None:
    assert (
        _only(_arm(_scores("base", {"law": _ones(90, 10)}), _scores("dpo", {"law": _ones(80, 20)}))).answered
        is None
    )


def test_without_a_loss_refusal_has_no_share_of_it() -> None:
    said = {"law": [False] * 100}
    base = _scores("base", {"law": _ones(80, 20)}, refused=said)
    answered = _only(_arm(base, _scores("dpo", {"law": _ones(85, 15)}, refused=said))).answered

    assert answered is not None
    assert (answered.refusal_share, answered.lost_to_refusal) == (None, pytest.approx(0.0))


def test_families_widen_the_interval() -> None:
    after = [float(number // 10 % 5 != 0) for number in range(200)]
    alone = _only(_arm(_scores("base", {"law": _ones(200, 0)}), _scores("dpo", {"law": [*after]})))
    together = _only(
        _arm(
            _scores("base", {"law": _ones(200, 0)}, family_size=10),
            _scores("dpo", {"law": [*after]}, family_size=10),
        )
    )

    assert (alone.families, together.families) == (200, 20)
    assert alone.relative == together.relative == pytest.approx(0.2)
    assert alone.interval is not None
    assert together.interval is not None
    assert together.interval.upper - together.interval.lower > 2 * (
        alone.interval.upper - alone.interval.lower
    )


def test_a_stopped_domain_is_decided_by_betting_on_the_first_items_that_both_were_asked() -> None:
    base = _scores("base", {"law": _ones(100, 0)})
    aligned = _scores("dpo", {"law": [0.0, 1.0] * 30})  # asked 60 of 100
    order = tuple(f"law-{number:03d}" for number in range(100))

    arm = _arm(base, aligned, law=order)
    tax = _only(arm)

    assert tax.base is not None
    assert (tax.basis, tax.base.n, tax.families) == ("sequential", 60, 60)
    assert tax.flag == "above"
    assert tax.interval is not None
    assert tax.interval.method == "betting confidence sequence"
    assert overall_tax(arm, [tax]) is None, "a stopped domain is not in the mean"
    bounds = domain_bounds(arm, tax)
    assert bounds is not None
    assert bounds.p_above_significant < 0.01


def test_a_stopped_domain_takes_no_item_behind_a_gap() -> None:
    order = ("law-000", "law-001", "law-099", *(f"law-{number:03d}" for number in range(2, 60)))
    arm = _arm(_scores("base", {"law": _ones(100, 0)}), _scores("dpo", {"law": [0.0, 1.0] * 30}), law=order)

    base = _only(arm).base
    assert base is not None
    assert base.n == 2


def test_a_stopped_domain_near_guessing_has_no_ratio() -> None:
    order = tuple(f"quiz-{number:03d}" for number in range(100))
    every_fourth = [float(number % 4 == 0) for number in range(100)]
    base = _scores("base", {"quiz": every_fourth}, chance={"quiz": 0.25})
    aligned = _scores("dpo", {"quiz": _ones(20, 60)}, chance={"quiz": 0.25})

    tax = _only(_arm(base, aligned, quiz=order))

    assert (tax.not_estimable, tax.relative, tax.flag) == ("no_headroom", None, "undecided")


def test_the_mean_over_domains_weighs_each_alike_and_leaves_out_what_has_no_ratio() -> None:
    base = _scores("base", {"law": _ones(300, 0), "code": _ones(50, 50), "zero": _ones(0, 100)})
    aligned = _scores("dpo", {"law": _ones(150, 150), "code": _ones(50, 50), "zero": _ones(5, 95)})
    arm = _arm(base, aligned)

    taxes = tax_of_pairs([arm])
    overall = overall_tax(arm, taxes)

    assert {tax.domain: tax.not_estimable for tax in taxes} == {
        "law": None,
        "code": None,
        "zero": "zero_base",
    }
    assert overall is not None
    assert overall.domains == ("law", "code")
    assert overall.estimate == pytest.approx(1 - (0.5 + 0.5) / (1.0 + 0.5))
    assert overall.interval.lower < overall.estimate < overall.interval.upper


def test_a_perfect_pair_of_models_is_within_and_needs_no_spread() -> None:
    tax = _only(_arm(_scores("base", {"law": _ones(100, 0)}), _scores("dpo", {"law": _ones(100, 0)})))

    assert (tax.relative, tax.flag, tax.tier) == (0.0, "within", "minimal")
    assert tax.interval is not None
    assert tax.interval.upper > 0


def test_a_domain_with_a_single_family_is_invalid() -> None:
    tax = _only(
        _arm(
            _scores("base", {"law": _ones(5, 0)}, family_size=5),
            _scores("dpo", {"law": _ones(4, 1)}, family_size=5),
        )
    )

    assert tax.flag == "invalid"
    assert "at least 2 are needed" in tax.invalid


def test_a_limit_of_a_domain_decides_its_flag_alone() -> None:
    base = _scores("base", {"law": _ones(300, 0), "code": _ones(300, 0)})
    aligned = _scores("dpo", {"law": _ones(240, 60), "code": _ones(240, 60)})

    taxes = tax_of_pairs([_arm(base, aligned)], limits=Limits(0.10, {"code": 0.40}))

    assert [(tax.domain, tax.flag, tax.limit) for tax in taxes] == [
        ("law", "above", None),
        ("code", "within", 0.40),
    ]
