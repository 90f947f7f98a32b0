"""Results that the real tools wrote for questions of our own, and copies of them to break."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent / "data"

Lines = list[dict[str, Any]]


class LmEvalFolder(NamedTuple):
    """A folder that `lm_eval run` wrote."""

    path: Path

    @property
    def results(self) -> Path:
        """The results file."""
        (found,) = self.path.glob("results_*.json")
        return found

    def samples(self, task: str) -> Path:
        """The samples of one task."""
        (found,) = self.path.glob(f"samples_{task}_*.jsonl")
        return found

    def lines(self, task: str) -> Lines:
        """The samples of one task, decoded."""
        return [json.loads(line) for line in self.samples(task).read_text(encoding="utf-8").splitlines()]

    def edit_results(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the results in place."""
        document = json.loads(self.results.read_text(encoding="utf-8"))
        change(document)
        self.results.write_text(json.dumps(document), encoding="utf-8")

    def edit_samples(self, task: str, change: Callable[[Lines], Lines]) -> None:
        """Put other samples in place of those of a task."""
        lines = change(self.lines(task))
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        self.samples(task).write_text(text, encoding="utf-8")


@pytest.fixture
def lm_eval() -> LmEvalFolder:
    """What `lm_eval run` wrote: ten word problems with two filters, eight closed questions."""
    return LmEvalFolder(DATA / "lm_eval")


@pytest.fixture
def broken_lm_eval(tmp_path: Path) -> LmEvalFolder:
    """A copy of it, to be broken."""
    return LmEvalFolder(Path(shutil.copytree(DATA / "lm_eval", tmp_path / "lm_eval")))


@pytest.fixture
def helm() -> Path:
    """A suite of two HELM runs of two models, written by HELM's own classes."""
    return DATA / "helm"


@pytest.fixture
def broken_helm(tmp_path: Path) -> Path:
    """A copy of the base model's run, to be broken."""
    return Path(shutil.copytree(DATA / "helm" / "base", tmp_path / "base"))


@pytest.fixture
def inspect_logs() -> Path:
    """Two `.eval` logs of the same tasks."""
    return DATA / "inspect"


@pytest.fixture
def inspect_epochs() -> Path:
    """A `.json` log of the closed questions, each asked twice."""
    (found,) = (DATA / "inspect_epochs").glob("*.json")
    return found
