"""Attacks: deterministic, seeded transforms of a request into a conversation.

Built-in ones are registered here; a user's own by `@attack(...)`, those of packages by the entry point
group `alignmeter.attacks`.
"""

from __future__ import annotations

from alignmeter.attacks import builtin as _builtin
from alignmeter.attacks.base import (
    PLAIN,
    SEPARATOR,
    Attack,
    AttackContext,
    Transform,
    attack_seed,
)
from alignmeter.attacks.frames import frame_languages
from alignmeter.attacks.plugins import GROUP
from alignmeter.attacks.registry import attack, attack_names, get_attack
from alignmeter.attacks.suffixes import CACHED_SUFFIX, load_suffixes

__all__ = [
    "CACHED_SUFFIX",
    "GROUP",
    "PLAIN",
    "SEPARATOR",
    "Attack",
    "AttackContext",
    "Transform",
    "attack",
    "attack_names",
    "attack_seed",
    "frame_languages",
    "get_attack",
    "load_suffixes",
]

# Importing it has registered the built-in attacks.
del _builtin
