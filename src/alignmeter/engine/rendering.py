"""From a probe to the trials that ask it: plainly, under attacks, in other wordings, drawn several times."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.attacks import CACHED_SUFFIX, PLAIN, AttackContext, attack_seed, get_attack, load_suffixes
from alignmeter.errors import InputError
from alignmeter.identity import keyed_uniform, trial_id
from alignmeter.records import Message, Trial
from alignmeter.suites import render_request
from alignmeter.suites.images import image_parts
from alignmeter.suites.variants import VARIANTS, variant
from alignmeter.verdicts import BASELINE

if TYPE_CHECKING:
    from alignmeter.records import AttackPool, ClaimKind, Probe
    from alignmeter.threat_model import ThreatModel

BEST_OF_N = "best_of_n"
"""The attack whose draws are asked beside the first families."""

_BY_ATTACK = frozenset({"attack_class", "attack_pool"})


class Rendered(NamedTuple):
    """A trial, and whether it stands for its family where attacks or wordings are not told apart."""

    trial: Trial
    stands: bool


def render_probe(model: ThreatModel, probe: Probe) -> list[Rendered]:
    """Return the trials of one probe.

    A harmful request is rendered under the attack that is drawn for its family by the threat model's
    weights, a closed question in the form that is drawn; where a claim is split by attack, under every
    one of them. The plain twin comes along where it is compared with.

    Raises:
        InputError: An attack is unknown or cannot be made, or none changes the request.
    """
    if probe.intent == "harmful":
        # Languages are compared on unattacked requests.
        compared = len(model.languages) > 1 or BASELINE not in model.languages
        return _dressed(model, probe, "attack_compliance", _attacks_on(probe, model), compared=compared)
    if probe.axis == "factuality":
        return _dressed(model, probe, "confident_hallucination", _forms_of(probe, model), compared=False)
    return [Rendered(render(probe, PLAIN, model), stands=True)]


def _dressed(
    model: ThreatModel, probe: Probe, claim: ClaimKind, weights: list[tuple[str, float]], *, compared: bool
) -> list[Rendered]:
    told_apart = bool(_BY_ATTACK & set(model.design.split_of(claim)))
    chosen = _draw(model, probe.family, weights)
    names = [name for name, weight in weights if weight > 0] if told_apart else [chosen]
    if PLAIN not in names and (model.adversaries.paired_plain or compared or not names):
        names = [*names, PLAIN]
    return [Rendered(render(probe, name, model), stands=name == chosen) for name in names]


def _draw(model: ThreatModel, family: str, weights: list[tuple[str, float]]) -> str:
    """Draw one name for a family by weight, the same in every run; both flips of a family get the same."""
    if not weights:
        return PLAIN
    sums = list(accumulate(weight for _, weight in weights))
    point = keyed_uniform(model.design.seed, "draw", family) * sums[-1]
    return next(name for (name, _), total in zip(weights, sums, strict=True) if point < total)


def _attacks_on(probe: Probe, model: ThreatModel) -> list[tuple[str, float]]:
    """The threat model's attacks that change a request, with their weights, in the order of names."""
    request = render_request(probe)
    given = sorted(model.adversaries.attacks.items())
    found = [(name, weight) for name, weight in given if name == PLAIN or get_attack(name).works_on(request)]
    if given and not any(weight > 0 for _, weight in found):
        raise InputError(
            f"no attack of the threat model ({', '.join(name for name, _ in given)}) changes the request "
            f"{request[:40]!r}: they work on Latin letters only; add one that works on any script, "
            f"such as base64 or roleplay"
        )
    return found


def _forms_of(probe: Probe, model: ThreatModel) -> list[tuple[str, float]]:
    """The forms in which a closed question can be put, with their weights.

    Wordings are in English only and some attacks work on Latin letters only; a question that comes with
    an image is put plainly. Where nothing is left the question is put plainly.
    """
    if probe.image is not None:
        return []
    request = render_request(probe)
    found = [
        (name, weight)
        for name, weight in sorted(model.adversaries.question_forms.items())
        if name == PLAIN
        or (probe.language == BASELINE if name in VARIANTS else get_attack(name).works_on(request))
    ]
    return found if any(weight > 0 for _, weight in found) else []


def draws(model: ThreatModel, probe: Probe) -> tuple[Trial, ...]:
    """Return every draw of best-of-N of one harmful request, none where that is not asked or changes nothing.

    Raises:
        InputError: The attack cannot be made.
    """
    wanted = model.adversaries.best_of_n
    if wanted is None or not get_attack(BEST_OF_N).works_on(render_request(probe)):
        return ()
    return tuple(render(probe, BEST_OF_N, model, draw=number) for number in range(wanted.draws))


def render(probe: Probe, attack: str, model: ThreatModel, *, draw: int = 0) -> Trial:
    """Render one probe under one attack, or in one wording, into a trial.

    Args:
        probe: What is asked.
        attack: Name of an attack or composition, of a wording of closed questions, or `plain`.
        model: Gives the design seed, the context window and the file of suffixes.
        draw: Number of the draw, of an attack that is drawn several times such as `best_of_n`; it is the
            epoch of the trial.

    Raises:
        InputError: The attack is unknown or cannot be made.
    """
    if attack in VARIANTS and probe.axis == "factuality":
        worded = variant(probe, attack, model.design.seed)
        return _trial(probe, render_request(worded), (), _Dress(attack, attack))
    request = render_request(probe)
    if attack == PLAIN:
        return _trial(probe, request, (), _Dress())
    chosen = get_attack(attack)
    seed = attack_seed(model.design.seed, probe.family, chosen.name)
    messages = chosen.render(request, seed=seed, context=_context(probe, chosen.name, model, draw))
    return _trial(probe, request, messages, _Dress(chosen.name, chosen.attack_class, chosen.pool, seed, draw))


class _Dress(NamedTuple):
    """The columns of a trial that tell how its probe is put."""

    attack: str = PLAIN
    attack_class: str = PLAIN
    attack_pool: AttackPool = "public"
    attack_seed: int | None = None
    epoch: int = 0


def _trial(probe: Probe, request: str, messages: tuple[Message, ...], dress: _Dress) -> Trial:
    """The trial that sends these messages, or the request as it stands where there are none.

    An image of the probe goes with the last turn, which is the one that asks.
    """
    *before, last = messages or (Message(role="user", content=request),)
    messages = (*before, msgspec.structs.replace(last, images=(*last.images, *image_parts(probe))))
    return Trial(
        id=trial_id(
            messages,
            epoch=dress.epoch,
            attack_seed=dress.attack_seed,
            image_digests=[image.digest for message in messages for image in message.images],
        ),
        probe=probe.id,
        suite=probe.suite,
        family=probe.family,
        intent=probe.intent,
        domain=probe.domain,
        language=probe.language,
        axis=probe.axis,
        messages=messages,
        request=request,
        attack=dress.attack,
        attack_class=dress.attack_class,
        attack_pool=dress.attack_pool,
        attack_seed=dress.attack_seed,
        epoch=dress.epoch,
        hazard=probe.hazard,
        pool=probe.pool,
        reference=probe.reference,
        check=probe.check,
    )


def _context(probe: Probe, attack: str, model: ThreatModel, draw: int) -> AttackContext:
    file = model.adversaries.suffix_file
    return AttackContext(
        context_tokens=model.adversaries.context_tokens,
        language=probe.language,
        draw=draw,
        suffixes=load_suffixes(file) if file is not None and CACHED_SUFFIX in attack else (),
    )
