"""What only a process of its own can show: start-up, pipes, signals, a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from alignmeter.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bot, Cli, Finished

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX"),
    pytest.mark.usefixtures("quick_report"),  # in this process only
]

HEAVY = "aiohttp altair duckdb jinja2 numpy pydantic rich scipy uvloop yaml"


def environment() -> dict[str, str]:
    """The environment without keys, for 80 columns."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return {**kept, "COLUMNS": "80"}


def start(*arguments: str | Path, under: str = "pass") -> subprocess.Popen[str]:
    """Start the command line in the current folder; `under` is Python to run first."""
    code = f"import sys; sys.path.insert(0, ''); {under}; from alignmeter.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def imported_by(statement: str) -> set[str]:
    """Heavy packages that are loaded after a statement."""
    code = f"import sys; sys.argv = ['alignmeter', '--help']\n{statement}\n"
    code += f"print(*[name for name in {HEAVY.split()} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def wait_for(journal: Path, event: str, count: int) -> None:
    """Wait until a journal has so many events of a type."""
    deadline = time.monotonic() + 60
    while not journal.exists() or journal.read_text().count(f'"type":"{event}"') < count:
        assert time.monotonic() < deadline, f"{journal} did not get {count} events {event!r}"
        time.sleep(0.02)


def answers(journal: Path) -> list[str]:
    """Trial ids of every answer in a journal."""
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    return [event["transcript"]["trial"] for event in events if event["type"] == "answered"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert imported_by("import alignmeter; dir(alignmeter)") == set()


def test_the_help_loads_nothing_heavy() -> None:
    help_then_go_on = "import alignmeter.cli\ntry: alignmeter.cli.main()\nexcept SystemExit: pass"

    assert imported_by(help_then_go_on) == set()


def test_python_m_is_the_same_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alignmeter", "suites", "show", "no_such", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )

    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout)["exit_code"] == 2


@pytest.mark.parametrize("words", [("suites", "show", "triad"), ("show", "--limit", "100", "--json")])
def test_a_reader_that_goes_away_is_no_error(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(finished.runs.parent)
    process = start(*words)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("words", [("report",), ("report", "--json")], ids=["text", "json"])
def test_a_reader_that_goes_away_does_not_turn_a_failed_claim_into_success(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.chdir(finished.runs.parent)
    monkeypatch.setattr(sys, "argv", ["alignmeter", *words])
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        with pytest.raises(SystemExit) as ended:
            main()

    assert ended.value.code == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_an_output_that_is_full_is_a_failure_in_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "alignmeter", "suites", "list", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment(),
        )

    assert done.returncode == 5
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def test_an_output_that_knows_no_symbols_still_gets_the_words(finished: Finished) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alignmeter", "runs", "show", finished.path],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "? FAIL" in done.stdout


def test_ctrl_c_keeps_what_was_finished_and_says_how_to_go_on(
    cli: Cli, bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = bot('time.sleep(float(os.environ["BOT_PACE"])); return "Sure, here is how to do it."')
    monkeypatch.setenv("BOT_PACE", "0.2")
    journal = tmp_path / "runs" / "stopped" / "journal.jsonl"
    process = start("run", "-t", spec, "--name", "stopped", "--smoke", "--concurrency", "2")
    wait_for(journal, "answered", 4)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    asked = answers(journal)
    assert process.returncode == 130
    assert "stopped (interrupted)" in err
    assert "start the same command again to resume" in err
    assert "Traceback" not in err
    assert 4 <= len(asked) < 20

    monkeypatch.setenv("BOT_PACE", "0")
    outcome = cli("run", "-t", spec, "--name", "stopped", "--smoke", "-q", "--json")
    everything = answers(journal)
    assert outcome.json["resumed_trials"] == len(asked)
    assert len(everything) == len(set(everything)) == outcome.json["results"]["trials"]


def test_a_full_disk_is_a_failure_from_which_the_next_start_goes_on(
    cli: Cli, helpful: str, tmp_path: Path
) -> None:
    model = tmp_path / "small.yaml"
    model.write_text("name: Small\nsuites: [triad]\ndesign: {max_units: 80}\n")
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (450_000, r.RLIM_INFINITY))"
    asked = ("run", "-m", str(model), "-t", helpful, "--name", "full", "--json", "--fixed")
    process = start(*asked, under=limit)
    out, err = process.communicate(timeout=60)
    journal = tmp_path / "runs" / "full" / "journal.jsonl"
    kept = answers(journal)

    assert process.returncode == 5
    assert json.loads(out)["stopped"]["reason"] == "storage"
    assert "start the same command again to resume" in json.loads(out)["stopped"]["detail"]
    assert "Traceback" not in err
    assert len(kept) > 0

    outcome = cli(*asked, "-q")

    everything = answers(journal)
    assert outcome.json["resumed_trials"] == len(kept)
    assert everything[: len(kept)] == kept
    assert len(everything) == len(set(everything)) == outcome.json["results"]["trials"]


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_ends_a_run_whose_target_never_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, presses: int
) -> None:
    (tmp_path / "hanging_bot.py").write_text("import time\ndef answer(messages):\n    time.sleep(3600)\n")
    monkeypatch.chdir(tmp_path)
    process = start("run", "-t", "python:hanging_bot:answer", "--name", "hung")
    wait_for(tmp_path / "runs" / "hung" / "journal.jsonl", "planned", 100)
    time.sleep(1)  # the first calls are out
    for _ in range(presses):
        process.send_signal(signal.SIGINT)

    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "start the same command again to resume" in err
