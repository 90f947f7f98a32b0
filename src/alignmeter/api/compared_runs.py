"""The two runs of a comparison: read, checked against each other, and paired."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from alignmeter.analysis import MeasurePairs, RunPairs, pair_up
from alignmeter.api.comparable import Sampled, judge_problems, sampled, sampling_problems
from alignmeter.api.drawing import drawings
from alignmeter.api.rejudging import under_judge
from alignmeter.judges import cards_for
from alignmeter.records import ComparedArm, FactualityResult
from alignmeter.records.events import EVENTS
from alignmeter.store import RunFolder, counted_labels, read_labels
from alignmeter.verdicts import card_for, delta_margins, judged_outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from alignmeter.api.drawing import Drawings
    from alignmeter.records import (
        ArmRole,
        Axis,
        CardEvent,
        ClaimKind,
        ComparedMeasure,
        ComparisonDesign,
        ComparisonMethod,
        HumanLabel,
        JudgeCard,
        Judgement,
        RunManifest,
        Trial,
    )
    from alignmeter.store import RunData
    from alignmeter.verdicts import DeltaMargins

Units: TypeAlias = "tuple[tuple[str, ...], ...]"
"""Independent units in a committed order, each of its trials' ids."""

AXES: dict[ComparedMeasure, Axis] = {
    "attack_success": "harm",
    "attack_compliance": "refusal",
    "false_refusal_benign": "refusal",
    "false_refusal_sensitive": "refusal",
    "confident_hallucination": "factuality",
}
"""Which judge says whether a reply is bad."""

HARMFUL: tuple[ComparedMeasure, ...] = ("attack_success", "attack_compliance")
OTHERS: tuple[ComparedMeasure, ...] = (
    "false_refusal_benign",
    "false_refusal_sensitive",
    "confident_hallucination",
)


@dataclass(frozen=True)
class Arm:
    """One run as a comparison needs it; replies are left out, for there may be very many.

    Attributes:
        judgements: The run's own judges' answers, by axis and trial id.
        sampled: How its replies were drawn.
        labels: What people said of replies that count.
        drawings: The answers of all its judges, where others than its own may have drawn labels.
        seen_by: Hash of the judge as which the run is read, empty for its own judges.
    """

    role: ArmRole
    path: Path
    manifest: RunManifest
    trials: dict[str, Trial]
    judgements: dict[Axis, dict[str, Judgement]]
    asked: int
    complete: bool
    sampled: Sampled
    labels: tuple[HumanLabel, ...]
    drawings: Drawings
    seen_by: str = ""
    _known: dict[ComparedMeasure, dict[str, int]] = field(
        default_factory=dict["ComparedMeasure", "dict[str, int]"], repr=False, compare=False
    )

    def on(self, axis: Axis) -> Mapping[str, Judgement]:
        """Judgements on one axis, by trial id."""
        return self.judgements.get(axis, {})

    def hashes(self, axis: Axis) -> frozenset[str]:
        """Hashes of the judges that answered on one axis."""
        return self._hashes.get(axis, frozenset())

    @cached_property
    def _hashes(self) -> dict[Axis, frozenset[str]]:
        return {
            axis: frozenset({judged.judge_hash for judged in found.values()})
            for axis, found in self.judgements.items()
        }

    def units(self, measure: ComparedMeasure) -> Units:
        """The committed order of the run's claim on a measure; empty where it makes none."""
        kinds = HARMFUL if measure in HARMFUL else (measure,)
        return next(
            (claim.units for claim in self.manifest.design.claims if claim.kind in kinds and not claim.part),
            (),
        )

    def outcomes(self, measure: ComparedMeasure) -> dict[str, int]:
        """What each judged trial is worth; worked out once, for there may be very many."""
        if measure not in self._known:
            self._known[measure] = judged_outcomes(measure, self.on(AXES[measure]))
        return self._known[measure]

    @property
    def ended(self) -> Literal["fixed", "sequential", "side_by_side", "unfinished"]:
        """How the run came to its end."""
        if not self.complete:
            return "unfinished"
        if self.manifest.design.comparison is not None:
            return "side_by_side"
        return "fixed" if self.manifest.design.mode == "fixed" else "sequential"

    def record(self) -> ComparedArm:
        """The arm as the comparison prints it."""
        target = self.manifest.target
        return ComparedArm(
            role=self.role,
            run=self.manifest.run_id,
            path=str(self.path),
            target=target.name,
            fingerprint=target.fingerprint_hash,
            asked=self.asked,
            planned=len(self.trials),
            ended=self.ended,
        )


def read_arm(role: ArmRole, path: Path, judge: str | None = None) -> Arm:
    """Read one of two runs.

    Args:
        role: Which of the two it is, and what sentences call it.
        path: The run folder.
        judge: One of its judges, by name or the beginning of its hash, as which to read it (`under_judge`);
            None for those that it was made with.

    Raises:
        InputError: The run has no judgements by that judge; names those that it has.
        SchemaVersionError: Another version of the schema wrote it.
        RunFolderError: There is no run, or it cannot be read.
    """
    if judge is not None:
        run = under_judge(path, judge)
        return _arm(role, RunFolder.open(path), run.manifest, run.data, run.labels, run.seen_by)
    folder = RunFolder.open(path)
    folder.check()
    data = folder.read()
    return _arm(role, folder, folder.manifest, data, counted_labels(data, read_labels(folder.path)))


def _arm(  # noqa: PLR0917 - what a run consists of
    role: ArmRole,
    folder: RunFolder,
    manifest: RunManifest,
    data: RunData,
    labels: tuple[HumanLabel, ...],
    seen_by: str = "",
) -> Arm:
    return Arm(
        role=role,
        path=folder.path,
        manifest=manifest,
        trials={trial.id: trial for trial in data.trials},
        judgements=data.by_axis(),
        asked=len(data.transcripts),
        complete=data.complete,
        sampled=sampled("the base" if role == "base" else "the tuned model", manifest, data),
        labels=labels,
        drawings=drawings(folder, data, labels),
        seen_by=seen_by,
    )


def read_cycle(path: Path, judge: str | None = None) -> Arm:
    """Read one of many runs, which sentences call by its name: it is compared with those before and after.

    Raises:
        InputError, SchemaVersionError, RunFolderError: As `read_arm`.
    """
    arm = read_arm("tuned", path, judge)
    return replace(arm, sampled=arm.sampled._replace(name=f"run {arm.manifest.run_id}"))


def harmful_measure(base: Arm, tuned: Arm) -> ComparedMeasure:
    """Harm delivered where both runs were judged on it, else compliance."""
    return "attack_success" if base.on("harm") and tuned.on("harm") else "attack_compliance"


def looks_of(base: Arm, tuned: Arm, margin: float | None) -> ComparisonDesign | None:
    """The looks that two runs were asked by side by side.

    None where they were not, for another margin, or read as another judge than the one whose error they
    count.
    """
    one, two = base.manifest.design.comparison, tuned.manifest.design.comparison
    if one is None or two is None or (one.role, two.role) != ("base", "tuned"):
        return None
    if base.seen_by or tuned.seen_by:
        return None
    partners = (tuned.manifest.target.fingerprint_hash, base.manifest.target.fingerprint_hash)
    if (one.partner, two.partner) != partners or margin not in {None, two.margin}:
        return None
    return two if msgspec.structs.replace(one, role=two.role, partner=two.partner) == two else None


def method_of(base: Arm, tuned: Arm, looks: ComparisonDesign | None) -> ComparisonMethod:
    """How the pairs may be tested (METHODS.md section 4, rule 7)."""
    if looks is not None:
        return "ten_looks"
    return "complete" if base.ended == tuned.ended == "fixed" else "betting"


def problems_of(base: Arm, tuned: Arm, measure: ComparedMeasure) -> list[str]:
    """Why two runs are not comparable on a measure, one clause each."""
    axis = AXES[measure]
    found = judge_problems(axis, base.hashes(axis), tuned.hashes(axis))
    if not tuned.units(measure) or not base.units(measure):
        which = "tuned" if not tuned.units(measure) else "base"
        found.append(f"the {which} run makes no claim on attacked harmful requests")
    return found + sampling_problems(base.sampled, tuned.sampled)


def shared_order(
    base: Units, tuned: Units, known: Mapping[str, Trial], method: ComparisonMethod
) -> list[tuple[Trial, ...]]:
    """Return the units of the tuned run's order that may be paired, each of its trials.

    Runs that stopped count up to where their committed orders are the same.
    """
    if method != "complete":
        pairs = zip(base, tuned, strict=False)
        agree = next((place for place, (one, two) in enumerate(pairs) if one != two), None)
        tuned = tuned[: min(len(base), len(tuned)) if agree is None else agree]
    return [tuple(known[trial] for trial in unit) for unit in tuned if known.keys() >= set(unit)]


def judge_margins(
    kind: ClaimKind, hashes: Iterable[str], trials: Iterable[Trial], *, margin: float, alpha: float
) -> DeltaMargins:
    """Shift a margin by what is known of the judges that answered, in one language where it is one.

    Args:
        kind: What is claimed.
        hashes: Hashes of the judges that answered on the claim's axis.
        trials: What was asked.
        margin: Largest accepted rise, in (0, 1).
        alpha: Error rate of each side, the judge's share included.
    """
    cards: dict[CardEvent, JudgeCard] = {card.event: card for one in hashes for card in cards_for(one)}
    spoken = Counter(trial.language for trial in trials)
    return delta_margins(margin, alpha, card_for(cards, EVENTS[kind], spoken))


def claim_pairs(
    base: Arm, tuned: Arm, measure: ComparedMeasure, method: ComparisonMethod
) -> tuple[RunPairs, list[tuple[Trial, ...]]]:
    """Pair the units of the claim on a measure, asked or not; also returns their trials."""
    trials = shared_order(base.units(measure), tuned.units(measure), tuned.trials, method)
    return pair_up(trials, base.outcomes(measure), tuned.outcomes(measure)), trials


def measured(
    base: Arm, tuned: Arm, measure: ComparedMeasure, method: ComparisonMethod
) -> tuple[MeasurePairs, RunPairs]:
    """The pairs of a measure that both arms were asked, and the same trial by trial for what flipped."""
    pairs, trials = claim_pairs(base, tuned, measure, method)
    usable = pairs.shared() if method == "complete" else pairs.prefix()
    if measure not in HARMFUL:
        kept = {trial.id for trial in usable.trials}
        members = [(trial,) for unit in trials if unit[0].id in kept for trial in unit]
        return MeasurePairs(measure, usable), pair_up(
            members, base.outcomes(measure), tuned.outcomes(measure)
        )
    by_class = _by_class(base, tuned, measure, usable, method)
    return MeasurePairs(measure, usable, by_class), _union(usable, by_class)


def _by_class(
    base: Arm, tuned: Arm, measure: ComparedMeasure, usable: RunPairs, method: ComparisonMethod
) -> RunPairs:
    """One harmful request a family and class of attacks, the one that stands for its family first."""
    units = {trial.id for trial in usable.trials}
    families = {trial.family for trial in usable.trials}
    chosen: dict[tuple[str, str], Trial] = {}
    harmful = [
        trial
        for trial in tuned.trials.values()
        if trial.intent == "harmful" and trial.axis == "refusal" and trial.epoch == 0
    ]
    for trial in harmful:
        if method == "complete" or trial.family in families:
            cell = (trial.family, trial.attack_class)
            other = chosen.setdefault(cell, trial)
            if other is not trial and (trial.id not in units, trial.id) < (other.id not in units, other.id):
                chosen[cell] = trial
    kept = {trial.id for trial in chosen.values()}
    ordered = [(trial,) for trial in harmful if trial.id in kept]  # the order of dispatch
    return pair_up(ordered, base.outcomes(measure), tuned.outcomes(measure)).shared()


def _union(one: RunPairs, other: RunPairs) -> RunPairs:
    known = {trial.id for trial in one.trials}
    fresh = other.take([place for place, trial in enumerate(other.trials) if trial.id not in known])
    return one.joined(fresh)


def surface_pairs(base: Arm, tuned: Arm, pairs: RunPairs) -> tuple[RunPairs, RunPairs] | None:
    """Words of refusal and delivered harm on the same requests; None where harm was not judged in both."""
    same = all(base.hashes(axis) == tuned.hashes(axis) and base.hashes(axis) for axis in ("refusal", "harm"))
    if not same:
        return None
    units = [(trial,) for trial in pairs.trials]

    def of(measure: ComparedMeasure) -> RunPairs:
        return pair_up(units, base.outcomes(measure), tuned.outcomes(measure))

    # On a harmful request a false refusal is what any words of refusal are.
    return of("false_refusal_benign"), of("attack_success")


def said(arm: Arm, measure: ComparedMeasure, trial: Trial) -> str:
    """What the judge said of one trial, in a word or two."""
    result = arm.on(AXES[measure])[trial.id].result
    if isinstance(result, FactualityResult):
        return f"{result.label}, {result.confidence}"
    return str(getattr(result, "label", "unscored"))
