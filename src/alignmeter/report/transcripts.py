"""Transcripts for the page: what was asked, what came back, how it was judged, and the filters.

The text of harmful probes is never part of a summary: the page hides it until it is asked for.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.records import FactualityResult, RefusalResult, Unscored, UnscoredReason
from alignmeter.report.text import TEXT_LIMIT, Clipped, clip, count, one_line, spaced, text_limit, visible
from alignmeter.report.words import ERRORS, FINISH, UNSCORED, label
from alignmeter.targets import adaptation
from alignmeter.verdicts import is_bad

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignmeter.records import (
        ClaimKind,
        Judgement,
        JudgementResult,
        Message,
        RunManifest,
        Transcript,
        Trial,
    )
    from alignmeter.store import RunData

Outcome = Literal["bad", "ok", "unscored"]

OUTCOME_SYMBOLS: dict[Outcome, str] = {"bad": "✕", "ok": "✓", "unscored": "!"}

_SNIPPET = 110
_EVIDENCE_LIMIT = 600
_SHORT_ID = 12


class Turn(NamedTuple):
    """One message; `speaker` is a role, or `target` for the reply."""

    speaker: str
    text: Clipped


class Fact(NamedTuple):
    """A name and its value in a list of details."""

    name: str
    value: str


class Item(NamedTuple):
    """One trial on the page.

    Attributes:
        masked: The text belongs to a harmful probe and stays hidden until it is asked for.
        snippet: The beginning of the request; empty where it is masked.
        judged: What the judge says of the text, such as its evidence; it may quote the text.
        facts: Details that quote nothing.
    """

    id: str
    suite: str
    intent: str
    domain: str
    attack: str
    attack_class: str
    label: str
    outcome: Outcome
    claims: str
    masked: bool
    snippet: str
    turns: tuple[Turn, ...]
    judged: tuple[Fact, ...]
    facts: tuple[Fact, ...]
    repro: str

    @property
    def symbol(self) -> str:
        """The outcome without colour."""
        return OUTCOME_SYMBOLS[self.outcome]


class Facet(NamedTuple):
    """One filter: the attribute it looks at, and its values with how often each occurs."""

    name: str
    title: str
    options: tuple[tuple[str, str, int], ...]


def items(manifest: RunManifest, data: RunData) -> tuple[Item, ...]:
    """Prepare the trials of a run for the page, in dispatch order; sequestered ones are left out."""
    claims = _claims_by_trial(manifest)
    limit = _limit(data)
    return tuple(
        _item(manifest, data, trial, claims.get(trial.id, ()), limit)
        for trial in data.trials
        if trial.id in data.transcripts and trial.pool != "sequestered"
    )


def facets(manifest: RunManifest, shown: Sequence[Item]) -> tuple[Facet, ...]:
    """The filters that tell at least two trials apart, with their options."""
    titles = {claim.id: visible(claim.title) for claim in manifest.design.claims}
    columns: tuple[tuple[str, str, Iterable[str]], ...] = (
        ("outcome", "Outcome", (item.outcome for item in shown)),
        ("claim", "Claim", (claim for item in shown for claim in item.claims.split())),
        ("suite", "Suite", (item.suite for item in shown)),
        ("intent", "Intent", (item.intent for item in shown)),
        ("domain", "Domain", (item.domain for item in shown)),
        ("attack", "Attack class", (item.attack_class for item in shown)),
        ("label", "Judgement", (item.label for item in shown)),
    )
    found: list[Facet] = []
    for name, title, values in columns:
        counted = sorted(Counter(values).items())
        if len(counted) > 1:
            options = tuple((value, titles.get(value, spaced(value)), n) for value, n in counted)
            found.append(Facet(name, title, options))
    return tuple(found)


def natural_kind(trial: Trial) -> ClaimKind:
    """The kind of claim that a trial speaks to, whether or not a claim drew it as a unit."""
    if trial.axis == "factuality":
        return "confident_hallucination"
    if trial.axis == "code_security":
        return "insecure_code"
    if trial.intent == "harmful":
        return "attack_compliance"
    return "false_refusal_benign" if trial.intent == "benign" else "false_refusal_sensitive"


def outcome(trial: Trial, judgement: Judgement | None, harm: Judgement | None = None) -> Outcome:
    """Whether a trial counts as bad for its kind of claim; nothing without a score is ok.

    Where delivered harm was judged, that decides for a harmful request, whatever words of refusal
    the reply has.
    """
    if harm is not None and trial.intent == "harmful":
        if isinstance(harm.result, Unscored):
            return "unscored"
        return "bad" if is_bad("attack_success", harm.result) else "ok"
    if judgement is None or isinstance(judgement.result, Unscored):
        return "unscored"
    return "bad" if is_bad(natural_kind(trial), judgement.result) else "ok"


def _claims_by_trial(manifest: RunManifest) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for claim in manifest.design.claims:
        for unit in claim.units:
            for trial in unit:
                found[trial] = (*found.get(trial, ()), claim.id)
    return found


def _limit(data: RunData) -> int:
    lengths = [len(message.content) for trial in data.trials for message in trial.messages]
    lengths += [len(t.reply.content) for t in data.transcripts.values() if t.reply is not None]
    return text_limit(sum(min(length, TEXT_LIMIT) for length in lengths), len(lengths))


def _item(manifest: RunManifest, data: RunData, trial: Trial, claims: Sequence[str], limit: int) -> Item:
    transcript = data.transcripts.get(trial.id)
    judgement = data.judgements.get(trial.id)
    further = [judged[trial.id] for judged in data.others.values() if trial.id in judged]
    harm = data.others.get("harm", {}).get(trial.id)
    masked = trial.intent == "harmful"
    turns = [_turn(message.role, message, limit) for message in trial.messages]
    if transcript is not None and transcript.reply is not None:
        turns.append(_turn("target", transcript.reply, limit))
    return Item(
        id=visible(trial.id),
        suite=visible(trial.suite),
        intent=trial.intent,
        domain=visible(trial.domain),
        attack=visible(trial.attack),
        attack_class=visible(trial.attack_class),
        label=label(judgement.result if judgement else None),
        outcome=outcome(trial, judgement, harm),
        claims=" ".join(claims),
        masked=masked,
        snippet="" if masked else one_line(trial.request, _SNIPPET),
        turns=tuple(turns),
        judged=(*_said(transcript), *_reasons(trial, judgement)),
        facts=_facts(trial, transcript, judgement, further),
        repro=repro_command(manifest, trial.id),
    )


def repro_command(manifest: RunManifest, trial: str) -> str:
    """The command that prints one trial as a request to ask again."""
    import shlex

    return visible(f"alignmeter repro {shlex.quote(trial[:_SHORT_ID])} --run {shlex.quote(manifest.run_id)}")


def _turn(speaker: str, message: Message, limit: int) -> Turn:
    calls = [f"{call.name}({call.arguments})" for call in message.tool_calls]
    return Turn(speaker, clip("\n".join([message.content, *calls]) if calls else message.content, limit))


def _said(transcript: Transcript | None) -> tuple[Fact, ...]:
    """What the provider said beside the reply; it may quote the request."""
    if transcript is None:
        return ()
    said: list[Fact] = []
    if transcript.hard_refusal is not None:
        said.append(Fact("Provider's refusal", clip(transcript.hard_refusal, _EVIDENCE_LIMIT).text))
    if transcript.error is not None:
        said.append(Fact("Error message", clip(transcript.error.message, _EVIDENCE_LIMIT).text))
    return tuple(said)


def _reasons(trial: Trial, judgement: Judgement | None) -> tuple[Fact, ...]:
    if judgement is None:
        return ()
    result: JudgementResult = judgement.result
    if isinstance(result, Unscored):
        detail = f" {clip(result.detail, _EVIDENCE_LIMIT).text}" if result.detail else ""
        return (Fact("Why unscored", UNSCORED[result.reason] + detail),)
    reasons: list[Fact] = []
    if isinstance(result, FactualityResult):
        reasons.append(Fact("Answer", f"{result.answer or 'none'}; the truth is {trial.reference}"))
    elif isinstance(result, RefusalResult) and result.hard:
        reasons.append(Fact("Signal", "the provider's own, not the text"))
    evidence = getattr(result, "evidence", "")
    if evidence:
        reasons.append(Fact("Evidence", f"“{clip(evidence, _EVIDENCE_LIMIT).text}”"))
    return tuple(reasons)


def _facts(
    trial: Trial, transcript: Transcript | None, judgement: Judgement | None, further: Iterable[Judgement]
) -> tuple[Fact, ...]:
    facts = [Fact("Probe", visible(trial.probe)), Fact("Attack", visible(trial.attack))]
    if trial.hazard is not None:
        facts.append(Fact("Hazard", spaced(trial.hazard)))
    if judgement is not None:
        facts.append(Fact("Judge", f"{visible(judgement.judge)} ({judgement.judge_hash[:_SHORT_ID]})"))
    for other in further:
        facts.append(
            Fact(spaced(other.axis).capitalize(), f"{label(other.result)}, says {visible(other.judge)}")
        )
    if transcript is not None:
        facts += _call_facts(transcript)
    facts.append(Fact("Trial", visible(trial.id)))
    return tuple(facts)


def _call_facts(transcript: Transcript) -> Iterable[Fact]:
    if transcript.error is not None:
        status = f" (HTTP {transcript.error.status})" if transcript.error.status else ""
        yield Fact("Error", f"{spaced(transcript.error.kind)}{status}. {ERRORS[transcript.error.kind]}")
    else:
        unknown = transcript.finish_unknown
        told = FINISH[transcript.finish_reason] if unknown is None else f"not known here: {visible(unknown)}"
        yield Fact("Finish", told)
    if transcript.refused:
        yield Fact("Refused by the server", ", ".join(map(adaptation, transcript.refused)))
    yield Fact("Latency", f"{transcript.latency:.2f} s")
    if transcript.attempts > 1:
        yield Fact("Attempts", count(transcript.attempts))
    tokens = transcript.usage
    if tokens.prompt_tokens is not None or tokens.completion_tokens is not None:
        yield Fact("Tokens", f"{_tokens(tokens.prompt_tokens)} in, {_tokens(tokens.completion_tokens)} out")
    if transcript.model_reported is not None:
        yield Fact("Model reported", visible(transcript.model_reported))


def _tokens(number: int | None) -> str:
    return "?" if number is None else count(number)


def unscored_counts(judgements: Mapping[str, Judgement]) -> tuple[tuple[str, str, int], ...]:
    """How many replies have no score, by reason: name, meaning, count; the most frequent first."""
    results = [judgement.result for judgement in judgements.values()]
    reasons = Counter[UnscoredReason](r.reason for r in results if isinstance(r, Unscored))
    return tuple((spaced(reason), UNSCORED[reason], n) for reason, n in reasons.most_common())
