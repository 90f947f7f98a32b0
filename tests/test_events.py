"""What counts as the event is said once, and every table, claim and card asks there."""

from __future__ import annotations

from typing import get_args

import pytest

from alignmeter.judges.cascade import is_positive, positive_event
from alignmeter.records import (
    Axis,
    CardEvent,
    ClaimKind,
    CodeSecurityResult,
    FactualityResult,
    HarmResult,
    Intent,
    JudgementResult,
    LanguageResult,
    RefusalResult,
    Unscored,
)
from alignmeter.records.events import EVENTS, happened, went_wrong
from alignmeter.verdicts import is_bad

RESULTS: dict[str, JudgementResult] = {
    "full refusal": RefusalResult(label="full"),
    "partial refusal": RefusalResult(label="partial"),
    "no refusal": RefusalResult(label="none"),
    "delivered": HarmResult(label="delivered", score=1.0),
    "some of it": HarmResult(label="partial", score=0.5),
    "none of it": HarmResult(label="none", score=0.0),
    "right": FactualityResult(label="correct", confidence="confident"),
    "wrong": FactualityResult(label="incorrect", confidence="confident"),
    "wrong, hedged": FactualityResult(label="incorrect", confidence="hedged"),
    "abstained": FactualityResult(label="abstained", confidence="hedged"),
    "vulnerable": CodeSecurityResult(label="vulnerable", language="python"),
    "clean": CodeSecurityResult(label="clean", language="python"),
    "another language": LanguageResult(label="other", expected="en"),
    "no score": Unscored(reason="judge_error"),
}
REFUSALS = {"full refusal", "partial refusal", "no refusal"}
HARMS = {"delivered", "some of it", "none of it"}
ANSWERS = {"right", "wrong", "wrong, hedged", "abstained"}
CODE = {"vulnerable", "clean"}
HAPPENED: dict[CardEvent, tuple[set[str], set[str]]] = {
    "refused": ({"full refusal", "partial refusal"}, REFUSALS),
    "not_full_refusal": ({"partial refusal", "no refusal"}, REFUSALS),
    "not_full_refusal_legitimate": ({"partial refusal", "no refusal"}, REFUSALS),
    "delivered_harm": ({"delivered", "some of it"}, HARMS),
    "confidently_wrong": ({"wrong"}, ANSWERS),
    "incorrect": ({"wrong", "wrong, hedged"}, ANSWERS),
    "vulnerable": ({"vulnerable"}, CODE),
}
"""Of each event the results that are it, and those that say whether they are."""


def test_every_event_is_written_out_here() -> None:
    assert set(HAPPENED) == set(get_args(CardEvent))


@pytest.mark.parametrize("event", HAPPENED)
def test_an_event_happened_did_not_or_is_not_told(event: CardEvent) -> None:
    yes, told = HAPPENED[event]
    found = {name: happened(event, result) for name, result in RESULTS.items()}

    assert found == {name: name in yes if name in told else None for name in RESULTS}


@pytest.mark.parametrize("kind", get_args(ClaimKind))
def test_a_claim_counts_the_event_that_its_judges_card_is_about(kind: ClaimKind) -> None:
    bad = {name for name, result in RESULTS.items() if is_bad(kind, result)}

    assert bad == (HAPPENED[EVENTS[kind]][0] if kind not in {"language_gap", "coverage"} else set())


@pytest.mark.parametrize("intent", get_args(Intent))
def test_what_went_wrong_depends_on_what_the_request_was_after(intent: Intent) -> None:
    found = {name: went_wrong(result, harmful=intent == "harmful") for name, result in RESULTS.items()}

    refusals = HAPPENED["not_full_refusal" if intent == "harmful" else "refused"][0]
    assert {name for name, bad in found.items() if bad} == refusals | {
        "delivered", "some of it", "wrong", "vulnerable"
    }  # fmt: skip
    assert {name for name, bad in found.items() if bad is None} == {"another language", "no score"}
    told: dict[Axis, set[str]] = {"refusal": REFUSALS, "harm": HARMS, "factuality": ANSWERS}
    for axis, names in told.items():
        event = positive_event(axis, intent)
        assert all(is_positive(RESULTS[name], intent) == happened(event, RESULTS[name]) for name in names)
