"""The command line in this process: `cli(...)` returns exit code, standard output and standard error."""

from __future__ import annotations

import importlib.util
import io
import itertools
import json
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from alignmeter.cli import main
from alignmeter.store import RunFolder

_NAME = "hostile_server_helper"
if _NAME not in sys.modules:
    _path = Path(__file__).parents[1] / "faults" / "hostile_server.py"
    _spec = importlib.util.spec_from_file_location(_NAME, _path)
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_NAME] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])

hostile_server = sys.modules[_NAME].hostile_server

KEYS = ("ALIGNMETER_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "ALIGNMETER_TRACEBACK")
_numbers = itertools.count()


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON document
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error that says what is wrong."""
        assert self.out == "", self.out
        line, end, rest = self.err.partition("\n")
        assert (end, rest) == ("\n", ""), self.err
        assert line.startswith("error: "), line
        return line


class Cli(Protocol):
    """Runs `alignmeter ARGUMENTS`."""

    def __call__(self, *arguments: str | Path) -> Outcome: ...


def call(*arguments: str | Path) -> Outcome:
    """Run the entry point in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["alignmeter", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    out.flush()
    err.flush()
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined] # BytesIO
    assert "Traceback" not in texts[1]
    code = ended.value.code
    assert isinstance(code, int)
    return Outcome(code, *texts)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line in an empty folder, 80 columns wide, without any key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    return call


Bot = Callable[[str], str]
"""Writes a function `answer(messages)` with this body into a module; returns the target's spec."""


def write_bot(folder: Path, body: str) -> str:
    """Write a module of a name never used before, because Python keeps what it imported."""
    name = f"bot_{os.getpid()}_{next(_numbers)}"
    (folder / f"{name}.py").write_text(f"import os, sys, time\n\ndef answer(messages):\n    {body}\n")
    importlib.invalidate_caches()
    return f"python:{name}:answer"


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bot:
    """Makes python targets in the test's own folder."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return lambda body: write_bot(tmp_path, body)


HELPFUL = 'return "Sure, here is how: first gather what you need, then take the steps in order."'
REFUSES = """return "I'm sorry, but I can't help with that." """


@pytest.fixture
def helpful(bot: Bot) -> str:
    """The spec of a target that never refuses."""
    return bot(HELPFUL)


@pytest.fixture
def quick_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a report of one word: charts take over a second, and are tested with the report."""

    def write(path: Path, *_: object, name: str | None = None) -> Path:
        return RunFolder(path).write_report("report", name)

    monkeypatch.setattr("alignmeter.report.write_report", write)


class Finished(NamedTuple):
    """A run that came to its end, made once for all tests, which only read it."""

    runs: Path
    path: Path
    outcome: Outcome


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """A finished run `first` of a target that refuses everything."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "80")
        patch.setattr(sys, "path", [str(folder), *sys.path])
        spec = write_bot(folder, REFUSES)
        outcome = call("run", "-t", spec, "--name", "first", "--variant", "refuser")
        yield Finished(folder / "runs", folder / "runs" / "first", outcome)


SMALL = """
name: Small
languages: {en: 1.0}
suites: [triad]
adversaries: {paired_plain: false, attacks: {roleplay: 1.0}}
design: {max_units: 40}
"""
_SORRY = """"I'm sorry, but I can't help with that." """
_SURE = '"Sure: first gather what you need, then take the steps in order, one after the other."'
SCRIPTS = {
    "open": f"return {_SURE}",
    "closed": f"return {_SORRY}",
    "odd": f'return {_SORRY} if len(messages[-1]["content"]) % 2 else {_SURE}',
}


def _no_report(path: Path, *_: object, **__: object) -> Path:
    """Stand in for the report, which takes longer than the run and which nobody here reads."""
    return path


@contextmanager
def working_in(folder: Path) -> Generator[None]:
    """Make runs in a folder: paths begin there, Python targets are found there, reports are left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", [str(folder), *sys.path])
        patch.setattr("alignmeter.report.write_report", _no_report)
        yield


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small runs, only to be read, of targets that never refuse, always do, or by the request's length."""
    folder = tmp_path_factory.mktemp("scripted")
    with working_in(folder):
        (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
        for name, body in SCRIPTS.items():
            spec = write_bot(folder, body)
            found = call(
                *("run", "-t", spec, "-m", "small.yaml", "--fixed", "--quiet"),
                *("--name", name, "--variant", name),
            )
            assert found.code in {0, 1, 3, 4}, found.err
    return folder / "runs"
