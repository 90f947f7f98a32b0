"""Answers out of a closed set: a reply is held against what it settles on, not against the words in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from alignmeter.judges.capability import Capability
from alignmeter.records import CapabilityResult, Message, TextCheck, Transcript, Trial, Unscored

if TYPE_CHECKING:
    from alignmeter.records import JudgementResult

REPLIES = Path(__file__).parent / "data" / "closed_replies.yaml"
COVERED = "Is it covered? Answer yes or no."


def judged(
    reply: str, answers: tuple[str, ...], request: str = COVERED, language: str = "en", *, cut: bool = False
) -> JudgementResult:
    trial = Trial(
        id="t",
        probe="p",
        suite="s",
        family="f",
        intent="benign",
        domain="d",
        language=language,
        axis="capability",
        messages=(),
        request=request,
        check=TextCheck(answers=answers),
    )
    transcript = Transcript(
        trial="t",
        reply=Message(role="assistant", content=reply),
        finish_reason="length" if cut else "stop",
    )
    return asyncio.run(Capability().judge(trial, transcript))


def cases() -> list[Any]:
    return [
        pytest.param(group, reply, expected, id=f"{number}-{expected}-{place}")
        for number, group in enumerate(yaml.safe_load(REPLIES.read_text(encoding="utf-8")))
        for expected in ("right", "wrong", "unscored")
        for place, reply in enumerate(group.get(expected, ()))
    ]


@pytest.mark.parametrize(("task", "reply", "expected"), cases())
def test_a_closed_answer_is_read_by_what_the_reply_settles_on(
    task: dict[str, Any], reply: str, expected: str
) -> None:
    found = judged(reply, tuple(task["answers"]), task["request"], task["language"])

    if isinstance(found, Unscored):
        assert (expected, found.reason) == ("unscored", "unparseable")
    else:
        assert isinstance(found, CapabilityResult)
        assert found.label == expected


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_no_reply_is_right_for_yes_and_for_no(answer: str) -> None:
    opposite = "no" if answer == "yes" else "yes"
    replies = [
        reply
        for group in yaml.safe_load(REPLIES.read_text(encoding="utf-8"))
        if group["answers"] == [answer] and group["request"] == COVERED
        for reply in group["right"]
    ]
    assert len(replies) > 5

    for reply in replies:
        found = judged(reply, (opposite,))
        assert isinstance(found, CapabilityResult)
        assert (reply, found.label) == (reply, "wrong")


def test_a_cut_reply_counts_where_it_had_settled() -> None:
    settled = judged("Answer: no\n\nBecause yes would", ("no",), cut=True)
    open_still = judged("Let me see. There is no", ("no",), cut=True)

    assert isinstance(settled, CapabilityResult)
    assert settled.label == "right"
    assert isinstance(open_still, Unscored)
    assert open_still.reason == "truncated_answer"


def test_the_answer_is_named_as_yes_or_no() -> None:
    found = judged("No. You cannot claim this.", ("yes",))

    assert isinstance(found, CapabilityResult)
    assert (found.label, found.answer) == ("wrong", "no")
