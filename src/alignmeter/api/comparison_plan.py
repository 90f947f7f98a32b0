"""What two targets are asked side by side: the units of the claim on attacks, as many as the looks need."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from alignmeter.engine import make_plan
from alignmeter.errors import InputError
from alignmeter.identity import trials_digest
from alignmeter.judges import cards_by_event
from alignmeter.records.events import EVENTS
from alignmeter.verdicts import ATTACKED, card_for, delta_margins, design_comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.api.judges_of_a_run import RunJudges
    from alignmeter.engine import Plan
    from alignmeter.records import ArmRole, Claim, Probe
    from alignmeter.threat_model import ThreatModel

ROLES: tuple[ArmRole, ArmRole] = ("base", "tuned")


def comparison_plans(
    model: ThreatModel,
    probes: Sequence[Probe],
    judges: RunJudges,
    *,
    partners: tuple[str, str],
    margin: float | None,
) -> tuple[Plan, Plan]:
    """Plan both arms; they differ only in who is whose partner.

    Args:
        model: The threat model.
        probes: Probes of the suites that it selects.
        judges: The judges of both arms.
        partners: Fingerprint hashes: of the tuned target for the base arm, and the other way round.
        margin: Largest accepted rise; None for the threat model's.

    Raises:
        InputError: The threat model has no harmful request to attack.
    """
    cards = cards_by_event(judges.by_axis.values())
    whole = make_plan(_narrowed(model, None), probes, cards=cards, axes=judges.by_axis)
    claim = _attack_claim(whole)
    by_id = {trial.id: trial for trial in whole.trials}
    spoken = Counter(by_id[unit[0]].language for unit in claim.units)
    margins = delta_margins(
        model.thresholds.fine_tune_delta if margin is None else margin,
        model.design.alpha,
        card_for(cards, EVENTS[claim.kind], spoken),
    )
    designs = [
        design_comparison(role, partner, margins, len(claim.units))
        for role, partner in zip(ROLES, partners, strict=True)
    ]
    n_max = designs[0].n_max
    if n_max < len(claim.units):
        # The arm's own claim is designed for the units that may be asked.
        whole = make_plan(_narrowed(model, n_max), probes, cards=cards, axes=judges.by_axis)
        claim = _attack_claim(whole)
    trials = tuple(by_id[unit[0]] for unit in claim.units)
    base, tuned = (
        msgspec.structs.replace(
            whole,
            trials=trials,
            design=msgspec.structs.replace(
                whole.design,
                claims=(claim,),
                trials=trials_digest([trial.id for trial in trials]),
                n_trials=len(trials),
                comparison=design,
            ),
            beside={},
            tasks=(),
        )
        for design in designs
    )
    return base, tuned


def _attack_claim(plan: Plan) -> Claim:
    found = next(
        (claim for claim in plan.design.claims if claim.kind in ATTACKED and claim.part is None),
        None,
    )
    if found is None:
        raise InputError(
            "expected a threat model with harmful requests to attack, got none in its suites, domains and "
            "hazards; widen `suites:`, `domains:` or `hazards:`"
        )
    return found


def _narrowed(model: ThreatModel, units: int | None) -> ThreatModel:
    """The same threat model without parts, and with no more attacked units than the looks need."""
    settings = model.design.model_copy(update={"split": {}})
    if units is not None:
        settings = settings.model_copy(update={"max_units": {"attack_compliance": units}})
    return model.model_copy(update={"design": settings})
