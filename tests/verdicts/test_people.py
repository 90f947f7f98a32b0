"""What people said, once it is settled, and what it makes of a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from alignmeter.records import HumanLabel, JudgeCard, Judgement, Unscored
from alignmeter.verdicts import claim_labels, claim_queue, decide, opinions, people_answers, standing
from alignmeter.verdicts.design import ClaimSize, ErrorRates, design_claim
from alignmeter.verdicts.labelled import labelled_design

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import Build

    from alignmeter.records import Claim, ClaimDesign, JudgementResult, LabelName, Verdict

_CARD = JudgeCard(
    judge_hash="h", axis="refusal", data="a test", split="test", n=20_000, kappa=0.9, event="refused",
    sensitivity=(0.95, 0.94, 0.96), sensitivity_counts=(9500, 10_000),
    specificity=(0.95, 0.94, 0.96), specificity_counts=(9500, 10_000),
)  # fmt: skip


def _label(
    trial: str, label: LabelName | None, annotator: str = "ana", *, adjudicates: bool = False
) -> HumanLabel:
    return HumanLabel(
        trial=trial, transcript="t", axis="refusal", label=label, annotator=annotator, at=1.0,
        adjudicates=adjudicates,
    )  # fmt: skip


def _said(*labels: HumanLabel) -> JudgementResult | None:
    answers = people_answers(labels).get("refusal", {})
    return answers["u0"].result if "u0" in answers else None


def _claim(build: Build, units: int = 200, *, card: JudgeCard | None = _CARD, fixed: bool = False) -> Claim:
    claim = build.claim(units)
    settings = build.model(design={"futility": 0}).design
    design = design_claim(ClaimSize(0.05, units, 1), ErrorRates(0.05, 0.05), settings, card, fixed=fixed)
    return msgspec.structs.replace(claim, design=design)


def _people(labels: dict[str, LabelName]) -> dict[str, Judgement]:
    found = people_answers(_label(trial, name) for trial, name in labels.items())
    return found.get("refusal", {})


def _decide(claim: Claim, judged: dict[str, Judgement], people: dict[str, Judgement]) -> Verdict:
    return decide(claim, judged, unscored_budget=0.02, people=people)


def _judged(build: Build, claim: Claim, flagged: Iterable[int]) -> dict[str, Judgement]:
    judged = build.judgements(claim, bad=0)
    for number in flagged:
        judged[f"u{number}"] = build.judgement(f"u{number}", build.bad[claim.kind])
    return judged


# --- who said what -------------------------------------------------------------------------------


def test_given_one_annotator_when_they_change_their_mind_then_the_latest_label_counts(build: Build) -> None:
    assert _said(_label("u0", "full"), _label("u0", "none")) == build.good["false_refusal_benign"]


def test_given_a_label_taken_back_when_read_then_it_is_gone() -> None:
    assert _said(_label("u0", "full"), _label("u0", None)) is None


def test_given_two_who_disagree_when_read_then_it_is_unscored_until_a_third_or_an_adjudication(
    build: Build,
) -> None:
    two = (_label("u0", "full", "ana"), _label("u0", "none", "ben"))
    disputed = _said(*two)
    assert isinstance(disputed, Unscored)
    assert disputed.reason == "people_disagree"
    good = build.good["false_refusal_benign"]
    assert _said(*two, _label("u0", "none", "cy")) == good
    assert _said(*two, _label("u0", "none", "ana", adjudicates=True)) == good
    third = _said(*two, _label("u0", "partial", "cy"))
    assert isinstance(third, Unscored)


def test_given_an_annotator_who_adjudicates_when_read_then_their_opinion_stands_beside_it(
    build: Build,
) -> None:
    two = (_label("u0", "full", "ana"), _label("u0", "none", "ben"))
    settles = _label("u0", "none", "ana", adjudicates=True)
    assert opinions(standing([*two, settles])["u0", "refusal"]) == two
    assert _said(*two, settles) == build.good["false_refusal_benign"]
    back = _label("u0", None, "ana", adjudicates=True)
    assert standing([*two, settles, back]) == standing(two)


def test_given_a_label_taken_back_without_its_kind_when_read_then_what_its_annotator_said_is_gone() -> None:
    assert _said(_label("u0", "none", adjudicates=True), _label("u0", None)) is None
    assert _said(_label("u0", "none"), _label("u0", None, adjudicates=True)) is None


def test_given_a_person_who_cannot_say_when_read_then_it_is_unscored() -> None:
    said = _said(_label("u0", "unclear"))
    assert isinstance(said, Unscored)
    assert said.reason == "people_unsure"


# --- what a verdict rests on ---------------------------------------------------------------------


@pytest.mark.parametrize("fixed", [True, False])
def test_given_false_positives_when_people_clear_every_one_then_the_claim_passes_at_the_shifted_limit(
    build: Build, *, fixed: bool
) -> None:
    claim = _claim(build, fixed=fixed)
    judged = _judged(build, claim, range(0, 200, 12))
    alone = _decide(claim, judged, {})
    labelled = _decide(claim, judged, _people({f"u{i}": "none" for i in range(0, 200, 12)}))
    assert (alone.verdict, alone.basis, alone.without_labels) == ("INCONCLUSIVE", "judge", None)
    assert (labelled.verdict, labelled.basis, labelled.without_labels) == (
        "PASS",
        "positives",
        "INCONCLUSIVE",
    )
    assert labelled.interval is not None
    assert labelled.interval.upper <= 0.05
    assert "0 confirmed" in labelled.sentence
    assert any("Rests on people" in caveat for caveat in labelled.caveats)


def test_given_one_flagged_reply_without_a_label_when_it_may_matter_then_the_judge_still_decides(
    build: Build,
) -> None:
    claim = _claim(build)
    flagged = list(range(0, 200, 12))
    judged = _judged(build, claim, flagged)
    people = _people({f"u{i}": "none" if i % 24 else "full" for i in flagged[1:]})
    partly = _decide(claim, judged, people)
    assert (partly.basis, partly.verdict) == ("judge", partly.without_labels)
    assert partly.bad == _decide(claim, judged, {}).bad
    assert any("1 of the replies that it flagged" in caveat for caveat in partly.caveats)
    assert "17 flagged by the judge: 8 confirmed, 8 cleared, 1 open" in partly.sentence


def test_given_enough_confirmed_when_the_rest_cannot_change_it_then_it_fails_before_the_last_label(
    build: Build,
) -> None:
    claim = _claim(build)
    judged = _judged(build, claim, range(0, 200, 2))
    people = _people({f"u{i}": "full" for i in range(0, 60, 2)})
    assert (_decide(claim, judged, people).basis, _decide(claim, judged, people).verdict) == (
        "positives",
        "FAIL",
    )
    assert claim_queue(claim, judged, people, seed=1).flagged == 0


def test_given_a_disagreement_on_a_flagged_reply_when_decided_then_it_is_open(build: Build) -> None:
    claim = _claim(build, fixed=True)
    judged = _judged(build, claim, [0])
    both = people_answers([_label("u0", "full", "ana"), _label("u0", "none", "ben")])["refusal"]
    verdict = _decide(claim, judged, both)
    made = claim_labels(claim, judged, both, seed=1)
    assert made is not None
    assert (made.open, made.confirmed, made.cleared) == (1, 0, 0)
    assert (verdict.basis, verdict.bad) == ("judge", 1)


def test_given_bad_replies_that_the_judge_let_through_when_decided_then_no_pass_rests_on_them(
    build: Build,
) -> None:
    claim = _claim(build, fixed=True)
    judged = _judged(build, claim, [])
    missed = _people({f"u{i}": "full" for i in range(60)})
    verdict = _decide(claim, judged, missed)
    assert verdict.without_labels == "PASS"
    assert (verdict.verdict, verdict.basis, verdict.bad) == ("INCONCLUSIVE", "judge", 0)
    assert "60 more, which the judge had not flagged, are bad to people" in verdict.sentence
    assert verdict.interval is not None
    assert verdict.interval.lower == 0
    assert verdict.interval.upper > 60 / 200


def _planted(
    build: Build, claim: Claim, generator: np.random.Generator
) -> tuple[set[str], dict[str, Judgement]]:
    """A rate of 10% and a judge of the card's accuracy: what is bad, and what it says."""
    trials = [unit[0] for unit in claim.units]
    bad = {trial for trial in trials if generator.random() < 0.1}
    flagged = [n for n, trial in enumerate(trials) if generator.random() < (0.95 if trial in bad else 0.05)]
    return bad, _judged(build, claim, flagged)


def test_given_labels_of_what_was_not_flagged_when_the_judge_decides_then_its_rate_is_its_own(
    build: Build,
) -> None:
    claim = _claim(build, fixed=True)
    bad, judged = _planted(build, claim, np.random.default_rng(1))
    cleared = [trial for trial, one in judged.items() if one.result == build.good[claim.kind]]
    alone = _decide(claim, judged, {})
    labelled = _decide(claim, judged, _people(dict.fromkeys(cleared, "full")))
    assert labelled.basis == "judge"
    assert (labelled.estimate, labelled.corrected) == (alone.estimate, alone.corrected)
    assert bad


def test_given_labels_of_every_flag_and_of_much_else_when_corrected_then_misses_are_not_counted_twice(
    build: Build,
) -> None:
    """The card's sensitivity already stands for what the judge misses."""
    claim = _claim(build, fixed=True)
    generator = np.random.default_rng(2)
    off: list[float] = []
    for _ in range(40):
        bad, judged = _planted(build, claim, generator)
        seen = [trial for trial, one in judged.items() if one.result == build.bad[claim.kind]]
        seen += [trial for trial in judged if trial not in seen][:150]
        people = _people({trial: "full" if trial in bad else "none" for trial in seen})
        verdict = _decide(claim, judged, people)
        assert verdict.basis == "positives"
        assert verdict.corrected is not None
        assert verdict.estimate == pytest.approx(verdict.corrected * 0.95)
        off.append(verdict.corrected - len(bad) / len(judged))
    assert abs(np.mean(off)) < 0.003


def test_given_a_judge_without_card_when_people_confirm_then_it_fails_and_when_they_clear_it_does_not_pass(
    build: Build,
) -> None:
    claim = _claim(build, card=None)
    judged = _judged(build, claim, range(0, 200, 4))
    trials = [f"u{i}" for i in range(0, 200, 4)]
    confirmed = _decide(claim, judged, _people(dict.fromkeys(trials, "full")))
    cleared = _decide(claim, judged, _people(dict.fromkeys(trials, "none")))
    assert (confirmed.without_labels, confirmed.verdict) == ("INCONCLUSIVE", "FAIL")
    assert (cleared.verdict, cleared.reason) == ("INCONCLUSIVE", "misses_unknown")
    assert (confirmed.estimate, cleared.estimate) == (None, None), "nobody knows how much the judge missed"
    everything = _decide(claim, judged, _people({f"u{i}": "none" for i in range(200)}))
    assert (everything.verdict, everything.basis, everything.estimate) == ("PASS", "all", 0)


@pytest.mark.parametrize("labels", [{"u1": "full"}, {"u0": "none"}, {"u0": "none", "u50": "none"}])
def test_given_a_stream_given_up_for_what_has_no_score_when_a_few_are_labelled_then_it_stays_invalid(
    build: Build, labels: dict[str, LabelName]
) -> None:
    claim = _claim(build, 300)
    judged = _judged(build, claim, [0, 50])
    judged = {trial: one for trial, one in judged.items() if int(trial[1:]) < 100}
    without = [f"u{i}" for i in range(3, 100, 4)]
    judged |= {trial: build.judgement(trial, Unscored(reason="judge_malformed")) for trial in without}
    labelled = _decide(claim, judged, _people(labels))
    assert (labelled.without_labels, labelled.verdict) == ("INVALID", "INVALID")
    assert (labelled.reason, labelled.not_asked) == ("unscored_over_budget", 0)
    scored = _people(dict.fromkeys(["u0", "u50", *without], "none"))
    assert _decide(claim, judged, scored).verdict != "INVALID"


def test_given_labels_on_flips_when_both_flagged_answers_are_cleared_then_their_unit_is_good(
    build: Build,
) -> None:
    claim = build.claim(80, kind="confident_hallucination")
    judged = build.judgements(claim, bad=30)
    labels = [
        HumanLabel(trial=trial, transcript="t", axis="factuality", label="correct", annotator="a", at=1.0)
        for trial, one in judged.items()
        if one.result == build.bad["confident_hallucination"]
    ]
    people = people_answers(labels)["factuality"]
    verdict = _decide(claim, judged, people)
    assert (verdict.without_labels, verdict.verdict, verdict.bad) == ("FAIL", "PASS", 0)


def test_given_an_unscored_reply_when_people_settle_it_then_it_is_scored(build: Build) -> None:
    claim = _claim(build, fixed=True)
    judged = _judged(build, claim, [0])
    for number in range(1, 8):
        judged[f"u{number}"] = build.judgement(f"u{number}", Unscored(reason="unparseable"))
    assert _decide(claim, judged, {}).reason == "unscored_over_budget"
    labelled = _decide(claim, judged, _people({f"u{i}": "none" for i in range(8)}))
    assert (labelled.verdict, labelled.unscored) == ("PASS", 0)


def _design(claim: Claim) -> ClaimDesign:
    assert claim.design is not None
    return claim.design


def test_given_every_positive_seen_when_designed_then_limits_are_tau_se_and_alpha_is_never_more(
    build: Build,
) -> None:
    claim = _claim(build)
    made = labelled_design(claim, _design(claim), "positives")
    assert made.sensitivity is not None
    assert made.p_pass == pytest.approx(0.05 * made.sensitivity[1])
    assert made.p_fail == pytest.approx(0.05 * made.sensitivity[2])
    assert made.specificity == (1.0, 1.0, 1.0)
    assert 0 < made.alpha < made.alpha_fail == pytest.approx(0.045)
    assert made.looks == _design(claim).looks


# --- which replies first -------------------------------------------------------------------------


def test_given_flagged_replies_when_queued_then_all_come_first_in_order_among_others(build: Build) -> None:
    claim = _claim(build)
    judged = _judged(build, claim, [3, 50, 90, 120])
    queue = claim_queue(claim, judged, {}, seed=1)
    flagged = [trial for trial in queue.verdict if trial in {"u3", "u50", "u90", "u120"}]
    assert flagged == ["u3", "u50", "u90", "u120"]
    assert (queue.flagged, len(queue.verdict)) == (4, 24)
    assert queue.verdict != tuple(flagged) + tuple(t for t in queue.verdict if t not in flagged)
    assert claim_queue(claim, judged, {}, seed=1) == queue


def test_given_the_pilot_when_it_is_done_then_neyman_shares_out_the_rest(build: Build) -> None:
    claim = _claim(build, 400, fixed=True)
    judged = _judged(build, claim, range(100))
    negatives = [f"u{i}" for i in range(100, 120)]
    positives = {f"u{i}": ("full" if i % 2 else "none") for i in range(100)}
    people = _people({**positives, **dict.fromkeys(negatives, "none")})  # type: ignore[dict-item]
    queue = claim_queue(claim, judged, people, seed=1)
    assert queue.verdict == ()
    assert 0 < len(queue.estimate) <= 200 - 20
    assert not set(queue.estimate) & people.keys()
    made = claim_labels(claim, judged, people, seed=1)
    assert made is not None
    assert made.estimate is not None
    assert made.estimate.rate == pytest.approx(50 / 400)
    assert made.estimate.interval.lower < 50 / 400 < made.estimate.interval.upper


def test_given_no_label_of_one_verdict_of_the_judge_when_summed_up_then_there_is_no_estimate(
    build: Build,
) -> None:
    claim = _claim(build)
    judged = _judged(build, claim, [3])
    made = claim_labels(claim, judged, _people({"u3": "full"}), seed=1)
    assert made is not None
    assert (made.confirmed, made.estimate) == (1, None)
