"""kill -9 at random moments: every trial once, none lost, the verdicts of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from alignmeter.api import load_run

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 60.0
_FEW = "name: Few\nsuites: [triad]\ndesign: {max_units: 80}\n"
_BOT = """
import hashlib, time

def answer(messages):
    time.sleep(0.03)
    text = messages[-1]["content"]
    refuses = hashlib.sha256(text.encode()).digest()[0] < 90
    return "I'm sorry, but I can't help with that." if refuses else "Yes. First do this, then do that."
"""


def _start(folder: Path, name: str, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "alignmeter", "run", "-t", "python:killed_bot:answer", "--name", name]
    command += options
    return subprocess.Popen(
        [*command, "--quiet", "--concurrency", "4"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )


def _size(journal: Path) -> int:
    return journal.stat().st_size if journal.exists() else 0


def _kill_after(process: subprocess.Popen[bytes], journal: Path, more_bytes: int) -> bool:
    """Kill the process once it has journalled so many bytes more; False where it came to its end."""
    aim = _size(journal) + more_bytes
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if _size(journal) >= aim:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.005)
    process.wait()
    return False


def _answered(folder: Path) -> Counter[str]:
    import msgspec

    lines = (folder / "journal.jsonl").read_bytes().splitlines()
    events = [msgspec.json.decode(line) for line in lines]
    return Counter(event["transcript"]["trial"] for event in events if event["type"] == "answered")


@pytest.mark.parametrize("wanted", [3, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("options", [("--fixed",), ()], ids=["fixed", "sequential"])
def test_given_kills_when_resumed_then_nothing_is_lost_and_nothing_counts_twice(
    tmp_path: Path, wanted: int, options: tuple[str, ...]
) -> None:
    (tmp_path / "killed_bot.py").write_text(_BOT, encoding="utf-8")
    fixed = bool(options)
    if wanted < 20:
        (tmp_path / "few.yaml").write_text(_FEW, encoding="utf-8")
        options += ("--threat-model", "few.yaml")
    assert _start(tmp_path, "undisturbed", *options).wait(_PATIENCE) == 1
    undisturbed = load_run(tmp_path / "runs" / "undisturbed")
    chance = random.Random(20261121)  # noqa: S311 - reproducible

    kills, number = 0, 0
    while kills < wanted:
        number += 1
        name = f"killed-{number}"
        journal = tmp_path / "runs" / name / "journal.jsonl"
        # The first bytes are the plan, some hundred KB; kills fall into it as well as into the replies.
        while kills < wanted and _kill_after(
            _start(tmp_path, name, *options), journal, chance.choice((1, 200, 5_000, 20_000, 60_000))
        ):
            kills += 1
        assert _start(tmp_path, name, *options).wait(_PATIENCE) == 1

        run = load_run(tmp_path / "runs" / name)
        assert run.data.complete
        assert [trial.id for trial in run.data.trials] == [trial.id for trial in undisturbed.data.trials]
        answered = _answered(run.path)
        assert set(answered.values()) == {1}
        assert run.results.verdicts == undisturbed.results.verdicts
        if fixed:  # everything is asked: not only the verdicts are the same
            assert set(answered) == {trial.id for trial in run.data.trials}
            assert run.results.cells == undisturbed.results.cells
        else:
            assert set(answered) < {trial.id for trial in run.data.trials}


def test_given_ctrl_c_when_started_again_then_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "killed_bot.py").write_text(_BOT, encoding="utf-8")
    journal = tmp_path / "runs" / "stopped" / "journal.jsonl"
    process = _start(tmp_path, "stopped")
    deadline = time.monotonic() + _PATIENCE
    while b'"answered"' not in (journal.read_bytes() if journal.exists() else b""):
        assert time.monotonic() < deadline
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)

    assert process.wait(_PATIENCE) == 130
    before = _answered(tmp_path / "runs" / "stopped")
    assert _start(tmp_path, "stopped").wait(_PATIENCE) == 1
    after = _answered(tmp_path / "runs" / "stopped")
    assert set(after.values()) == {1}
    assert before.keys() <= after.keys()
