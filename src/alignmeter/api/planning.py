"""From a threat model to a plan; calls nothing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.api.given import as_path
from alignmeter.api.judges_of_a_run import JudgeChoice, judges_of
from alignmeter.attacks import PLAIN, get_attack
from alignmeter.engine import Mode, Plan, Prices, make_plan
from alignmeter.errors import InputError
from alignmeter.files import read_text
from alignmeter.judges import axes_for, cards_by_event, positive_event
from alignmeter.rotation import not_held_out
from alignmeter.stats import second_stage_calls
from alignmeter.suites import (
    ONLY_WHEN_NAMED,
    check_folder,
    check_suite,
    imported_suites,
    load_catalogue,
    suite_names,
)
from alignmeter.threat_model import ThreatModel, default_threat_model, load_threat_model
from alignmeter.threat_model.document import DocumentError, parse_document
from alignmeter.verdicts import ENOUGH
from alignmeter.verdicts import ways_to_pass as look_for_ways

if TYPE_CHECKING:
    from alignmeter.api.judges_of_a_run import RunJudges
    from alignmeter.judges import Cascade
    from alignmeter.records import Axis, Claim, Intent
    from alignmeter.verdicts import WaysToPass


def read_threat_model(given: Path | str | ThreatModel | None) -> tuple[ThreatModel, str]:
    """Load a threat model, or the default one; returns it with the name of its source.

    Args:
        given: YAML file, or a model that is at hand; None for the preset `general-assistant`.

    Raises:
        InputError: The file cannot be read or used, or it is no file and no model.
    """
    if given is None:
        return default_threat_model(), "preset general-assistant"
    if isinstance(given, ThreatModel):
        return given, f"{given.name}, given in Python"
    path = as_path("threat_model", given)
    model = load_threat_model(path)
    _check_attacks(model, path)
    return model, str(path)


def _check_attacks(model: ThreatModel, path: Path) -> None:
    """Look the attacks of a file up while its lines are known: plugins may bring further ones.

    Raises:
        InputError: There is none of a name; names the file, the line and the nearest attack.
    """
    for name in model.adversaries.attacks:
        try:
            if name != PLAIN:
                get_attack(name)
        except InputError as error:
            lines = parse_document(read_text(path)).lines
            line = lines.get(("adversaries", "attacks", name), lines.get(("adversaries", "attacks"), 1))
            raise InputError(f"{path}:{line}: adversaries.attacks: {error}") from None


def selected_suites(model: ThreatModel) -> tuple[str, ...]:
    """Names of the suites that a threat model selects.

    Where `suites` is null: all but held-out ones, imported ones and those that measure capability.

    Raises:
        InputError: It names one that does not exist, or takes all and a file of the user's can be no suite.
    """
    if model.suites is None:
        check_folder()
    for name in model.suites or ():
        check_suite(name)
    known = suite_names()
    default = [name for name in known if name not in {*ONLY_WHEN_NAMED, *imported_suites()}]
    chosen = not_held_out(default) if model.suites is None else tuple(model.suites)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise InputError(
            f"the threat model {model.name!r} names the suite {unknown[0]!r}, which does not exist; "
            f"expected under `suites:` some of {', '.join(known)}"
        )
    return chosen


def plan(
    threat_model: Path | str | ThreatModel | None = None,
    *,
    mode: Mode = "sequential",
    judges: JudgeChoice | None = None,
) -> Plan:
    """Plan a run without calling anything.

    Args:
        threat_model: YAML file or model; None for the preset `general-assistant`.
        mode: `sequential`, `fixed` or `smoke`.
        judges: Judges beside, or instead of, the built-in ones; nothing of theirs is called either.

    Returns:
        Trials in dispatch order, the design with its claims, and the coverage.
    """
    model, _ = read_threat_model(threat_model)
    chosen = judges_of(judges or JudgeChoice(), None, seed=model.design.seed, languages=model.languages)
    cards = cards_by_event(chosen.by_axis.values())
    probes = load_catalogue(selected_suites(model))
    return make_plan(model, probes, cards=cards, mode=mode, axes=chosen.by_axis)


def ways_to_pass(model: ThreatModel, made: Plan, judges: JudgeChoice | None = None) -> tuple[WaysToPass, ...]:
    """Say what would let a target without a failure PASS each claim that hardly lets it.

    Args:
        model: The threat model.
        made: Its plan.
        judges: The judges that it was made with.

    Returns:
        One for each such claim, in the plan's order; empty where every claim can be passed.
    """
    short = {one.claim for one in made.forecasts() if one.calibrated and one.at(0.0).p_pass < ENOUGH}
    if not short:
        return ()
    alone: dict[str, Claim] = {}
    if model.design.correct_failures and len(made.design.claims) > 1:
        design = model.design.model_copy(update={"correct_failures": False})
        single = plan(model.model_copy(update={"design": design}), mode=made.design.mode, judges=judges)
        alone = {claim.id: claim for claim in single.design.claims}
    claims = (claim for claim in made.design.claims if claim.id in short)
    found = (look_for_ways(claim, alone.get(claim.id)) for claim in claims)
    return tuple(one for one in found if one is not None)


def judge_calls(made: Plan, judges: RunJudges, multiple: float) -> dict[Axis, float]:
    """Return the calls to models behind judges that a run is expected to make, by axis.

    Args:
        made: The plan.
        judges: The judges that it was made with.
        multiple: True rates, as a multiple of each claim's limit.
    """
    rates = _rates(made, multiple)
    replies: defaultdict[Axis, Counter[tuple[Intent, float]]] = defaultdict(Counter)
    for trial in made.expected(multiple):
        for axis in axes_for(trial, judges.by_axis):
            replies[axis][trial.intent, rates.get(trial.id, 0.0)] += 1
    return {
        axis: sum(
            models.always * number
            + sum(_second_calls(cascade, intent, number, rate) for cascade in models.sometimes)
            for (intent, rate), number in replies[axis].items()
        )
        for axis, models in judges.models.items()
        if models.always or models.sometimes
    }


def _rates(made: Plan, multiple: float) -> dict[str, float]:
    """The rate of bad replies among which each trial's is expected: that of the first claim that asks it."""
    found: dict[str, float] = {}
    for claim in made.design.claims:
        for trial in chain.from_iterable(claim.units):
            for asked in (trial, *made.beside.get(trial, ())):
                found.setdefault(asked, min(1.0, multiple * claim.threshold))
    return found


def _second_calls(cascade: Cascade, intent: Intent, replies: float, rate: float) -> float:
    """Calls of the second stage, by what the card of the first says; a first without one flags rightly."""
    card = cards_by_event([cascade.first]).get(positive_event(cascade.axis, intent))
    sensitivity, specificity = (1.0, 1.0) if card is None else (card.sensitivity[0], card.specificity[0])
    return second_stage_calls(
        replies, rate, sensitivity=sensitivity, specificity=specificity, sample=cascade.rate
    ).total


def read_prices(path: Path | str) -> Prices:
    """Read prices from a YAML file with `prompt` and `completion`: money for a million tokens.

    Raises:
        InputError: The file cannot be read, or holds anything else.
    """
    path = Path(path)
    try:
        found = msgspec.convert(parse_document(read_text(path)).data, dict[str, float], strict=False)
        wrong = ""
    except (DocumentError, msgspec.ValidationError) as error:
        found, wrong = {}, f" ({error})"
    valid = all(math.isfinite(price) and price >= 0 for price in found.values())
    if not found or not valid or not set(found) <= {"prompt", "completion"}:
        raise InputError(
            f"{path}: expected YAML with `prompt` and `completion`, each the price of a million tokens, for "
            f"example `prompt: 0.15`{wrong}"
        )
    return Prices(**found)
