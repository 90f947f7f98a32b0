"""Coverage: what the threat model names, and whether any claim rests on it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from alignmeter.figures import percent
from alignmeter.records import Claim, CoverageItem
from alignmeter.verdicts.shapes import ATTACKED, BASELINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from alignmeter.records import Axis, ClaimKind, Intent, Probe, Trial
    from alignmeter.threat_model import ThreatModel

_LIMITS: dict[str, frozenset[ClaimKind]] = {
    "attack_success_rate": ATTACKED,
    "false_refusal_benign": frozenset({"false_refusal_benign"}),
    "false_refusal_sensitive": frozenset({"false_refusal_sensitive"}),
    "confident_hallucination": frozenset({"confident_hallucination"}),
    "insecure_code": frozenset({"insecure_code"}),
}
"""The limits that a run holds whatever its languages, and the claims that hold them."""

_ABOUT: dict[str, tuple[Axis, Intent]] = {
    "attack_success_rate": ("refusal", "harmful"),
    "false_refusal_benign": ("refusal", "benign"),
    "false_refusal_sensitive": ("refusal", "sensitive"),
    "confident_hallucination": ("factuality", "benign"),
    "insecure_code": ("code_security", "benign"),
}
"""The requests that these limits are about."""

_LIMIT_CLAIM = "coverage:limit:"

_FAR = 0.1
"""How far the share of a language may lie below that of its users before a claim says so."""

_OF_DOMAINS: frozenset[ClaimKind] = frozenset(
    {*ATTACKED, "false_refusal_sensitive", "confident_hallucination"}
)
"""Claims on what the users' domains are asked; everyday requests and programs have domains of their own."""


def coverage(
    model: ThreatModel, trials: Sequence[Trial], claims: Iterable[Claim]
) -> tuple[CoverageItem, ...]:
    """List every language, domain, hazard and format that the threat model names, and images.

    What counts are the trials that claims rest on, in languages that the deployment serves: not every
    trial that could be asked is asked. Pairs of a language gap do not count for domains and hazards, which
    count alike there whatever they weigh. Where no claim holds a trial (tasks, smoke runs) all
    trials count, tasks only where nothing else is asked: they measure nothing of how safe a target is.
    A domain of weight 0 is one that the users do not touch, so it is not listed. A deployment that
    offers tools is exposed to tool calling whether or not its formats say so.

    Args:
        model: The threat model.
        trials: All that could be asked, or all of a run.
        claims: Those of the run.
    """
    asked, spoken = _rested_on(model, trials, claims)
    formats = list(model.formats)
    if model.tools and "tool_calling" not in formats:
        formats.append("tool_calling")
    domains = [name for name, weight in model.domain_weights.items() if weight > 0]
    with_images = sum(any(message.images for message in trial.messages) for trial in asked)
    return (
        *_items("language", model.languages, Counter(trial.language for trial in spoken)),
        *_items("domain", domains, Counter(trial.domain for trial in asked)),
        *_items("hazard", model.hazards or (), Counter(trial.hazard or "" for trial in asked)),
        *_items("format", formats, Counter(trial.format for trial in spoken)),
        *_items("input", ["images"] if model.images else [], Counter(images=with_images)),
    )


def unmeasured_limits(model: ThreatModel, claims: Iterable[Claim]) -> tuple[CoverageItem, ...]:
    """List the limits that the threat model writes and that no claim holds.

    A limit that is left out has a default, which says nothing of what a narrow threat model is about;
    a limit that is written was meant. Whoever writes attacks means the limit on them too. The gap to
    English is a limit of every other language. Those on fine-tuning and on the tax are held by
    comparisons, not by a run.

    Args:
        model: The threat model as it was read: what is rebuilt from a manifest writes everything.
        claims: Those of the run.
    """
    written = set(model.thresholds.model_fields_set)
    attacks = model.adversaries.attacks
    if "attacks" in model.adversaries.model_fields_set and any(
        weight > 0 and name != "plain" for name, weight in attacks.items()
    ):
        written.add("attack_success_rate")
    held = [claim for claim in claims if claim.units]
    kinds = {claim.kind for claim in held}
    names = [name for name, holding in _LIMITS.items() if name in written and not holding & kinds]
    if "language_gap" in written:
        compared = [claim.part or "" for claim in held if claim.kind == "language_gap"]
        names += [
            f"language_gap/language={language}"
            for language in model.languages
            if language != BASELINE and not any(part.startswith(f"language={language},") for part in compared)
        ]
    return tuple(CoverageItem(kind="limit", name=name, measured=False) for name in names)


def without_unasked_limits(model: ThreatModel, probes: Iterable[Probe]) -> dict[str, Any]:
    """Return a threat model as written, without the limits and attacks that are not about these probes.

    For a threat model that is made from another to ask a part of what that one asks.

    Args:
        model: The threat model as it was read.
        probes: All that is going to be asked.
    """
    asked = {(probe.axis, probe.intent) for probe in probes}
    written: dict[str, Any] = model.model_dump(mode="json", exclude_unset=True)
    unasked = [name for name, about in _ABOUT.items() if about not in asked]
    limits = {name: limit for name, limit in written.pop("thresholds", {}).items() if name not in unasked}
    adversaries = written.pop("adversaries", {})
    if "attack_success_rate" in unasked:
        adversaries.pop("attacks", None)
    return {**written, "adversaries": adversaries, "thresholds": limits}


def coverage_claims(model: ThreatModel, items: Iterable[CoverageItem]) -> tuple[Claim, ...]:
    """Make a claim of its own, which can only be NOT MEASURED, of each item that nothing measures."""
    return tuple(
        Claim(
            id=f"coverage:{item.kind}:{item.name}",
            kind="coverage",
            title=f"{item.kind.capitalize()} {item.name!r} of the threat model",
            threshold=0.0,
            alpha=model.design.alpha,
            missing=f"{item.kind} {item.name!r}",
        )
        for item in items
        if not item.measured
    )


def claimed_limits(claims: Iterable[Claim]) -> tuple[CoverageItem, ...]:
    """Read the limits that nothing measures back from the claims of a run."""
    return tuple(
        CoverageItem(kind="limit", name=claim.id.removeprefix(_LIMIT_CLAIM), measured=False)
        for claim in claims
        if claim.id.startswith(_LIMIT_CLAIM)
    )


def unlike_users(model: ThreatModel, claim: Claim, trials: Sequence[Trial]) -> str | None:
    """Say in which of the deployment's languages and domains a claim as a whole asks nothing, or too little.

    Args:
        model: The threat model.
        claim: The claim; None comes back for its parts and for language gaps.
        trials: All of the run.
    """
    if not claim.units or claim.part is not None:
        return None
    ids = {trial for unit in claim.units for trial in unit}
    asked = [trial for trial in trials if trial.id in ids]
    spoken, touched = Counter(trial.language for trial in asked), {trial.domain for trial in asked}
    languages = [language for language in model.languages if language not in spoken]
    domains = [name for name, weight in model.domain_weights.items() if weight > 0 and name not in touched]
    without = [
        *([_list("language", languages)] if languages else []),
        *([_list("domain", domains)] if domains and claim.kind in _OF_DOMAINS else []),
    ]
    shares = {language: spoken[language] / spoken.total() for language in spoken}
    said = [
        *([f"Asks nothing in {' or '.join(without)}."] if without else []),
        *(
            f"Asks {percent(shares[language])} in {language}, which {percent(wanted)} of the users speak."
            for language, wanted in model.languages.items()
            if language in shares and shares[language] < max(wanted / 2, wanted - _FAR)
        ),
    ]
    return " ".join(said) or None


def _list(noun: str, names: Sequence[str]) -> str:
    return f"the {noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _rested_on(
    model: ThreatModel, trials: Sequence[Trial], claims: Iterable[Claim]
) -> tuple[Sequence[Trial], Sequence[Trial]]:
    """The trials that claims on rates rest on; the same with the pairs of language gaps."""
    served = {trial.id: trial for trial in trials if trial.language in model.languages}
    rates, gaps = set[str](), set[str]()
    for claim in claims:
        (gaps if claim.kind == "language_gap" else rates).update(*claim.units)
    either = rates | gaps
    if not either:
        every = [trial for trial in trials if trial.axis != "capability"] or trials
        return every, every
    return (
        [trial for key, trial in served.items() if key in rates],
        [trial for key, trial in served.items() if key in either],
    )


def _items(
    kind: Literal["language", "domain", "hazard", "format", "input"],
    names: Iterable[str],
    counts: Counter[str],
) -> Iterator[CoverageItem]:
    for name in names:
        yield CoverageItem(kind=kind, name=name, measured=counts[name] > 0, trials=counts[name])
