"""The committed order of families, the same in every run of a design."""

from __future__ import annotations

import math
from bisect import bisect
from collections import defaultdict, deque
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.identity import keyed_uniform
from alignmeter.stats import MAX_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alignmeter.records import Intent, Trial
    from alignmeter.threat_model import ThreatModel


_GOLDEN = (math.sqrt(5) - 1) / 2
"""A step whose multiples spread evenly over a circle."""

_OTHERS = ""
"""Stands for the domains without a weight: everyday requests, which every deployment is asked."""


class CommittedOrder(NamedTuple):
    """The order in which a claim takes its families.

    Attributes:
        families: In order; with weights only as many as keep the mix of domains.
        used_up: The domain whose families are used up where the order ends, though other families are
            left; None where it holds all of them.
    """

    families: list[str]
    used_up: str | None = None


def most_units(cap: int | None) -> int:
    """Units at most of a claim that is decided as it goes, whatever the threat model's cap on them."""
    return min(cap or MAX_UNITS, MAX_UNITS)


def cut_short(units: int, families: int, otherwise: str) -> str:
    """Say that a claim takes only the beginning of the committed order."""
    return (
        f"Asks at most the first {units:,} of {families:,} families, the most that a claim takes that stops "
        f"once it is decided: {otherwise}."
    )


def committed_order(model: ThreatModel, intent: Intent, families: Mapping[str, Trial]) -> CommittedOrder:
    """Order families by HMAC(design seed, family, intent), in the mix of the domains' weights.

    Weights share out the families of the domains that they name; domains without one keep their share
    of the families that there are. The order ends where the domain whose turn it is has none left, so
    that every beginning of it has that mix. Where fewer than two of the weighed domains have families
    there is nothing to weigh, and all are taken.

    Args:
        model: The threat model, with its seed and its domain weights.
        intent: Part of the key: claims on one intent take the families of a domain in one order.
        families: By name, any trial of each, for its domain.
    """
    mix = _mix(model, {family: families[family] for family in alike_order(model, intent, families)})
    waiting = {name: deque(found) for name, found in mix.families.items()}
    left = sum(map(len, waiting.values()))
    # A sequence with even gaps and a keyed start: every place has each domain with its share's chance.
    names = [*waiting]
    ends = list(accumulate(mix.shares[name] for name in names))[:-1]
    point = keyed_uniform(model.design.seed, "mix", intent)
    taken: list[str] = []
    while len(taken) < left:
        name = names[bisect(ends, point)]
        if not waiting[name]:
            return CommittedOrder(taken, name or "no weighed domain")
        taken.append(waiting[name].popleft())
        point = (point + _GOLDEN) % 1.0
    return CommittedOrder(taken)


def family_shares(model: ThreatModel, families: Mapping[str, Trial]) -> dict[str, float]:
    """Return the share that each family has, on average, of a claim in the mix of the domains' weights.

    Args:
        model: The threat model.
        families: By name, any trial of each, for its domain.

    Returns:
        Shares above 0 that sum to 1; families of domains with weight 0 are left out.
    """
    mix = _mix(model, families)
    return {family: mix.shares[name] / len(found) for name, found in mix.families.items() for family in found}


class _Mix(NamedTuple):
    """Families by weighed domain, those of other domains together and last; and the share of each."""

    families: dict[str, list[str]]
    shares: dict[str, float]


def _mix(model: ThreatModel, families: Mapping[str, Trial]) -> _Mix:
    """Sort families by domain, in the order in which they come; all together where nothing is weighed."""
    weights = model.domain_weights
    touched = [name for name, trial in families.items() if weights.get(trial.domain, 1.0) > 0] or [*families]
    found: dict[str, list[str]] = defaultdict(list)
    for family in touched:
        domain = families[family].domain
        found[domain if domain in weights else _OTHERS].append(family)
    weighed = {domain: weights[domain] for domain in sorted(found.keys() - {_OTHERS})}
    if len(weighed) < 2 or not sum(weighed.values()):  # noqa: PLR2004 - one domain has no mix
        return _Mix({_OTHERS: touched}, {_OTHERS: 1.0})
    others = len(found[_OTHERS]) / len(touched)
    total = sum(weighed.values()) / (1 - others)
    shares = {domain: weight / total for domain, weight in weighed.items()} | {_OTHERS: others}
    return _Mix({name: found[name] for name in shares if found[name]}, shares)


def alike_order(model: ThreatModel, intent: Intent, families: Iterable[str]) -> list[str]:
    """Order families by HMAC(design seed, family, intent) whatever their domain weighs."""
    seed = model.design.seed
    return sorted(families, key=lambda family: (keyed_uniform(seed, "order", family, intent), family))


def translated(languages: Iterable[str]) -> tuple[str, ...]:
    """What every verdict on prompts in other languages than English has to say of them."""
    others = sorted(set(languages) - {"en"})
    if not others:
        return ()
    return (f"The prompts in {', '.join(others)} are machine-written, without native review.",)
