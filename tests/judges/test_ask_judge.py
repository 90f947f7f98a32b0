"""A judge that stumbles over a reply: the reply has no score, and the run goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import BudgetSpentError, MissingExtraError
from alignmeter.judges import Cascade, Panel, RefusalRules, judgement
from alignmeter.records import Message, RefusalResult, Transcript, Trial, Unscored

if TYPE_CHECKING:
    from alignmeter.judges import Judge
    from alignmeter.records import Axis, Judgement, JudgementResult

FULL = RefusalResult(label="full")
TRIAL = Trial(
    id="t", probe="p", suite="s", family="f", intent="benign", domain="d", language="en",
    axis="refusal", messages=(Message(role="user", content="Ask"),), request="Ask",
)  # fmt: skip
SAID = Transcript(trial="t", reply=Message(role="assistant", content="Some words."), finish_reason="stop")


class Raises:
    """A judge of refusal that raises the error it was made with."""

    axis: Axis = "refusal"

    def __init__(self, error: BaseException) -> None:
        self.name = type(error).__name__
        self.judge_hash = self.name.ljust(64, "0")
        self._error = error

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:  # noqa: ARG002 - a Judge
        raise self._error


class Refused(Raises):
    """A judge of refusal that finds one everywhere."""

    def __init__(self, name: str = "refused") -> None:
        super().__init__(ValueError())
        self.name, self.judge_hash = name, name.ljust(64, "1")

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:  # noqa: ARG002 - a Judge
        return FULL


def judged(judge: Judge) -> Judgement:
    return asyncio.run(judgement(judge, "refusal", TRIAL, SAID))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RecursionError("too deep"), "RecursionError: too deep"),
        (ValueError("two\nlines and half a pair \ud83d"), "ValueError: two lines and half a pair ?"),
    ],
)
def test_given_a_judge_that_raises_when_it_judges_a_reply_then_that_reply_has_no_score(
    error: Exception, said: str
) -> None:
    made = judged(Raises(error))
    assert made.result == Unscored(
        reason="judge_error", detail=f"{type(error).__name__} failed on this reply: {said}"
    )
    assert made.may_pass
    assert made.stages == ()


@pytest.mark.parametrize(
    "error",
    [
        MissingExtraError("install it"),
        BudgetSpentError("spent"),
        ImportError("broken"),
        MemoryError(),
        NotImplementedError(),
        KeyboardInterrupt(),
    ],
)
def test_given_what_every_reply_would_meet_when_a_judge_raises_it_then_it_is_raised(
    error: BaseException,
) -> None:
    with pytest.raises(type(error)):
        judged(Raises(error))


def test_given_a_first_judge_that_raises_when_a_cascade_judges_then_the_second_is_asked_for_certain() -> None:
    made = judged(Cascade(Raises(IndexError()), Refused()))
    assert made.result == FULL
    assert (made.stages[1].reason, made.stages[1].inclusion) == ("uncertain", 1.0)


def test_given_a_second_judge_that_raises_when_a_cascade_judges_then_the_reply_has_no_score() -> None:
    made = judged(Cascade(Refused(), Raises(IndexError())))
    assert isinstance(made.result, Unscored)
    assert [stage.judge for stage in made.stages] == ["refused", "IndexError"]


def test_given_a_member_that_raises_when_a_panel_votes_then_it_has_no_vote() -> None:
    made = judged(Panel([Refused("one"), Refused("two"), Raises(IndexError()), RefusalRules()]))
    assert isinstance(made.result, RefusalResult)
    assert made.result.evidence.startswith("2 of 3 judges")
