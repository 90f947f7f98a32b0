"""Procedural families: tables of facts, and the closed questions that are generated from them."""

from __future__ import annotations

from alignmeter.suites.facts.generate import FACTS_SEED, FACTS_SUITE, generate_facts
from alignmeter.suites.facts.tables import fact_tables

__all__ = [
    "FACTS_SEED",
    "FACTS_SUITE",
    "fact_tables",
    "generate_facts",
]
