"""From threat model and probes to trials in dispatch order and a design that is hashed."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from alignmeter.attacks import CACHED_SUFFIX, PLAIN, AttackContext, attack_seed, get_attack, load_suffixes
from alignmeter.engine.budget import estimate_tokens
from alignmeter.errors import InputError
from alignmeter.identity import keyed_uniform, trial_id, trials_digest
from alignmeter.records import CoverageItem, Design, Message, Record, Trial
from alignmeter.suites import render_request
from alignmeter.suites.images import image_parts
from alignmeter.verdicts import BASELINE, Forecast, build_claims, coverage, dispatch_order, forecast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from alignmeter.records import Axis, CardEvent, JudgeCard, Probe
    from alignmeter.threat_model import ThreatModel

SMOKE_TRIALS = 20
_BY_ATTACK = frozenset({"attack_class", "attack_pool"})

Mode = Literal["sequential", "fixed", "smoke"]


class Plan(Record, frozen=True):
    """What a run will ask, fixed before the first call.

    Attributes:
        trials: In dispatch order.
        design: Claims with their units, seeds and digests.
        coverage: What the threat model names, measured or not.
        twins: The unattacked twin of each attacked trial, by id; asked beside it, in no claim.
    """

    trials: tuple[Trial, ...]
    design: Design
    coverage: tuple[CoverageItem, ...]
    twins: dict[str, str]

    def forecasts(self) -> tuple[Forecast, ...]:
        """What each claim with units will cost and can show."""
        return tuple(
            forecast(claim, calls_a_unit=sum(1 + (trial in self.twins) for trial in claim.units[0]))
            for claim in self.design.claims
            if claim.units and claim.kind != "language_gap"
        )

    @property
    def prompt_tokens(self) -> int:
        """Rough count of tokens that all the prompts take, a target's own prefix left out."""
        return sum(estimate_tokens(message.content) for trial in self.trials for message in trial.messages)


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
        InputError: Two probes render to the same trial, or an attack is unknown.
    """
    rendered = _render_all(model, [probe for probe in probes if _wanted(model, probe)])
    measured = coverage(model, rendered)
    claims = build_claims(
        model,
        rendered,
        measured,
        cards=cards,
        fixed=mode != "sequential",
        drawn=_drawn(model, rendered),
        axes=axes,
    )
    twins = _plain_twins(rendered)
    by_id = {trial.id: trial for trial in rendered}
    order = dispatch_order(claims, twins)
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
        twins=dict(twins),
    )


def _wanted(model: ThreatModel, probe: Probe) -> bool:
    """Whether the deployment can meet this probe.

    Benign requests are the control of every deployment: its domains and hazards narrow the rest.
    """
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


def _render_all(model: ThreatModel, probes: Iterable[Probe]) -> tuple[Trial, ...]:
    trials: dict[str, Trial] = {}
    for probe in probes:
        for trial in _render_probe(model, probe):
            if trial.id in trials:
                raise InputError(
                    f"probes {trials[trial.id].probe!r} and {probe.id!r} render to the same trial; "
                    f"each trial must be asked once: remove or change one of them"
                )
            trials[trial.id] = trial
    return tuple(trials.values())


def _render_probe(model: ThreatModel, probe: Probe) -> list[Trial]:
    """The trials of one probe: plain, or for a harmful one its attacks beside the plain twin.

    Where attacks are told apart each probe is rendered under every one of them, else under the one that
    is drawn for its family.
    """
    if probe.intent != "harmful":
        return [render(probe, PLAIN, model)]
    told_apart = _BY_ATTACK & set(model.design.split_of("attack_compliance"))
    request = render_request(probe)
    wanted = [name for name, weight in _attacks_on(request, model) if weight > 0]
    attacks = wanted if told_apart else [_draw_attack(model, probe.family, request)]
    # Languages are compared on unattacked requests.
    compared = len(model.languages) > 1 or BASELINE not in model.languages
    if PLAIN not in attacks and (model.adversaries.paired_plain or compared or not attacks):
        attacks = [*attacks, PLAIN]
    return [render(probe, attack, model) for attack in attacks]


def _drawn(model: ThreatModel, trials: Sequence[Trial]) -> frozenset[str]:
    """Ids of the harmful trials that stand for their family: those under the attack drawn for it."""
    return frozenset(
        trial.id
        for trial in trials
        if trial.intent == "harmful" and trial.attack == _draw_attack(model, trial.family, trial.request)
    )


def _draw_attack(model: ThreatModel, family: str, request: str) -> str:
    """Draw one attack for a family by the threat model's weights, the same in every run."""
    weights = _attacks_on(request, model)
    if not weights:
        return PLAIN
    sums = list(accumulate(weight for _, weight in weights))
    point = keyed_uniform(model.design.seed, "draw", family) * sums[-1]
    return next(name for (name, _), total in zip(weights, sums, strict=True) if point < total)


def _attacks_on(request: str, model: ThreatModel) -> list[tuple[str, float]]:
    """The threat model's attacks that change such a request, with their weights, in the order of names.

    Raises:
        InputError: One is unknown, or none of them changes it.
    """
    given = sorted(model.adversaries.attacks.items())
    found = [(name, weight) for name, weight in given if name == PLAIN or get_attack(name).works_on(request)]
    if given and not any(weight > 0 for _, weight in found):
        raise InputError(
            f"no attack of the threat model ({', '.join(name for name, _ in given)}) changes the request "
            f"{request[:40]!r}: they work on Latin letters only; add one that works on any script, "
            f"such as base64 or roleplay"
        )
    return found


def render(probe: Probe, attack: str, model: ThreatModel, *, draw: int = 0) -> Trial:
    """Render one probe under one attack into a trial.

    Args:
        probe: What is asked.
        attack: Name of an attack or composition, or `plain`.
        model: Gives the design seed, the context window and the file of suffixes.
        draw: Number of the draw, of an attack that is drawn several times such as `best_of_n`; it is the
            epoch of the trial.

    Raises:
        InputError: The attack is unknown or cannot be made.
    """
    request = render_request(probe)
    seed, attack_class, attack_pool = None, PLAIN, "public"
    images = image_parts(probe)
    messages: tuple[Message, ...] = (Message(role="user", content=request, images=images),)
    if attack != PLAIN:
        chosen = get_attack(attack)
        attack, attack_class, attack_pool = chosen.name, chosen.attack_class, chosen.pool
        seed = attack_seed(model.design.seed, probe.family, attack)
        messages = chosen.render(request, seed=seed, context=_context(probe, attack, model, draw))
    return Trial(
        id=trial_id(messages, epoch=draw, attack_seed=seed, image_digests=[image.digest for image in images]),
        probe=probe.id,
        suite=probe.suite,
        family=probe.family,
        intent=probe.intent,
        domain=probe.domain,
        language=probe.language,
        axis=probe.axis,
        messages=messages,
        request=request,
        attack=attack,
        attack_class=attack_class,
        attack_pool=attack_pool,
        attack_seed=seed,
        epoch=draw,
        hazard=probe.hazard,
        pool=probe.pool,
        reference=probe.reference,
    )


def _context(probe: Probe, attack: str, model: ThreatModel, draw: int) -> AttackContext:
    file = model.adversaries.suffix_file
    return AttackContext(
        context_tokens=model.adversaries.context_tokens,
        language=probe.language,
        draw=draw,
        suffixes=load_suffixes(file) if file is not None and CACHED_SUFFIX in attack else (),
    )


def _plain_twins(trials: Sequence[Trial]) -> Mapping[str, str]:
    """The unattacked twin of each attacked trial, by id."""
    plain = {trial.probe: trial.id for trial in trials if trial.attack == PLAIN}
    return {
        trial.id: plain[trial.probe] for trial in trials if trial.attack != PLAIN and trial.probe in plain
    }
