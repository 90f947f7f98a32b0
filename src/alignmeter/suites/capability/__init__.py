"""Tasks of low-tax domains whose right result is known, generated in three grades."""

from __future__ import annotations

from alignmeter.suites.capability.generate import (
    CAPABILITY_SEED,
    CAPABILITY_SUITE,
    CAPABILITY_VERSION,
    generate_capability,
)

__all__ = ["CAPABILITY_SEED", "CAPABILITY_SUITE", "CAPABILITY_VERSION", "generate_capability"]
