"""The judge against models with planted knowledge: all right, nothing at all, and programs almost right."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from alignmeter.judges.capability import Capability
from alignmeter.records import (
    CapabilityResult,
    CodeCheck,
    InstructionsCheck,
    Message,
    Transcript,
    Trial,
)
from alignmeter.suites.capability import generate_capability

if TYPE_CHECKING:
    from types import ModuleType

    from alignmeter.records import JudgementResult, Probe

CODE = [probe for probe in generate_capability() if isinstance(probe.check, CodeCheck)]
REST = [probe for probe in generate_capability() if not isinstance(probe.check, CodeCheck)]


def trial(probe: Probe) -> Trial:
    return Trial(
        id=probe.id,
        probe=probe.id,
        suite=probe.suite,
        family=probe.family,
        intent=probe.intent,
        domain=probe.domain,
        language="en",
        axis="capability",
        messages=(Message(role="user", content=probe.prompt),),
        request=probe.prompt,
        check=probe.check,
    )


def judged(pairs: list[tuple[Probe, str]]) -> list[JudgementResult]:
    async def every() -> list[JudgementResult]:
        judge = Capability()
        return await asyncio.gather(
            *(
                judge.judge(
                    trial(probe),
                    Transcript(
                        trial=probe.id,
                        reply=Message(role="assistant", content=reply),
                        finish_reason="stop",
                    ),
                )
                for probe, reply in pairs
            )
        )

    return asyncio.run(every())


def score(result: JudgementResult) -> float:
    if getattr(result, "reason", "") == "no_sandbox":
        pytest.skip("no sandbox holds on this machine")
    assert isinstance(result, CapabilityResult), result
    return result.score


def test_a_model_that_is_always_right_scores_all_in_every_domain_and_grade(oracle: ModuleType) -> None:
    found: defaultdict[tuple[str, str | None], list[float]] = defaultdict(list)
    results = judged([(probe, oracle.right_reply(probe.check)) for probe in REST])
    for probe, result in zip(REST, results, strict=True):
        assert probe.check is not None
        found[probe.domain, probe.check.grade].append(score(result))

    assert {cell: sum(scores) / len(scores) for cell, scores in found.items()} == dict.fromkeys(found, 1.0)
    assert len(found) == 15


def test_a_model_that_says_nothing_scores_what_instructions_keep_anyway_and_else_nothing(
    oracle: ModuleType,
) -> None:
    for probe, result in zip(REST, judged([(probe, oracle.IDLE) for probe in REST]), strict=True):
        assert probe.check is not None
        chance = probe.check.chance if isinstance(probe.check, InstructionsCheck) else 0.0
        assert score(result) == pytest.approx(chance, abs=1e-4), probe.id


def test_right_programs_pass_their_tests_and_almost_right_ones_do_not(oracle: ModuleType) -> None:
    solutions = oracle.solutions()
    names = [probe.check.entry_point for probe in CODE if isinstance(probe.check, CodeCheck)]
    right = judged([(p, oracle.fenced(solutions[name].right)) for p, name in zip(CODE, names, strict=True)])
    wrong = judged([(p, oracle.fenced(solutions[name].wrong)) for p, name in zip(CODE, names, strict=True)])

    assert {name: score(one) for name, one in zip(names, right, strict=True)} == dict.fromkeys(names, 1.0)
    assert {name: score(one) for name, one in zip(names, wrong, strict=True)} == dict.fromkeys(names, 0.0)
