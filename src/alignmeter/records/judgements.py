"""What the judges say, and how far they can be trusted."""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Axis, Record
from alignmeter.records.transcripts import CallError, Usage

RefusalLabel = Literal["full", "partial", "none"]
UnscoredReason = Literal[
    "target_error",
    "empty_reply",
    "truncated_refusal",
    "truncated_answer",
    "unparseable",
    "wrong_language",
    "judge_error",
    "judge_timeout",
    "judge_refused",
    "judge_malformed",
    "judge_out_of_range",
    "judges_tied",
    "no_code",
    "not_applicable",
    "no_judge",
    "no_sandbox",
    "people_disagree",
    "people_unsure",
]
OF_THE_MACHINERY: frozenset[UnscoredReason] = frozenset({"judge_error", "judge_timeout", "no_sandbox"})
"""A judge's endpoint or its sandbox was at fault: judging again may help."""


class RefusalResult(Record, frozen=True, tag="refusal"):
    """Whether the reply refuses: full, partial or none; `hard` marks a provider's own signal."""

    label: RefusalLabel
    hard: bool = False
    evidence: str = ""


class FactualityResult(Record, frozen=True, tag="factuality"):
    """A closed answer against its reference, and how sure it sounded.

    Attributes:
        answer: What the reply said, None when it abstained.
        chance: Probability that the model gave this answer rather than the other one, where its tokens
            came with probabilities; None elsewhere. The label does not rest on it.
    """

    label: Literal["correct", "incorrect", "abstained"]
    confidence: Literal["confident", "hedged"]
    answer: Literal["yes", "no"] | None = None
    evidence: str = ""
    chance: float | None = None


class HarmResult(Record, frozen=True, tag="harm"):
    """Whether the reply delivers what a harmful request asked for, refusal words left aside.

    Attributes:
        label: `delivered`: specific and actionable; `partial`: some of it; `none`.
        score: Graded harm in [0, 1].
        refused: Whether the judge saw a refusal as well; None where it did not look.
        convincing, specific: Rubric grades 1 to 5, None where the judge gives none.
        category: The judge's own name of the hazard, None where it gives none.
    """

    label: Literal["delivered", "partial", "none"]
    score: float
    refused: bool | None = None
    convincing: int | None = None
    specific: int | None = None
    category: str | None = None
    evidence: str = ""


class QualityResult(Record, frozen=True, tag="quality"):
    """How good the reply is, 0 to 10."""

    score: float
    evidence: str = ""


class CodeFinding(Record, frozen=True):
    """One weakness in code that the reply gave; `line` counts from 1 within its block."""

    rule: str
    cwe: str
    line: int
    severity: Literal["low", "medium", "high"]
    message: str


class CodeSecurityResult(Record, frozen=True, tag="code_security"):
    """Whether the reply's code parses and brings a known weakness with it."""

    label: Literal["vulnerable", "clean"]
    language: str
    findings: tuple[CodeFinding, ...] = ()


class SchemaResult(Record, frozen=True, tag="schema"):
    """Whether a structured reply is valid and within its constraint; `problems` say where not."""

    label: Literal["valid", "invalid"]
    problems: tuple[str, ...] = ()


class LanguageResult(Record, frozen=True, tag="language"):
    """Whether the reply is in the language asked for; ISO 639-1 codes, `found` None where unsure."""

    label: Literal["same", "other", "unsure"]
    expected: str
    found: str | None = None
    probability: float = 0.0


class CapabilityResult(Record, frozen=True, tag="capability"):
    """How well a task whose right result is known was done.

    Attributes:
        score: Share of the best possible score, in [0, 1].
        label: `right` at 1, `wrong` at 0, `partial` between.
        answer: What was read as the answer; None where the reply held none, which is `wrong`.
    """

    score: float
    label: Literal["right", "partial", "wrong"]
    answer: str | None = None
    evidence: str = ""


class Unscored(Record, frozen=True, tag="unscored"):
    """No score, with the reason; counted, never a pass."""

    reason: UnscoredReason
    detail: str = ""

    @property
    def may_pass(self) -> bool:
        """Whether the judge's endpoint or its sandbox was at fault, so that judging again may help."""
        return self.reason in OF_THE_MACHINERY

    @classmethod
    def by_error(cls, error: CallError) -> Unscored:
        """What an error of the target comes to on every axis, before any judge sees it."""
        return cls(reason="target_error", detail=f"{error.kind}: {error.message}")


JudgementResult = (
    RefusalResult
    | FactualityResult
    | HarmResult
    | QualityResult
    | CodeSecurityResult
    | SchemaResult
    | LanguageResult
    | CapabilityResult
    | Unscored
)


StageReason = Literal["all", "positive", "uncertain", "sample"]
"""Why a stage of a cascade judged: everything is, or for what the stage before said, or as a sample."""


class Stage(Record, frozen=True):
    """What one stage of a cascade said of a transcript.

    Attributes:
        inclusion: Probability with which this stage was to judge this transcript, known beforehand;
            estimates weigh its answer by the inverse.
    """

    judge: str
    judge_hash: str
    reason: StageReason
    inclusion: float
    result: JudgementResult


class Judgement(Record, frozen=True):
    """One judge's answer on one axis about one transcript.

    Attributes:
        stages: What the stages of a cascade said, in their order; empty for a judge that is none.
        calls: Calls to models that it took, those that failed included; 0 for a judge without a model.
        usage: Tokens of these calls.
        refused: Parameters that the server of a model refused, so that the model was asked without them.
    """

    trial: str
    transcript: str
    judge: str
    judge_hash: str
    axis: Axis
    result: JudgementResult
    stages: tuple[Stage, ...] = ()
    calls: int = 0
    usage: Usage = Usage()
    refused: tuple[str, ...] = ()

    @property
    def may_pass(self) -> bool:
        """Whether the judge's endpoint or its sandbox was at fault, so that judging again may help."""
        return isinstance(self.result, Unscored) and self.result.may_pass


CardEvent = Literal[
    "refused",
    "not_full_refusal",
    "not_full_refusal_legitimate",
    "delivered_harm",
    "confidently_wrong",
    "incorrect",
    "vulnerable",
]
"""What counts as positive when the error of a judge is measured."""


class CardStratum(Record, frozen=True):
    """A judge's accuracy on the labelled replies of one language or one attack family.

    Attributes:
        by, value: What the replies share, for example `language` and `sw`.
        n: Labelled replies that it scored.
        abstention: Share of the labelled replies that it did not score.
        sensitivity, specificity, sensitivity_counts, specificity_counts: As on the card; None and (0, 0)
            where the labels hold no such replies.
        data, labels_by: Where other replies were measured than the card names, or others labelled them; empty
            and None: as on the card.
    """

    by: Literal["language", "attack"]
    value: str
    n: int
    abstention: float
    sensitivity: tuple[float, float, float] | None
    specificity: tuple[float, float, float] | None
    sensitivity_counts: tuple[float, float] = (0.0, 0.0)
    specificity_counts: tuple[float, float] = (0.0, 0.0)
    data: str = ""
    labels_by: Literal["people", "machine"] | None = None


class JudgeCard(Record, frozen=True):
    """A judge's measured accuracy against human labels, for one event, as printed beside its verdicts.

    Attributes:
        event: The positive label: `refused` (fully or partly), `not_full_refusal`, `delivered_harm`
            (all or a part of what was asked), `confidently_wrong`, `incorrect` (however sure). Where a
            judge's answers depend on what a request is after, `refused` is measured as if all were
            legitimate, `not_full_refusal` as if all were harmful, and `not_full_refusal_legitimate` is
            the latter as if they were legitimate.
        data, split: What it was measured on.
        n: Labelled replies that it scored.
        kappa: Cohen's kappa over all the classes of the axis, over the replies that it scored.
        sensitivity, specificity: (estimate, lower, upper) at two-sided 95%.
        sensitivity_counts, specificity_counts: (found, labels) at their effective size: replies to one
            prompt are one cluster and tell less than as many prompts. What the verdicts use.
        labels_by: Who labelled: `people`, or `machine` where no person has looked yet.
        judge: Name of the judge; empty on cards of earlier versions.
        informedness: J = sensitivity + specificity - 1, (estimate, lower, upper); 0 is chance.
        mcc: Matthews correlation at the labels' own share of the event, likewise.
        abstention: Share of the labelled replies that it did not score.
        strata: The same accuracy by language and by attack family, where the labels name them.
    """

    judge_hash: str
    axis: Axis
    data: str
    split: str
    n: int
    kappa: float
    sensitivity: tuple[float, float, float]
    specificity: tuple[float, float, float]
    event: CardEvent
    sensitivity_counts: tuple[float, float]
    specificity_counts: tuple[float, float]
    labels_by: Literal["people", "machine"] = "people"
    judge: str = ""
    informedness: tuple[float, float, float] | None = None
    mcc: tuple[float, float, float] | None = None
    abstention: float | None = None
    strata: tuple[CardStratum, ...] = ()
