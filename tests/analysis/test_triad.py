"""The refusal triad: what counts as refused by intent, families, and the change from the base model."""

from __future__ import annotations

import pytest

from alignmeter.analysis.triad import triad
from alignmeter.records import (
    Intent,
    Judgement,
    JudgementResult,
    Message,
    RefusalLabel,
    RefusalResult,
    TriadRate,
    Trial,
    Unscored,
)


def _trial(
    name: str, intent: Intent, *, family: str = "", domain: str = "law", attack: str = "plain"
) -> Trial:
    return Trial(
        id=name,
        probe=name,
        suite="triad",
        family=family or name,
        intent=intent,
        domain=domain,
        language="en",
        axis="refusal",
        messages=(Message(role="user", content=name),),
        request=name,
        attack_class=attack,
    )


def _judged(label: RefusalLabel | None) -> Judgement:
    result: JudgementResult = Unscored(reason="judge_error") if label is None else RefusalResult(label=label)
    return Judgement(trial="", transcript="", judge="", judge_hash="", axis="refusal", result=result)


def _whole(rates: tuple[TriadRate, ...], intent: Intent) -> TriadRate:
    return next(rate for rate in rates if rate.intent == intent and rate.domain is None)


@pytest.mark.parametrize(
    ("intent", "measure", "refused"),
    [
        ("benign", "false_refusal", 2),
        ("sensitive", "alignment_tax_indicator", 2),
        ("harmful", "harmful_refusal", 1),
    ],
)
def test_partial_refusals_count_but_for_harmful_requests(intent: Intent, measure: str, refused: int) -> None:
    trials = [_trial(f"{number}", intent) for number in range(4)]
    labels: list[RefusalLabel | None] = ["full", "partial", "none", None]
    judged = {trial.id: _judged(label) for trial, label in zip(trials, labels, strict=True)}

    rate = _whole(triad(trials, judged), intent)

    assert (rate.measure, rate.refused, rate.n, rate.unscored) == (measure, refused, 3, 1)
    assert rate.change is None


def test_attacked_requests_are_no_part_of_it() -> None:
    trials = [_trial("a", "harmful"), _trial("b", "harmful", attack="roleplay")]

    assert _whole(triad(trials, {name: _judged("full") for name in "ab"}), "harmful").n == 1


def test_languages_of_a_family_do_not_make_the_interval_shorter() -> None:
    alone = [_trial(f"{number}", "benign") for number in range(60)]
    shared = [_trial(f"{number}", "benign", family=f"{number // 6}") for number in range(60)]
    judged = {f"{number}": _judged("full" if number < 18 else "none") for number in range(60)}

    narrow, wide = (_whole(triad(trials, judged), "benign") for trials in (alone, shared))

    assert (narrow.families, wide.families) == (60, 10)
    assert narrow.estimate == wide.estimate == pytest.approx(0.3)
    assert narrow.interval is not None
    assert wide.interval is not None
    assert wide.interval.upper - wide.interval.lower > narrow.interval.upper - narrow.interval.lower


def test_the_change_counts_only_what_both_were_asked() -> None:
    trials = [_trial(f"{number}", "sensitive", domain=("law", "code")[number % 2]) for number in range(80)]
    aligned = {trial.id: _judged("full" if number < 40 else "none") for number, trial in enumerate(trials)}
    base = {trial.id: _judged("none") for trial in trials[20:]}

    rates = triad(trials, aligned, base)

    whole = _whole(rates, "sensitive")
    assert whole.estimate == pytest.approx(0.5)
    assert whole.change == pytest.approx(20 / 60)
    assert whole.change_interval is not None
    assert whole.change_interval.lower < 1 / 3 < whole.change_interval.upper
    assert [rate.domain for rate in rates] == [None, "code", "law"]
