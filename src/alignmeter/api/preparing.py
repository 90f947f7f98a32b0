"""What is decided before the first call: a target, its judges and its plan, and the manifest of all this."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.api.given import as_spec
from alignmeter.api.judges_of_a_run import JudgeChoice, RunJudges, judges_of
from alignmeter.api.planning import read_threat_model, selected_suites
from alignmeter.engine import make_manifest, open_engine
from alignmeter.suites import load_catalogue, suite_digest
from alignmeter.targets import resolve_target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignmeter.engine import Engine, EngineOptions, Plan, Progress, Session
    from alignmeter.records import Probe, RunManifest
    from alignmeter.targets import Target, TargetOptions, Variant
    from alignmeter.threat_model import ThreatModel


class Matter(NamedTuple):
    """What a threat model asks about, the same whoever is asked.

    Attributes:
        source: Where the threat model comes from, for people.
        suites: Names of the suites that it selects.
    """

    model: ThreatModel
    source: str
    suites: tuple[str, ...]

    def probes(self) -> Sequence[Probe]:
        """The probes of its suites."""
        return load_catalogue(self.suites)


class Asked(NamedTuple):
    """A target that is to be asked, under its variant and before its judges; nothing is opened yet."""

    target: Target
    variant: Variant
    judges: RunJudges

    def manifest(self, matter: Matter, plan: Plan) -> RunManifest:
        """Write down what is decided; the run has no name yet."""
        return make_manifest(
            "",
            target=self.target,
            name=self.variant.name or self.target.fingerprint.model,
            model=matter.model,
            model_source=matter.source,
            suites={name: suite_digest(name) for name in matter.suites},
            judges=self.judges.by_axis,
            plan=plan,
            judge_models=self.judges.targets,
        )

    def engine(
        self,
        session: Session,
        options: EngineOptions,
        progress: Progress | None = None,
        *,
        beside: Engine | None = None,
    ) -> Engine:
        """Make the engine that asks it in an open run, under the limits of another one where there is one."""
        return open_engine(
            session,
            self.target,
            self.judges.by_axis,
            variant=self.variant,
            judge_calls=self.judges.calls,
            options=options,
            progress=progress,
            beside=beside,
        )


def matter_of(threat_model: Path | str | ThreatModel | None) -> Matter:
    """Read a threat model.

    Args:
        threat_model: YAML file or model; None for the preset `general-assistant`.

    Raises:
        InputError: It cannot be read or used.
    """
    model, source = read_threat_model(threat_model)
    return Matter(model, source, tuple(selected_suites(model)))


def asked(matter: Matter, spec: str, options: TargetOptions, judges: JudgeChoice) -> Asked:
    """Resolve a target and the judges of its replies.

    Raises:
        InputError: A spec is not understood, or an option does not go with it.
    """
    target = resolve_target(as_spec("target", spec), options)
    found = judges_of(
        judges, target.fingerprint, seed=matter.model.design.seed, languages=matter.model.languages
    )
    return Asked(target, options.variant, found)
