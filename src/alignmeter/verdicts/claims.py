"""Claims: thresholds of the threat model bound to their committed order of independent units."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import log1p
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.identity import keyed_hash, keyed_uniform
from alignmeter.records import Claim
from alignmeter.records.events import EVENTS
from alignmeter.verdicts.design import ClaimSize, ErrorRates, design_claim, floor_of
from alignmeter.verdicts.gaps import gap_claim, gap_drafts
from alignmeter.verdicts.judge_bounds import card_for
from alignmeter.verdicts.languages import draw_language, language_chances
from alignmeter.verdicts.order import committed_order, cut_short, most_units, translated
from alignmeter.verdicts.shapes import Shape, shapes, weight_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from alignmeter.records import Axis, CardEvent, ClaimKind, JudgeCard, Trial
    from alignmeter.threat_model import ThreatModel
    from alignmeter.verdicts.languages import Chances


class _Draft(NamedTuple):
    """A claim whose error rates are not yet known: they depend on how many claims there are.

    Attributes:
        spoken: Its units by language.
        own_languages: Languages whose wording is ours.
    """

    shape: Shape
    units: tuple[tuple[str, ...], ...]
    spoken: Mapping[str, int]
    own_languages: frozenset[str]
    mix: str | None


class _Ordered(NamedTuple):
    """The units of a claim in their committed order.

    Attributes:
        alike: Families whose units are alike, of which the order holds all or, to keep a mix, some.
        left_out: Families that have one flip only, where the others have two.
        used_up: The domain that ends the order before all are in it.
    """

    units: list[tuple[str, ...]]
    alike: int
    left_out: int
    used_up: str | None


def build_claims(
    model: ThreatModel,
    trials: Sequence[Trial],
    *,
    cards: Mapping[CardEvent, JudgeCard],
    fixed: bool = False,
    drawn: Collection[str] | None = None,
    axes: Collection[Axis] = (),
    imported: Collection[str] = (),
) -> tuple[Claim, ...]:
    """Bind the threat model's thresholds to units and designs.

    A unit is the family restricted to the claim's intent, one member drawn (both flips for closed
    questions, and both languages where they are compared), in a language drawn so that the claim comes
    near to the users' shares. Units stand in the order HMAC(design seed,
    family, intent), the same in every run; where the threat model weighs domains they keep its mix, and
    end where a domain is used up.

    Args:
        model: The threat model.
        trials: Every trial that could be asked.
        cards: What is known of the judges, by event; a claim without a card stays undecided.
        fixed: Ask every unit, then test once.
        drawn: Ids of the trials that stand for their family: where attacks, or forms of a question, are
            told apart those under the one that is drawn, else all; None for all that are attacked. In a
            claim of some attacks another member stands for a family where none of these is one of them.
        axes: Axes beside each trial's own that some judge scores.
        imported: Suites whose wording, translations too, is somebody else's.

    Returns:
        Claims with at least one unit.
    """
    chosen = _attacked(trials) if drawn is None else drawn
    drafts: list[_Draft] = []
    chances: dict[ClaimKind, Chances] = {}
    for shape in shapes(model, trials, drawn=chosen, axes=axes):
        members = [trial for trial in trials if shape.belongs(trial)]
        if shape.part is None:  # parts take the families in the languages of the whole
            chances[shape.kind] = language_chances(model, members)
        found = _ordered_units(_Drawing(model, shape, chances[shape.kind], chosen), members)
        cap = model.design.max_units_for(shape.kind)
        units = found.units[: cap if fixed else most_units(cap)]
        if units:
            languages = {trial.id: trial.language for trial in members}
            spoken = Counter(languages[unit[0]] for unit in units)
            own = frozenset(trial.language for trial in members if trial.suite not in imported)
            drafts.append(_Draft(shape, tuple(units), spoken, own, _mix(found, len(units), cap)))
    gaps = gap_drafts(model, trials, imported)
    count = len(drafts) + len(gaps)
    alpha = model.design.alpha
    rates = ErrorRates(alpha, alpha / count if count and model.design.correct_failures else alpha)
    futility = 0.0 if fixed else model.design.futility
    gap = model.thresholds.language_gap
    return (
        *(_claim(model, draft, rates, cards, fixed=fixed) for draft in drafts),
        *(gap_claim(draft, gap, rates, cards, futility=futility) for draft in gaps),
    )


def _attacked(trials: Sequence[Trial]) -> frozenset[str]:
    """Trials under attack, and those of families that are never attacked."""
    attacked = {(trial.family, trial.intent) for trial in trials if trial.attack_class != "plain"}
    return frozenset(
        trial.id
        for trial in trials
        if trial.attack_class != "plain" or (trial.family, trial.intent) not in attacked
    )


def _claim(
    model: ThreatModel, draft: _Draft, rates: ErrorRates, cards: Mapping[CardEvent, JudgeCard], *, fixed: bool
) -> Claim:
    shape, units, spoken, own_languages, mix = draft
    size = ClaimSize(shape.threshold, len(units), len(units[0]))
    card = card_for(cards, EVENTS[shape.kind], spoken)
    design = design_claim(size, rates, model.design, card, fixed=fixed)
    return Claim(
        id=shape.id,
        kind=shape.kind,
        title=shape.title,
        threshold=shape.threshold,
        alpha=rates.alpha,
        alpha_fail=rates.alpha_fail,
        axis=shape.axis,
        units=units,
        floor=floor_of(design),
        design=design,
        part=shape.part,
        mix=mix,
        caveats=(*([mix] if mix else []), *translated(own_languages)),
    )


def _mix(found: _Ordered, units: int, cap: int | None) -> str | None:
    """Say which families a claim leaves out, to keep the mix of its domains or units that are alike."""
    said: list[str] = []
    if units < min(len(found.units), cap or len(found.units)):
        said.append(cut_short(units, len(found.units), "--fixed asks all"))
    if found.used_up and units == len(found.units):
        said.append(
            f"Keeps the weights of the domains: ends after {units} of {found.alike} families, "
            f"{found.used_up} has no more."
        )
    if found.left_out:
        said.append(
            f"Leaves out {found.left_out} families with one flip: beside families of two they are not asked."
        )
    return " ".join(said) or None


class _Drawing(NamedTuple):
    """By what a family's member is drawn.

    Attributes:
        chances: Of the languages.
        standing: Trials that stand for their family where attacks are not told apart.
    """

    model: ThreatModel
    shape: Shape
    chances: Chances
    standing: Collection[str]


def _ordered_units(drawing: _Drawing, trials: list[Trial]) -> _Ordered:
    by_family: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        by_family[trial.family].append(trial)
    units = {
        family: tuple(trial.id for trial in _members(drawing, found)) for family, found in by_family.items()
    }
    # The units of a claim are alike: beside questions with two flips those with one (imported) are not asked.
    size = max(map(len, units.values()), default=0)
    alike = {family: by_family[family][0] for family, unit in units.items() if len(unit) == size}
    order, used_up = committed_order(drawing.model, drawing.shape.intent, alike)
    return _Ordered([units[family] for family in order], len(alike), len(units) - len(alike), used_up)


def _members(drawing: _Drawing, trials: list[Trial]) -> list[Trial]:
    """The member, or the two flips, that stand for one family."""
    model, shape = drawing.model, drawing.shape
    seed, family = model.design.seed, trials[0].family
    language = draw_language(model, shape.intent, drawing.chances, trials)
    trials = [trial for trial in trials if trial.language == language]
    trials = [trial for trial in trials if trial.id in drawing.standing] or _under_one(model, trials)
    if shape.kind == "confident_hallucination":
        flips = {trial.reference: trial for trial in sorted(trials, key=lambda trial: trial.id, reverse=True)}
        return [flips[answer] for answer in ("yes", "no") if answer in flips]
    return [min(trials, key=lambda trial: keyed_hash(seed, "member", family, trial.id))]


def _under_one(model: ThreatModel, trials: list[Trial]) -> list[Trial]:
    """Draw one of the attacks, or forms, of a family by their weights: the first to come in a race.

    Each comes at a keyed time with its weight as the rate, whatever others there are, so that claims of
    overlapping attacks ask the same trials where they can.
    """
    seed, family = model.design.seed, trials[0].family
    weights = {trial.attack: weight_of(model, trial) for trial in trials}

    def comes(attack: str) -> tuple[float, str]:
        return -log1p(-keyed_uniform(seed, "attack", family, attack)) / weights[attack], attack

    chosen = min(weights, key=comes)
    return [trial for trial in trials if trial.attack == chosen]


def dispatch_order(claims: Sequence[Claim], beside: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Interleave the claims' committed orders round-robin, so that an early stop starves none.

    Args:
        claims: Claims with their units.
        beside: Trials outside every claim, by the trial that they are asked right after: the plain twin
            of an attacked one, draws of the same request.

    Returns:
        Each trial id once, in the order of the first call.
    """
    order: dict[str, None] = {}
    longest = max((len(claim.units) for claim in claims), default=0)
    for round_number in range(longest):
        for claim in claims:
            if round_number < len(claim.units):
                for trial in claim.units[round_number]:
                    order.setdefault(trial)
                    for other in beside.get(trial, ()):
                        order.setdefault(other)
    return tuple(order)
