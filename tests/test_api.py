"""The public API: where a run goes, what stops it before its first call, and what its end means."""

from __future__ import annotations

import errno
import os
import pydoc
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest

import alignmeter
from alignmeter.api import (
    JudgeChoice,
    Run,
    RunRequest,
    check_endpoint,
    judge_calls,
    judges_of,
    load_run,
    plan,
    refresh,
    run,
    run_async,
)
from alignmeter.engine import EngineOptions, Limits, Stopped
from alignmeter.errors import DesignChangedError, InputError, RunFolderError, TargetUnavailableError
from alignmeter.judges import cards_by_event, default_judges
from alignmeter.records import CallError, Sampling
from alignmeter.store import StopReason
from alignmeter.targets import TargetOptions
from alignmeter.threat_model import threat_model_from_dict

if TYPE_CHECKING:
    from alignmeter.engine import Snapshot
    from alignmeter.records import Claim

_BOT = """
def answer(messages):
    return "Sure. First gather what you need, then follow the steps in order."

def other(messages):
    return "I'm sorry, but I can't help with that."

def broken(messages):
    raise ValueError("planted")
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for runs; a bot can be imported from beside it."""
    (tmp_path / "api_bot.py").write_text(_BOT, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def _go(runs: Path, function: str = "answer", **fields: Any) -> Run:  # noqa: ANN401 - any field
    """A smoke run unless told otherwise."""
    request: dict[str, Any] = {"target": f"python:api_bot:{function}", "runs": runs, "smoke": True}
    return run(RunRequest(**(request | fields)))


_SHORT = EngineOptions(limits=Limits(calls=5))


# --- the module ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [one for one in alignmeter.__all__ if not one.startswith("_")])
def test_help_is_there_for_every_public_name(name: str) -> None:
    """The signature of a record is made from its annotations, each of which must be there at runtime."""
    assert name in pydoc.render_doc(getattr(alignmeter, name))


def test_given_the_package_when_imported_then_every_public_name_is_there_and_no_other() -> None:
    for name in alignmeter.__all__:
        assert getattr(alignmeter, name) is not None
    assert dir(alignmeter) == sorted(alignmeter.__all__)
    for unknown in ("runn", "_"):
        with pytest.raises(AttributeError, match=f"no attribute {unknown!r}"):
            getattr(alignmeter, unknown)


def test_given_the_package_when_imported_then_nothing_heavy_comes_with_it() -> None:
    script = (
        "import sys, alignmeter\n"
        "heavy = {'aiohttp', 'altair', 'duckdb', 'numpy', 'pydantic', 'rich', 'scipy', 'typer', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "import alignmeter.api\n"
        "print('scipy.stats' in sys.modules, 'duckdb' in sys.modules, 'altair' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "[]\nFalse False False\n"


# --- where a run goes ----------------------------------------------------------------------------


def test_given_an_unfinished_run_of_the_same_design_when_started_again_then_it_goes_on(runs: Path) -> None:
    first = _go(runs, engine=_SHORT)
    assert first.stopped == Stopped(reason="budget", detail="budget spent: 5 of 5 calls; raise it to go on")
    second = _go(runs)
    assert (second.path, second.resumed, second.results.answered) == (first.path, 5, 20)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"fresh": True}, "told to start anew"),
        ({"function": "other"}, "another target"),
        ({"target_options": TargetOptions(sampling=Sampling(max_tokens=7))}, "samples otherwise"),
        ({"smoke": False}, "another design"),
    ],
)
def test_given_an_unfinished_run_that_is_not_the_same_when_started_then_a_new_one_begins(
    runs: Path, fields: dict[str, Any], why: str
) -> None:
    first = _go(runs, engine=_SHORT)
    second = _go(runs, **fields)
    assert second.path != first.path, why
    assert second.resumed == 0
    assert load_run(first.path).results.answered == 5


def test_given_a_finished_run_when_started_again_then_a_new_one_begins_beside_it(runs: Path) -> None:
    assert len({_go(runs).path for _ in range(3)}) == 3


def test_given_a_folder_that_cannot_be_read_when_a_run_is_started_then_it_is_no_obstacle(runs: Path) -> None:
    (runs / "zzz").mkdir(parents=True)
    (runs / "zzz" / "run.json").write_text("not JSON", encoding="utf-8")
    assert _go(runs).exit_code == 0


def test_given_a_name_when_started_twice_then_the_run_of_that_name_goes_on(runs: Path) -> None:
    first = _go(runs, name="mine", engine=_SHORT)
    assert first.path == runs / "mine"
    assert _go(runs, name="mine").resumed == 5
    with pytest.raises(DesignChangedError, match="target model was 'api_bot:answer', is 'api_bot:other'"):
        _go(runs, "other", name="mine")
    with pytest.raises(InputError, match="`fresh=True` wants a new run"):
        _go(runs, name="mine", fresh=True)


def test_given_a_run_to_resume_when_started_then_it_goes_on_or_is_refused(runs: Path) -> None:
    first = _go(runs, engine=_SHORT)
    assert _go(runs / "elsewhere", resume=first.path).path == first.path
    with pytest.raises(DesignChangedError, match="cannot be resumed"):
        _go(runs, "other", resume=first.path)
    with pytest.raises(RunFolderError, match="is no run folder"):
        _go(runs, resume=runs)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "a/b"}, "`name=` must be a plain folder name"),
        ({"name": ".."}, "`name=` must be a plain folder name"),
        ({"name": " "}, "`name=` must be a plain folder name"),
        ({"name": "a", "resume": Path("b")}, "leave `name=` and `fresh=` out"),
        ({"fresh": True, "resume": Path("b")}, "leave `name=` and `fresh=` out"),
        ({"target": "embeded"}, "unknown target 'embeded'; nearest: 'embedded'"),
        (
            {"target_options": TargetOptions(sampling=Sampling(temperature=float("nan")))},
            "temperature must be",
        ),
        ({"target_options": TargetOptions(sampling=Sampling(top_p=-1.0))}, "top_p must be"),
        ({"threat_model": Path("nowhere.yaml")}, r"nowhere\.yaml"),
    ],
)
def test_given_a_request_that_cannot_be_used_when_started_then_nothing_is_written(
    runs: Path, fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        _go(runs, **fields)
    assert not runs.exists()


# --- before the first call -----------------------------------------------------------------------


def test_given_an_endpoint_that_is_not_there_when_started_then_nothing_is_written(runs: Path) -> None:
    options = TargetOptions(url="http://127.0.0.1:9/v1", timeout=2.0)
    with pytest.raises(TargetUnavailableError) as caught:
        _go(runs, target="openai:m", target_options=options)
    assert caught.value.exit_code == 5
    assert not runs.exists()
    error = check_endpoint("openai:m", options)
    assert isinstance(error, CallError)
    assert error.kind == "connection"


def test_given_a_target_without_a_probe_when_checked_then_there_is_nothing_to_say(runs: Path) -> None:
    assert runs.parent.is_dir()
    assert check_endpoint("python:api_bot:answer", TargetOptions()) is None


def test_given_no_threat_model_when_planned_then_the_preset_is_planned_and_smoke_is_its_beginning() -> None:
    whole, smoke = plan(), plan(mode="smoke")
    assert {claim.kind for claim in whole.design.claims} == {
        "attack_compliance", "false_refusal_benign", "false_refusal_sensitive", "confident_hallucination",
    }  # fmt: skip
    assert whole.trials[:20] == smoke.trials


def test_given_a_model_behind_a_judge_when_planned_then_its_calls_are_those_of_the_trials_expected(
    runs: Path,
) -> None:
    assert not runs.exists()
    choice = JudgeChoice(specs=("llm:harm@python:api_bot:other", "llm:refusal@python:api_bot:other"))
    model = threat_model_from_dict(
        {"name": "x", "suites": ["triad"], "adversaries": {"best_of_n": {"draws": 9}}}
    )
    made = plan(model, judges=choice)
    calls = judge_calls(made, judges_of(choice, None, seed=1), 0.25)
    expected = made.expected(0.25)
    assert calls == {
        "harm": sum(trial.intent == "harmful" for trial in expected),
        "refusal": len(expected),
    }


@pytest.mark.parametrize(
    ("spec", "first", "second"),
    [
        ("cascade:llm:refusal@python:api_bot:other>llm:refusal@python:api_bot:answer", True, True),
        ("cascade:refusal-rules>llm:refusal@python:api_bot:other", False, True),
        ("cascade:llm:refusal@python:api_bot:other>refusal-rules", True, False),
        ("cascade:refusal-rules>refusal-embedded", False, False),
    ],
)
def test_given_a_cascade_when_planned_then_each_stage_is_counted_for_its_models(
    runs: Path, spec: str, first: bool, second: bool
) -> None:
    assert not runs.exists()
    made = plan(threat_model_from_dict({"name": "x", "suites": ["triad"]}), mode="fixed")
    calls = judge_calls(made, judges_of(JudgeChoice(specs=(spec,)), None, seed=1), 1.0)
    replies = len(made.expected(1.0))
    if not (first or second):
        assert calls == {}
        return
    later = calls["refusal"] - (replies if first else 0)
    assert (0.1 * replies < later < 0.9 * replies) if second else later == 0


# --- the end of a run ----------------------------------------------------------------------------


def test_given_a_reason_to_stop_when_the_process_ends_then_the_exit_code_says_which(runs: Path) -> None:
    done = _go(runs)
    codes = {
        reason: msgspec.structs.replace(done, stopped=Stopped(reason=reason)).exit_code
        for reason in get_args(StopReason)
    }
    assert codes == {
        "complete": 0,
        "interrupted": 130,
        "budget": 0,
        "target_unavailable": 5,
        "judge_unavailable": 5,
        "storage": 5,
    }
    failed = msgspec.structs.replace(done.results, exit_code=1)
    assert msgspec.structs.replace(done, stopped=None, results=failed).exit_code == 1


def test_given_a_smoke_run_of_errors_alone_when_it_ends_then_it_failed(runs: Path) -> None:
    done = _go(runs, "broken")
    assert (done.exit_code, done.results.verdicts, done.results.errors) == (5, (), {"target_exception": 20})
    assert done.results.rule == "smoke run: no verdicts"


def test_given_a_disk_that_fills_at_the_very_end_when_started_again_then_nothing_is_asked_twice(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "verdicts.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", failing)
        first = _go(runs)
    assert first.stopped is not None
    assert (first.stopped.reason, first.exit_code) == ("storage", 5)
    assert first.results.answered == 20

    again = _go(runs)
    assert (again.path, again.resumed, again.exit_code) == (first.path, 20, 0)
    assert (again.path / "verdicts.json").exists()


def test_given_a_run_on_disk_when_loaded_then_it_is_analysed_again_and_its_folder_is_untouched(
    runs: Path,
) -> None:
    done = _go(runs, smoke=False, engine=EngineOptions(limits=Limits(calls=120)))
    before = {path.name: path.stat().st_mtime_ns for path in done.path.iterdir()}
    loaded = load_run(str(done.path))
    assert {path.name: path.stat().st_mtime_ns for path in done.path.iterdir()} == before
    assert loaded.results == done.results
    assert loaded.stopped is None

    (done.path / "verdicts.json").unlink()
    (done.path / "transcripts.parquet").unlink()
    assert refresh(done.path).results == done.results
    assert (done.path / "transcripts.parquet").exists()


def test_given_judges_with_cards_when_analysed_then_every_verdict_says_how_good_its_judge_is(
    runs: Path,
) -> None:
    done = _go(runs, smoke=False, engine=_SHORT)
    measured: set[str] = set()
    for card in cards_by_event(default_judges().values()).values():
        english = next((part for part in card.strata if (part.by, part.value) == ("language", "en")), None)
        count = f"{card.n} replies" if english is None else f"{english.n} replies in en"
        measured.add(f"on {count} of {card.data} labelled by")
    for verdict in done.results.verdicts:
        said = " ".join(verdict.caveats)
        people = "a machine" if verdict.kind == "confident_hallucination" else "people"
        assert f"labelled by {people}" in said
        assert any(text in said for text in measured), said
        assert verdict.interval is not None
        assert "the judge's error carried" in verdict.interval.method


# --- while it runs -------------------------------------------------------------------------------


class _Stopper:
    """A display that sends this very process a signal once a few trials are answered."""

    def __init__(self, number: signal.Signals) -> None:
        self._number = number
        self.begun: list[tuple[int, int]] = []
        self._sent = False

    def started(self, *, run: str, target: str, total: int, done: int, claims: tuple[Claim, ...]) -> None:
        assert run
        assert target == "api_bot:answer"
        assert not claims
        self.begun.append((total, done))

    def update(self, snapshot: Snapshot) -> None:
        if not self._sent:
            self._sent = True
            assert snapshot.answered < 20
            os.kill(os.getpid(), self._number)

    def note(self, message: str) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_given_a_signal_when_running_then_the_run_stops_cleanly_and_goes_on_later(
    runs: Path, number: signal.Signals
) -> None:
    display = _Stopper(number)
    request = RunRequest(
        target="python:api_bot:answer", runs=runs, smoke=True, engine=EngineOptions(requests_per_minute=600)
    )
    before = signal.getsignal(number)
    stopped = run(request, progress=display)
    assert stopped.stopped == Stopped(reason="interrupted", detail=f"stopped by {number.name}")
    assert stopped.exit_code == 130
    assert signal.getsignal(number) == before
    assert display.begun == [(20, 0)]

    again = _go(runs)
    assert again.path == stopped.path
    assert again.results.answered == 20


async def test_given_a_running_event_loop_when_awaited_then_it_is_the_same_run(runs: Path) -> None:
    done = await run_async(RunRequest(target="python:api_bot:answer", runs=runs, smoke=True))
    assert (done.exit_code, done.results.answered) == (0, 20)


def test_given_a_thread_that_is_not_the_main_one_when_run_there_then_signals_are_left_alone(
    runs: Path,
) -> None:
    request = RunRequest(target="python:api_bot:answer", runs=runs, smoke=True)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, request).result(60).exit_code == 0
