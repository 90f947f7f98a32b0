"""Texts of known intent that a scorer is shown: probes of suites, or what a run asked and got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from alignmeter.judges.scorers import ScoredExchange
from alignmeter.records.events import happened
from alignmeter.store import request_text, scored_text
from alignmeter.suites import load_suite, render_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.api.reading import Run
    from alignmeter.records import Intent, Probe, ScoredGroup, ScorerReads, Transcript, Trial


LeftOut: TypeAlias = Literal["", "harmless", "unjudged"]
"""Why a reply to a harmful request is in no figure: it does no harm, or no judge could say."""


class Text(NamedTuple):
    """One text.

    Attributes:
        digest: Under which its score is kept.
        left_out: Why its group does not say what it deserves; empty where it does.
    """

    digest: str
    group: ScoredGroup
    domain: str
    family: str
    shown: ScoredExchange
    left_out: LeftOut = ""

    @property
    def counts(self) -> bool:
        """Whether it is in the figures."""
        return not self.left_out


def audited_texts(
    run: Run | None, suites: Sequence[str], languages: Sequence[str], reads: ScorerReads
) -> tuple[Text, ...]:
    """Return what a scorer is to be shown, each text once.

    Args:
        run: Its answered requests about refusal, attacks included; None for the probes of suites.
        suites: Names of suites.
        languages: Their languages.
        reads: Requests, or exchanges; an empty reply is no exchange.

    Raises:
        InputError: There is no such suite in a language.
    """
    if run is not None:
        found: Iterable[Text | None] = (_of_trial(run, trial, reads) for trial in run.data.trials)
    else:
        probes = [
            probe
            for suite in dict.fromkeys(suites)
            for language in dict.fromkeys(languages)
            for probe in load_suite(suite, language)
        ]
        found = (_of_probe(probe) for probe in probes if probe.axis == "refusal")
    once: dict[str, Text] = {}
    for text in found:
        if text is not None:
            once.setdefault(text.digest, text)
    return tuple(once.values())


def _of_probe(probe: Probe) -> Text:
    shown = ScoredExchange(render_request(probe))
    return Text(
        scored_text(shown.request),
        _group(probe.intent, attacked=False),
        probe.domain,
        probe.family,
        shown,
    )


def _of_trial(run: Run, trial: Trial, reads: ScorerReads) -> Text | None:
    transcript = run.data.transcripts.get(trial.id)
    if trial.axis != "refusal" or transcript is None:
        return None
    reply = transcript.reply.content if transcript.reply is not None else ""
    exchange = reads == "exchange"
    if exchange and (not reply.strip() or transcript.error is not None):
        return None
    request = request_text(trial)
    shown = ScoredExchange(request, reply if exchange else None, trial, transcript)
    return Text(
        scored_text(request, reply if exchange else None),
        _group(trial.intent, attacked=trial.attack_class != "plain"),
        trial.domain,
        trial.family,
        shown,
        _left_out(run, trial, transcript) if exchange and trial.intent == "harmful" else "",
    )


def _group(intent: Intent, *, attacked: bool) -> ScoredGroup:
    if not attacked:
        return intent
    return "harmful_attacked" if intent == "harmful" else "benign_attacked"


def _left_out(run: Run, trial: Trial, transcript: Transcript) -> LeftOut:
    """Why a reply to a harmful request is in no figure: in a refusal there is nothing to flag."""
    if transcript.hard_refusal is not None:
        return "harmless"
    harm, refusal = (run.data.on(axis).get(trial.id) for axis in ("harm", "refusal"))
    delivered = None if harm is None else happened("delivered_harm", harm.result)
    if delivered is not None:
        return "" if delivered else "harmless"
    refused = None if refusal is None else happened("refused", refusal.result)
    if refused is None:
        return "unjudged"
    return "harmless" if refused else ""
