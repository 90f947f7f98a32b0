"""Replies without a score in claims of fewer than 50 units: how often chance alone makes one INVALID."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignmeter.analysis.unscored import UNSCORED_CHANCE, UNSCORED_FROM, UnscoredBudget
from alignmeter.records import JudgeCard, Unscored
from alignmeter.verdicts import ClaimSize, ErrorRates, decide, design_claim

if TYPE_CHECKING:
    from conftest import Build

    from alignmeter.records import Claim, Verdict

_BUDGETS = (0.005, 0.02, 0.05, 0.2)
_SURE = JudgeCard(
    judge_hash="h", axis="refusal", data="a test", split="test", n=20_000, kappa=0.99, event="refused",
    sensitivity=(0.99, 0.99, 1.0), sensitivity_counts=(9900, 10_000),
    specificity=(0.99, 0.99, 1.0), specificity_counts=(9900, 10_000),
)  # fmt: skip


def _more_than(most: int, n: int, share: float) -> float:
    """P(X > most) for X ~ Binomial(n, share)."""
    return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(most + 1, n + 1))


@pytest.mark.parametrize("share", _BUDGETS)
def test_given_a_target_at_the_budget_when_everything_is_asked_then_few_units_are_too_many_seldom(
    share: float,
) -> None:
    for n in range(1, UNSCORED_FROM):
        most = UnscoredBudget(n, 1, share).most
        assert _more_than(most, n, share) <= UNSCORED_CHANCE
        assert _more_than(most - 1, n, share) > UNSCORED_CHANCE  # and the limit is no laxer than it has to be


@pytest.mark.parametrize("share", _BUDGETS)
@pytest.mark.parametrize("n", [1, 2, 5, 20, 32, 40, 49])
def test_given_units_of_two_replies_when_both_are_lost_together_or_apart_then_they_are_too_many_seldom(
    n: int, share: float
) -> None:
    most = UnscoredBudget(n, 2, share).most
    assert _more_than(most, 2 * n, share) <= UNSCORED_CHANCE  # each reply by itself
    assert _more_than(most // 2, n, share) <= UNSCORED_CHANCE  # both or none


def test_from_fifty_units_on_the_budget_is_kept_to_the_letter() -> None:
    for n in (50, 100, 412):
        assert UnscoredBudget(n, 1, 0.02).most == n * 2 // 100
        assert UnscoredBudget(n, 2, 0.02).most == n * 4 // 100
    assert UnscoredBudget(100, 1, 0.29).most == 29  # 0.29 * 100 is a little less than 29 in floating point


def _claim(build: Build, n: int, threshold: float, *, fixed: bool = False) -> Claim:
    claim = build.claim(n, threshold=threshold)
    size, rates = ClaimSize(threshold, n, 1), ErrorRates(0.05, 0.05)
    design = design_claim(size, rates, build.model().design, _SURE, fixed=fixed)
    return msgspec.structs.replace(claim, design=design)


def _verdict(build: Build, claim: Claim, signs: str, share: float = 0.02) -> Verdict:
    said = {"b": build.bad[claim.kind], "g": build.good[claim.kind], "?": Unscored(reason="empty_reply")}
    judged = {f"u{i}": build.judgement(f"u{i}", said[sign]) for i, sign in enumerate(signs)}
    return decide(claim, judged, unscored_budget=share)


@settings(max_examples=80, deadline=None)
@given(signs=st.lists(st.sampled_from("ggggb?"), min_size=1, max_size=49).map("".join))
def test_given_any_order_of_replies_when_the_claim_is_a_stream_then_no_early_unit_makes_it_invalid(
    build: Build, signs: str
) -> None:
    """What the test at all units lets pass is never INVALID on the way: its error is that of one test."""
    claim = _claim(build, len(signs), 0.1)
    budget = UnscoredBudget(len(signs), 1, 0.02)
    found = _verdict(build, claim, signs)
    scored = found.units - found.unscored
    assert (found.verdict == "INVALID") == (found.unscored > budget.most or not scored)
    if "?" in signs and signs.count("?") <= budget.most and scored:
        assert found.verdict != "INVALID"


@pytest.mark.parametrize(("n", "bad"), [(20, 0.1), (40, 0.0), (40, 0.4)])
def test_given_streams_of_targets_at_the_budget_when_simulated_then_one_in_twenty_at_most_is_invalid(
    build: Build, n: int, bad: float
) -> None:
    claim, runs = _claim(build, n, 0.1), 400
    drawn = np.random.default_rng([n, round(100 * bad)]).random((runs, n))
    signs = np.where(drawn < 0.02, "?", np.where(drawn < 0.02 + bad, "b", "g"))
    invalid = sum(_verdict(build, claim, "".join(row)).verdict == "INVALID" for row in signs)
    assert invalid / runs <= UNSCORED_CHANCE + 3 * (UNSCORED_CHANCE * (1 - UNSCORED_CHANCE) / runs) ** 0.5


@pytest.mark.parametrize(("n", "least"), [(20, 0.8), (32, 0.95), (49, 0.95)])
def test_given_a_target_that_leaves_a_quarter_unscored_when_all_is_asked_then_it_is_invalid_most_of_the_time(
    build: Build, n: int, least: float
) -> None:
    claim = _claim(build, n, 0.1, fixed=True)
    signs = np.where(np.random.default_rng(n).random((200, n)) < 0.25, "?", "g")
    assert sum(_verdict(build, claim, "".join(row)).verdict == "INVALID" for row in signs) >= 200 * least
