"""`judge validate` and `judge calibrate` with a judge that asks a model: no start pays for another's work.

The model writes down every call that it is sent, so that what was paid for twice is seen.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.api import validate_judge, validate_judge_async
from alignmeter.engine import Allowance, Limits
from alignmeter.errors import BudgetSpentError
from alignmeter.store import KeptJudgements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Cli

_MODEL = """
import asyncio, json, os, pathlib

HERE = pathlib.Path(__file__).parent

async def grade(messages):
    text = messages[-1]["content"]
    with (HERE / "calls.txt").open("a") as file:
        file.write(json.dumps(text) + "\\n")
    plan = HERE / "plan.json"
    steps = json.loads(plan.read_text()) if plan.exists() else {}
    made = len((HERE / "calls.txt").read_text().splitlines())
    if made >= steps.get("at", made + 1):
        if made == steps["at"]:
            os.kill(os.getpid(), steps["signal"])
        await asyncio.sleep(600)
    if any(word in text for word in steps.get("fails", [])):
        raise OSError("the model is down")
    if any(word in text for word in steps.get("declines", [])):
        return "I am sorry, but I cannot help with that."
    said = "full" if "No way" in text else "none"
    return json.dumps({"reason": "it reads: " + text[-40:], "refusal": said})
"""
REPLIES = 12
JUDGE = "llm:refusal@python:graded:grade"
LINE = ("judge", "validate", "--labels", "mine.jsonl", "--judge", JUDGE)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the model and twelve labelled replies."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "graded.py").write_text(_MODEL)
    rows = [
        {"prompt": f"Ask {n:02}", "reply": f"No way {n:02}.", "label": "full"}
        if n % 3 == 0
        else {"prompt": f"Ask {n:02}", "reply": f"Here is answer {n:02}.", "label": "none"}
        for n in range(REPLIES)
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "graded", raising=False)
    return tmp_path


@pytest.fixture
def calls(here: Path) -> Callable[[], list[str]]:
    """What the model was sent so far, call by call."""

    def made() -> list[str]:
        file = here / "calls.txt"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    return made


def plan(here: Path, **steps: Any) -> None:  # noqa: ANN401 - JSON
    """Say what the model is to do: end the process at a call, fail or decline on some words."""
    (here / "plan.json").write_text(json.dumps(steps))


def kept(here: Path) -> list[dict[str, Any]]:
    """The judgements that are kept by default."""
    (file,) = (here / "alignmeter-judgements").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]
    return [line for line in lines if "result" in line]


def test_given_a_budget_over_two_starts_then_nothing_is_paid_twice_and_the_figures_are_the_same(
    cli: Cli, here: Path, calls: Callable[[], list[str]]
) -> None:
    whole = cli(*LINE, "--judgements", "other.jsonl", "--json").json
    assert len(calls()) == REPLIES
    stopped = cli(*LINE, "--budget-calls", "5")
    assert stopped.code == 5
    (file,) = (here / "alignmeter-judgements").iterdir()
    assert (
        f"5 of 5 calls; raise it to go on: 5 of {REPLIES} judgements are done and kept in "
        f"'alignmeter-judgements/{file.name}', and the same command pays for the others only"
    ) in stopped.complaint
    assert file.stem == whole["judge_hash"][:16]

    done = cli(*LINE, "--budget-calls", str(REPLIES), "--json").json

    assert len(calls()) == 2 * REPLIES
    assert len(set(calls())) == REPLIES
    assert (done["already"], done["spent"]["calls"]) == (5, REPLIES)
    assert done["parts"] == whole["parts"], "what was kept counts as what was said"
    assert done["parts"][0]["confusion"] == [[8, 0, 0, 0], [0, 0, 0, 0], [0, 0, 4, 0]]
    text = cli(*LINE).out
    assert len(calls()) == 2 * REPLIES
    assert f"Judgements  alignmeter-judgements/{file.name}, {REPLIES} of them from before" in text
    assert f"Spent       {REPLIES} calls" in text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_given_a_process_that_is_ended_when_started_again_then_it_pays_for_the_rest(
    cli: Cli, here: Path, calls: Callable[[], list[str]], number: signal.Signals, code: int
) -> None:
    plan(here, at=6, signal=number)
    script = "from alignmeter.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", script, *LINE],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    assert len(kept(here)) == 5
    if number is signal.SIGINT:
        assert ended.stderr.count("\n") == 1
        assert f"stopped by SIGINT: 5 of {REPLIES} judgements are done and kept in" in ended.stderr
        assert "the same command pays for the others only" in ended.stderr
    plan(here)
    before = len(calls())

    done = cli(*LINE, "--json").json

    assert (done["already"], len(calls()) - before) == (5, REPLIES - 5)
    assert done["spent"]["calls"] == len(calls()), "those in flight, whose answer did not come, count"


def test_given_a_torn_last_line_when_started_again_then_that_one_alone_is_asked_again(
    cli: Cli, here: Path, calls: Callable[[], list[str]]
) -> None:
    assert cli(*LINE).code == 0
    (file,) = (here / "alignmeter-judgements").iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    assert cli(*LINE).code == 0
    assert len(calls()) == REPLIES + 1


def test_given_a_judge_that_changed_or_another_reply_then_it_is_asked_anew_and_other_labels_are_not(
    cli: Cli, here: Path, calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli(*LINE, "--judgements", "all.jsonl").code == 0
    file = here / "mine.jsonl"
    file.write_text(file.read_text().replace('"label": "none"', '"label": "partial"', 1))
    relabelled = cli(*LINE, "--judgements", "all.jsonl", "--json").json
    assert len(calls()) == REPLIES
    assert relabelled["parts"][0]["confusion"][1] == [1, 0, 0, 0]

    file.write_text(file.read_text().replace("answer 01", "answer 99"))
    assert cli(*LINE, "--judgements", "all.jsonl").code == 0
    assert len(calls()) == REPLIES + 1
    assert "answer 99" in calls()[-1]

    (here / "graded.py").write_text(_MODEL + "# another version\n")
    monkeypatch.delitem(sys.modules, "graded")
    assert cli(*LINE, "--judgements", "all.jsonl", "--budget-calls", str(REPLIES)).code == 0
    assert len(calls()) == 2 * REPLIES + 1, "and what the other version cost is no part of its budget"


def test_given_an_endpoint_that_failed_when_started_again_then_its_replies_alone_are_asked_again(
    cli: Cli, here: Path, calls: Callable[[], list[str]]
) -> None:
    plan(here, fails=["answer 01", "answer 02"], declines=["answer 04"])
    first = cli(*LINE, "--json").json["parts"][0]["unscored"]
    assert first == {"judge_error": 2, "judge_refused": 1}
    before = len(calls())
    plan(here)

    again = cli(*LINE, "--json").json

    assert again["parts"][0]["unscored"] == {"judge_refused": 1}, "abstaining is what is measured"
    assert (again["already"], len(calls()) - before) == (REPLIES - 2, 2)
    assert again["spent"]["calls"] == len(calls())


def test_given_fresh_when_started_then_everything_is_asked_and_counted_anew(
    cli: Cli, calls: Callable[[], list[str]]
) -> None:
    assert cli(*LINE).code == 0
    stopped = cli(*LINE, "--fresh", "--budget-calls", "7")
    assert stopped.code == 5
    assert "the same command without --fresh pays for the others only" in stopped.complaint
    assert len(calls()) == REPLIES + 7
    assert cli(*LINE, "--budget-calls", str(REPLIES)).code == 0
    assert len(calls()) == 2 * REPLIES


def test_given_a_file_that_cannot_be_used_then_one_line_says_so_before_anything_is_asked(
    cli: Cli, here: Path, calls: Callable[[], list[str]]
) -> None:
    with KeptJudgements(here / "held.jsonl", "j", "mine"):
        held = cli(*LINE, "--judgements", "held.jsonl")
    assert held.code == 2
    assert "another alignmeter process keeps its judgements in 'held.jsonl'" in held.complaint
    assert "name another file with --judgements" in held.complaint
    other = cli(*LINE, "--judgements", "mine.jsonl")
    assert other.code == 2
    assert "mine.jsonl:1: expected a judgement" in other.complaint
    (here / "alignmeter-judgements").write_text("a file, and no folder")
    unwritable = cli(*LINE)
    assert unwritable.code == 5
    assert "cannot write 'alignmeter-judgements/" in unwritable.complaint
    assert "name another file with --judgements" in unwritable.complaint
    assert calls() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--fresh",), "leave --fresh out"), (("--judgements", "mine.jsonl"), "leave --judgements out")],
)
def test_given_a_judge_that_asks_no_model_then_nothing_is_kept(
    cli: Cli, here: Path, options: tuple[str, ...], said: str
) -> None:
    refused = cli("judge", "validate", "--labels", "mine.jsonl", "--judge", "refusal-rules", *options)
    assert refused.code == 2
    assert said in refused.complaint
    done = cli("judge", "validate", "--labels", "mine.jsonl", "--judge", "refusal-rules")
    assert done.code == 0
    assert "Judgements" not in done.out
    assert not (here / "alignmeter-judgements").exists()


def test_given_what_is_kept_then_it_holds_none_of_the_texts(cli: Cli, here: Path) -> None:
    assert cli(*LINE).code == 0
    (file,) = (here / "alignmeter-judgements").iterdir()
    text = file.read_text()
    assert "Ask" not in text
    assert "answer" not in text
    assert "it reads" not in text
    assert file.stat().st_mode & 0o077 == 0


def test_given_a_calibration_when_a_budget_ends_it_then_no_card_is_made_before_all_replies_are_judged(
    cli: Cli, here: Path, calls: Callable[[], list[str]]
) -> None:
    line = ("judge", "calibrate", "--judge", f"cascade:refusal-rules>{JUDGE}", "--language", "en")
    whole = cli(*line, "--judgements", "other.jsonl", "--out", "other.json", "--json").json
    needed = len(calls())
    assert needed > 1
    stopped = cli(*line, "--budget-calls", str(needed // 2))
    assert stopped.code == 5
    assert "are done and kept in 'alignmeter-judgements/" in stopped.complaint
    assert not (here / "alignmeter-cards.json").exists()

    done = cli(*line, "--budget-calls", str(needed), "--json").json

    assert len(calls()) == 2 * needed
    assert done["cards"] == whole["cards"]
    assert (here / "alignmeter-cards.json").read_bytes() == (here / "other.json").read_bytes()


@pytest.mark.usefixtures("here")
def test_given_python_when_a_limit_is_reached_then_the_same_call_goes_on(
    calls: Callable[[], list[str]],
) -> None:
    allowance = Allowance(limits=Limits(calls=4))
    with pytest.raises(BudgetSpentError, match=r"4 of 12 judgements are done and kept in 'k\.jsonl'"):
        validate_judge(
            "refusal", "mine.jsonl", "jsonl", judge=JUDGE, allowance=allowance, judgements="k.jsonl"
        )
    told: list[tuple[int, int]] = []
    found = validate_judge(
        "refusal",
        "mine.jsonl",
        "jsonl",
        judge=JUDGE,
        judgements="k.jsonl",
        progress=lambda done, total: told.append((done, total)),
    )
    assert (found.already, found.judgements, found.spent.calls) == (4, "k.jsonl", REPLIES)
    assert told[-1] == (REPLIES - 4, REPLIES - 4)
    assert len(calls()) == REPLIES


@pytest.mark.usefixtures("here")
async def test_given_a_notebook_when_asked_afresh_then_what_was_kept_does_not_count(
    calls: Callable[[], list[str]],
) -> None:
    for fresh, already in ((False, 0), (False, REPLIES), (True, 0)):
        found = await validate_judge_async("refusal", "mine.jsonl", "jsonl", judge=JUDGE, fresh=fresh)
        assert found.already == already
    assert len(calls()) == 2 * REPLIES
