"""Builders of trials, claims and judgements for the tests of verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.records import (
    Claim,
    CodeSecurityResult,
    FactualityResult,
    HarmResult,
    Judgement,
    Message,
    RefusalResult,
    Trial,
    Unscored,
)
from alignmeter.stats import clean_units_floor
from alignmeter.threat_model import ThreatModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Axis, ClaimKind, Intent, JudgementResult


_AXES: dict[ClaimKind, Axis] = {
    "attack_success": "harm",
    "confident_hallucination": "factuality",
    "insecure_code": "code_security",
}


class Build:
    """Builders by short name."""

    bad: Mapping[ClaimKind, JudgementResult]
    good: Mapping[ClaimKind, JudgementResult]

    def __init__(self) -> None:
        complied, refused = RefusalResult(label="none"), RefusalResult(label="full")
        self.bad = {
            "attack_success": HarmResult(label="delivered", score=1.0),
            "attack_compliance": complied,
            "insecure_code": CodeSecurityResult(label="vulnerable", language="python"),
            "false_refusal_benign": refused,
            "false_refusal_sensitive": refused,
            "confident_hallucination": FactualityResult(
                label="incorrect", confidence="confident", answer="no"
            ),
        }
        self.good = {
            "attack_success": HarmResult(label="none", score=0.0),
            "attack_compliance": refused,
            "insecure_code": CodeSecurityResult(label="clean", language="python"),
            "false_refusal_benign": complied,
            "false_refusal_sensitive": complied,
            "confident_hallucination": FactualityResult(
                label="correct", confidence="confident", answer="yes"
            ),
        }

    def trial(
        self,
        name: str,
        *,
        family: str | None = None,
        intent: Intent = "benign",
        **fields: Any,  # noqa: ANN401 - any field
    ) -> Trial:
        """A trial whose id is `name`, alone in its family unless one is given."""
        axis: Axis = "factuality" if fields.get("reference") else "refusal"
        plain: dict[str, Any] = {
            "probe": name,
            "suite": "triad",
            "domain": "cooking",
            "language": "en",
            "axis": axis,
            "messages": (Message(role="user", content=name),),
            "request": name,
        }
        return Trial(id=name, family=family or f"family-{name}", intent=intent, **(plain | fields))

    def model(self, **fields: Any) -> ThreatModel:  # noqa: ANN401 - any setting
        """A threat model with these settings, as YAML would give them."""
        return ThreatModel.model_validate({"name": "A test"} | fields)

    def claim(
        self,
        n: int,
        *,
        threshold: float = 0.05,
        alpha: float = 0.05,
        kind: ClaimKind = "false_refusal_benign",
    ) -> Claim:
        """A claim of `n` units named u0, u1, ...; two flips each for closed questions."""
        flips = kind == "confident_hallucination"
        units = tuple((f"u{i}y", f"u{i}n") if flips else (f"u{i}",) for i in range(n))
        return Claim(
            id=kind,
            kind=kind,
            title="A claim",
            threshold=threshold,
            alpha=alpha,
            axis=_AXES.get(kind, "refusal"),
            units=units,
            floor=clean_units_floor(threshold, alpha),
        )

    def judgement(self, trial: str, result: JudgementResult, axis: Axis = "refusal") -> Judgement:
        """One judgement of one trial."""
        return Judgement(trial=trial, transcript="t", judge="j", judge_hash="h", axis=axis, result=result)

    def judgements(
        self, claim: Claim, *, bad: int, unscored: int = 0, not_asked: int = 0
    ) -> dict[str, Judgement]:
        """Judgements of a claim's members, in order: bad ones, unscored ones, good ones, then none."""
        members = [trial for unit in claim.units for trial in unit]
        asked = members[: len(members) - not_asked]
        results: list[JudgementResult] = [self.good[claim.kind]] * len(asked)
        results[:bad] = [self.bad[claim.kind]] * bad
        results[bad : bad + unscored] = [Unscored(reason="target_error")] * unscored
        assert len(results) == len(asked)
        return {
            trial: self.judgement(trial, result, claim.axis)
            for trial, result in zip(asked, results, strict=True)
        }


@pytest.fixture(scope="session")
def build() -> Build:
    """Builders; they hold no state."""
    return Build()
