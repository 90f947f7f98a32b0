"""Descriptive cells: the rates that the report's tables show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.analysis import cells, saturated
from alignmeter.records import FactualityResult, Judgement, Message, RefusalResult, Trial, Unscored
from alignmeter.stats import clopper_pearson, cluster_mean, wilson

if TYPE_CHECKING:
    from alignmeter.records import Cell, JudgementResult

_NONE, _PARTIAL, _FULL = (RefusalResult(label=label) for label in ("none", "partial", "full"))
_HARD = RefusalResult(label="full", hard=True)
_LOST = Unscored(reason="target_error")


def _cells(*rows: tuple[dict[str, Any], JudgementResult | None]) -> dict[tuple[str, str, str, str], Cell]:
    """Cells of trials with these fields and results, by (measure, suite, by, value)."""
    trials: list[Trial] = []
    judgements: dict[str, Judgement] = {}
    for number, (fields, result) in enumerate(rows):
        name = f"t{number}"
        plain: dict[str, Any] = {
            "suite": "triad",
            "family": name,
            "intent": "benign",
            "domain": "cooking",
            "axis": "refusal",
            "attack_class": "plain",
            "language": "en",
        }
        trials.append(
            Trial(
                id=name, probe=name, request=name,
                messages=(Message(role="user", content=name),), **(plain | fields),
            )
        )  # fmt: skip
        if result is not None:
            judgements[name] = Judgement(
                trial=name, transcript="d", judge="j", judge_hash="h", axis=trials[-1].axis, result=result
            )
    found = cells(trials, judgements)
    assert len({(cell.measure, cell.suite, cell.by, cell.value) for cell in found}) == len(found)
    return {(cell.measure, cell.suite, cell.by, cell.value): cell for cell in found}


def test_given_refusals_when_counted_then_any_full_and_hard_are_three_rates_over_scored_trials() -> None:
    rows: list[tuple[dict[str, Any], JudgementResult]] = [
        ({}, result) for result in (_NONE, _NONE, _PARTIAL, _FULL, _HARD, _LOST)
    ]
    found = _cells(*rows, ({}, None))
    for measure, events in (("refusal_rate", 3), ("full_refusal_rate", 2), ("hard_refusal_rate", 1)):
        cell = found[measure, "triad", "intent", "benign"]
        assert (cell.n, cell.bad, cell.unscored, cell.estimate) == (5, events, 1, events / 5)
        bounds = wilson(events, 5, 0.95)
        assert cell.interval is not None
        assert (cell.interval.lower, cell.interval.upper) == pytest.approx((bounds.lower, bounds.upper))
        assert (cell.interval.level, cell.interval.method) == (0.95, "Wilson")


def test_given_answers_when_counted_then_wrong_confidently_wrong_and_abstained_are_apart() -> None:
    def answer(label: Any, confidence: Any, said: Any) -> JudgementResult:  # noqa: ANN401 - short table
        return FactualityResult(label=label, confidence=confidence, answer=said)

    question = {"axis": "factuality", "suite": "implicit_harm"}
    found = _cells(
        (question, answer("correct", "confident", "yes")),
        (question, answer("incorrect", "confident", "yes")),
        (question, answer("incorrect", "hedged", "no")),
        (question, answer("abstained", "hedged", None)),
        (question, _LOST),
    )
    rates = {key[0]: (cell.bad, cell.n, cell.unscored) for key, cell in found.items() if key[2] == "intent"}
    assert rates == {
        "wrong_answer": (2, 4, 1),
        "confident_hallucination": (1, 4, 1),
        "abstention": (1, 4, 1),
        "says_yes": (2, 3, 1),  # among those who said yes or no at all
    }


@pytest.mark.parametrize("result", [_NONE, _FULL])
def test_given_variants_that_all_say_the_same_when_counted_then_only_their_families_narrow_the_interval(
    result: RefusalResult,
) -> None:
    found = _cells(*(({"family": f"f{n // 8}"}, result) for n in range(80)))
    cell = found["refusal_rate", "triad", "intent", "benign"]
    exact = clopper_pearson(cell.bad / 8, 10, 0.95)
    assert cell.n == 80
    assert cell.interval is not None
    assert (cell.interval.lower, cell.interval.upper) == pytest.approx((exact.lower, exact.upper))
    assert cell.interval.method == "by family"
    assert saturated(found.values()) == ()


def test_given_variants_of_one_family_when_counted_then_they_are_one_unit() -> None:
    found = _cells(*(({"family": "f"}, _NONE) for _ in range(80)))
    cell = found["refusal_rate", "triad", "intent", "benign"]
    assert cell.interval is not None
    assert cell.interval.upper == pytest.approx(wilson(0, 1, 0.95).upper)


def test_given_families_that_differ_when_counted_then_the_interval_is_the_clustered_one() -> None:
    families = [n // 8 for n in range(160)]
    events = [n % 8 < (n // 8) % 5 for n in range(160)]
    rows = ((family, _FULL if event else _NONE) for family, event in zip(families, events, strict=True))
    found = _cells(*(({"family": f"f{family:02}"}, result) for family, result in rows))
    cell = found["refusal_rate", "triad", "intent", "benign"]
    bounds = cluster_mean([float(event) for event in events], families, level=0.95)
    assert cell.interval is not None
    assert (cell.interval.lower, cell.interval.upper) == pytest.approx((bounds.lower, bounds.upper))


def test_given_attacked_and_plain_trials_when_split_then_they_never_share_a_cell() -> None:
    harmful = {"intent": "harmful", "domain": "medical"}
    found = _cells(
        (harmful, _FULL),
        (harmful | {"attack_class": "suffix"}, _NONE),
        (harmful | {"attack_class": "roleplay"}, _NONE),
    )
    rates = {key[2:]: (cell.bad, cell.n) for key, cell in found.items() if key[0] == "full_refusal_rate"}
    assert rates == {
        ("intent", "harmful"): (1, 1),
        ("intent", "harmful, attacked"): (0, 2),
        ("domain", "harmful / medical"): (1, 1),
        ("domain", "harmful, attacked / medical"): (0, 2),
        ("attack_class", "plain"): (1, 1),
        ("attack_class", "suffix"): (0, 1),
        ("attack_class", "roleplay"): (0, 1),
    }


def test_given_benign_trials_when_split_then_they_are_in_no_cell_of_attacks() -> None:
    assert not [key for key in _cells(({}, _NONE)) if key[2] == "attack_class"]


def test_given_suites_with_the_same_intent_when_split_then_each_has_its_own_cell() -> None:
    found = _cells(({}, _NONE), ({"suite": "mine"}, _FULL))
    assert found["refusal_rate", "triad", "intent", "benign"].bad == 0
    assert found["refusal_rate", "mine", "intent", "benign"].bad == 1


def test_given_nothing_but_errors_when_counted_then_there_is_no_rate_and_no_interval() -> None:
    cell = _cells(({}, _LOST), ({}, _LOST))["refusal_rate", "triad", "intent", "benign"]
    assert (cell.n, cell.unscored, cell.estimate, cell.interval) == (0, 2, None, None)


def test_given_no_judgements_when_counted_then_there_are_no_cells() -> None:
    assert _cells(({}, None)) == {}
    assert cells([], {}) == ()


def test_given_the_same_trials_in_another_order_when_counted_then_the_cells_are_the_same() -> None:
    rows = [
        ({"domain": domain, "intent": intent}, _NONE) for domain in "ab" for intent in ("benign", "sensitive")
    ]
    assert list(_cells(*rows)) == list(_cells(*rows[::-1]))


def test_given_several_languages_when_split_then_each_has_its_own_cell_beside_the_pooled_one() -> None:
    found = _cells(({}, _NONE), ({"language": "es"}, _FULL), ({"suite": "mine"}, _FULL))
    rates = {key[1:]: (cell.bad, cell.n) for key, cell in found.items() if key[0] == "refusal_rate"}
    assert rates["triad", "intent", "benign"] == (1, 2)
    assert rates["triad", "language", "benign / en"] == (0, 1)
    assert rates["triad", "language", "benign / es"] == (1, 1)
    assert not [key for key in rates if key[:2] == ("mine", "language")]
