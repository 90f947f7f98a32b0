"""The judge of tasks whose right result is known: it reads the answer, checks it, runs code isolated."""

from __future__ import annotations

from alignmeter.judges.capability.instructions import kept
from alignmeter.judges.capability.judge import Capability

__all__ = ["Capability", "kept"]
