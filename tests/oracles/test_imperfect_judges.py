"""METHODS.md section 5: estimates under an imperfect judge, and tests at shifted thresholds.

The design that the table of estimates is read under: N = 5000 judged replies with true rate theta;
200 of them labelled by people, at random for the classical, Rogan-Gladen and PPI++ columns (the
same 200 calibrate Rogan-Gladen), by verdict for the last: 20 pilot labels in each of the two strata,
the rest by Neyman allocation from the pilot's rates, the pilot's labels included. Half-widths are
means over runs. The column "naive" is the mean share of judge positives, and not a half-width: the
half-width of that share is below .01 in every row.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from alignmeter.stats._binomial import binomial_cdf, binomial_tail
from alignmeter.stats.exact import binomial_tests
from alignmeter.stats.intervals import clopper_pearson
from alignmeter.stats.judge_error import rogan_gladen, sensitivity_specificity
from alignmeter.stats.judge_labels import Stratum, by_verdict, neyman_allocation, ppi_plus_plus
from alignmeter.stats.judge_shift import shifted_thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

N, LABELS, PILOT = 5000, 200, 20
RUNS = 500


class Row(NamedTuple):
    theta: float
    se: float
    sp: float

    @property
    def q(self) -> float:
        return self.theta * self.se + (1 - self.theta) * (1 - self.sp)


class Simulated(NamedTuple):
    half_width: float
    half_width_error: float
    coverage: float


ROWS = [Row(0.10, 0.9, 0.95), Row(0.02, 0.9, 0.95), Row(0.02, 0.9, 0.99)]
NAIVE = dict(zip(ROWS, (0.135, 0.067, 0.028), strict=True))
CLASSICAL = dict(zip(ROWS, ((0.041, 0.92), (0.019, 0.90), (0.019, 0.90)), strict=True))
ROGAN_GLADEN = dict(zip(ROWS, ((0.044, 0.98), (0.054, 0.99), (0.029, 1.0)), strict=True))
PPI = dict(zip(ROWS, ((0.028, 0.93), (0.016, 0.89), (0.012, 0.85)), strict=True))
BY_VERDICT = dict(zip(ROWS, ((0.024, 0.95), (0.014, 0.94), (0.011, 0.96)), strict=True))


def cells(row: Row, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Counts of (tp, fn, fp, tn) among n replies."""
    theta, se, sp = row
    return rng.multinomial(
        n, [theta * se, theta * (1 - se), (1 - theta) * (1 - sp), (1 - theta) * sp]
    ).astype(np.int64)


def summary(halves: list[float], covered: list[bool]) -> Simulated:
    error = float(np.std(halves)) / math.sqrt(len(halves))
    return Simulated(float(np.mean(halves)), error, float(np.mean(covered)))


def coverage_tolerance(coverage: float) -> float:
    """Three standard errors of our own simulation, and what two printed places leave open."""
    return 3 * math.sqrt(max(coverage * (1 - coverage), 0.01) / RUNS) + 0.005


def half_width_tolerance(simulated: Simulated) -> float:
    return max(3 * simulated.half_width_error, 0.001)


@pytest.fixture(scope="module", params=ROWS, ids=str)
def row(request: pytest.FixtureRequest) -> Row:
    return request.param


@pytest.fixture(scope="module")
def by_verdict_runs(row: Row) -> Simulated:
    rng = np.random.default_rng(51)
    true_share = (row.theta * row.se / row.q, row.theta * (1 - row.se) / (1 - row.q))
    halves: list[float] = []
    covered: list[bool] = []
    for _ in range(RUNS):
        positives = int(rng.binomial(N, row.q))
        sizes = (positives, N - positives)
        pilot = [int(rng.binomial(PILOT, share)) for share in true_share]
        rates = [(events + 0.5) / (PILOT + 1) for events in pilot]
        labels = neyman_allocation(sizes, rates, LABELS, minimum=PILOT)
        strata = [
            Stratum(size, n, events + int(rng.binomial(n - PILOT, share)))
            for size, n, events, share in zip(sizes, labels, pilot, true_share, strict=True)
        ]
        result = by_verdict(strata, seed=rng, draws=1500)
        halves.append((result.upper - result.lower) / 2)
        covered.append(result.lower <= row.theta <= result.upper)
    return summary(halves, covered)


@pytest.fixture(scope="module")
def ppi_runs(row: Row) -> Simulated:
    """PPI++ as in the table, which knows no exact bound: labels without events give width zero."""
    rng = np.random.default_rng(52)
    halves: list[float] = []
    covered: list[bool] = []
    for _ in range(RUNS):
        tp, fn, fp, tn = cells(row, LABELS, rng)
        rest = cells(row, N - LABELS, rng)
        positives = tp + fp + rest[0] + rest[2]
        judge_all = np.repeat([1.0, 0.0], [positives, N - positives])
        result = ppi_plus_plus(
            judge_all,
            np.repeat([1.0, 0.0, 1.0, 0.0], [tp, fn, fp, tn]),
            np.repeat([1.0, 1.0, 0.0, 0.0], [tp, fn, fp, tn]),
        )
        published = result.method == "normal"
        halves.append((result.upper - result.lower) / 2 if published else 0.0)
        covered.append(published and result.lower <= row.theta <= result.upper)
    return summary(halves, covered)


def test_the_naive_column_is_the_mean_share_of_judge_positives(row: Row) -> None:
    assert row.q == pytest.approx(NAIVE[row], abs=0.0005)
    assert 1.96 * math.sqrt(row.q * (1 - row.q) / N) < 0.01


def test_the_classical_column_is_the_wald_interval_of_the_random_labels(row: Row) -> None:
    events = np.arange(LABELS + 1)
    share = events / LABELS
    half = 1.96 * np.sqrt(share * (1 - share) / LABELS)
    probability = np.diff(binomial_cdf(np.arange(-1, LABELS + 1), LABELS, row.theta))
    covered = np.abs(share - row.theta) <= half

    assert float(probability @ half) == pytest.approx(CLASSICAL[row][0], abs=0.001)
    # We sum exactly, the table is simulated: its error is taken to be that of as many runs as ours.
    coverage = float(probability @ covered)
    assert coverage == pytest.approx(CLASSICAL[row][1], abs=coverage_tolerance(coverage))


def test_by_verdict_reproduces_its_column(row: Row, by_verdict_runs: Simulated) -> None:
    half_width, coverage = BY_VERDICT[row]

    assert by_verdict_runs.half_width == pytest.approx(half_width, abs=half_width_tolerance(by_verdict_runs))
    assert by_verdict_runs.coverage == pytest.approx(coverage, abs=coverage_tolerance(coverage))


def test_ppi_plus_plus_reproduces_its_column(row: Row, ppi_runs: Simulated) -> None:
    half_width, coverage = PPI[row]

    assert ppi_runs.half_width == pytest.approx(half_width, abs=half_width_tolerance(ppi_runs))
    assert ppi_runs.coverage == pytest.approx(coverage, abs=coverage_tolerance(coverage))


def test_by_verdict_is_the_narrowest_and_covers(
    row: Row, by_verdict_runs: Simulated, ppi_runs: Simulated
) -> None:
    others = (ppi_runs.half_width, CLASSICAL[row][0], ROGAN_GLADEN[row][0])

    assert by_verdict_runs.half_width < min(others)
    assert by_verdict_runs.coverage >= 0.93


def test_rogan_gladen_reproduces_its_column_as_far_as_its_variance_is_known(row: Row) -> None:
    """Coverage and the first row are reproduced; the other half-widths lie between two readings.

    Ours divides the variances of Se and Sp by the labels plus the two that were added (.051 and
    .027 in the last two rows, the table has .054 and .029); dividing by the labels alone, with the
    same added labels in Se and Sp, gives .055 and .030. The table does not say which it took.
    """
    rng = np.random.default_rng(53)
    ours: list[float] = []
    labels_alone: list[float] = []
    covered: list[bool] = []
    for _ in range(2 * RUNS):
        tp, fn, fp, tn = (int(count) for count in cells(row, LABELS, rng))
        positives = tp + fp + int(rng.binomial(N - LABELS, row.q))
        result = rogan_gladen(positives, N, tp, fn, fp, tn)
        if math.isnan(result.standard_error):
            continue  # J <= 0: no interval under any reading
        ours.append(1.96 * result.standard_error)
        labels_alone.append(1.96 * rogan_gladen_error_by_labels_alone(positives, tp, fn, fp, tn))
        if result.status == "estimated":
            covered.append(result.lower <= row.theta <= result.upper)
    half_width, coverage = ROGAN_GLADEN[row]
    simulated = summary(ours, covered)
    other = summary(labels_alone, covered)

    assert simulated.half_width - half_width_tolerance(simulated) <= half_width
    assert half_width <= other.half_width + half_width_tolerance(other)
    if row.theta == 0.10:
        assert simulated.half_width == pytest.approx(half_width, abs=half_width_tolerance(simulated))
    assert simulated.coverage == pytest.approx(coverage, abs=coverage_tolerance(coverage))


def rogan_gladen_error_by_labels_alone(positives: int, tp: int, fn: int, fp: int, tn: int) -> float:
    se, sp, p = (tp + 1) / (tp + fn + 2), (tn + 1) / (fp + tn + 2), positives / N
    youden = se + sp - 1
    theta = (p + sp - 1) / youden
    variance = p * (1 - p) / N + theta**2 * se * (1 - se) / max(tp + fn, 1)
    return math.sqrt(variance + (1 - theta) ** 2 * sp * (1 - sp) / (fp + tn)) / youden


# --- tests at shifted thresholds -------------------------------------------------------------------

JUDGES = [(0.9, 0.95), (0.8, 0.9), (0.95, 0.99)]
SPLIT = 0.04
CALIBRATIONS = 500


@pytest.mark.parametrize(("se", "sp"), JUDGES)
@pytest.mark.parametrize("tau", [0.02, 0.05, 0.10])
@pytest.mark.parametrize("n", [100, 234, 600])
def test_with_a_known_judge_the_shifted_test_errs_at_most_four_percent(
    n: int, tau: float, se: float, sp: float
) -> None:
    p_pass, p_fail = shifted_thresholds(tau, (se, se), (sp, sp))
    positives = np.arange(n + 1)
    q = tau * se + (1 - tau) * (1 - sp)
    probability = np.diff(binomial_cdf(np.arange(-1, n + 1), n, q))

    wrong_pass = float(probability @ [binomial_tests(int(k), n, p_pass).p_pass <= SPLIT for k in positives])
    wrong_fail = float(probability @ [binomial_tests(int(k), n, p_fail).p_fail <= SPLIT for k in positives])

    assert wrong_pass <= SPLIT + 1e-12
    assert wrong_fail <= SPLIT + 1e-12
    if n == 600:  # not vacuous: discreteness costs less than half the level
        assert min(wrong_pass, wrong_fail) > SPLIT / 2


class Errors(NamedTuple):
    """Exact error rates of the fixed-n test at theta = tau, one for each simulated calibration."""

    wrong_pass: NDArray[np.float64]
    wrong_fail: NDArray[np.float64]
    bounds_hold: NDArray[np.bool_]


def errors_over_calibrations(se: float, sp: float, *, with_bounds: bool) -> Errors:
    """300 + 300 labels, n = 2000 replies, tau = 5%, alpha .04 for the test."""
    tau, n, runs = 0.05, 2000, CALIBRATIONS
    rng = np.random.default_rng(54)
    q = tau * se + (1 - tau) * (1 - sp)
    # The duals of the two tests: k positives PASS where the upper bound is below p_pass.
    lower_q, upper_q = clopper_pearson(np.arange(n + 1), n, 1 - 2 * SPLIT)
    passes: list[int] = []
    fails: list[int] = []
    hold: list[bool] = []
    for tp, tn in zip(rng.binomial(300, se, runs), rng.binomial(300, sp, runs), strict=True):
        accuracy = sensitivity_specificity(tp, 300 - tp, 300 - tn, tn, level=0.99)
        se_bounds, sp_bounds = accuracy.sensitivity.bounds, accuracy.specificity.bounds
        hold.append(se_bounds[0] <= se <= se_bounds[1] and sp_bounds[0] <= sp <= sp_bounds[1])
        if not with_bounds:
            se_bounds, sp_bounds = (tp / 300, tp / 300), (tn / 300, tn / 300)
        p_pass, p_fail = shifted_thresholds(tau, se_bounds, sp_bounds)
        passes.append(int(np.searchsorted(upper_q, p_pass, side="left")))  # k < passes: PASS
        fails.append(int(np.searchsorted(lower_q, p_fail, side="right")))  # k >= fails: FAIL
    return Errors(
        binomial_cdf(np.array(passes) - 1, n, q), binomial_tail(np.array(fails), n, q), np.array(hold)
    )


@pytest.mark.parametrize(("se", "sp"), JUDGES)
def test_with_300_and_300_labels_the_split_keeps_five_percent(se: float, sp: float) -> None:
    """.04 for the test and .01 for the bounds: the one errs while the others hold, or they do not."""
    errors = errors_over_calibrations(se, sp, with_bounds=True)

    assert errors.wrong_pass.mean() <= 0.05
    assert errors.wrong_fail.mean() <= 0.05
    assert errors.wrong_pass[errors.bounds_hold].max() <= SPLIT
    assert errors.wrong_fail[errors.bounds_hold].max() <= SPLIT
    assert 1 - errors.bounds_hold.mean() <= 0.02 + 3 * math.sqrt(0.02 / CALIBRATIONS)  # both sides of both


@pytest.mark.parametrize(("se", "sp"), JUDGES)
def test_point_estimates_from_the_same_labels_do_not_keep_five_percent(se: float, sp: float) -> None:
    errors = errors_over_calibrations(se, sp, with_bounds=False)

    assert min(errors.wrong_pass.mean(), errors.wrong_fail.mean()) > 0.05


@pytest.mark.parametrize("n", [234, 1000, 5000])
def test_an_ordinary_judge_on_300_and_300_labels_cannot_pass_a_true_two_percent(n: int) -> None:
    """Se .9 and Sp .95 as observed: at a true 2% more positives are due than PASS allows at 5%."""
    theta, tau = 0.02, 0.05
    accuracy = sensitivity_specificity(270, 30, 15, 285, level=0.99)
    p_pass, _ = shifted_thresholds(tau, accuracy.sensitivity.bounds, accuracy.specificity.bounds)
    q = theta * 0.9 + (1 - theta) * 0.05
    passes = int((binomial_cdf(np.arange(n + 1), n, p_pass) <= SPLIT).sum())

    assert p_pass < q
    assert binomial_cdf(passes - 1, n, q) < 0.05


def test_when_people_confirm_every_positive_the_same_labels_pass_a_true_two_percent() -> None:
    accuracy = sensitivity_specificity(270, 30, 15, 285, level=0.99)
    p_pass, _ = shifted_thresholds(0.05, accuracy.sensitivity.bounds, (1.0, 1.0))
    n = 600
    passes = int((binomial_cdf(np.arange(n + 1), n, p_pass) <= SPLIT).sum())

    assert p_pass == pytest.approx(0.05 * accuracy.sensitivity.lower)
    assert binomial_cdf(passes - 1, n, 0.02 * 0.9) > 0.95
