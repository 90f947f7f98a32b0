"""From threat model and probes to trials in dispatch order and a design that is hashed."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Literal

from alignmeter.attacks import PLAIN
from alignmeter.engine.budget import estimate_tokens
from alignmeter.engine.rendering import Rendered, draws, render_probe
from alignmeter.engine.tasks import check_task_domains, is_wanted_task, task_order
from alignmeter.errors import InputError
from alignmeter.identity import trials_digest
from alignmeter.records import CoverageItem, Design, Record, Trial
from alignmeter.suites import imported_suites
from alignmeter.verdicts import (
    ATTACKED,
    BASELINE,
    Forecast,
    GapForecast,
    build_claims,
    coverage,
    coverage_claims,
    dispatch_order,
    expected_units,
    forecast,
    gap_forecast,
    unmeasured_limits,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from alignmeter.records import Axis, CardEvent, Claim, JudgeCard, Probe
    from alignmeter.threat_model import ThreatModel

SMOKE_TRIALS = 20

Mode = Literal["sequential", "fixed", "smoke"]


class Plan(Record, frozen=True):
    """What a run will ask, fixed before the first call.

    Attributes:
        trials: In dispatch order.
        design: Claims with their units, seeds and digests.
        coverage: What the threat model names, measured or not.
        beside: Trials in no claim, by the trial that they are asked beside: the plain twin of one under
            attack or in another wording, and the draws of best-of-N.
        tasks: Trials on the axis `capability`, in no claim and asked whatever is decided.
    """

    trials: tuple[Trial, ...]
    design: Design
    coverage: tuple[CoverageItem, ...]
    beside: dict[str, tuple[str, ...]]
    tasks: tuple[str, ...] = ()

    def forecasts(self) -> tuple[Forecast, ...]:
        """What each claim on a rate will take and can show."""
        return tuple(
            forecast(claim) for claim in self.design.claims if claim.units and claim.kind != "language_gap"
        )

    def gap_forecasts(self) -> tuple[GapForecast, ...]:
        """What each claim on a language gap can come to, and what would let it PASS; simulated."""
        return tuple(gap_forecast(claim) for claim in self.design.claims if claim.kind == "language_gap")

    def expected(self, multiple: float) -> tuple[Trial, ...]:
        """The trials that a run is expected to ask, in dispatch order.

        A sequential run asks as many of the first units of each claim as are expected, with what is
        asked beside them, and every task; a trial that several claims want is asked once.

        Args:
            multiple: True rates and gaps, as a multiple of each claim's limit.
        """
        if self.design.mode != "sequential":
            return self.trials
        wanted = set(self.tasks)
        for claim in self.design.claims:
            for unit in claim.units[: expected_units(claim, multiple)]:
                for trial in unit:
                    wanted.update((trial, *self.beside.get(trial, ())))
        return tuple(trial for trial in self.trials if trial.id in wanted)


def prompt_tokens(trials: Iterable[Trial]) -> int:
    """Rough count of tokens that the prompts take, a target's own prefix left out."""
    return sum(estimate_tokens(message.content) for trial in trials for message in trial.messages)


def make_plan(
    model: ThreatModel,
    probes: Sequence[Probe],
    *,
    cards: Mapping[CardEvent, JudgeCard],
    mode: Mode = "sequential",
    axes: Collection[Axis] = (),
) -> Plan:
    """Render the threat model's probes into trials and bind them to claims.

    Args:
        model: The threat model.
        probes: Probes of the suites that the threat model selects.
        cards: What is known of the judges that will judge, by event.
        mode: `sequential` stops asking when a claim is decided, `fixed` asks everything, `smoke` only
            the first twenty trials and claims nothing.
        axes: Axes beside each trial's own that some judge scores, for example `harm`.

    Raises:
        InputError: Two probes render to the same trial, or an attack or a domain is unknown.
    """
    check_task_domains(model, probes)
    asked = [probe for probe in probes if _wanted(model, probe)]
    rendered = _render_all(model, asked)
    trials = tuple(one.trial for one in rendered.values())
    claims = build_claims(
        model,
        trials,
        cards=cards,
        fixed=mode != "sequential",
        drawn=frozenset(trial for trial, one in rendered.items() if one.stands),
        axes=axes,
        imported=imported_suites(),
    )
    measured = (*coverage(model, trials, claims), *unmeasured_limits(model, claims))
    claims += coverage_claims(model, measured)
    drawn = _draws(model, asked, rendered, claims)
    beside = _beside(trials, drawn)
    by_id = {trial.id: trial for trial in chain(trials, *drawn.values())}
    tasks = task_order(model, trials)
    order = (*dispatch_order(claims, beside), *tasks)
    if mode == "smoke":
        order, claims = order[:SMOKE_TRIALS], ()
    return Plan(
        trials=tuple(by_id[trial] for trial in order),
        design=Design(
            mode=mode,
            alpha=model.design.alpha,
            seed=model.design.seed,
            unscored_budget=model.thresholds.unscored,
            claims=claims,
            trials=trials_digest(order),
            n_trials=len(order),
        ),
        coverage=measured,
        beside=beside,
        tasks=tasks,
    )


def _wanted(model: ThreatModel, probe: Probe) -> bool:
    """Whether the deployment can meet this probe.

    Benign requests are the control of every deployment: its domains and hazards narrow the rest.
    """
    if probe.axis == "capability":
        return is_wanted_task(model, probe)
    if probe.image is not None and not model.images:
        return False
    baseline = probe.language == BASELINE and probe.axis == "refusal"  # other languages are compared with it
    if probe.language not in model.languages and not baseline:
        return False
    if probe.axis == "refusal" and probe.intent == "benign":
        return True
    domains, hazards = model.domain_weights, model.hazards
    if domains and domains.get(probe.domain, 0) <= 0:
        return False
    return not hazards or probe.hazard is None or probe.hazard in hazards


def _render_all(model: ThreatModel, probes: Iterable[Probe]) -> dict[str, Rendered]:
    found: dict[str, Rendered] = {}
    for probe in probes:
        for rendered in render_probe(model, probe):
            _add(found, rendered)
    return found


def _add(found: dict[str, Rendered], rendered: Rendered) -> None:
    trial = rendered.trial
    if trial.id in found:
        raise InputError(
            f"probes {found[trial.id].trial.probe!r} and {trial.probe!r} render to the same trial; "
            f"each trial must be asked once: remove or change one of them"
        )
    found[trial.id] = rendered


def _beside(trials: Sequence[Trial], drawn: Mapping[str, Sequence[Trial]]) -> dict[str, tuple[str, ...]]:
    """What is asked beside each trial: its plain twin, and draws of the same request."""
    plain = {trial.probe: trial.id for trial in trials if trial.attack == PLAIN}
    found: dict[str, tuple[str, ...]] = {}
    for trial in trials:
        twin = [plain[trial.probe]] if trial.attack != PLAIN and trial.probe in plain else []
        others = [other.id for other in drawn.get(trial.id, ()) if other.id != trial.id]
        if twin or others:
            found[trial.id] = (*twin, *others)
    return found


def _draws(
    model: ThreatModel, probes: Sequence[Probe], rendered: Mapping[str, Rendered], claims: Sequence[Claim]
) -> dict[str, tuple[Trial, ...]]:
    """The draws of best-of-N, by the trial that stands for the family; of the first families only."""
    wanted = model.adversaries.best_of_n
    if wanted is None:
        return {}
    by_name = {probe.id: probe for probe in probes}
    attacked = (claim.units for claim in claims if claim.kind in ATTACKED and claim.part is None)
    drawn: dict[str, tuple[Trial, ...]] = {}
    for (standing,) in next(attacked, ()):
        if found := draws(model, by_name[rendered[standing].trial.probe]):
            drawn[standing] = found
        if len(drawn) == wanted.families:
            break
    return drawn
