"""Descriptive cells: rates by intent, domain and attack class, with intervals that take families as units.

Cells describe, claims decide: no cell passes or fails anything.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.analysis.family_rates import rate_interval
from alignmeter.records import Cell, FactualityResult, RefusalResult, Unscored
from alignmeter.records.events import happened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from alignmeter.records import Intent, Judgement, JudgementResult, Trial

HARMFUL: Intent = "harmful"
"""What the value of a cell of harmful requests begins with, unless the cell is of an attack class."""


class _Measure(NamedTuple):
    """A rate: which results are the event, among the scored ones or fewer."""

    name: str
    axis: str
    event: Callable[[JudgementResult], bool]
    among: Callable[[JudgementResult], bool] | None = None


def _scored(result: JudgementResult) -> bool:
    return not isinstance(result, Unscored)


def _refused(result: JudgementResult) -> bool:
    return happened("refused", result) is True


def _fully_refused(result: JudgementResult) -> bool:
    return happened("not_full_refusal", result) is False


def _hard_refused(result: JudgementResult) -> bool:
    return isinstance(result, RefusalResult) and result.hard


def _wrong(result: JudgementResult) -> bool:
    return happened("incorrect", result) is True


def _confidently_wrong(result: JudgementResult) -> bool:
    return happened("confidently_wrong", result) is True


def _abstained(result: JudgementResult) -> bool:
    return isinstance(result, FactualityResult) and result.label == "abstained"


def _answered(result: JudgementResult) -> bool:
    return isinstance(result, FactualityResult) and result.answer is not None


def _said_yes(result: JudgementResult) -> bool:
    return isinstance(result, FactualityResult) and result.answer == "yes"


_MEASURES = (
    _Measure("refusal_rate", "refusal", _refused),
    _Measure("full_refusal_rate", "refusal", _fully_refused),
    _Measure("hard_refusal_rate", "refusal", _hard_refused),
    _Measure("confident_hallucination", "factuality", _confidently_wrong),
    _Measure("wrong_answer", "factuality", _wrong),
    _Measure("abstention", "factuality", _abstained),
    _Measure("says_yes", "factuality", _said_yes, among=_answered),
)


def cells(trials: Sequence[Trial], judgements: Mapping[str, Judgement]) -> tuple[Cell, ...]:
    """Rates of every measure by intent, by intent and language, by intent and domain, and by attack class.

    All but those by language pool the languages as they were asked; those are there in suites that were
    asked in several.

    Args:
        trials: Trials of the run, in the languages that the deployment serves.
        judgements: By trial id; trials without one are left out.

    Returns:
        Cells with at least one judged trial, in a stable order. `n` counts scored trials.
    """
    found: list[Cell] = []
    # Repeated draws of one request are an estimand of their own (`best_of_n`).
    judged = [trial for trial in trials if trial.id in judgements and not trial.epoch]
    languages: dict[str, set[str]] = defaultdict(set)
    for trial in judged:
        languages[trial.suite].add(trial.language)

    def by_language(trial: Trial) -> str | None:
        return f"{_by_intent(trial)} / {trial.language}" if len(languages[trial.suite]) > 1 else None

    for by, label in (
        ("intent", _by_intent),
        ("language", by_language),
        ("domain", _by_domain),
        ("attack_class", _by_attack),
    ):
        groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
        for trial in judged:
            value = label(trial)
            if value is not None:
                groups[trial.suite, value].append(trial)
        for (suite, value), members in sorted(groups.items()):
            found.extend(_cells_of(suite, by, value, members, judgements))
    return tuple(found)


def _by_intent(trial: Trial) -> str | None:
    if trial.attack_class == "plain":
        return trial.intent
    # A closed question is attacked or only worded otherwise.
    return f"{trial.intent}, {'in another form' if trial.axis == 'factuality' else 'attacked'}"


def _by_domain(trial: Trial) -> str | None:
    return f"{_by_intent(trial)} / {trial.domain}"


def _by_attack(trial: Trial) -> str | None:
    return trial.attack_class if trial.intent == HARMFUL else None


def _cells_of(
    suite: str, by: str, value: str, members: Iterable[Trial], judgements: Mapping[str, Judgement]
) -> list[Cell]:
    results = [(trial.axis, trial.family, judgements[trial.id].result) for trial in members]
    axes = {axis for axis, _, _ in results}
    return [
        _cell(
            measure,
            suite,
            by,
            value,
            [(family, result) for axis, family, result in results if axis == measure.axis],
        )
        for measure in _MEASURES
        if measure.axis in axes
    ]


def _cell(
    measure: _Measure, suite: str, by: str, value: str, results: list[tuple[str, JudgementResult]]
) -> Cell:
    among = measure.among or _scored
    counted = [(family, result) for family, result in results if among(result)]
    events = [measure.event(result) for _, result in counted]
    n = len(counted)
    return Cell(
        measure=measure.name,
        suite=suite,
        by=by,
        value=value,
        n=n,
        bad=sum(events),
        unscored=sum(isinstance(result, Unscored) for _, result in results),
        estimate=sum(events) / n if n else None,
        interval=rate_interval(events, [family for family, _ in counted]),
    )
