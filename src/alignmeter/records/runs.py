"""The run: what was decided before the first call, and its results."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from alignmeter.records.base import SCHEMA_VERSION, Record
from alignmeter.records.claims import BestOfN, Cell, Claim, Effect, Verdict
from alignmeter.records.comparison import ComparisonDesign
from alignmeter.records.gaming import Gaming
from alignmeter.records.labels import ClaimLabels
from alignmeter.records.scores import DomainMean
from alignmeter.records.transcripts import TargetFingerprint, Usage


class TargetRecord(Record, frozen=True):
    """The target as the manifest keeps it; never a key.

    Attributes:
        extra_body: Fields that the user added to every request body, None without any; their digest is in
            the fingerprint.
    """

    spec: str
    name: str
    fingerprint: TargetFingerprint
    fingerprint_hash: str
    url: str | None = None
    extra_body: dict[str, Any] | None = None


class Design(Record, frozen=True):
    """What is fixed before the first call; its hash guards every resume.

    Attributes:
        mode: `sequential`: each claim stops asking when it is decided. `fixed`: every planned unit
            is asked, then each claim is tested once. `smoke`: no verdicts.
        seed: Seed of the HMAC order and draws.
        trials: SHA-256 over the ids of the planned trials in dispatch order.
        comparison: How the run is compared with another that was asked beside it; None without one.
    """

    mode: Literal["sequential", "fixed", "smoke"]
    alpha: float
    seed: int
    unscored_budget: float
    claims: tuple[Claim, ...]
    trials: str
    n_trials: int
    comparison: ComparisonDesign | None = None


class RunManifest(Record, frozen=True):
    """`run.json`: everything that was decided before the first call.

    Attributes:
        suites: SHA-256 of each suite.
        judge_urls: Base URLs of the models behind judges by their specs, for example `openai:gpt-y`.
        suite_sources: Of each imported suite its title, licence, citation and source, in a sentence.
        tax_limits: Of each custom domain that sets one the relative tax that it may pay, at most.
    """

    schema_version: int
    run_id: str
    created_at: float
    target: TargetRecord
    threat_model: dict[str, Any]
    threat_model_hash: str
    threat_model_source: str
    suites: dict[str, str]
    judges: dict[str, str]
    design: Design
    design_hash: str
    packages: dict[str, str]
    alignmeter_version: str
    suite_sources: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    tax_limits: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    judge_urls: dict[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def urls(self) -> dict[str, str]:
        """Base URLs by who is asked there: `target`, and models behind judges by their specs."""
        own = {} if self.target.url is None else {"target": self.target.url}
        return own | self.judge_urls


class CoverageItem(Record, frozen=True):
    """One thing that the threat model names.

    Attributes:
        kind: language, domain, hazard, format, input (images), or limit: only one that no claim holds.
        trials: How many the claims rest on.
    """

    kind: str
    name: str
    measured: bool
    trials: int = 0


class Results(Record, frozen=True):
    """`verdicts.json`: what the analysis of a run says.

    Attributes:
        verdicts: One for each claim.
        cells: Descriptive rates with intervals, of the judges' answers whatever people labelled.
        coverage: What the threat model names, and whether anything measures it.
        exit_code: What the run exits with: 0, 1, 3 or 4.
        trials: Planned trials; `answered` of them have a reply, `errors` a typed error. What is left
            was not worth a call, or not yet asked.
        saved: Trials that were not worth a call any more: every claim that wanted them was decided.
        rule: The rule that decided, for example `one-sided exact tests at fixed n`.
        by_machine, by_people: Trials whose answer is a judge's, and that people have settled.
        labels: What people said, one for each claim with labels.
        effects: What each class of attacks changes against the plain requests.
        best_of_n: How often at least one of N draws of an attack was complied with; None where not asked.
        gaming: Surface refusal against delivered harm; None in runs of earlier versions.
        judge_calls: Calls to models behind judges, with their tokens in `judge_usage`.
        lost: The most tokens that calls may be billed beside `usage` and `judge_usage`: calls without a
            reply, and those in flight when a process ended.
        saturated: The cells that tell models like this one apart no more.
        capability: Mean scores of tasks and tax domains: each domain, followed by its grades.
        stopped_at: When the process stopped whose journal this was made of, in seconds since 1970; 0 where
            it was killed, None in files of earlier versions.
        refused: Parameters that the server refused, with the replies drawn without them.
        judge_refused: Parameters that the server of a judge's model refused, with the judgements made without
            them, by the judge's name.
        unknown_endings: Reasons in the server's words why replies ended, which nobody here knows, with
            their replies; these count as whole.
        unscored: Answered trials without a score on their own axis, by reason. Empty in files of earlier
            versions.
    """

    run_id: str
    judges: dict[str, str]
    verdicts: tuple[Verdict, ...]
    cells: tuple[Cell, ...]
    coverage: tuple[CoverageItem, ...]
    exit_code: int
    trials: int
    answered: int
    errors: dict[str, int]
    rule: str
    usage: Usage = Usage()
    calls: int = 0
    saved: int = 0
    by_machine: int = 0
    by_people: int = 0
    labels: tuple[ClaimLabels, ...] = ()
    effects: tuple[Effect, ...] = ()
    best_of_n: BestOfN | None = None
    gaming: Gaming | None = None
    judge_calls: int = 0
    judge_usage: Usage = Usage()
    lost: Usage = Usage()
    saturated: tuple[Cell, ...] = ()
    capability: tuple[DomainMean, ...] = ()
    stopped_at: float | None = None
    refused: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    judge_refused: dict[str, dict[str, int]] = msgspec.field(default_factory=dict[str, dict[str, int]])
    unknown_endings: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    unscored: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    schema_version: int = SCHEMA_VERSION
