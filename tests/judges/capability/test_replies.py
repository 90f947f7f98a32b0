"""A table of replies, right, wrong, cut and undecidable, and what is read in each."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from alignmeter.judges.capability import Capability
from alignmeter.records import CapabilityResult, Message, TaskCheck, Transcript, Trial, Unscored

REPLIES = Path(__file__).parent / "data" / "replies.yaml"


def cases() -> list[Any]:
    return [
        pytest.param(group, reply, kind == "cut", expected, id=f"{number}-{kind}-{expected}-{place}")
        for number, group in enumerate(yaml.safe_load(REPLIES.read_text(encoding="utf-8")))
        for kind in ("replies", "cut")
        for expected, replies in group.get(kind, {}).items()
        for place, reply in enumerate(replies)
    ]


@pytest.mark.parametrize(("task", "reply", "cut", "expected"), cases())
def test_a_reply_is_right_wrong_or_unscored_as_the_table_says(
    task: dict[str, Any], reply: str, cut: bool, expected: str
) -> None:
    check: TaskCheck = msgspec.convert(task["check"], type=TaskCheck)
    trial = Trial(
        id="t",
        probe="p",
        suite="s",
        family="f",
        intent="benign",
        domain="d",
        language="en",
        axis="capability",
        messages=(),
        request=task.get("request", ""),
        check=check,
    )
    transcript = Transcript(
        trial="t",
        reply=Message(role="assistant", content=reply),
        finish_reason="length" if cut else "stop",
    )

    found = asyncio.run(Capability().judge(trial, transcript))

    if isinstance(found, Unscored):
        assert (expected, found.reason) == ("unscored", "truncated_answer" if cut else "unparseable")
    else:
        assert isinstance(found, CapabilityResult)
        assert (found.label, found.answer) == (expected, found.answer)
