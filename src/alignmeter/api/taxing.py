"""The alignment tax of variants against their base model, and what it bought."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.analysis.outcome import NO_TAX, Missing, adjusted, outcome
from alignmeter.analysis.pairing import pair_items
from alignmeter.analysis.safety import HarmArm, safety_gain
from alignmeter.analysis.tax_flags import ALPHA, Limits, over_domains
from alignmeter.analysis.tax_notes import comparison_notes
from alignmeter.analysis.tax_paired import (
    TaxArm,
    domain_bounds,
    overall_tax,
    tax_of_pairs,
)
from alignmeter.analysis.triad import triad
from alignmeter.api.reading import Run
from alignmeter.api.tax_limits import given_limits, limits_of_runs, standard_of
from alignmeter.api.tax_sources import (
    Model,
    Source,
    attacked_requests,
    harm_axis,
    labels_of,
    not_comparable,
    read_model,
    stopped_domains,
    stopped_early,
)
from alignmeter.errors import InputError
from alignmeter.records import BaseModel, ItemScores, TaxReport, VariantOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.analysis.absent_items import Items
    from alignmeter.analysis.measured_alike import Prompts
    from alignmeter.analysis.pairing import PairedItems
    from alignmeter.records import SafetyGain, Tax, VariantLabels

FLAGGED, UNDECIDED, INVALID = 1, 3, 4
_BAD = {"TAX, STILL UNSAFE", "TAX WITHOUT BENEFIT", "MORE HARM"}
NOTHING_ASKED = "no capability item was asked of both models"
NO_ITEM_OF_BASE = "the base model has no items there"
NO_ITEM_OF_VARIANT = "the variant has no items there"
NO_ITEM_IN_COMMON = "the two share no item there"
NO_RUN = "only runs of ours ask harmful requests, and one of the two models has none"
NO_ATTACKS = "the two runs share no attacked harmful requests that are judged for both"


class _Arm(NamedTuple):
    """One variant beside the base model, with what may be compared."""

    model: Model
    tax: TaxArm
    unasked: str
    """Why there are no pairs, where that is no fault of the arms."""


def tax(  # noqa: PLR0913 - the options of the command
    base: Source | Sequence[Source],
    aligned: Mapping[str, Source | Sequence[Source]] | Sequence[Source],
    *,
    labels: Mapping[str, VariantLabels] | None = None,
    limit: float | None = None,
    limits: Mapping[str, float] | None = None,
    gate: bool = False,
    prompts: Prompts = "same",
    items: Items = "all",
    domains: Sequence[str] = (),
) -> TaxReport:
    """Compute what alignment cost by domain, what it bought, and the outcome of both.

    Args:
        base: The base model: a run or its folder, scores of another harness, or several of these.
        aligned: Aligned variants by name; or a sequence of runs or scores, which are named after their
            models.
        labels: Method and scope by the name of the variant.
        limit: Relative tax above which a domain is flagged; None: `thresholds.alignment_tax` of the
            runs' threat models, the strictest where they differ; 10% without a run.
        limits: The same for single domains; goes before the limits that custom domains set themselves.
        gate: Adjust flags so that any wrong one has chance 5% at most (Holm), and outcomes for the
            number of variants; else the share of wrong flags is 5% at most on average
            (Benjamini-Hochberg), and each outcome stands alone.
        prompts: `any` pairs items of which the two models were sent different texts.
        items: `shared` compares the items that both models have; else one that a source lacks, without
            stating that it was not asked, has no score there.
        domains: Compare these alone; empty: all that one of the models has.

    Returns:
        Taxes by domain and variant, refusals, attacked harm and outcomes by variant.

    Raises:
        InputError: Sources are missing, do not belong together, or share no item; names them.
        RunFolderError: There is no run in a folder, or it cannot be read.
    """
    reference = read_model(_several(base))
    reference, *variants = _of_domains([reference, *_variants(aligned, reference)], domains)
    _check_labels(labels or {}, variants)
    models = [reference, *variants]
    standard = standard_of(models, limit)
    arms = [_arm(reference, variant, prompts, items, standard.unscored) for variant in variants]
    measured = _measured(arms)
    given = given_limits(limit, limits, measured)
    own = Limits(standard.limit, {**limits_of_runs(models, measured), **given.by_domain})
    correction = "holm" if gate else "benjamini_hochberg"
    order = tuple(_names(reference.scores))
    taxes = tax_of_pairs([arm.tax for arm in arms], limits=own, correction=correction, order=order)
    alpha = ALPHA / len(arms) if gate else ALPHA
    outcomes = tuple(_outcome(reference, arm, taxes, labels or {}, alpha) for arm in arms)
    return TaxReport(
        source=f"{reference.name} against {', '.join(variant.name for variant in variants)}",
        limit=standard.limit,
        alpha=ALPHA,
        variants=tuple(over_domains(variant.name, taxes, standard.limit) for variant in variants),
        taxes=taxes,
        notes=(*standard.notes, *comparison_notes(taxes, outcomes, correction)),
        exit_code=_exit_code(taxes, outcomes),
        base=BaseModel(
            name=reference.name,
            sources=reference.sources,
            triad=triad(reference.run.served, reference.run.data.on("refusal")) if reference.run else (),
        ),
        outcomes=outcomes,
        correction=correction,
    )


def _several(sources: Source | Sequence[Source]) -> Sequence[Source]:
    return [sources] if isinstance(sources, Run | ItemScores | Path | str) else sources


def _variants(
    aligned: Mapping[str, Source | Sequence[Source]] | Sequence[Source], base: Model
) -> tuple[Model, ...]:
    if isinstance(aligned, Mapping):
        models = [read_model(_several(sources), name) for name, sources in aligned.items()]
    else:
        models = [read_model([source]) for source in aligned]
    if not models:
        raise InputError("expected at least one aligned variant, got none; name a run or a results file")
    seen: dict[str, Model] = {}
    for model in models:
        if model.name in seen:
            raise InputError(
                f"expected variants of different names, got {model.name!r} from {model.sources[0]!r} and "
                f"{seen[model.name].sources[0]!r}; name them (NAME=RUN)"
            )
        if model.shares_a_source(base):
            raise InputError(
                f"expected a variant other than the base model, got {model.sources[0]!r} for both; name the "
                "run or the file of each"
            )
        seen[model.name] = model
    return tuple(models)


def _of_domains(models: Sequence[Model], wanted: Sequence[str]) -> list[Model]:
    """Keep the domains that are wanted, all where none is named."""
    there = set(chain.from_iterable(_names(model.scores) for model in models))
    for name in wanted:
        if name not in there:
            raise InputError(
                f"expected a domain that one of the models has ({', '.join(sorted(there)) or 'none'}), got "
                f"{name!r}; correct it"
            )
    return [model.of_domains(wanted) for model in models] if wanted else list(models)


def _check_labels(labels: Mapping[str, VariantLabels], variants: Sequence[Model]) -> None:
    names = [variant.name for variant in variants]
    for name in labels:
        if name not in names:
            raise InputError(f"expected labels of a variant ({', '.join(names)}), got {name!r}; correct it")


def _measured(arms: Sequence[_Arm]) -> set[str]:
    return set(chain.from_iterable(_domains(arm.tax.items) for arm in arms))


def _arm(base: Model, variant: Model, prompts: Prompts, items: Items, budget: float) -> _Arm:
    invalid = not_comparable(base.run, variant.run)
    pairs, unasked = None, ""
    if not _shares_items(base.scores, variant.scores) and base.run is not None and variant.run is not None:
        unasked = NOTHING_ASKED  # the runs may still share harmful requests
    else:
        try:
            pairs = pair_items(base.scores, variant.scores, prompts=prompts, items=items)
        except InputError as error:
            if not _shares_items(base.scores, variant.scores) or _repeats(base.scores, variant.scores):
                raise
            invalid = invalid or str(error)
    stopped = stopped_domains([base, variant], _domains(pairs))
    unpaired = _unpaired(base.scores, variant.scores, _domains(pairs)) if pairs or unasked else {}
    return _Arm(variant, TaxArm(variant.name, pairs, invalid, stopped, budget, unpaired), unasked)


def _unpaired(base: ItemScores, variant: ItemScores, shared: Sequence[str]) -> dict[str, str]:
    """Say of every domain that one of the two has, and of which they share nothing, why that is so."""
    of_base, of_variant = _names(base), _names(variant)
    return {
        domain: NO_ITEM_OF_VARIANT
        if domain not in of_variant
        else NO_ITEM_OF_BASE
        if domain not in of_base
        else NO_ITEM_IN_COMMON
        for domain in (of_base | of_variant)
        if domain not in shared
    }


def _names(scores: ItemScores) -> dict[str, None]:
    """The domains of scores, each once and in their order."""
    return dict.fromkeys(item.domain for item in scores.items)


def _domains(pairs: PairedItems | None) -> tuple[str, ...]:
    return tuple(one.domain for one in pairs.domains) if pairs else ()


def _shares_items(base: ItemScores, other: ItemScores) -> bool:
    return bool(_keys(base) & _keys(other))


def _repeats(*scores: ItemScores) -> bool:
    return any(len(_keys(one)) < len(one.items) for one in scores)


def _keys(scores: ItemScores) -> set[tuple[str, str]]:
    return {(item.domain, item.item) for item in scores.items}


def _outcome(
    base: Model, arm: _Arm, taxes: Sequence[Tax], labels: Mapping[str, VariantLabels], alpha: float
) -> VariantOutcome:
    variant, invalid = arm.model, arm.tax.invalid
    safety = None if invalid else _safety(base.run, variant.run, alpha)
    missing = Missing(
        invalid=invalid,
        safety=NO_ATTACKS if base.run and variant.run else NO_RUN,
        tax=arm.unasked or NO_TAX,
        unscored_budget=arm.tax.unscored_budget,
    )
    own = [tax for tax in taxes if tax.variant == variant.name]
    bounds = {tax.domain: found for tax in own if (found := domain_bounds(arm.tax, tax)) is not None}
    overall = None if invalid else overall_tax(arm.tax, taxes, alpha)
    reference = base.run.data.on("refusal") if base.run and not invalid else None
    return VariantOutcome(
        variant=variant.name,
        labels=labels_of(variant.name, base.run, variant.run, labels),
        sources=variant.sources,
        outcome=outcome(overall, safety, alpha=alpha, missing=missing),
        by_domain=tuple(
            outcome(found, safety, alpha=alpha, domain=domain, missing=missing)
            for domain, found in adjusted(bounds).items()
        ),
        triad=triad(variant.run.served, variant.run.data.on("refusal"), reference) if variant.run else (),
        safety=safety,
        invalid=invalid,
        notes=_notes(base, arm, safety),
    )


def _safety(base: Run | None, aligned: Run | None, alpha: float) -> SafetyGain | None:
    if base is None or aligned is None:
        return None
    axis = harm_axis(base, aligned)
    return safety_gain(
        attacked_requests(base, aligned),
        HarmArm(base.data.on(axis), stopped_early(base)),
        HarmArm(aligned.data.on(axis), stopped_early(aligned)),
        axis=axis,
        alpha=alpha,
    )


def _notes(base: Model, arm: _Arm, safety: SafetyGain | None) -> tuple[str, ...]:
    variant = arm.model
    found = [*variant.scores.notes, *(arm.tax.items.notes if arm.tax.items else ())]
    unscored = [
        f"{one.domain} {missing:,}"
        for one in (arm.tax.items.domains if arm.tax.items else ())
        if (missing := len(one.pairs) - len(one.scored))
    ]
    if unscored:
        found.append(
            "Items that one of the two has no score of, which are not in the printed scores and count "
            f"at their worst in tests and intervals: {', '.join(unscored)}."
        )
    for reason in dict.fromkeys(arm.tax.unpaired.values()):
        domains = ", ".join(domain for domain, why in arm.tax.unpaired.items() if why == reason)
        found.append(
            f"Not measured, because {reason}: {domains}. Look for an evaluation that failed or a name that "
            "differs; `--domain` names the domains that are meant."
        )
    if base.run and variant.run:
        hashes = {run.manifest.target.fingerprint_hash for run in (base.run, variant.run)}
        if len(hashes) == 1:
            found.append("Both runs have the same target: what differs between them is chance.")
    languages = sorted(_plain_languages(variant.run)) if variant.run else []
    if len(languages) > 1:
        found.append(
            f"The refusal triad of {variant.name} pools {', '.join(languages)} as they were asked, whatever "
            "the users' shares; the report of the run tells them apart."
        )
    stopped = [one for one in (base.run, variant.run) if one is not None and stopped_early(one)]
    if stopped:
        names = " and ".join(dict.fromkeys(run.manifest.target.name for run in stopped))
        found.append(
            f"{names} stopped asking where a claim was decided: rates of refusal lean towards the side that "
            "stopped it (the verdicts of the run itself do not)."
        )
    if arm.tax.stopped:
        found.append(
            f"Not asked in full, because a claim shares their items: {', '.join(arm.tax.stopped)}. Their tax "
            "rests on the first items that both were asked, by betting, and is not in the mean over domains; "
            "`alignmeter run --fixed` asks all."
        )
    if safety is not None and safety.sequential:
        found.append(
            f"Attacked harm is compared on the first {safety.n + safety.unscored} requests that both were "
            "asked, by betting, whatever stopped the runs; `alignmeter run --fixed` asks all."
        )
    if safety is not None and safety.measure == "attack_compliance":
        found.append(
            "No harm judge judged both runs: attacked harm is compliance, anything but a full refusal."
        )
    return tuple(dict.fromkeys(found))


def _plain_languages(run: Run) -> set[str]:
    judged = run.data.on("refusal")
    return {one.language for one in run.served if one.attack_class == "plain" and one.id in judged}


def _exit_code(taxes: Sequence[Tax], outcomes: Sequence[VariantOutcome]) -> int:
    flags, found = {tax.flag for tax in taxes}, {one.outcome.outcome for one in outcomes}
    if "above" in flags or found & _BAD:
        return FLAGGED
    if not taxes or flags & {"invalid", "unmeasured"} or "INVALID" in found:
        return INVALID
    return UNDECIDED if "undecided" in flags else 0
