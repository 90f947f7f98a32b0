"""Method notes: what decided, what was fixed before the first call, and what the run does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.figures import exact_percent, lower_end, percent, upper_end
from alignmeter.report.serving import refusals
from alignmeter.report.text import count, spaced, utc, visible
from alignmeter.report.transcripts import Fact
from alignmeter.targets.extra_body import shown_extra

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignmeter.records import JudgeCard, Results, RunManifest, TargetFingerprint, Usage
    from alignmeter.store import RunData

LIMITS = (
    "The attacks are static: compliance with them is a lower bound against an attacker who adapts.",
    "Intervals carry the judges' error as their cards measured it, on other replies than these.",
    "A claim is about prompts like these. Where the deployment differs from them, so may the rate.",
    "Rates describe and claims decide: no table or chart of rates passes or fails anything, and of many "
    "rates side by side some are extreme by chance.",
    "A run is about one target as its fingerprint says; another sampling or system prompt is another one.",
    "An error, a timeout or a reply without a score counts against a pass and never as safe.",
)


class Section(NamedTuple):
    """A heading with facts below it."""

    title: str
    facts: tuple[Fact, ...]


class JudgeRow(NamedTuple):
    """One judge and its measured accuracy; the fields of a card are None where it has none."""

    name: str
    hash: str
    axis: str
    event: str
    data: str | None
    n: str
    kappa: str
    sensitivity: str
    specificity: str


def sections(
    manifest: RunManifest, data: RunData, results: Results, cards: Sequence[JudgeCard]
) -> tuple[Section, ...]:
    """Everything that someone needs to judge or repeat the run."""
    design = manifest.design
    known = {card.judge_hash for card in cards}
    lost = results.lost
    rules = (
        Fact("Rule", visible(results.rule)),
        Fact("Mode", design.mode),
        Fact("Error rate of each one-sided test", exact_percent(design.alpha)),
        Fact("Budget of unscored units", exact_percent(design.unscored_budget)),
        Fact("Seed of order and draws", str(design.seed)),
        Fact("Design", manifest.design_hash),
        Fact("Trials in dispatch order", design.trials),
        Fact(
            "Judges with a card",
            f"{len(known & set(manifest.judges.values()))} of {len(manifest.judges)}",
        ),
    )
    asked = (
        Fact("Threat model", visible(manifest.threat_model_source)),
        Fact("Digest of the threat model", manifest.threat_model_hash),
        *(Fact(f"Suite {spaced(name)}", visible(value)) for name, value in sorted(manifest.suites.items())),
        *(
            Fact(f"Source of {spaced(name)}", visible(source))
            for name, source in sorted(manifest.suite_sources.items())
        ),
        Fact("Calls", count(results.calls)),
        Fact("Tokens", _tokens(results.usage)),
        *(
            (Fact("Further tokens, at the most, of calls without an answer", _tokens(lost)),)
            if lost.prompt_tokens or lost.completion_tokens
            else ()
        ),
        Fact("Begun", utc(manifest.created_at)),
    )
    packages = tuple(
        Fact(visible(name), visible(version)) for name, version in sorted(manifest.packages.items())
    )
    return (
        Section("Decision", rules),
        Section("Target", _target(manifest, results, data.asked_at(manifest))),
        Section("What was asked", asked),
        Section("Software", (Fact("alignmeter", visible(manifest.alignmeter_version)), *packages)),
    )


def _tokens(usage: Usage) -> str:
    return f"{count(usage.prompt_tokens or 0)} in, {count(usage.completion_tokens or 0)} out"


def _target(
    manifest: RunManifest, results: Results, asked_at: Mapping[str, Sequence[str]]
) -> tuple[Fact, ...]:
    target = manifest.target
    fingerprint: TargetFingerprint = target.fingerprint
    sampling = fingerprint.sampling
    seed = "none" if sampling.seed is None else str(sampling.seed)
    named = (
        ("Given as", target.spec),
        ("Kind", fingerprint.kind),
        ("Model", fingerprint.model),
        ("Address", ", then ".join(asked_at.get("target", ()))),
        ("Revision", fingerprint.revision),
        ("Weights", fingerprint.weights),
        ("Adapter", fingerprint.adapter),
        ("System prompt", fingerprint.system_prompt),
        ("Few-shot examples", fingerprint.few_shot),
        ("Chat template", fingerprint.chat_template),
        ("Runtime", fingerprint.runtime),
        (
            "Extra fields",
            shown_extra(target.extra_body) if target.extra_body else fingerprint.extra,
        ),
        (
            "Sampling",
            f"temperature {sampling.temperature:g}, top p {sampling.top_p:g}, at most "
            f"{sampling.max_tokens} tokens, seed {seed}",
        ),
        ("Refused by the server", refusals(results)),
        ("Fingerprint", target.fingerprint_hash),
    )
    judges = (
        (f"Address of the judge {visible(who)}", ", then ".join(urls))
        for who, urls in asked_at.items()
        if who != "target"
    )
    return tuple(Fact(name, visible(value)) for name, value in (*named, *judges) if value)


def judges(manifest: RunManifest, cards: Sequence[JudgeCard]) -> tuple[JudgeRow, ...]:
    """The judges of the run, each with its card where it has one."""
    rows: list[JudgeRow] = []
    for name, judge_hash in sorted(manifest.judges.items()):
        known = [card for card in cards if card.judge_hash == judge_hash]
        rows.extend(_judge(name, judge_hash, card) for card in known or [None])
    return tuple(rows)


def _judge(name: str, judge_hash: str, card: JudgeCard | None) -> JudgeRow:
    if card is None:
        return JudgeRow(visible(name), judge_hash, "", "", None, "", "", "", "")
    return JudgeRow(
        name=visible(name),
        hash=judge_hash,
        axis=spaced(card.axis),
        event=spaced(card.event),
        data=f"{visible(card.data)} ({spaced(card.split)}), labelled by {card.labels_by}",
        n=count(card.n),
        kappa=f"{card.kappa:.2f}",
        sensitivity=_bounded(card.sensitivity),
        specificity=_bounded(card.specificity),
    )


def _bounded(figure: tuple[float, float, float]) -> str:
    estimate, lower, upper = figure
    return f"{percent(estimate)} ({lower_end(lower)} to {upper_end(upper)})"
