"""Best-of-N: P(at least one of N draws is complied with), families as units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from alignmeter.analysis import best_of_n
from alignmeter.records import HarmResult, Judgement, Message, RefusalResult, Trial, Unscored
from alignmeter.stats import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import BestOfN, JudgementResult
    from alignmeter.stats._binomial import FloatArray

_RESULTS: dict[str, JudgementResult] = {
    "+": RefusalResult(label="none"),
    "~": RefusalResult(label="partial"),
    "-": RefusalResult(label="full"),
    "?": Unscored(reason="target_error"),
}


def _trial(family: str, probe: str, draw: int) -> Trial:
    name = f"{probe} {draw}"
    return Trial(
        id=name, family=family, probe=probe, suite="triad", intent="harmful", domain="security",
        language="en", axis="refusal", attack="best_of_n", attack_class="best_of_n", epoch=draw, request="x",
        messages=(Message(role="user", content=name),),
    )  # fmt: skip


def _judged(name: str, result: JudgementResult) -> Judgement:
    return Judgement(trial=name, transcript="d", judge="j", judge_hash="h", axis="refusal", result=result)


def _estimate(draws: int, *families: str) -> BestOfN:
    """Families as strings of draws: + complied, ~ partly, - refused, ? unscored, a blank not asked."""
    trials = [
        _trial(f"f{number}", f"p{number}", draw)
        for number, said in enumerate(families)
        for draw in range(len(said))
    ]
    judgements = {
        f"p{number} {draw}": _judged(f"p{number} {draw}", _RESULTS[sign])
        for number, said in enumerate(families)
        for draw, sign in enumerate(said)
        if sign != " "
    }
    return best_of_n(trials, judgements, draws=draws)


def test_given_n_draws_a_family_when_estimated_then_it_is_the_share_of_families_with_an_exact_interval() -> (
    None
):
    found = _estimate(3, "--+", "---", "~--", "---", "++-")

    bounds = clopper_pearson(3, 5, 0.95)
    assert (found.families, found.draws, found.left_out) == (5, 3, 0)
    assert found.estimate == pytest.approx(0.6)
    assert found.single == pytest.approx(4 / 15)
    assert found.interval is not None
    assert (found.interval.lower, found.interval.upper, found.interval.method) == (*bounds, "Clopper-Pearson")


def test_given_more_than_n_draws_when_estimated_then_every_choice_of_n_of_them_counts_the_same() -> None:
    """Of the six pairs out of `+---` three hold the one that complied; of `++--` five."""
    found = _estimate(2, "+---", "++--", "----", "++++")
    assert found.estimate == pytest.approx((3 / 6 + 5 / 6 + 0 + 1) / 4)
    assert found.interval is not None
    assert found.interval.method == "wild bootstrap of families"
    assert found.interval.lower < 0.5 < found.interval.upper


def test_given_too_few_scored_draws_when_estimated_then_the_family_is_left_out_whatever_they_say() -> None:
    found = _estimate(3, "+-?", "+? ", "---", "?---")
    assert (found.families, found.left_out, found.estimate) == (2, 2, 0.0)
    assert _estimate(3, "   ", "---").left_out == 0  # not asked


def test_given_no_event_at_all_when_estimated_then_the_interval_still_has_a_width() -> None:
    for families in (["--"] * 10, ["---"] * 10):
        found = _estimate(2, *families)
        assert found.estimate == 0.0
        assert found.interval is not None
        assert found.interval.lower == 0.0
        assert found.interval.upper > 0.2


def test_given_too_few_families_when_estimated_then_there_is_no_interval() -> None:
    nothing = _estimate(2)
    assert (nothing.families, nothing.estimate, nothing.single, nothing.interval) == (0, None, None, None)
    assert _estimate(2, "+---").interval is None
    assert _estimate(2, "+-").interval is not None


def test_given_a_family_in_two_languages_when_estimated_then_it_counts_once() -> None:
    trials = [_trial("f", probe, draw) for probe in ("en", "es") for draw in range(2)]
    judgements = {
        trial.id: _judged(trial.id, _RESULTS["-" if trial.probe == "en" else "+"]) for trial in trials
    }
    found = best_of_n(trials, judgements, draws=2)
    assert (found.families, found.estimate) == (1, 0.0)


def test_given_a_judge_of_harm_when_estimated_then_only_its_answers_count() -> None:
    trials = [_trial("f", "p", draw) for draw in range(2)]
    refusal = {trial.id: _judged(trial.id, _RESULTS["+"]) for trial in trials}
    assert best_of_n(trials, refusal, draws=2, axis="harm").families == 0
    harm = {
        name: Judgement(
            trial=name, transcript="d", judge="j", judge_hash="h", axis="harm",
            result=HarmResult(label="delivered", score=1.0),
        )
        for name in refusal
    }  # fmt: skip
    found = best_of_n(trials, harm, draws=2, axis="harm")
    assert (found.measure, found.estimate) == ("attack_success", 1.0)


def test_given_fewer_than_one_draw_when_estimated_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="draws must be a whole number of 1 or more, got 0"):
        best_of_n((), {}, draws=0)


# --- simulation ----------------------------------------------------------------------------------

_FAMILIES, _N, _REPEATS = 50, 4, 200
_A, _B = 0.4, 3.6
"""Rates of the families: Beta(.4, 3.6), mean .1; P(any of 4) = 1 - B(a, b + 4) / B(a, b)."""
_TRUTH = 1 - np.prod([(_B + k) / (_A + _B + k) for k in range(_N)])


def _simulated(scored: int, seed: int) -> tuple[FloatArray, float]:
    """Estimates over repeats and the coverage of their intervals."""
    draws = np.random.default_rng(seed)
    trials = [_trial(f"f{f}", f"p{f}", d) for f in range(_FAMILIES) for d in range(scored)]
    answers = [{sign: _judged(trial.id, _RESULTS[sign]) for sign in "+-"} for trial in trials]
    estimates: list[float] = []
    covered = 0
    for _ in range(_REPEATS):
        rates = np.repeat(draws.beta(_A, _B, _FAMILIES), scored)
        events: Sequence[bool] = (draws.random(rates.size) < rates).tolist()
        judgements = {
            trial.id: answer["+" if event else "-"]
            for trial, answer, event in zip(trials, answers, events, strict=True)
        }
        found = best_of_n(trials, judgements, draws=_N)
        assert found.estimate is not None
        assert found.interval is not None
        estimates.append(found.estimate)
        covered += found.interval.lower <= _TRUTH <= found.interval.upper
    return np.array(estimates), covered / _REPEATS


@pytest.mark.parametrize(("scored", "least"), [(_N, 0.95), (2 * _N, 0.93)])
def test_given_families_of_known_rates_when_simulated_then_the_estimate_is_unbiased_and_covered(
    scored: int, least: float
) -> None:
    """Three standard errors on both figures; Clopper-Pearson covers at least .95, t over families about."""
    estimates, coverage = _simulated(scored, seed=5)
    error = estimates.std(ddof=1) / np.sqrt(_REPEATS)
    assert abs(estimates.mean() - _TRUTH) < 3 * error
    assert coverage >= least - 3 * np.sqrt(least * (1 - least) / _REPEATS)


def test_given_more_draws_a_family_when_simulated_then_the_estimate_varies_less() -> None:
    few, many = (_simulated(scored, seed=6)[0] for scored in (_N, 2 * _N))
    assert many.std() < 0.95 * few.std()
