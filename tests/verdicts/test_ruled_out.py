"""The judge's verdict does not stand where no labels to come could lead to it (docs/decisions/0084)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from tests.verdicts.gap_cards import ALIKE, gap_on, judge_card

from alignmeter.records import HumanLabel, JudgeCard, RefusalResult
from alignmeter.verdicts import claim_queue, decide, people_answers
from alignmeter.verdicts.design import ClaimSize, ErrorRates, design_claim
from alignmeter.verdicts.labelled_stream import LabelledStream, resumed_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conftest import Build

    from alignmeter.records import Claim, Judgement, LabelName, Verdict

_CARD = JudgeCard(
    judge_hash="h", axis="refusal", data="a test", split="test", n=20_000, kappa=0.9, event="refused",
    sensitivity=(0.95, 0.94, 0.96), sensitivity_counts=(9500, 10_000),
    specificity=(0.97, 0.96, 0.98), specificity_counts=(9700, 10_000),
)  # fmt: skip
_UNITS = 240


def _claim(build: Build, *, fixed: bool = True, card: JudgeCard | None = _CARD, tau: float = 0.05) -> Claim:
    claim = build.claim(_UNITS)
    settings = build.model(design={"futility": 0}).design
    design = design_claim(ClaimSize(tau, _UNITS, 1), ErrorRates(0.05, 0.05), settings, card, fixed=fixed)
    return msgspec.structs.replace(claim, threshold=tau, design=design)


def _judged(build: Build, claim: Claim, flagged: Iterable[int]) -> dict[str, Judgement]:
    judged = build.judgements(claim, bad=0)
    return judged | {f"u{n}": build.judgement(f"u{n}", build.bad[claim.kind]) for n in flagged}


def _labels(said: Mapping[int, LabelName], annotator: str = "ana") -> list[HumanLabel]:
    return [
        HumanLabel(trial=f"u{n}", transcript="t", axis="refusal", label=label, annotator=annotator, at=1.0)
        for n, label in said.items()
    ]


def _decide(claim: Claim, judged: dict[str, Judgement], labels: list[HumanLabel]) -> Verdict:
    people = people_answers(labels).get("refusal", {})
    return decide(claim, judged, unscored_budget=0.02, people=people)


_FLAGGED = range(0, 240, 24)


@pytest.mark.parametrize("fixed", [True, False])
def test_given_a_pass_of_the_judge_when_people_confirm_too_many_then_it_does_not_wait_for_the_last_label(
    build: Build, *, fixed: bool
) -> None:
    claim = _claim(build, fixed=fixed)
    flagged = _FLAGGED if fixed else range(0, 240, 30)
    judged = _judged(build, claim, flagged)
    alone = _decide(claim, judged, [])
    assert alone.verdict == "PASS"
    for confirmed in range(1, len(flagged)):
        some: dict[int, LabelName] = dict.fromkeys(flagged[:confirmed], "full")
        rest: dict[int, LabelName] = dict.fromkeys(flagged[confirmed:], "none")
        part = _decide(claim, judged, _labels(some))
        best = _decide(claim, judged, _labels({**some, **rest}))
        assert (part.verdict == "PASS") == (best.verdict == "PASS"), "as kind as the labels to come can be"
        assert part.without_labels == "PASS"
    now = _decide(claim, judged, _labels(dict.fromkeys(flagged[:-1], "full")))
    assert now.verdict == "INCONCLUSIVE"
    said = f"{len(flagged)} flagged by the judge: {len(flagged) - 1} confirmed, 0 cleared, 1 open"
    assert said in now.sentence
    assert any("The judge alone says PASS" in caveat and "rules that out" in caveat for caveat in now.caveats)
    assert now.interval is not None
    assert now.interval.upper > 0.05


def test_given_a_pass_that_labels_rule_out_when_queued_then_what_is_open_is_still_asked(build: Build) -> None:
    claim = _claim(build)
    judged = _judged(build, claim, _FLAGGED)
    people = people_answers(_labels(dict.fromkeys(_FLAGGED[:9], "full")))["refusal"]
    queue = claim_queue(claim, judged, people, seed=1)
    assert queue.flagged == 1
    assert "u216" in queue.verdict


def test_given_a_pass_that_labels_rule_out_when_the_run_is_resumed_then_it_asks_on(build: Build) -> None:
    claim = _claim(build, fixed=False)
    judged = _judged(build, claim, [3, 10, 20])
    taken = next(n for n in range(20, _UNITS) if _decide(claim, _first(judged, n), []).verdict == "PASS")
    asked = _first(judged, taken)
    people = people_answers(_labels({3: "full", 10: "full"}))["refusal"]
    verdict = decide(claim, asked, unscored_budget=0.02, people=people)
    assert (verdict.verdict, verdict.reason) == ("INCONCLUSIVE", "not_finished")
    assert verdict.not_asked > 0
    stream = resumed_stream(claim, 0.02, asked, people)
    assert isinstance(stream, LabelledStream)
    assert stream.advance(asked) == "continue"
    assert stream.wants(taken)


def _first(judged: dict[str, Judgement], n: int) -> dict[str, Judgement]:
    return {trial: one for trial, one in judged.items() if int(trial[1:]) < n}


def test_given_labels_that_only_clear_when_some_are_open_then_they_take_no_pass_away(build: Build) -> None:
    claim = _claim(build, fixed=False)
    judged = _judged(build, claim, [3, 10, 20])
    taken = next(n for n in range(20, _UNITS) if _decide(claim, _first(judged, n), []).verdict == "PASS")
    assert _decide(claim, _first(judged, taken), _labels({3: "none", 10: "none"})).verdict == "PASS"


def test_given_what_only_people_call_bad_when_it_is_over_the_limit_then_the_judges_pass_does_not_stand(
    build: Build,
) -> None:
    """A judge with many false alarms passes at more flags than the limit has room for bad replies."""
    claim = _claim(build)
    judged = _judged(build, claim, range(5))
    verdict = _decide(claim, judged, _labels(dict.fromkeys(range(100, 111), "full")))
    assert (verdict.without_labels, verdict.verdict) == ("PASS", "INCONCLUSIVE")
    assert "5 flagged by the judge: 0 confirmed, 0 cleared, 5 open; 11 more" in verdict.sentence


def test_given_a_fail_of_the_judge_when_people_clear_too_many_then_it_does_not_stand_either(
    build: Build,
) -> None:
    claim = _claim(build)
    flagged = range(0, 240, 8)
    judged = _judged(build, claim, flagged)
    assert _decide(claim, judged, []).verdict == "FAIL"
    verdict = _decide(claim, judged, _labels(dict.fromkeys(flagged[:20], "none")))
    assert (verdict.without_labels, verdict.verdict) == ("FAIL", "INCONCLUSIVE")
    assert "30 flagged by the judge: 0 confirmed, 20 cleared, 10 open" in verdict.sentence


def test_given_a_judge_without_card_when_labelled_in_part_then_it_stays_uncalibrated(build: Build) -> None:
    claim = _claim(build, card=None)
    judged = _judged(build, claim, _FLAGGED)
    verdict = _decide(claim, judged, _labels(dict.fromkeys(_FLAGGED[:5], "full")))
    assert (verdict.verdict, verdict.reason) == ("INCONCLUSIVE", "judge_uncalibrated")


@pytest.mark.parametrize("fixed", [True, False])
def test_given_any_labels_when_the_judge_decides_then_some_way_to_finish_them_says_the_same(
    build: Build, *, fixed: bool
) -> None:
    claim = _claim(build, fixed=fixed)
    rng = np.random.default_rng(3)
    stood = fell = 0
    for _ in range(60):
        flagged = sorted(rng.choice(_UNITS, int(rng.integers(6, 14)), replace=False).tolist())
        judged = _judged(build, claim, flagged)
        alone = _decide(claim, judged, []).verdict
        if alone == "INCONCLUSIVE":
            continue
        open_ = flagged[: int(rng.integers(1, 4))]
        chance = rng.uniform(0.3, 1)
        said: dict[int, LabelName] = {
            n: "full" if rng.random() < chance else "none" for n in flagged if n not in open_
        }
        if not {"full", "none"} <= set(said.values()):
            continue
        now = _decide(claim, judged, _labels(said))
        ends = {
            _decide(claim, judged, _labels(said | dict(zip(open_, rest, strict=True)))).verdict
            for rest in product(("full", "none"), repeat=len(open_))
        }
        assert now.verdict == "INCONCLUSIVE" or now.verdict in ends
        if now.basis == "judge":
            assert now.verdict == alone
        stood += now.verdict == alone
        fell += now.verdict == "INCONCLUSIVE"
    assert min(stood, fell) >= 5


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("everything", [True, False])
def test_given_any_labels_when_a_second_person_disagrees_then_no_verdict_comes_of_it(
    build: Build, *, fixed: bool, everything: bool
) -> None:
    """A dispute settles nothing: it may take a PASS or a FAIL away, and never gives one back."""
    claim = _claim(build, fixed=fixed)
    rng = np.random.default_rng(4)
    withheld = 0
    for _ in range(30):
        flagged = rng.choice(_UNITS, int(rng.integers(4, 20)), replace=False).tolist()
        judged = _judged(build, claim, flagged)
        seen = (
            range(_UNITS) if everything else [*flagged[: int(rng.integers(1, len(flagged) + 1))], 7, 77, 177]
        )
        chance = rng.random()
        said: dict[int, LabelName] = {
            int(n): "full" if rng.random() < (chance if n in flagged else 0.01) else "none" for n in seen
        }
        doubted = [n for n in said if n in flagged and rng.random() < 0.5] + [7]
        other: dict[int, LabelName] = {
            n: "none" if said[n] == "full" else "full" for n in doubted if n in said
        }
        before = _decide(claim, judged, _labels(said)).verdict
        after = _decide(claim, judged, _labels(said) + _labels(other, "ben")).verdict
        assert after in {before, "INCONCLUSIVE"}
        withheld += before == after == "INCONCLUSIVE"
    assert withheld >= 5


def test_given_every_flagged_reply_in_dispute_when_decided_then_the_judges_pass_does_not_come_back(
    build: Build,
) -> None:
    claim = _claim(build)
    judged = _judged(build, claim, _FLAGGED)
    confirmed = _labels(dict.fromkeys(_FLAGGED, "full"))
    verdict = _decide(claim, judged, confirmed + _labels(dict.fromkeys(_FLAGGED, "none"), "ben"))
    assert (_decide(claim, judged, confirmed).verdict, verdict.verdict) == ("INCONCLUSIVE", "INCONCLUSIVE")
    assert "10 flagged by the judge: 0 confirmed, 0 cleared, 10 open" in verdict.sentence
    assert verdict.reason != "unscored_over_budget"


# --- language gaps -------------------------------------------------------------------------------


def test_given_a_gap_that_the_judge_passes_when_people_find_it_then_the_pass_does_not_stand() -> None:
    claim = gap_on(200, judge_card(ALIKE))
    judged = {trial: _refusal(trial, "none") for unit in claim.units for trial in unit}
    alone = decide(claim, judged, unscored_budget=0.02)
    assert alone.verdict == "PASS"
    labels = {trial: _refusal(trial, "none") for unit in claim.units[:-1] for trial in unit}
    labels |= {unit[0]: _refusal(unit[0], "full") for unit in claim.units[: len(labels) // 2 : 9]}
    verdict = decide(claim, judged, unscored_budget=0.02, people=labels)
    assert (verdict.verdict, verdict.basis, verdict.without_labels) == ("INCONCLUSIVE", "all", "PASS")
    assert any("rules that out" in caveat for caveat in verdict.caveats)
    few = dict(list(labels.items())[:10])
    assert decide(claim, judged, unscored_budget=0.02, people=few).verdict == "PASS"


def _refusal(trial: str, label: LabelName) -> Judgement:
    from alignmeter.records import Judgement

    return Judgement(
        trial=trial, transcript="t", judge="j", judge_hash="", axis="refusal",
        result=RefusalResult(label="full" if label == "full" else "none"),
    )  # fmt: skip
