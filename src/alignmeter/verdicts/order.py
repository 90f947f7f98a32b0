"""The committed order of families, the same in every run of a design."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from alignmeter.identity import keyed_uniform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alignmeter.records import Intent, Trial
    from alignmeter.threat_model import ThreatModel


def committed_order(model: ThreatModel, intent: Intent, families: Mapping[str, Trial]) -> list[str]:
    """Order families by HMAC(design seed, family, intent), heavier domains first more often.

    Args:
        model: The threat model, with its seed and its domain weights.
        intent: Part of the key: claims on one intent take families in one order.
        families: By name, any trial of each, for its domain.
    """
    weights = model.domain_weights

    def key(family: str) -> tuple[float, float]:
        weight = weights.get(families[family].domain, 1.0) if weights else 1.0
        uniform = keyed_uniform(model.design.seed, "order", family, intent)
        return _sampling_key(uniform, weight), uniform  # families of weight 0 tie: they come last

    return sorted(families, key=key)


def _sampling_key(uniform: float, weight: float) -> float:
    """Key whose ascending order samples without replacement by weight (Efraimidis and Spirakis 2006)."""
    return math.inf if weight <= 0 else -math.log1p(-uniform) / weight


def translated(languages: Iterable[str]) -> tuple[str, ...]:
    """What every verdict on prompts in other languages than English has to say of them."""
    others = sorted(set(languages) - {"en"})
    if not others:
        return ()
    return (f"The prompts in {', '.join(others)} are machine-written, without native review.",)
