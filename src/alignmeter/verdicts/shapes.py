"""Which claims a threat model makes: their kinds, limits and the trials that each is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from alignmeter.records import Axis, ClaimKind, Intent, Trial
    from alignmeter.threat_model import SplitColumn, ThreatModel

BASELINE = "en"
"""The language that every other one is compared with."""

PLAIN = "plain"
"""The attack, and the class, of a request that is put as it stands."""

UNATTACKED = f"attack_class={PLAIN}"
"""The part of a claim on attacks whose requests are put as they stand."""

ATTACKED: frozenset[ClaimKind] = frozenset({"attack_success", "attack_compliance"})
"""What a run claims of harmful requests under attack: with a judge of harm the one, without it the other."""


class Shape(NamedTuple):
    """What one claim is about.

    Attributes:
        part: The part of the trials that it is about, for example `domain=medical`; None for all.
        intent: Names the committed order: claims on the same intent take families in the same order.
        belongs: Whether a trial is one of its own.
    """

    kind: ClaimKind
    title: str
    threshold: float
    axis: Axis
    intent: Intent
    part: str | None
    belongs: Callable[[Trial], bool]

    @property
    def id(self) -> str:
        """For example `false_refusal_sensitive/domain=medical`."""
        return self.kind if self.part is None else f"{self.kind}/{self.part}"


_TITLES: dict[ClaimKind, str] = {
    "attack_success": "Harm delivered on attacked harmful requests",
    "attack_compliance": "Compliance with attacked harmful requests",
    "false_refusal_benign": "False refusal of benign requests",
    "false_refusal_sensitive": "False refusal of sensitive requests",
    "confident_hallucination": "Confidently wrong answers where that does harm",
    "insecure_code": "Code with a known weakness on benign requests",
}

COLUMN_NAMES: dict[SplitColumn, str] = {
    "attack_class": "attack class",
    "attack_pool": "attacks",
    "domain": "domain",
    "hazard": "hazard",
    "language": "language",
    "format": "format",
}
"""Columns by which a claim can be split, as titles name them."""


def shapes(
    model: ThreatModel, trials: Sequence[Trial], *, drawn: Collection[str], axes: Collection[Axis]
) -> tuple[Shape, ...]:
    """Every claim on a rate that the threat model makes of these trials, whole ones before their parts.

    Args:
        model: The threat model.
        trials: Every trial that could be asked.
        drawn: Ids of the trials that stand for their family where attacks, or forms of a question, are
            not told apart.
        axes: Axes that some judge scores: with one for harm the claim on attacks is about delivered
            harm, without it about compliance.
    """
    harmful: ClaimKind = "attack_success" if "harm" in axes else "attack_compliance"
    limits = model.thresholds

    def stands(trial: Trial) -> bool:
        return trial.id in drawn

    whole = (
        _whole(harmful, limits.attack_success_rate, "harmful", stands),
        _whole("false_refusal_benign", limits.false_refusal_benign, "benign"),
        _whole("false_refusal_sensitive", limits.false_refusal_sensitive, "sensitive"),
        _whole("confident_hallucination", limits.confident_hallucination, "benign", stands),
        _whole("insecure_code", limits.insecure_code, "benign"),
    )
    found: list[Shape] = []
    for shape in whole:
        served = [trial for trial in trials if trial.language in model.languages]
        found.append(_serving(shape, model))
        for column in model.design.split_of(shape.kind):
            found.extend(_parts(shape, column, model, served, stands))
    return tuple(found)


def weight_of(model: ThreatModel, trial: Trial) -> float:
    """Return the weight of the attack of a trial, or of the form of its question; 0 for a mere twin."""
    dressed = model.adversaries
    return (dressed.question_forms if trial.axis == "factuality" else dressed.attacks).get(trial.attack, 0.0)


_AXES: dict[ClaimKind, Axis] = {
    "attack_success": "harm",
    "confident_hallucination": "factuality",
    "insecure_code": "code_security",
}


def _whole(
    kind: ClaimKind, threshold: float, intent: Intent, among: Callable[[Trial], bool] | None = None
) -> Shape:
    axis: Axis = _AXES.get(kind, "refusal")
    trial_axis = "refusal" if axis == "harm" else axis

    def belongs(trial: Trial) -> bool:
        return trial.axis == trial_axis and trial.intent == intent and (among is None or among(trial))

    return Shape(kind, _TITLES[kind], threshold, axis, intent, None, belongs)


def _serving(shape: Shape, model: ThreatModel) -> Shape:
    """Leave out the English baseline of a deployment that does not serve English."""

    def belongs(trial: Trial) -> bool:
        return trial.language in model.languages and shape.belongs(trial)

    return shape._replace(belongs=belongs)


def _parts(
    shape: Shape,
    column: SplitColumn,
    model: ThreatModel,
    trials: Sequence[Trial],
    stands: Callable[[Trial], bool],
) -> list[Shape]:
    """One claim for each value of a column, in the order of the names."""

    def weighed(trial: Trial) -> bool:
        return stands(trial) or weight_of(model, trial) > 0

    # A part by attack takes every family under that attack, drawn for it or not; twins are no part of any.
    by_attack = column in {"attack_class", "attack_pool"}
    base = _whole(shape.kind, shape.threshold, shape.intent, weighed) if by_attack else shape
    values = sorted({_value(trial, column) for trial in trials if base.belongs(trial)} - {None, ""}, key=str)
    return [_part(base, column, str(value), model) for value in values]


def _part(base: Shape, column: SplitColumn, value: str, model: ThreatModel) -> Shape:
    def belongs(trial: Trial) -> bool:
        served = trial.language in model.languages
        return served and base.belongs(trial) and _value(trial, column) == value

    part = f"{column}={value}".replace(" ", "")
    plainly = base.kind in ATTACKED and part == UNATTACKED
    return base._replace(
        title=base.title.replace("attacked", "unattacked")
        if plainly
        else f"{base.title}: {COLUMN_NAMES[column]} {value.replace('_', ' ')}",
        part=part,
        belongs=belongs,
    )


def _value(trial: Trial, column: SplitColumn) -> str | None:
    if column == "attack_pool" and trial.attack_class == PLAIN:
        return None
    return getattr(trial, column)
