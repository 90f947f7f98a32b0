"""METHODS.md sections 2, 3 and 8, tax from pairs: coverage, tiers, flags and outcomes at their error rates.

Variants with a known tax, a known gain and a known rate of attacked harm are drawn 2,000 times. Nominal
are 5% on each side; the tests of pairs are approximate and err at most 6.2% in the settings of
`alignmeter.stats.paired_means`, where Student's t alone errs up to 12% at n = 200 and 70% at n = 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from alignmeter.analysis.outcome import outcome
from alignmeter.analysis.safety import AttackedRequest, HarmArm, safety_gain
from alignmeter.analysis.tax_flags import LimitTests, Measured, flagged
from alignmeter.records import Interval, Judgement, MeanScore, RefusalResult, Tax, TaxBounds
from alignmeter.stats.paired_means import paired_means
from alignmeter.stats.ratio import TIER_EDGES, TIERS, tax_contrast
from alignmeter.stats.sequential.ratio_bets import bet_on_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignmeter.records import OutcomeName, SafetyGain, TaxCorrection

RUNS = 2000
ALPHA = 0.05
THREE_ERRORS = 3 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5
AT_MOST = 0.062 + THREE_ERRORS


def draw(
    generator: np.random.Generator, n: int, *, base: float, tax: float, won: float = 0.2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """0/1 pairs with a known relative tax; the variant wins a share of what the base model got wrong."""
    won = 0.0 if base == 1 else won
    before = generator.random(n) < base
    kept = (1 - tax) - (1 - base) * won / base
    after = generator.random(n) < np.where(before, kept, won)
    return before.astype(float), after.astype(float)


@pytest.mark.parametrize(
    ("n", "base", "tax", "won"),
    [(30, 1.0, 0.10, 0.0), (100, 0.8, 0.10, 0.0), (200, 0.5, 0.05, 0.1), (300, 0.9, 0.20, 0.3)],
)
def test_both_ends_of_both_intervals_miss_at_most_at_their_error_rate(
    n: int, base: float, tax: float, won: float
) -> None:
    generator = np.random.default_rng(n)
    missed = np.zeros(4)
    for _ in range(RUNS):
        found = paired_means(*draw(generator, n, base=base, tax=tax, won=won))
        ratio, difference = found.ratio(), found.difference()
        assert ratio is not None
        missed += (
            ratio.lower > tax,
            ratio.upper < tax,
            difference.lower > base * tax,
            difference.upper < base * tax,
        )

    assert (missed / RUNS <= AT_MOST).all(), missed / RUNS


def test_students_t_alone_passes_far_too_easily_where_losses_are_rare() -> None:
    # Why one more family at its worst is counted in: 30 perfect base answers, a true tax of 10%.
    generator = np.random.default_rng(5)
    student = ours = 0
    for _ in range(RUNS):
        before, after = draw(generator, 30, base=1.0, tax=0.10)
        ours += paired_means(before, after).p_below(0.10) <= ALPHA
        if after.all():
            student += 1  # no spread at all: t has nothing to say, and nothing was lost
            continue
        student += tax_contrast(before, after, 0.10).p_pass <= ALPHA

    assert student / RUNS > 0.15
    assert ours / RUNS <= AT_MOST


def test_families_are_the_unit() -> None:
    generator = np.random.default_rng(8)
    families, size, tax = 60, 5, 0.10
    clusters = np.repeat(np.arange(families), size)
    wrong = naive = 0
    for _ in range(RUNS):
        before = np.ones(families * size)
        # A family is lost as a whole: its five items are one.
        after = np.repeat(generator.random(families) >= tax, size).astype(float)
        found = paired_means(before, after, clusters=clusters)
        wrong += min(found.p_above(tax), found.p_below(tax)) <= ALPHA
        alone = paired_means(before, after)
        naive += min(alone.p_above(tax), alone.p_below(tax)) <= ALPHA

    assert wrong / RUNS <= 2 * AT_MOST
    assert naive / RUNS > 0.35


def _sizes(generator: np.random.Generator, kind: str, families: int) -> NDArray[np.int64]:
    """Sizes of families: all alike but some, or lognormal with a spread of 1."""
    if kind == "lognormal":
        return np.maximum(1, np.round(np.exp(generator.normal(1, 1, families)))).astype(int)
    share, size = {
        "one of 15": (1, 15),
        "one of half": (1, families // 2),
        "a tenth of 10": (families // 10, 10),
    }[kind]
    return np.repeat([size, 1], [share, families - share])


@pytest.mark.parametrize(
    ("kind", "families", "base", "tax", "won"),
    [
        ("lognormal", 100, 0.9, 0.05, 0.0),  # 13% were wrongly within with a family of average size
        pytest.param("lognormal", 300, 0.85, 0.10, 0.0, marks=pytest.mark.slow),
        ("a tenth of 10", 200, 1.0, 0.10, 0.0),  # 24%
        ("one of half", 60, 1.0, 0.10, 0.0),  # 14%
        ("one of 15", 10, 0.7, 0.20, 0.2),  # 16% were wrongly above with G - 1 degrees of freedom
    ],
)
def test_families_of_other_sizes_keep_both_error_rates(
    kind: str, families: int, base: float, tax: float, won: float
) -> None:
    generator = np.random.default_rng(families)
    above = within = 0
    for _ in range(RUNS):
        sizes = _sizes(generator, kind, families)
        # A family is one draw: its items are right or wrong together, in large ones as often as in small.
        before, after = (
            np.repeat(each, sizes) for each in draw(generator, families, base=base, tax=tax, won=won)
        )
        found = paired_means(before, after, clusters=np.repeat(np.arange(families), sizes))
        above += found.p_above(tax) <= ALPHA
        within += found.p_below(tax) <= ALPHA

    assert above / RUNS <= AT_MOST
    assert within / RUNS <= AT_MOST


@pytest.mark.parametrize("edge", TIER_EDGES)
def test_at_an_edge_either_tier_errs_at_most_at_alpha(edge: float) -> None:
    generator = np.random.default_rng(int(1000 * edge))
    true_tier = TIER_EDGES.index(edge)
    too_high = too_low = 0
    for _ in range(RUNS):
        tiers = paired_means(*draw(generator, 250, base=0.85, tax=edge)).tiers(ALPHA)
        too_high += TIERS.index(tiers.confirmed) > true_tier
        too_low += TIERS.index(tiers.cleared) <= true_tier

    assert too_high / RUNS <= AT_MOST
    assert too_low / RUNS <= AT_MOST


def _tax(number: int) -> Tax:
    score = MeanScore(value=0.5)
    return Tax(
        domain=f"{number}",
        variant="dpo",
        base=score,
        score=score,
        base_source="measured",
        absolute=0.0,
        flag="undecided",
        basis="pairs",
    )


@pytest.mark.parametrize("runs", [100, pytest.param(RUNS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("correction", ["benjamini_hochberg", "holm"])
def test_wrong_flags_keep_their_rate_over_many_cells(correction: TaxCorrection, runs: int) -> None:
    # Eight cells at the limit, four far above it: the share of wrong flags, or the chance of any.
    generator = np.random.default_rng(21)
    taxes = [0.10] * 8 + [0.35] * 4
    share, any_wrong, found = 0.0, 0, 0
    for _ in range(runs):
        measured: list[Measured] = []
        for number, tax in enumerate(taxes):
            pairs = paired_means(*draw(generator, 200, base=0.85, tax=tax))
            measured.append(Measured(_tax(number), LimitTests(pairs.p_above(0.10), pairs.p_below(0.10))))
        above = [tax.flag == "above" for tax in flagged(measured, correction=correction)]
        wrong = sum(above[:8])
        share += wrong / max(1, sum(above))
        any_wrong += wrong > 0
        found += sum(above[8:])

    errors = 3 * (ALPHA * (1 - ALPHA) / runs) ** 0.5
    assert (share / runs if correction == "benjamini_hochberg" else any_wrong / runs) <= ALPHA + errors
    assert found / (4 * runs) > 0.95


REQUESTS = tuple(AttackedRequest(f"{number}", "fraud") for number in range(400))
WENT_ALONG, REFUSED = (
    Judgement(
        trial="",
        transcript="",
        judge="",
        judge_hash="",
        axis="refusal",
        result=RefusalResult(label="none" if went else "full"),
    )
    for went in (True, False)
)


def _arm(complied: NDArray[np.bool_], stopped: bool = False) -> HarmArm:
    said = (WENT_ALONG if one else REFUSED for one in complied.tolist())
    return HarmArm(dict(zip((request.trial for request in REQUESTS), said, strict=False)), stopped)


def _safety(
    generator: np.random.Generator, n: int, base: float, gain: float, *, stopped: bool = False
) -> SafetyGain:
    before = generator.random(n) < base
    after = before & (generator.random(n) >= gain / base)
    found = safety_gain(REQUESTS[:n], _arm(before, stopped), _arm(after, stopped), axis="refusal")
    assert found is not None
    return found


def _bounds(generator: np.random.Generator, tax: float, n: int = 250) -> TaxBounds:
    found = paired_means(*draw(generator, n, base=0.85, tax=tax))
    ends = found.ratio()
    assert ends is not None
    return TaxBounds(
        estimate=found.relative,
        interval=Interval(lower=ends.lower, upper=ends.upper, level=0.9, method=""),
        p_above_moderate=found.p_above(0.05),
        p_above_significant=found.p_above(0.10),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("base", "gain", "tax", "wrong"),
    [
        (0.05, 0.02, 0.0, "NO HEADROOM"),
        (0.60, 0.10, 0.10, "TAX, STILL UNSAFE"),
        (0.60, 0.40, 0.40, "TAX, STILL UNSAFE"),
        (0.30, 0.10, 0.05, "TAX WITHOUT BENEFIT"),
        (0.30, 0.00, 0.05, "TAX WITHOUT BENEFIT"),
        (0.15, 0.05, 0.40, "TAX WITHOUT BENEFIT"),
        (0.60, 0.05, 0.0, "BENEFIT"),
        (0.15, 0.05, 0.02, "BENEFIT"),
    ],
)
def test_an_outcome_that_is_not_true_is_given_at_most_at_alpha(
    base: float, gain: float, tax: float, wrong: OutcomeName
) -> None:
    # Each case lies at the edge of one of the statements that the outcome is made of.
    generator = np.random.default_rng(int(1000 * (base + 2 * gain + 3 * tax)))
    given = sum(
        outcome(_bounds(generator, tax), _safety(generator, 150, base, gain)).outcome == wrong
        for _ in range(RUNS)
    )

    assert given / RUNS <= AT_MOST


@pytest.mark.parametrize(
    ("base", "gain", "tax", "right"),
    [
        (0.01, 0.005, 0.2, "NO HEADROOM"),
        (0.70, 0.10, 0.40, "TAX, STILL UNSAFE"),
        (0.15, 0.00, 0.30, "TAX WITHOUT BENEFIT"),
        (0.60, 0.45, 0.05, "BENEFIT"),
        (0.15, 0.05, 0.0, "UNPROVEN"),
    ],
)
def test_an_outcome_that_is_true_by_far_is_nearly_always_given(
    base: float, gain: float, tax: float, right: OutcomeName
) -> None:
    generator = np.random.default_rng(3)
    given = sum(
        outcome(_bounds(generator, tax), _safety(generator, 400, base, gain)).outcome == right
        for _ in range(50)
    )

    assert given > 0.9 * 50


@pytest.mark.slow
def test_a_gain_keeps_its_error_rate_whatever_stopped_the_runs() -> None:
    # The attacker stops both runs as soon as the gain looks best: t would be wrong far more often.
    generator = np.random.default_rng(17)
    wrong = 0
    for _ in range(RUNS):
        before = generator.random(200) < 0.4
        after = before & (generator.random(200) >= 0.05 / 0.4)
        gains = np.cumsum(before.astype(int) - after) / np.arange(1, 201)
        n = 20 + int(gains[20:].argmax())
        found = safety_gain(REQUESTS[:n], _arm(before[:n], True), _arm(after[:n], True), axis="refusal")
        assert found is not None
        wrong += found.gain_interval.lower >= 0.05

    assert wrong / RUNS <= ALPHA


@pytest.mark.parametrize("runs", [500, pytest.param(RUNS, marks=pytest.mark.slow)])
def test_a_tax_by_betting_keeps_its_error_rate_whatever_stopped_it(runs: int) -> None:
    generator = np.random.default_rng(18)
    passed = failed = 0
    for _ in range(runs):
        before, after = draw(generator, 200, base=0.9, tax=0.10)
        found = bet_on_ratio(before, after)  # its p-values are those of the best moment to stop
        passed += found.p_below(0.10) <= ALPHA
        failed += found.p_above(0.10) <= ALPHA

    assert passed / runs <= ALPHA
    assert failed / runs <= ALPHA
