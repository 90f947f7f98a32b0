"""From what a user writes to a judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from alignmeter.errors import InputError
from alignmeter.judges import BUILT_IN, Cascade, GuardJudge, LlmJudge, resolve_judge
from alignmeter.records import Sampling, TargetFingerprint

if TYPE_CHECKING:
    from alignmeter.targets import Target


class Named:
    """A target that only knows its name."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self.fingerprint = TargetFingerprint(kind="python", model=spec, sampling=Sampling())


def opened(spec: str | Target) -> Target:
    return cast("Target", Named(spec)) if isinstance(spec, str) else spec


def test_given_a_built_in_name_when_resolved_then_the_judge_carries_it() -> None:
    for name in BUILT_IN:
        assert resolve_judge(name).name == name


def test_given_a_rubric_and_a_target_when_resolved_then_everything_after_the_first_at_is_the_target() -> None:
    judge = resolve_judge("llm:harm@openai:org/model@v2", open_target=opened)
    assert isinstance(judge, LlmJudge)
    assert (judge.name, judge.axis) == ("llm:harm@openai:org/model@v2", "harm")


def test_given_a_guard_when_resolved_then_its_axis_is_harm_unless_refusal_is_asked_for() -> None:
    harm = resolve_judge("guard:qwen3guard@openai:q", open_target=opened)
    refusal = resolve_judge("guard:qwen3guard:refusal@openai:q", open_target=opened)
    assert isinstance(harm, GuardJudge)
    assert (harm.axis, refusal.axis) == ("harm", "refusal")


@pytest.mark.parametrize("spec", ["llm:harm@openai:m", "guard:qwen3guard@openai:m"])
def test_given_a_model_that_judges_itself_when_resolved_then_its_judge_says_so(spec: str) -> None:
    assert resolve_judge(spec, open_target=opened, independent=lambda _: False).name.endswith("(self)")


def test_given_a_cascade_when_resolved_then_both_stages_are() -> None:
    judge = resolve_judge("cascade:refusal-rules>llm:refusal@embedded", open_target=opened)
    assert isinstance(judge, Cascade)
    assert judge.name == "cascade(refusal-rules>llm:refusal@embedded)"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("refusal-rule", "nearest: 'refusal-rules'; expected refusal-rules, refusal-embedded"),
        ("llm:harm", "llm:RUBRIC@TARGET"),
        ("guard:@x", "guard:FAMILY@TARGET"),
        ("cascade:refusal-rules", "cascade:FIRST>SECOND"),
        ("cascade:refusal-rules>cascade:a>b", "unknown judge"),
        ("llm:no-such-rubric@embedded", "expected a rubric"),
        ("guard:no-guard@embedded", "expected a guard family"),
        ("guard:llama-guard-3:refusal@embedded", "judges refusal"),
    ],
)
def test_given_no_judge_when_resolved_then_the_error_lists_what_is_known(spec: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve_judge(spec, open_target=opened)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_given_no_way_to_a_model_when_a_judge_needs_one_then_it_is_refused() -> None:
    with pytest.raises(InputError, match="asks a model"):
        resolve_judge("llm:harm@embedded")
