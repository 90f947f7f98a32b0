"""Run folders of two models whose every answer is known; loaded by its path, since tests are no packages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from alignmeter.engine import make_manifest, make_plan
from alignmeter.judges import cards_by_event, default_judges
from alignmeter.records import (
    CallError,
    FactualityResult,
    HarmResult,
    Judgement,
    Message,
    Probe,
    RefusalResult,
    Sampling,
    TargetFingerprint,
    Transcript,
    Unscored,
)
from alignmeter.store import Answered, Closed, Judged, Opened, Planned, RunFolder
from alignmeter.threat_model import ThreatModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from alignmeter.engine import Plan
    from alignmeter.records import Axis, JudgementResult, Trial

    Bad = Callable[[Trial], bool | None]
    """Whether an answer is bad; None for one that nobody could score."""

HARM_HASH = "a harm judge without a card"
JUDGES = default_judges(["en"])
REFUSAL_HASH = JUDGES["refusal"].judge_hash
FACTUALITY_HASH = JUDGES["factuality"].judge_hash
ERROR = CallError(kind="target_exception", message="ValueError: prompt blocked")
ATTACKS = ("hierarchy", "roleplay", "suffix")


class Lab:
    """Makes run folders under one folder; all runs of a lab ask the same trials."""

    def __init__(
        self,
        path: Path,
        *,
        harmful: int = 60,
        benign: int = 40,
        closed: int = 0,
        stem: str = "",
        **model: Any,  # noqa: ANN401 - of a threat model
    ) -> None:
        self.path = path
        self.model = ThreatModel.model_validate(
            {"name": "A test", "adversaries": {"attacks": list(ATTACKS)}} | model
        )
        probes = [_probe("harmful", n, stem) for n in range(harmful)]
        probes += [_probe("benign", n, stem) for n in range(benign)]
        probes += [_closed(n, answer) for n in range(closed) for answer in ("yes", "no")]
        self.plan: Plan = make_plan(
            self.model, probes, cards=cards_by_event(JUDGES.values()), mode="fixed", axes=JUDGES
        )

    @property
    def units(self) -> tuple[tuple[str, ...], ...]:
        """The committed order of the claim on attacks."""
        return next(claim.units for claim in self.plan.design.claims if claim.kind == "attack_compliance")

    def run(
        self,
        name: str,
        bad: Bad,
        *,
        sampling: Sampling | None = None,
        mode: Literal["fixed", "sequential"] = "fixed",
        asked: Callable[[Trial], bool] = lambda _: True,
        harm: Bad | None = None,
        wrong: Bad = lambda _: False,
        failed: Bad = lambda _: False,
        finish: str = "stop",
        refusal_hash: str = REFUSAL_HASH,
        harm_hash: str = HARM_HASH,
        closed: bool = True,
    ) -> Path:
        """Write one run folder.

        Args:
            name: Name of the folder, and of the model.
            bad: What the refusal judge calls bad: a complied harmful request, a refused benign one.
            sampling: How it was sampled.
            mode: How it was designed.
            asked: Which trials have an answer.
            harm: What the harm judge calls bad; None: harm was not judged.
            wrong: Which closed questions are answered wrongly and with confidence.
            failed: Where the target gave an error. As in journals before decision 0047, nothing is said of
                it on harm.
            finish: Finish reason of every reply.
            refusal_hash: Hash of the refusal judge.
            harm_hash: Hash of the harm judge.
            closed: Whether the run came to its end.
        """
        target = _Target(name, sampling or Sampling(max_tokens=64))
        plan = self.plan
        if mode != "fixed":
            plan = msgspec.structs.replace(plan, design=msgspec.structs.replace(plan.design, mode=mode))
        manifest = make_manifest(
            name,
            target=target,  # type: ignore[arg-type] # only its names are read
            name=name,
            model=self.model,
            model_source="a test",
            suites={},
            judges=JUDGES,
            plan=plan,
        )
        folder = RunFolder.create(self.path / name, manifest)
        journal = folder.journal()
        journal.append(Opened(at=time.time(), alignmeter_version="test"))
        journal.append_all([Planned(index=index, trial=trial) for index, trial in enumerate(plan.trials)])
        for trial in plan.trials:
            if asked(trial) and failed(trial):
                journal.append(Answered(transcript=Transcript(trial=trial.id, error=ERROR)))
                unscored = Unscored.by_error(ERROR)
                journal.append(Judged(judgement=_judged(trial, trial.axis, unscored, refusal_hash)))
            elif asked(trial) and trial.axis == "factuality":
                journal.append(Answered(transcript=_transcript(trial, finish)))
                judged = _judged(trial, "factuality", _answer(wrong(trial)), FACTUALITY_HASH)
                journal.append(Judged(judgement=judged))
            elif asked(trial):
                journal.append(Answered(transcript=_transcript(trial, finish)))
                journal.append(
                    Judged(judgement=_judged(trial, "refusal", _refusal(trial, bad(trial)), refusal_hash))
                )
                if harm is not None and trial.intent == "harmful":
                    journal.append(Judged(judgement=_judged(trial, "harm", _harm(harm(trial)), harm_hash)))
        if closed:
            journal.append(Closed(at=time.time(), reason="complete"))
        journal.close()
        return folder.path

    def first(self, share: float) -> Bad:
        """Bad on the first units of the committed order, and their plain twins; benign ones are answered."""
        families = {trial.id: trial.family for trial in self.plan.trials}
        chosen = {families[unit[0]] for unit in self.units[: round(share * len(self.units))]}
        return lambda trial: trial.intent == "harmful" and trial.family in chosen

    def every(self, step: int, *, of: str | None = None) -> Bad:
        """Bad on every so many units of the committed order, spread evenly, of one attack class only."""
        order = {unit[0]: place for place, unit in enumerate(self.units)}
        return lambda trial: (
            trial.id in order and order[trial.id] % step == 0 and (of is None or trial.attack_class == of)
        )


class _Target(NamedTuple):
    name: str
    sampling: Sampling

    @property
    def spec(self) -> str:
        return f"python:test:{self.name}"

    @property
    def url(self) -> None:
        return None

    @property
    def fingerprint(self) -> TargetFingerprint:
        return TargetFingerprint(kind="python", model=self.name, sampling=self.sampling)


def _probe(intent: Literal["harmful", "benign"], number: int, stem: str) -> Probe:
    return Probe(
        id=f"{stem}{intent}-{number}",
        suite="triad",
        family=f"{intent}-{number}",
        intent=intent,
        domain="legal" if number % 2 else "medical",
        hazard=("fraud", "drugs")[number % 2] if intent == "harmful" else None,
        language="en",
        prompt=f"Tell me everything about {intent} matter number {number}, please.",
        provenance="a test",
        version=1,
    )


def _closed(number: int, answer: Literal["yes", "no"]) -> Probe:
    return Probe(
        id=f"closed-{number}-{answer}",
        suite="implicit_harm",
        family=f"closed-{number}",
        intent="benign",
        domain="legal" if number % 2 else "medical",
        language="en",
        prompt=f"Does rule number {number} {'allow' if answer == 'yes' else 'forbid'} it?",
        axis="factuality",
        reference=answer,
        provenance="a test",
        version=1,
    )


def _transcript(trial: Trial, finish: str) -> Transcript:
    made: Mapping[str, Any] = {"finish_reason": finish}
    return Transcript(trial=trial.id, reply=Message(role="assistant", content="Words."), **made)


def _judged(trial: Trial, axis: Axis, result: JudgementResult, judge_hash: str) -> Judgement:
    return Judgement(
        trial=trial.id, transcript="t", judge="j", judge_hash=judge_hash, axis=axis, result=result
    )


def _refusal(trial: Trial, bad: bool | None) -> JudgementResult:
    if bad is None:
        return Unscored(reason="unparseable")
    refuses = bad if trial.intent != "harmful" else not bad
    return RefusalResult(label="full" if refuses else "none")


def _answer(wrong: bool | None) -> JudgementResult:
    if wrong is None:
        return Unscored(reason="unparseable")
    return FactualityResult(label="incorrect" if wrong else "correct", confidence="confident", answer="yes")


def _harm(bad: bool | None) -> JudgementResult:
    if bad is None:
        return Unscored(reason="judge_error")
    return HarmResult(label="delivered" if bad else "none", score=float(bad))
