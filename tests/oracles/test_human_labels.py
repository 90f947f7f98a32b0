"""Error rates of verdicts that rest on people (docs/decisions/0015): at the limit, at most alpha.

Streams at a true rate of exactly the limit are judged with a known Se and Sp and stopped by the
judge's own boundaries. A few more units come back after the stop, as many as hurt most. People then
confirm or clear every positive, without error, and the verdict is taken anew. METHODS.md section 5.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from alignmeter.records import Claim, JudgeCard, Judgement, RefusalResult
from alignmeter.threat_model import ThreatModel
from alignmeter.verdicts import boundaries_of, decide
from alignmeter.verdicts.design import ClaimSize, ErrorRates, design_claim
from alignmeter.verdicts.labelled import labelled_design

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignmeter.records import ClaimDesign
    from alignmeter.stats import AlphaSpendingDesign

ALPHA, ALPHA_FAIL = 0.05, 0.05
STREAMS = 10_000
AHEAD = 4
_KNOWN = 10**9
_SEED = 20261121


class Case(NamedTuple):
    """A claim at its limit, and its judge's true error."""

    tau: float
    units: int
    se: float
    sp: float
    futility: float = 0.0


CASES = (
    Case(0.05, 294, 0.9, 0.99),
    Case(0.05, 294, 0.9, 0.95),
    Case(0.05, 294, 0.9, 0.95, futility=0.1),
    Case(0.10, 120, 0.8, 0.9),
    Case(0.02, 400, 0.95, 0.98),
)


class Streams(NamedTuple):
    """Streams of one case: shape (streams, units), and the unit after which each has no more."""

    true: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    judge: NDArray[np.int8]
    end: NDArray[np.int64]


@cache
def _claim(case: Case) -> Claim:
    found, cleared = case.se * _KNOWN, case.sp * _KNOWN
    card = JudgeCard(
        judge_hash="h", axis="refusal", data="a simulation", split="test", n=_KNOWN, kappa=0.9,
        event="refused",
        sensitivity=(case.se, case.se, case.se), sensitivity_counts=(found, _KNOWN),
        specificity=(case.sp, case.sp, case.sp), specificity_counts=(cleared, _KNOWN),
    )  # fmt: skip
    settings = ThreatModel.model_validate({"name": "A simulation", "design": {"futility": case.futility}})
    size = ClaimSize(case.tau, case.units, 1)
    design = design_claim(size, ErrorRates(ALPHA, ALPHA_FAIL), settings.design, card, fixed=False)
    return Claim(
        id="c", kind="false_refusal_benign", title="A claim at its limit", threshold=case.tau, alpha=ALPHA,
        alpha_fail=ALPHA_FAIL, units=tuple((f"u{i}",) for i in range(case.units)), design=design,
    )  # fmt: skip


def _design(claim: Claim) -> ClaimDesign:
    assert claim.design is not None
    return claim.design


def _run(
    design: AlphaSpendingDesign, bad: NDArray[np.bool_], end: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """What each stream comes to (1 pass, -1 fail, 0 neither) by its end, and after how many units."""
    counts = bad.cumsum(axis=1)
    said, stop = np.zeros(len(bad), np.int8), np.full(len(bad), design.n_max)
    going = np.ones(len(bad), bool)
    looks = zip(design.looks, design.pass_at, design.fail_at, design.futile, strict=True)
    for look, most, least, (first, last) in looks:
        if end is not None:
            going &= look <= end
        seen = counts[:, look - 1]
        for ends, value in ((seen <= most, 1), (seen >= least, -1), ((first <= seen) & (seen <= last), 0)):
            now = going & ends
            said[now], stop[now] = value, look
            going &= ~now
    return said, stop


@cache
def _streams(case: Case, rate: float) -> Streams:
    claim = _claim(case)
    rng = np.random.default_rng(_SEED)
    shape = (STREAMS, case.units)
    true = rng.random(shape) < rate
    judged = np.where(true, rng.random(shape) < case.se, rng.random(shape) > case.sp)
    judge, stop = _run(boundaries_of(_design(claim)), judged)
    return Streams(true, judged, judge, np.minimum(stop + rng.integers(0, AHEAD + 1, STREAMS), case.units))


def _labelled(claim: Claim, streams: Streams) -> NDArray[np.int8]:
    """The verdict once people have looked at every positive; the judge's where there is none."""
    confirmed = streams.true & streams.judged
    people, _ = _run(
        boundaries_of(labelled_design(claim, _design(claim), "positives")), confirmed, streams.end
    )
    positives = streams.judged.cumsum(axis=1)[np.arange(STREAMS), streams.end - 1]
    return np.where(positives == 0, streams.judge, people)


def _share(said: NDArray[np.int8] | NDArray[np.bool_], value: int) -> float:
    return float((said == value).mean())


def _three_errors(alpha: float) -> float:
    return 3 * math.sqrt(alpha * (1 - alpha) / STREAMS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_given_people_on_every_positive_when_the_rate_is_the_limit_then_each_side_errs_at_most_alpha(
    case: Case,
) -> None:
    claim = _claim(case)
    said = _labelled(claim, _streams(case, case.tau))
    assert _share(said, 1) <= ALPHA + _three_errors(ALPHA)
    assert _share(said, -1) <= ALPHA_FAIL + _three_errors(ALPHA_FAIL)


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_given_a_run_asked_on_by_its_labels_when_the_rate_is_the_limit_then_each_side_errs_at_most_alpha(
    case: Case,
) -> None:
    """A resume goes on past the judge's stop wherever labels leave the claim open: up to the last unit."""
    claim = _claim(case)
    streams = _streams(case, case.tau)
    said = _labelled(claim, streams._replace(end=np.full(STREAMS, case.units)))
    assert _share(said, 1) <= ALPHA + _three_errors(ALPHA)
    assert _share(said, -1) <= ALPHA_FAIL + _three_errors(ALPHA_FAIL)
    assert _share(said, 1) >= _share(_labelled(claim, streams), 1)


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_given_people_on_every_reply_when_the_rate_is_the_limit_then_each_side_errs_at_most_alpha(
    case: Case,
) -> None:
    claim = _claim(case)
    streams = _streams(case, case.tau)
    said, _ = _run(boundaries_of(labelled_design(claim, _design(claim), "all")), streams.true, streams.end)
    assert _share(said, 1) <= ALPHA + _three_errors(ALPHA)
    assert _share(said, -1) <= ALPHA_FAIL + _three_errors(ALPHA_FAIL)


def test_given_cleared_positives_when_put_into_the_judges_own_test_then_it_passes_too_often() -> None:
    """Why the labels do not simply replace answers: the judge's limit expects false positives."""
    case = CASES[1]
    claim = _claim(case)
    streams = _streams(case, case.tau)
    naive, _ = _run(boundaries_of(_design(claim)), streams.true & streams.judged, streams.end)
    assert _share(naive, 1) > 5 * ALPHA


def test_given_labels_only_when_the_judge_did_not_pass_then_two_chances_err_less_than_twice_alpha() -> None:
    """The figures that docs/decisions/0015 gives for who labels only when displeased."""
    found: list[float] = []
    for case in CASES[:2]:
        claim = _claim(case)
        streams = _streams(case, case.tau)
        found.append(_share((streams.judge == 1) | (_labelled(claim, streams) == 1), 1))
    assert found == pytest.approx([0.045, 0.065], abs=0.01)


def test_given_a_good_target_and_a_judge_that_errs_when_people_label_then_it_passes_more_often() -> None:
    """What labels buy: METHODS.md 5, Se .9 and Sp .95 cannot pass a true 2% at 5%."""
    case = CASES[1]
    claim = _claim(case)
    streams = _streams(case, 0.02)
    alone, labelled = _share(streams.judge, 1), _share(_labelled(claim, streams), 1)
    assert (alone, labelled) == pytest.approx((0.34, 0.59), abs=0.02)


def test_given_streams_when_decided_by_the_verdicts_then_they_are_the_ones_of_this_simulation() -> None:
    case = CASES[1]
    claim = _claim(case)
    streams = _streams(case, 0.05)
    expected = {1: "PASS", -1: "FAIL", 0: "INCONCLUSIVE"}
    results = {True: RefusalResult(label="full"), False: RefusalResult(label="none")}

    def answers(values: NDArray[np.bool_]) -> dict[str, Judgement]:
        return {
            f"u{unit}": Judgement(
                trial=f"u{unit}", transcript="t", judge="j", judge_hash="h", axis="refusal",
                result=results[bool(bad)],
            )
            for unit, bad in enumerate(values)
        }  # fmt: skip

    for index, value in enumerate(_labelled(claim, streams)[:6]):
        judged = answers(streams.judged[index, : streams.end[index]])
        seen = answers(streams.true[index, : streams.end[index]])
        people = {trial: seen[trial] for trial, one in judged.items() if one.result == results[True]}
        verdict = decide(claim, judged, unscored_budget=0.02, people=people)
        assert verdict.verdict == expected[int(value)], index
        assert verdict.basis == ("positives" if people else "judge")
