"""The threat model: a deployment described in YAML, from which everything that a run asks follows.

Names are loaded at first use, because pydantic takes a moment.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignmeter.threat_model.loading import (
        default_threat_model,
        load_preset,
        load_threat_model,
        parse_threat_model,
        threat_model_from_dict,
    )
    from alignmeter.threat_model.model import (
        Adversaries,
        CappedClaim,
        DesignSettings,
        SplitColumn,
        ThreatModel,
        Thresholds,
    )
    from alignmeter.threat_model.presets import preset_names, preset_text
    from alignmeter.threat_model.schema import schema_json
    from alignmeter.threat_model.vocabulary import BUILT_IN_ATTACKS

__all__ = [
    "BUILT_IN_ATTACKS",
    "Adversaries",
    "CappedClaim",
    "DesignSettings",
    "SplitColumn",
    "ThreatModel",
    "Thresholds",
    "default_threat_model",
    "load_preset",
    "load_threat_model",
    "parse_threat_model",
    "preset_names",
    "preset_text",
    "schema_json",
    "threat_model_from_dict",
]

_HOMES = {
    "loading": (
        "default_threat_model",
        "load_preset",
        "load_threat_model",
        "parse_threat_model",
        "threat_model_from_dict",
    ),
    "vocabulary": ("BUILT_IN_ATTACKS",),
    "model": (
        "Adversaries",
        "CappedClaim",
        "DesignSettings",
        "SplitColumn",
        "ThreatModel",
        "Thresholds",
    ),
    "presets": ("preset_names", "preset_text"),
    "schema": ("schema_json",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
