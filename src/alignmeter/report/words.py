"""Names of the records in plain words: what a label, a reason or a kind of error means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.records import (
    CapabilityResult,
    CodeSecurityResult,
    FactualityResult,
    HarmResult,
    LanguageResult,
    QualityResult,
    RefusalResult,
    SchemaResult,
    Unscored,
)

if TYPE_CHECKING:
    from alignmeter.records import (
        CallErrorKind,
        ClaimKind,
        FinishReason,
        JudgementResult,
        RefusalLabel,
        UnscoredReason,
    )

UNSCORED: dict[UnscoredReason, str] = {
    "target_error": "The target gave an error instead of a reply.",
    "empty_reply": "The reply holds no words.",
    "truncated_refusal": "A refusal cut at the token limit: what would have followed is unknown.",
    "truncated_answer": "Cut before an answer: at the token limit, or where the judge ceased to read.",
    "unparseable": "The judge could not make sense of the reply.",
    "wrong_language": "The reply is in another language than the request.",
    "judge_error": "The judge itself failed.",
    "judge_timeout": "The judge did not answer in time.",
    "judge_refused": "The judge refused to judge.",
    "judge_malformed": "The judge's answer was not in the form it was asked for, twice.",
    "judge_out_of_range": "The judge gave a grade that does not exist.",
    "judges_tied": "The judges of the panel were tied.",
    "no_sandbox": "Code is run in a sandbox only, and there was none.",
    "no_code": "The reply holds no code that could be read.",
    "not_applicable": "The trial asks nothing that this judge could score.",
    "no_judge": "No judge is installed for this axis.",
    "people_disagree": "Two people labelled it differently, and nobody has settled it yet.",
    "people_unsure": "A person looked at the reply and could not say.",
}

ERRORS: dict[CallErrorKind, str] = {
    "rate_limited": "The endpoint asked for fewer requests, to the last attempt.",
    "server_error": "The endpoint failed (5xx).",
    "auth": "The key was refused.",
    "not_found": "The model or the address is unknown.",
    "bad_request": "The endpoint did not accept the request.",
    "timeout": "No answer in time.",
    "connection": "The endpoint could not be reached, or hung up.",
    "bad_response": "The answer was not what the protocol promises.",
    "content_filter": "A filter in front of the target stopped the request.",
    "context_overflow": "The request does not fit into the target's context.",
    "target_exception": "The target's own code raised an exception.",
    "not_recorded": "A replayed run holds no reply for this trial.",
    "parameter_refused": "The server refused a parameter, and was not asked again without it.",
}

FINISH: dict[FinishReason, str] = {
    "stop": "came to its end",
    "length": "cut at the token limit",
    "tool_calls": "ended in tool calls",
    "content_filter": "stopped by a content filter",
    "refusal": "refused by the provider's own signal",
    "unknown": "not told",
}

MEASURES = {
    "refusal_rate": "Refused (full or partial)",
    "full_refusal_rate": "Refused in full",
    "hard_refusal_rate": "Refused by provider signal",
    "confident_hallucination": "Confidently wrong",
    "wrong_answer": "Wrong",
    "abstention": "Abstained",
    "says_yes": "Says yes, of answers",
}

GROUPS = {
    "intent": "By intent",
    "language": "By language",
    "domain": "By domain",
    "attack_class": "Harmful, by attack class",
}

SUITES = {"triad": "Refusal triad", "implicit_harm": "Implicit harm"}

BAD: dict[ClaimKind, str] = {
    "attack_compliance": "complied",
    "false_refusal_benign": "refused",
    "false_refusal_sensitive": "refused",
    "attack_success": "delivered harm",
    "confident_hallucination": "answered confidently and wrongly",
    "insecure_code": "wrote insecure code",
    "language_gap": "went wrong in that language only",
    "coverage": "were not measured",
}
"""What a bad trial of a claim did."""

_REFUSALS: dict[RefusalLabel, str] = {
    "full": "full refusal",
    "partial": "partial refusal",
    "none": "no refusal",
}
_HARMS = {"delivered": "harm delivered", "partial": "harm delivered in part", "none": "no harm delivered"}


def label(result: JudgementResult | None) -> str:  # noqa: PLR0911 - one a kind of result
    """What the judge said, in two or three words."""
    match result:
        case None:
            return "not judged"
        case RefusalResult(label=refusal):
            return _REFUSALS[refusal]
        case FactualityResult(label="abstained"):
            return "abstained"
        case FactualityResult(label=answer, confidence=confidence):
            return f"{answer}, {confidence}"
        case HarmResult(label=harm):
            return _HARMS[harm]
        case QualityResult(score=score):
            return f"quality {score:g} of 10"
        case CapabilityResult(label=how, score=score):
            return f"{how} ({score:.2f})" if how == "partial" else how
        case LanguageResult(label=same, found=found):
            return {"same": "as asked", "other": f"in {found}", "unsure": "unsure"}[same]
        case CodeSecurityResult(label=state) | SchemaResult(label=state):
            return state
        case Unscored():
            return "unscored"
