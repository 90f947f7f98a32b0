"""The built-in attacks: importing this module registers them."""

from __future__ import annotations

from alignmeter.attacks import (
    encodings,
    framing,
    layouts,
    perturbations,
    rewriting,
    shots,
    splitting,
    suffixes,
)

__all__ = [
    "encodings",
    "framing",
    "layouts",
    "perturbations",
    "rewriting",
    "shots",
    "splitting",
    "suffixes",
]
