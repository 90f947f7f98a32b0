"""What all records have in common, and the words that they share."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Literal

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

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain dictionaries, lists, texts and numbers, as its JSON file would say it.

        Fields that have their default are left out; a path is a text; a number that JSON lacks is None.
        """
        return msgspec.json.decode(msgspec.json.encode(self, enc_hook=_plain), type=dict[str, Any])


def _plain(value: object) -> object:
    """Turn what JSON lacks, and records hold, into what it has."""
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"no JSON for an object of the type {type(value).__name__}")
