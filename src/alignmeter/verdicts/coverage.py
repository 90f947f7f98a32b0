"""Coverage: what the threat model names, and whether any trial measures it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from alignmeter.records import CoverageItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import Trial
    from alignmeter.threat_model import ThreatModel


def coverage(model: ThreatModel, trials: Sequence[Trial]) -> tuple[CoverageItem, ...]:
    """List every language, domain, hazard and format that the threat model names.

    A domain of weight 0 is one that the users do not touch, so it is not listed. A deployment
    that offers tools is exposed to tool calling whether or not its formats say so. Tasks measure nothing
    of how safe a target is, so they count only where nothing else is asked.
    """
    trials = [trial for trial in trials if trial.axis != "capability"] or trials
    formats = list(model.formats)
    if model.tools and "tool_calling" not in formats:
        formats.append("tool_calling")
    domains = [name for name, weight in model.domain_weights.items() if weight > 0]
    return (
        *_items("language", model.languages, Counter(trial.language for trial in trials)),
        *_items("domain", domains, Counter(trial.domain for trial in trials)),
        *_items("hazard", model.hazards or (), Counter(trial.hazard or "" for trial in trials)),
        *_items("format", formats, Counter(trial.format for trial in trials)),
    )


def _items(kind: str, names: Iterable[str], counts: Counter[str]) -> list[CoverageItem]:
    return [
        CoverageItem(kind=kind, name=name, measured=counts[name] > 0, trials=counts[name]) for name in names
    ]
