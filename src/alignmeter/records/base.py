"""What all records have in common, and the words that they share."""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA_VERSION = 1
"""Version of the trial identity and of the journal; part of every trial id."""

Intent = Literal["benign", "sensitive", "harmful"]
Axis = Literal[
    "refusal",
    "harm",
    "factuality",
    "quality",
    "conduct",
    "schema",
    "code_security",
    "language",
    "capability",
]
Format = Literal["chat", "multi_turn", "tool_calling", "structured_output", "browsing"]
Pool = Literal["public", "rotating", "sequestered", "retired"]
HELD_OUT: frozenset[Pool] = frozenset({"rotating", "sequestered"})
"""Pools whose probes are asked only where their suite is named, and whose exposures are counted."""
Role = Literal["system", "user", "assistant", "tool"]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all records: frozen, keyword-only, defaults left out of the JSON."""
