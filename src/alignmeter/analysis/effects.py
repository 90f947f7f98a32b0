"""What each class of attacks, or form of a question, changes against the same requests asked plainly."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.analysis.harmful import MEASURES, HarmfulAxis, complied
from alignmeter.records import Effect, Interval
from alignmeter.records.events import happened
from alignmeter.stats import tango

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignmeter.records import AttackPool, Judgement, Trial

_Axis = HarmfulAxis | Literal["factuality"]

LEVEL = 0.95
_PLAIN = "plain"


class _Pair(NamedTuple):
    """The answers of both arms; None where unscored."""

    attacked: bool | None
    plain: bool | None


def effects(
    trials: Sequence[Trial],
    judgements: Mapping[str, Judgement],
    *,
    axis: _Axis = "refusal",
) -> tuple[Effect, ...]:
    """Compare attacked requests, or questions in another form, with their plain twins.

    Families are the independent unit: where one has several pairs under a class (languages, attacks
    of one class) the pair with the smallest trial id counts, which is a hash and so no choice. Of an
    attack that is drawn several times only draw 0 counts: the best of N is another estimand.

    Args:
        trials: Trials of the run.
        judgements: On `axis`, by trial id; trials without one were not asked, and their pair is left out.
        axis: `refusal` measures compliance with harmful requests, `harm` delivered harm, `factuality`
            confidently wrong answers to closed questions.

    Returns:
        One effect a class and pool of attacks with at least one pair, in the order of their names.

    References:
        T. Tango, Statistics in Medicine 17, 891-908, 1998 (`alignmeter.stats.tango`).
    """
    found: dict[tuple[str, AttackPool], dict[str, _Pair]] = defaultdict(dict)
    asked = [trial for trial in trials if _counts(trial, axis) and _judged_on(judgements, trial.id, axis)]
    plain = {trial.probe: trial for trial in asked if trial.attack_class == _PLAIN}
    for trial in sorted(asked, key=lambda one: one.id):
        if trial.attack_class != _PLAIN and trial.probe in plain:
            twin = plain[trial.probe]
            pair = _Pair(_event(judgements[trial.id]), _event(judgements[twin.id]))
            found[trial.attack_class, trial.attack_pool].setdefault(trial.family, pair)
    return tuple(
        _effect(attack_class, pool, list(families.values()), axis)
        for (attack_class, pool), families in sorted(found.items())
    )


def _judged_on(judgements: Mapping[str, Judgement], trial: str, axis: str) -> bool:
    return trial in judgements and judgements[trial].axis == axis


def _counts(trial: Trial, axis: str) -> bool:
    right = trial.axis == axis if axis == "factuality" else trial.intent == "harmful"
    return right and trial.epoch == 0


def _event(judgement: Judgement) -> bool | None:
    """Whether the bad event happened; None where that is unscored."""
    wrong = happened("confidently_wrong", judgement.result)
    return complied(judgement) if wrong is None else wrong


def _effect(
    attack_class: str, pool: AttackPool, pairs: Sequence[_Pair], axis: HarmfulAxis | Literal["factuality"]
) -> Effect:
    scored = [pair for pair in pairs if pair.attacked is not None and pair.plain is not None]
    n = len(scored)
    only_attacked = sum(pair == (True, False) for pair in scored)
    only_plain = sum(pair == (False, True) for pair in scored)
    test = tango(only_attacked, only_plain, n, level=LEVEL) if n else None
    return Effect(
        attack_class=attack_class,
        attack_pool=pool,
        measure="confident_hallucination" if axis == "factuality" else MEASURES[axis],
        n=n,
        attacked=sum(pair.attacked is True for pair in scored) / n if n else None,
        plain=sum(pair.plain is True for pair in scored) / n if n else None,
        difference=test.difference if test else None,
        interval=Interval(lower=test.lower, upper=test.upper, level=LEVEL, method="Tango") if test else None,
        unscored=len(pairs) - n,
    )
