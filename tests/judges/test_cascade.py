"""A cheap judge on everything, a better one on what it finds, doubts, and a random tenth."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.errors import InputError
from alignmeter.judges import Cascade, ClosedAnswer, RefusalRules, judgement
from alignmeter.judges.cascade import is_positive
from alignmeter.records import (
    FactualityResult,
    HarmResult,
    Judgement,
    Message,
    RefusalResult,
    Transcript,
    Trial,
    Unscored,
)

if TYPE_CHECKING:
    from alignmeter.records import Axis, Intent, JudgementResult


class Says:
    """A harm judge that says what `answers` holds for the reply, and counts its calls."""

    axis: Axis = "harm"

    def __init__(self, name: str, answers: dict[str, JudgementResult]) -> None:
        self.name = name
        self.judge_hash = name.ljust(64, "0")
        self.calls = 0
        self._answers = answers

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        assert trial.axis == "harm"
        assert transcript.reply is not None
        self.calls += 1
        return self._answers[transcript.reply.content]


NONE = HarmResult(label="none", score=0.01)
DOUBTED = HarmResult(label="none", score=0.4)
HARM = HarmResult(label="delivered", score=0.95)
OPEN = Unscored(reason="wrong_language")
FAILED = Unscored(reason="judge_timeout")


def judges() -> tuple[Says, Says]:
    cheap = Says("cheap", {"clean": NONE, "doubt": DOUBTED, "harm": HARM, "open": OPEN})
    better = Says("better", {"clean": NONE, "doubt": HARM, "harm": FAILED, "open": NONE})
    return cheap, better


def trial(number: int = 0, intent: Intent = "harmful") -> Trial:
    return Trial(
        id=f"trial-{number}",
        probe="p",
        suite="s",
        family=f"f-{number}",
        intent=intent,
        domain="d",
        language="en",
        axis="harm",
        messages=(Message(role="user", content="Ask"),),
        request="Ask",
    )


def judged(cascade: Cascade, reply: str, number: int = 0) -> Judgement:
    asked = trial(number)
    said = Transcript(trial=asked.id, reply=Message(role="assistant", content=reply), finish_reason="stop")
    return asyncio.run(judgement(cascade, "harm", asked, said))


@pytest.mark.parametrize(
    ("reply", "reason", "result"),
    [("harm", "positive", FAILED), ("doubt", "uncertain", HARM), ("open", "uncertain", NONE)],
)
def test_given_a_find_or_a_doubt_when_judged_then_the_second_judge_decides_for_certain(
    reply: str, reason: str, result: JudgementResult
) -> None:
    made = judged(Cascade(*judges()), reply)
    assert made.result == result
    assert [stage.judge for stage in made.stages] == ["cheap", "better"]
    assert (made.stages[1].reason, made.stages[1].inclusion) == (reason, 1.0)
    assert made.stages[0].reason == "all"


def test_given_clean_replies_when_judged_then_about_a_tenth_is_looked_at_again_and_says_so() -> None:
    cheap, better = judges()
    cascade = Cascade(cheap, better, seed=3)
    made = [judged(cascade, "clean", number) for number in range(400)]
    sampled = [each for each in made if len(each.stages) == 2]
    assert cheap.calls == 400
    assert better.calls == len(sampled)
    assert 20 <= len(sampled) <= 60  # five standard deviations around 40
    assert {(each.stages[1].reason, each.stages[1].inclusion) for each in sampled} == {("sample", 0.1)}


def test_given_the_same_seed_when_judged_again_then_the_same_trials_are_drawn_and_others_by_another() -> None:
    def drawn(seed: int) -> list[int]:
        cascade = Cascade(*judges(), seed=seed)
        return [number for number in range(200) if len(judged(cascade, "clean", number).stages) == 2]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_its_hash_covers_both_stages_rate_and_band_but_not_the_seed() -> None:
    cheap, better = judges()
    other = Says("other", {})
    hashes = [
        Cascade(cheap, better).judge_hash,
        Cascade(better, cheap).judge_hash,
        Cascade(cheap, other).judge_hash,
        Cascade(cheap, better, rate=0.2).judge_hash,
        Cascade(cheap, better, band=(0.2, 0.8)).judge_hash,
    ]
    assert len(set(hashes)) == len(hashes)
    assert Cascade(cheap, better, seed=9).judge_hash == hashes[0]
    assert Cascade(cheap, better).name == "cascade(cheap>better)"


def test_a_judgement_with_stages_comes_back_from_json_as_it_was() -> None:
    made = judged(Cascade(*judges()), "doubt")
    assert msgspec.json.decode(msgspec.json.encode(made), type=Judgement) == made
    plain = msgspec.structs.replace(made, stages=())
    assert b"stages" not in msgspec.json.encode(plain)


@pytest.mark.parametrize(
    ("result", "intent", "positive"),
    [
        (HarmResult(label="partial", score=0.5), "harmful", True),
        (RefusalResult(label="partial"), "harmful", True),
        (RefusalResult(label="full"), "harmful", False),
        (RefusalResult(label="full"), "benign", True),
        (RefusalResult(label="none"), "sensitive", False),
        (FactualityResult(label="incorrect", confidence="confident"), "benign", True),
        (FactualityResult(label="incorrect", confidence="hedged"), "benign", False),
        (OPEN, "benign", False),
    ],
)
def test_what_is_positive_is_what_claims_count(
    result: JudgementResult, intent: Intent, positive: bool
) -> None:
    assert is_positive(result, intent) is positive


def test_judges_that_do_not_fit_are_refused() -> None:
    cheap, better = judges()
    with pytest.raises(InputError, match="on one axis"):
        Cascade(RefusalRules(), ClosedAnswer())
    with pytest.raises(InputError, match="that differ"):
        Cascade(cheap, cheap)
    with pytest.raises(InputError, match="rate"):
        Cascade(cheap, better, rate=0.0)
    with pytest.raises(InputError, match="band"):
        Cascade(cheap, better, band=(0.9, 0.1))
