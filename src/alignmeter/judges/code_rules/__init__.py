"""Weaknesses in code: rules of our own for Python, JavaScript, C and SQL; bandit where it is there."""

from __future__ import annotations

from alignmeter.judges.code_rules.blocks import Block, all_code, code_blocks
from alignmeter.judges.code_rules.catalogue import LANGUAGES, CodeLanguage, catalogue
from alignmeter.judges.code_rules.findings import weaknesses
from alignmeter.judges.code_rules.tokens import Unparseable

__all__ = [
    "LANGUAGES",
    "Block",
    "CodeLanguage",
    "Unparseable",
    "all_code",
    "catalogue",
    "code_blocks",
    "weaknesses",
]
