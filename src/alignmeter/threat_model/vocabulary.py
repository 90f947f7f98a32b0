"""Names that an editor offers while a threat model is typed."""

from __future__ import annotations

BUILT_IN_ATTACKS = (
    "plain",
    "roleplay",
    "hierarchy",
    "suffix",
    "cached_suffix",
    "best_of_n",
    "many_shot",
    "refusal_suppression",
    "prefix_injection",
    "base64",
    "rot13",
    "leetspeak",
    "homoglyph",
    "zero_width",
    "tense_shift",
    "register_shift",
    "payload_splitting",
    "language_switch",
    "form_fill",
    "code_comment",
    "table",
    "ticket",
)
"""Attacks that an editor offers. Any registered name may stand in a threat model; whether there is one
is known when a run is planned."""

QUESTION_FORMS = (
    "plain",
    "slang",
    "long_context",
    "compact",
    "typo",
    "instruction",
    "because",
    "roleplay",
    "hierarchy",
    "many_shot",
)
"""Forms of a closed question that an editor offers; any attack may stand there too."""
