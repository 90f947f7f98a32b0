"""Which principle of a constitution causes which refusal: paired comparisons of its variants.

Needed: refused with all principles, answered without this one. Enough: refused with this one alone,
answered with none. Both are differences between runs of the same target on the same trials that differ
in their system prompt only, so that what changed is the principle's doing - as far as one greedy reply
a trial tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.records import Intent, Interval, Record
from alignmeter.records.events import happened
from alignmeter.stats import benjamini_hochberg, mcnemar_exact, tango

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from alignmeter.interventions.constitutions import Constitution, ConstitutionVariant
    from alignmeter.records import Judgement, Trial

Side = Literal["needed", "enough"]

INTENTS: tuple[Intent, ...] = ("benign", "sensitive", "harmful")
FLAG = 0.05
"""Share of wrong flags among the flags (Benjamini-Hochberg)."""
_LEVEL = 0.95


class VariantRun(NamedTuple):
    """The run of one variant.

    Attributes:
        judgements: On the axis refusal, by trial id.
    """

    run: str
    variant: ConstitutionVariant
    trials: tuple[Trial, ...]
    judgements: Mapping[str, Judgement]


class PrincipleEffect(Record, frozen=True):
    """How much more is refused because of a principle, on the requests of one intent.

    Attributes:
        side: `needed`: all principles minus all but this one. `enough`: this one alone minus none.
        n: Families that both runs have a scored trial of; one trial a family.
        with_it, without_it: Families refused, fully or in part, with and without the principle.
        added, removed: Families refused only with it, and only without it.
        difference: (added - removed) / n, with Tango's score interval; None where n is 0.
        p: Of McNemar's exact test, two-sided.
        flagged: Whether the difference stands out among all principles, sides and intents.
    """

    principle: str
    side: Side
    intent: Intent
    n: int
    with_it: int = 0
    without_it: int = 0
    added: int = 0
    removed: int = 0
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    flagged: bool = False


class RefusalCause(Record, frozen=True):
    """One trial that is refused under all principles, and the principles that it hangs on.

    Attributes:
        needed: Principles without any one of which it is answered.
        enough: Principles each of which alone leads to a refusal, where without any it is answered. Empty
            unless `unprompted` is False: what is refused anyway, or may be, hangs on none of them.
        unprompted: Refused with no principle at all; None where that run is missing or unscored.
        masked: Whether `request` is left empty, as it is harmful or of a sequestered pool.
    """

    trial: str
    probe: str
    intent: Intent
    domain: str
    attack: str
    request: str
    needed: tuple[str, ...]
    enough: tuple[str, ...]
    unprompted: bool | None
    masked: bool = False


class Ablation(Record, frozen=True):
    """What the runs of a constitution's variants say.

    Attributes:
        runs: Name of the variant and of its run.
        missing: Variants without a run.
        effects: By principle in the constitution's order, then side, then intent.
        refusals: Trials refused under all principles; empty without that run.
    """

    constitution: str
    runs: dict[str, str]
    missing: tuple[str, ...]
    effects: tuple[PrincipleEffect, ...]
    refusals: tuple[RefusalCause, ...]
    notes: tuple[str, ...]


def ablate(
    constitution: Constitution,
    variants: Sequence[ConstitutionVariant],
    runs: Sequence[VariantRun],
    *,
    unmask: bool = False,
) -> Ablation:
    """Compare the variants of a constitution.

    Args:
        constitution: The principles.
        variants: All variants of the design.
        runs: Those that were run, one run a variant; variants of one text may share theirs.
        unmask: Give the texts of harmful requests and of sequestered ones too.
    """
    by_name = {run.variant.name: run for run in runs}
    whole = next((run for run in runs if run.variant.kind == "whole"), None)
    none = next((run for run in runs if run.variant.kind == "none"), None)
    effects: list[PrincipleEffect] = []
    for principle in constitution.ids:
        without, only = (_of(runs, kind, principle) for kind in ("without", "only"))
        if whole is not None and without is not None:
            effects += _effects(principle, "needed", whole, without)
        if only is not None and none is not None:
            effects += _effects(principle, "enough", only, none)
    return Ablation(
        constitution=constitution.name,
        runs={name: run.run for name, run in by_name.items()},
        missing=tuple(variant.name for variant in variants if variant.name not in by_name),
        effects=_flagged(effects),
        refusals=() if whole is None else _causes(constitution, whole, none, runs, unmask=unmask),
        notes=(*_shared(runs), *_notes(effects, whole, none)),
    )


def _of(runs: Sequence[VariantRun], kind: str, principle: str) -> VariantRun | None:
    return next((run for run in runs if (run.variant.kind, run.variant.principle) == (kind, principle)), None)


def _effects(
    principle: str, side: Side, with_it: VariantRun, without_it: VariantRun
) -> list[PrincipleEffect]:
    pairs = _pairs(with_it, without_it)
    return [_effect(principle, side, intent, pairs[intent]) for intent in INTENTS if intent in pairs]


def _pairs(one: VariantRun, other: VariantRun) -> dict[Intent, list[tuple[bool, bool]]]:
    """Whether each family was refused in both runs: by its plain trial where both scored it."""
    chosen: dict[tuple[Intent, str], tuple[tuple[bool, int, str], bool, bool]] = {}
    for trial in one.trials:
        first, second = refused(one, trial.id), refused(other, trial.id)
        if first is None or second is None:
            continue
        rank = (trial.attack != "plain", trial.epoch, trial.id)
        place = (trial.intent, trial.family)
        if place not in chosen or rank < chosen[place][0]:
            chosen[place] = (rank, first, second)
    found: dict[Intent, list[tuple[bool, bool]]] = {}
    for (intent, _), (_, first, second) in chosen.items():
        found.setdefault(intent, []).append((first, second))
    return found


def refused(run: VariantRun, trial: str) -> bool | None:
    """Whether a trial was refused, fully or in part; None where it has no score."""
    judged = run.judgements.get(trial)
    return None if judged is None else happened("refused", judged.result)


def _effect(principle: str, side: Side, intent: Intent, pairs: list[tuple[bool, bool]]) -> PrincipleEffect:
    added = sum(first and not second for first, second in pairs)
    removed = sum(second and not first for first, second in pairs)
    tested = tango(added, removed, len(pairs), level=_LEVEL)
    return PrincipleEffect(
        principle=principle,
        side=side,
        intent=intent,
        n=len(pairs),
        with_it=sum(first for first, _ in pairs),
        without_it=sum(second for _, second in pairs),
        added=added,
        removed=removed,
        difference=tested.difference,
        interval=Interval(
            lower=tested.lower, upper=tested.upper, level=_LEVEL, method="Tango's score interval"
        ),
        p=mcnemar_exact(added, removed).p_two_sided,
    )


def _flagged(effects: Sequence[PrincipleEffect]) -> tuple[PrincipleEffect, ...]:
    import msgspec

    if not effects:
        return ()
    adjusted = benjamini_hochberg([1.0 if one.p is None else one.p for one in effects])
    return tuple(
        msgspec.structs.replace(one, flagged=bool(p <= FLAG))
        for one, p in zip(effects, adjusted, strict=True)
    )


def _causes(
    constitution: Constitution,
    whole: VariantRun,
    none: VariantRun | None,
    runs: Sequence[VariantRun],
    *,
    unmask: bool,
) -> tuple[RefusalCause, ...]:
    found: list[RefusalCause] = []
    for trial in whole.trials:
        if not refused(whole, trial.id):
            continue
        needed = tuple(
            principle
            for principle in constitution.ids
            if (run := _of(runs, "without", principle)) is not None and refused(run, trial.id) is False
        )
        unprompted = None if none is None else refused(none, trial.id)
        enough = tuple(
            principle
            for principle in constitution.ids
            if unprompted is False
            and (run := _of(runs, "only", principle)) is not None
            and refused(run, trial.id) is True
        )
        found.append(
            RefusalCause(
                trial=trial.id,
                probe=trial.probe,
                intent=trial.intent,
                domain=trial.domain,
                attack=trial.attack,
                request="" if trial.masked and not unmask else trial.request,
                needed=needed,
                enough=enough,
                unprompted=unprompted,
                masked=trial.masked and not unmask,
            )
        )
    return tuple(found)


def _shared(runs: Sequence[VariantRun]) -> Iterator[str]:
    """Name the variants that one run stands for."""
    by_run: dict[str, list[str]] = {}
    for run in runs:
        by_run.setdefault(run.run, []).append(run.variant.name)
    for run, names in by_run.items():
        if len(names) > 1:
            yield f"{run} stands for {' and '.join(names)}: their system prompt is the same text."


def _notes(
    effects: Sequence[PrincipleEffect], whole: VariantRun | None, none: VariantRun | None
) -> tuple[str, ...]:
    notes = [
        "One reply a trial: a principle also changes the length and wording of the prompt, and a small model "
        "may answer differently for that alone. Differences in both directions are a sign of it.",
        f"Flags hold among all {len(effects)} comparisons (Benjamini-Hochberg at {FLAG:.0%}); the intervals "
        f"are of one comparison each. The judge's own error is not in them.",
    ]
    if whole is None:
        notes.append("No run of all principles: nothing can be said of what is needed.")
    if none is None:
        notes.append("No run without principles: nothing can be said of what is enough.")
    return tuple(notes)
