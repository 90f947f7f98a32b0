"""How often a judge errs on a claim's replies: its card at the languages that they are in.

A card that tells languages apart is read at the mix of the claim's own. Where its labels do not show
that the judge errs differently in them, the mix is a stratified estimate; where they do, the replies
that count may all be in the worst of them, and the widest bound holds. A language that the card does
not know could be like any that it knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.records import JudgeCard
from alignmeter.stats import clopper_pearson, fisher_exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignmeter.records import CardEvent, CardStratum

DIFFERS = 0.05
"""Level at which a judge is taken to err differently in two languages."""

_FEW = 50
"""Labelled bad replies in a language below which a judge that misses more of them there is not found out."""

Counts = tuple[float, float]
"""Rightly judged replies of so many labelled ones, at their effective size."""


class KnownRate(NamedTuple):
    """What labels say of a sensitivity or of a specificity.

    Attributes:
        estimate: The share of labelled replies that were judged rightly.
        cells: Counts of which any could be about the replies in question.
    """

    estimate: float
    cells: tuple[Counts, ...]

    def bounds(self, tail: float) -> tuple[float, float]:
        """The widest bounds of the cells, each end wrong at most `tail`."""
        lower, upper = zip(*(judge_bounds(cell, tail) for cell in self.cells), strict=True)
        return min(lower), max(upper)


class KnownError(NamedTuple):
    """What a claim takes as known of its judge."""

    event: CardEvent
    sensitivity: KnownRate
    specificity: KnownRate


def judge_bounds(counts: Counts, tail: float) -> tuple[float, float]:
    """Clopper-Pearson bounds of a share at its effective size, each end wrong at most `tail`."""
    lower, upper = clopper_pearson(*counts, level=1 - 2 * tail)
    return float(lower), float(upper)


def known_error(card: JudgeCard | KnownError) -> KnownError:
    """A card taken whole, or what was read from one already."""
    if not isinstance(card, JudgeCard):
        return card
    return KnownError(
        card.event,
        KnownRate(card.sensitivity[0], (card.sensitivity_counts,)),
        KnownRate(card.specificity[0], (card.specificity_counts,)),
    )


def card_for(
    cards: Mapping[CardEvent, JudgeCard], event: CardEvent, spoken: Mapping[str, int]
) -> KnownError | None:
    """What is known of the judge for an event, on the replies of one claim.

    A card that does not tell languages apart is taken whole.

    Args:
        cards: By event.
        event: What the claim counts.
        spoken: The claim's units by language.
    """
    card = cards.get(event)
    if card is None:
        return None
    strata = {one.value: one for one in card.strata if stratum_of(card, one.value) is one}
    if not strata or not spoken:
        return known_error(card)
    mixes = _mixes(spoken, strata)
    sensitivities = {language: one.sensitivity_counts for language, one in strata.items()}
    specificities = {language: one.specificity_counts for language, one in strata.items()}
    return KnownError(
        event,
        KnownRate(
            _estimate(spoken, sensitivities, card.sensitivity[0]),
            tuple(_mixed(mix, sensitivities) for mix in mixes),
        ),
        KnownRate(
            _estimate(spoken, specificities, card.specificity[0]),
            tuple(_mixed(mix, specificities) for mix in mixes),
        ),
    )


def mix_caveat(card: JudgeCard, spoken: Mapping[str, int]) -> str | None:
    """Say what a claim over several languages presumes where labels are too few to tell; None where not.

    The mix of the units is that of the bad replies only where these are spread alike.

    Args:
        card: The judge's card for the claim's event.
        spoken: The claim's units by language.
    """
    strata = {language: stratum_of(card, language) for language in sorted(spoken)}
    known = [one for one in strata.values() if one is not None]
    if len(spoken) < 2 or not known or errs_apart(_most_spoken_first(spoken, known)):  # noqa: PLR2004 - a mix
        return None
    few = [language for language, one in strata.items() if one is None or one.sensitivity_counts[1] < _FEW]
    if not few:
        return None
    return (
        f"The judge's error is that at the claim's mix of languages: the confidence holds if replies go "
        f"wrong in each as often as in the others. The card has under {_FEW} labelled bad replies in "
        f"{', '.join(few)}: a judge that misses more of them there is not ruled out."
    )


def stratum_of(card: JudgeCard, language: str) -> CardStratum | None:
    """The part of a card that is about one language, None where it has none with both kinds of labels."""
    return next(
        (
            stratum
            for stratum in card.strata
            if (stratum.by, stratum.value) == ("language", language)
            and min(stratum.sensitivity_counts[1], stratum.specificity_counts[1]) > 0
        ),
        None,
    )


def errs_apart(strata: Sequence[CardStratum]) -> bool:
    """Whether labels show that a judge errs otherwise in some language than in the first one.

    Fisher's exact test on sensitivity and on specificity, at `DIFFERS` over the number of other languages.
    """
    return any(
        min(
            _p_same(first.sensitivity_counts, other.sensitivity_counts),
            _p_same(first.specificity_counts, other.specificity_counts),
        )
        * (len(strata) - 1)
        < DIFFERS
        for first in strata[:1]
        for other in strata[1:]
    )


def _p_same(one: Counts, other: Counts) -> float:
    """Fisher's exact p of two shares, counts rounded to whole replies."""
    (a, n), (b, m) = ((round(found), round(labels)) for found, labels in (one, other))
    return fisher_exact(a, n - a, b, m - b)


def _mixes(spoken: Mapping[str, int], strata: Mapping[str, CardStratum]) -> list[dict[str, float]]:
    """Weights of the strata by language: each mix that could be the one that the claim's replies are."""
    known = [one.value for one in _most_spoken_first(spoken, strata.values())]
    foreign = sum(spoken.values()) - sum(spoken[language] for language in known)
    if errs_apart([strata[language] for language in known]):
        return [{language: 1.0} for language in (strata if foreign else known)]
    weights = {language: float(spoken[language]) for language in known}
    if not foreign:
        return [weights]
    return [weights | {like: weights.get(like, 0.0) + foreign} for like in strata]


def _most_spoken_first(spoken: Mapping[str, int], strata: Iterable[CardStratum]) -> list[CardStratum]:
    """The strata of languages that the claim's units are in."""
    heard = [one for one in strata if one.value in spoken]
    return sorted(heard, key=lambda one: (-spoken[one.value], one.value))


def _mixed(weights: Mapping[str, float], counts: Mapping[str, Counts]) -> Counts:
    """A weighted share of strata and its effective size (Korn and Graubard 1998).

    The size is p(1 - p) over the variance, at most that of strata with one share in common, which also
    stands where no stratum shows any variance.
    """
    if len(weights) == 1:
        return counts[next(iter(weights))]
    total = sum(weights.values())
    share = common = variance = 0.0
    for language, weight in weights.items():
        found, labels = counts[language]
        portion, right = weight / total, found / labels
        share += portion * right
        common += portion**2 / labels
        variance += portion**2 * right * (1 - right) / labels
    size = 1 / common
    if variance > 0:
        size = min(size, share * (1 - share) / variance)
    return share * size, size


def _estimate(spoken: Mapping[str, int], counts: Mapping[str, Counts], whole: float) -> float:
    """The share at the mix of languages, that of the whole card for those that it does not know."""
    shares = {language: found / labels for language, (found, labels) in counts.items()}
    total = sum(spoken.values())
    return sum(units * shares.get(language, whole) for language, units in spoken.items()) / total
