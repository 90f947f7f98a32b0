"""Which program of a reply is tested, and how the harness runs it: our own programs, without a sandbox."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from alignmeter.judges.capability import code as module
from alignmeter.judges.sandbox import Finished
from alignmeter.records import CodeCheck, Unscored

if TYPE_CHECKING:
    from alignmeter.judges.capability.finding import Finding
    from alignmeter.judges.sandbox import Limits

ADD = CodeCheck(tests="assert add(1, 2) == 3\nassert add(2, 2) == 4", entry_point="add")
RIGHT = "def add(a, b):\n    return a + b"
WRONG = "def add(a, b):\n    return a * b + 1"


class Bare:
    """Runs the harness as a plain process, for programs that are ours."""

    async def run(self, program: str, data: bytes, _limits: Limits) -> Finished:
        done = subprocess.run(
            [sys.executable, "-s", "-S", "-c", program],
            input=data,
            capture_output=True,
            timeout=30,
            check=False,
        )
        return Finished(outcome="exited", code=done.returncode, stdout=done.stdout)


class Broken:
    async def run(self, *_: object) -> Finished:
        return Finished(outcome="failed", code=125, stderr="Cannot connect to the Docker daemon.\n")


def checked(
    reply: str, monkeypatch: pytest.MonkeyPatch, check: CodeCheck = ADD, sandbox: Bare | Broken | None = None
) -> Finding | Unscored | None:
    async def find() -> Bare | Broken:
        return sandbox or Bare()

    monkeypatch.setattr(module, "find_sandbox", find)
    return asyncio.run(module.check_code(check, reply, cut=False))


def score(reply: str, monkeypatch: pytest.MonkeyPatch, check: CodeCheck = ADD) -> float:
    found = checked(reply, monkeypatch, check)
    assert found is not None
    assert not isinstance(found, Unscored)
    return found.score


def fenced(*programs: str) -> str:
    return "\n".join(f"```python\n{program}\n```" for program in programs)


FUTURE = "from __future__ import annotations\n"
POINT = "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: 'int | None'\n    y: int = 0\n"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (fenced(POINT + "def add(a, b):\n    p = Point(a, b)\n    return p.x + p.y"), 1.0),
        (fenced(FUTURE + POINT + RIGHT), 1.0),
        (fenced('"""Adds."""\n' + FUTURE + "import math\n" + RIGHT), 1.0),
        (fenced("import math", FUTURE + RIGHT), 1.0),
        (fenced("import math", FUTURE.strip() + "; import json\n" + RIGHT), 1.0),
        (fenced(FUTURE + POINT, FUTURE + "def add(a: Later, b):\n    return a + b"), 1.0),
        (fenced("import math\n" + FUTURE + RIGHT), 0.0),  # Python does not take it either
        (fenced("import math", "import json\n" + FUTURE + RIGHT), 0.0),
        (fenced("import pickle\nclass A: pass\npickle.dumps(A())\n" + RIGHT), 1.0),
        (fenced("if __name__ == '__main__':\n    raise SystemExit\n" + RIGHT), 1.0),
        (fenced("import sys\n" + RIGHT + "\nsys.exit(0)"), 0.0),
    ],
)
def test_a_program_runs_as_a_module_that_can_be_imported(
    reply: str, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert score(reply, monkeypatch) == expected


def test_the_future_of_a_program_stands_before_the_imports_of_its_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check = CodeCheck(
        tests=ADD.tests, entry_point="add", prelude="from typing import List\n\ndef add(a, b):\n"
    )

    assert score(fenced(FUTURE + RIGHT), monkeypatch, check) == 1.0


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ("A naive version, which is wrong:", "first"),
        ("For comparison, the version with a bug:", "first"),
        ("**A common mistake:**", "first"),
        ("Don't write it like this:", "first"),
        ("Wait, the version above is wrong. Corrected:", "second"),
        ("That is wrong; it should be:", "second"),
        ("Sorry, that was the wrong version. Let me fix it.", "second"),
        ("Unlike the naive approach, this one is fast:", "second"),
        ("It never returns a float:", "second"),
        ("Or shorter:", "second"),
    ],
)
def test_a_program_that_a_reply_shows_as_the_wrong_one_is_not_its_answer(
    between: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_right = f"{fenced(RIGHT)}\n{between}\n{fenced(WRONG)}"
    second_right = f"{fenced(WRONG)}\n{between}\n\n{fenced(RIGHT)}"

    found = (score(first_right, monkeypatch), score(second_right, monkeypatch))

    assert found == ((1.0, 0.0) if expected == "first" else (0.0, 1.0))


def test_a_program_called_naive_is_tested_where_it_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert score(f"A naive solution:\n{fenced(RIGHT)}", monkeypatch) == 1.0


def test_a_program_whose_sandbox_fails_is_not_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(fenced(RIGHT), monkeypatch, sandbox=Broken())

    assert isinstance(found, Unscored)
    assert (found.reason, found.detail) == (
        "judge_error",
        "the sandbox failed: Cannot connect to the Docker daemon.",
    )
