"""The files of lm-evaluation-harness: which results and samples a path means, and what they state."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from alignmeter.errors import InputError
from alignmeter.integrations.base import stated
from alignmeter.integrations.files import json_lines, read_object
from alignmeter.integrations.peek import Peek

if TYPE_CHECKING:
    from pathlib import Path

_DATE = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
_RESULTS = re.compile(rf".+_(?P<date>{_DATE})\.json")
_SAMPLES = re.compile(rf"samples_(?P<task>.+?)(?:_(?P<date>{_DATE}))?\.jsonl")

Line = tuple[str, dict[str, Any]]
"""A sample, and where it stands."""


class Results(msgspec.Struct, kw_only=True):
    """A results file, as far as it is read; tables are by task.

    Attributes:
        results: Printed scores by `metric,filter`.
        samples: Only where the results were written down by a program of one's own.
    """

    results: dict[str, dict[str, Any]] = {}
    configs: dict[str, dict[str, Any]] = {}
    versions: dict[str, Any] = {}
    higher_is_better: dict[str, dict[str, Any]] = {}
    counts: dict[str, dict[str, int | None]] = msgspec.field(
        name="n-samples", default_factory=dict[str, dict[str, int | None]]
    )
    shots: dict[str, Any] = msgspec.field(name="n-shot", default_factory=dict[str, Any])
    samples: dict[str, list[dict[str, Any]]] | None = None
    config: dict[str, Any] = {}
    model_name: str | None = None
    date: float | None = None
    git_hash: str | None = None
    lm_eval_version: str | None = None
    transformers_version: str | None = None
    chat_template: Any = None
    chat_template_sha: str | None = None
    fewshot_as_multiturn: bool | None = None
    system_instruction_sha: str | None = None

    @property
    def model(self) -> str:
        """Name of the model, empty where the results do not say."""
        arguments = self.config.get("model_args")
        if self.model_name or not isinstance(arguments, str):
            return self.model_name or ""
        named = {key: value for key, _, value in (part.partition("=") for part in arguments.split(","))}
        return named.get("pretrained") or named.get("model") or ""


class Task(NamedTuple):
    """One task of one results file, and its samples; `where` is the file of the samples."""

    name: str
    document: Results
    lines: list[Line]
    where: str

    @property
    def config(self) -> dict[str, Any]:
        """How the task is defined; empty where that is not known."""
        return self.document.configs.get(self.name, {})

    @property
    def printed(self) -> dict[str, Any]:
        """Printed scores by `metric,filter`, with all else that stands there."""
        return self.document.results.get(self.name, {})


def is_results(peek: Peek) -> bool:
    """Whether a file is one of results."""
    return peek.kind == "json_object" and {"results", "configs", "versions"} <= peek.names


def is_samples(peek: Peek) -> bool:
    """Whether a file is one of samples."""
    return peek.kind in {"json_lines", "json_object"} and {"doc_id", "resps", "filtered_resps"} <= peek.names


def documents(path: Path) -> list[tuple[Path, Results]]:
    """Return the results files that a path means, each with its content; an empty one for lone samples.

    Raises:
        InputError: There is none, or one is not as the harness writes it.
    """
    peek = Peek(path)
    if peek.kind == "folder":
        found = [(file.path, _read(file.path)) for file in peek.files if is_results(file)]
        if not found:
            raise InputError(
                f"{path}: expected a results_*.json beside the samples, got {peek.said()}; name one file of "
                "samples to read it alone"
            )
        return found
    if is_samples(peek):
        beside = _results_of(path)
        return [(path, _read(beside) if beside else Results())]
    return [(path, _read(path))]


def _read(path: Path) -> Results:
    try:
        return msgspec.convert(read_object(path), Results)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: expected results of lm-evaluation-harness, got: {error}") from None


def _results_of(samples: Path) -> Path | None:
    """Find the results file that was written with a file of samples."""
    found = _SAMPLES.fullmatch(samples.name)
    if not found or not found["date"]:
        return None
    beside = sorted(samples.parent.glob(f"*_{found['date']}.json"))
    return next((file for file in beside if is_results(Peek(file))), None)


def tasks(file: Path, document: Results) -> list[Task]:
    """Pair the tasks of a results file with their samples.

    Raises:
        InputError: Samples are missing, or a line is no sample.
    """
    if is_samples(Peek(file)):
        found = _SAMPLES.fullmatch(file.name)
        name = found["task"] if found else file.stem
        return [Task(name, document, list(json_lines(file)), str(file))]
    held = document.samples or {}
    names = [name for name in document.results if name in document.configs]
    if not names:
        raise InputError(f"{file}: expected results of at least one task, got none; was the run finished?")
    return [
        Task(name, document, _held(file, held[name]), str(file))
        if name in held
        else _with_samples(name, file, document)
        for name in names
    ]


def _held(file: Path, samples: list[dict[str, Any]]) -> list[Line]:
    return [(f"{file}: sample {number}", sample) for number, sample in enumerate(samples, 1)]


def _with_samples(name: str, file: Path, document: Results) -> Task:
    dated = _RESULTS.fullmatch(file.name)
    pattern = rf"samples_{re.escape(name)}" + (f"_{re.escape(dated['date'])}" if dated else f"(?:_{_DATE})?")
    beside = sorted(file.parent.iterdir())
    found = [path for path in beside if re.fullmatch(rf"{pattern}\.jsonl", path.name)]
    if len(found) != 1:
        got = "none" if not found else ", ".join(path.name for path in found)
        raise InputError(
            f"{file}: expected one file of samples of task {name!r} beside it, got {got}; run lm_eval with "
            "--log_samples, and keep what it writes together"
        )
    return Task(name, document, list(json_lines(found[0])), str(found[0]))


def facts(document: Results) -> dict[str, str]:
    """Return what the results state of their run."""
    config = document.config
    return stated(
        {
            "harness": f"lm-eval {document.lm_eval_version or ''}".strip(),
            "git hash": document.git_hash,
            "date": datetime.fromtimestamp(document.date, UTC).isoformat() if document.date else None,
            "model type": config.get("model"),
            "model arguments": _arguments(config.get("model_args")),
            "model revision": config.get("model_sha") or config.get("model_revision"),
            "generation": _arguments(config.get("gen_kwargs")),
            "limit": config.get("limit"),
            "chat template": document.chat_template_sha
            or ("of the endpoint" if document.chat_template == "" else None),
            "few-shot as multi-turn": document.fewshot_as_multiturn,
            "system instruction": document.system_instruction_sha,
            "transformers": document.transformers_version,
            **{f"version of {task}": version for task, version in document.versions.items()},
            **{f"shots of {task}": count for task, count in document.shots.items()},
        }
    )


def _arguments(value: Any) -> str | None:  # noqa: ANN401 - a string or an object
    if isinstance(value, dict):
        return ", ".join(f"{name}={one}" for name, one in value.items())  # type: ignore[reportUnknownVariableType] # JSON
    return value or None
