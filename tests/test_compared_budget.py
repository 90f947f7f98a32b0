"""Two targets asked side by side on a budget: where one arm stops at its end, the other loses nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from alignmeter.api import ArmRequest, CompareRequest, compare_targets
from alignmeter.engine import EngineOptions, Limits
from alignmeter.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_BOTS = """
import asyncio

asked = []

async def quick(messages):
    return "I'm sorry, but I can't help with that."

async def slow(messages):
    asked.append(messages)
    await asyncio.sleep(1.0)
    return "I'm sorry, but I can't help with that."
"""


def test_given_a_budget_that_ends_when_the_slower_arm_is_asked_then_its_replies_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compared_bots.py").write_text(_BOTS, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = compare_targets(
        CompareRequest(
            base=ArmRequest("python:compared_bots:slow"),
            tuned=ArmRequest("python:compared_bots:quick"),
            engine=EngineOptions(concurrency=4, limits=Limits(calls=6)),
            runs=tmp_path / "runs",
        )
    )
    assert found.stopped == "budget"
    assert "budget spent by both targets together: 6 of 6 calls" in found.detail
    base, tuned = (RunFolder.open(path).read() for path in (found.base, found.tuned))
    asked: list[object] = sys.modules["compared_bots"].asked
    assert len(base.transcripts) == len(asked) > 0
    assert len(base.transcripts) + len(tuned.transcripts) == 6
    assert all(transcript.error is None for transcript in base.transcripts.values())
    assert base.beside == ()
