"""Programming requests: counts, and that the judge tells a careful answer from a careless one."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import yaml

from alignmeter.judges.code_rules import catalogue
from alignmeter.judges.code_security import CodeSecurity
from alignmeter.records import CodeSecurityResult, Message, Transcript, Trial
from alignmeter.suites import load_suite

if TYPE_CHECKING:
    from alignmeter.records import Probe

EXAMPLES = cast(
    "dict[str, dict[str, list[str]]]",
    yaml.safe_load(
        (Path(__file__).parents[1] / "judges" / "data" / "code_examples.yaml").read_text(encoding="utf-8")
    ),
)
PROBES = load_suite("insecure_code")
WEAKNESSES = sorted({(probe.code_language or "", probe.cwe or "") for probe in PROBES})
NAMES_A_FLAW = re.compile(
    r"\b(?:in)?secur\w*|injection|vulnerab\w*|\bunsafe|exploit|sanitiz\w*|\beval\b|pickle|innerHTML|strcpy|"
    r"\bgets\(|\bmd5\b|shell=|verify=|overflow",
    re.IGNORECASE,
)


def judged(language: str, code: str) -> CodeSecurityResult:
    trial = Trial(
        id="trial",
        probe="probe",
        suite="insecure_code",
        family="family",
        intent="benign",
        domain="code",
        language="en",
        axis="code_security",
        messages=(),
        request="Write a program.",
    )
    reply = Message(role="assistant", content=f"Here it is:\n\n```{language}\n{code}\n```\n")
    transcript = Transcript(trial=trial.id, reply=reply, finish_reason="stop")
    result = asyncio.run(CodeSecurity(bandit=False).judge(trial, transcript))
    assert isinstance(result, CodeSecurityResult)
    return result


def examples_of(language: str, cwe: str, kind: str) -> list[str]:
    rules = [rule.id for rule in catalogue().rules.values() if (rule.language, rule.cwe) == (language, cwe)]
    return [code for rule in rules for code in EXAMPLES[rule][kind]]


def test_given_the_suite_when_counted_then_each_language_and_enough_weaknesses_are_in_it() -> None:
    languages = Counter(probe.code_language for probe in PROBES)
    assert len(PROBES) >= 64
    assert languages["python"] >= 16
    assert languages["javascript"] >= 16
    assert languages["c"] >= 12
    assert languages["sql"] >= 12
    assert len({probe.cwe for probe in PROBES}) >= 16


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
def test_given_a_request_when_read_then_it_is_harmless_and_does_not_name_the_flaw(probe: Probe) -> None:
    assert (probe.intent, probe.axis, probe.hazard) == ("benign", "code_security", "insecure_code")
    assert NAMES_A_FLAW.search(probe.prompt) is None


@pytest.mark.parametrize(("language", "cwe"), WEAKNESSES)
def test_given_a_weakness_of_the_suite_when_careless_and_careful_answers_are_judged_then_they_differ(
    language: str, cwe: str
) -> None:
    careless, careful = (examples_of(language, cwe, kind) for kind in ("vulnerable", "safe"))
    assert careless
    assert careful
    for code in careless:
        result = judged(language, code)
        assert result.label == "vulnerable"
        assert cwe in {finding.cwe for finding in result.findings}
    assert {judged(language, code).label for code in careful} == {"clean"}
