"""The library from Python: names, what may be given, notebooks, and results as data."""

from __future__ import annotations

import gc
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import alignmeter
from alignmeter import api
from alignmeter.errors import InputError
from alignmeter.threat_model import load_threat_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignmeter.api import Run

ROOT = Path(__file__).parents[2]

_BOT = """
def answer(messages):
    odd = len(messages[-1]["content"]) % 2
    return "I'm sorry, I can't help with that." if odd else "Sure. First, measure."

def moody(messages):
    if len(messages[-1]["content"]) % 3 == 0:
        raise ValueError("planted")
    return answer(messages)
"""
_SMALL = "name: Small\nsuites: [triad]\ndesign: {max_units: 12}\nadversaries: {attacks: [plain]}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bot and a small threat model, in which we are."""
    (tmp_path / "calls_bot.py").write_text(_BOT, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(_SMALL, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))  # pyright: ignore[reportUnknownMemberType] - untyped in pytest
    monkeypatch.delitem(sys.modules, "calls_bot", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(function: str = "answer", **fields: Any) -> Run:  # noqa: ANN401 - any field
    request: dict[str, Any] = {
        "target": f"python:calls_bot:{function}",
        "threat_model": "small.yaml",
        "runs": "runs",
        "fixed": True,
    }
    return alignmeter.run(alignmeter.RunRequest(**(request | fields)))


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", [alignmeter, api], ids=lambda one: one.__name__)
def test_no_public_name_is_that_of_a_module(package: Any) -> None:  # noqa: ANN401 - a package
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules.isdisjoint(package.__all__), "the module would take the place of the name once imported"
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_one_name_loads_only_what_it_needs() -> None:
    script = (
        "import sys, alignmeter\n"
        "homes = ('running', 'rejudging', 'taxing', 'placing', 'lab', 'rotating')\n"
        "loaded = lambda: [name for name in homes if f'alignmeter.api.{name}' in sys.modules]\n"
        "alignmeter.load_run\n"
        "print(loaded())\n"
        "alignmeter.run\n"
        "print(loaded())\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n['running']\n"


def test_every_name_of_the_package_is_one_of_the_api_or_of_a_module_below() -> None:
    shared = set(alignmeter.__all__) & set(api.__all__)
    for name in shared:
        assert getattr(alignmeter, name) is getattr(api, name)
    assert {"JudgeChoice", "rejudge", "regions", "compare_targets_async", "read_threat_model"} <= shared


# --- notebooks -----------------------------------------------------------------------------------

_PAIRS = sorted(name.removesuffix("_async") for name in api.__all__ if name.endswith("_async"))


def test_every_function_that_waits_has_an_async_form() -> None:
    waits = {
        name
        for name in api.__all__
        if inspect.isfunction(getattr(api, name))
        and not name.endswith("_async")
        and "wait_for(" in inspect.getsource(getattr(api, name))
    }
    assert waits == set(_PAIRS)
    assert len(waits) == 9


@pytest.mark.parametrize("name", _PAIRS)
async def test_given_a_running_event_loop_when_called_then_the_error_names_the_async_form(name: str) -> None:
    plain, awaited = getattr(api, name), getattr(api, f"{name}_async")
    assert inspect.signature(plain) == inspect.signature(awaited)
    assert inspect.iscoroutinefunction(awaited)
    needed = [one for one in inspect.signature(plain).parameters.values() if one.default is one.empty]
    home = alignmeter if hasattr(alignmeter, name) else api
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as caught:
            plain(*[object() for _ in needed])
        gc.collect()
    assert f"`await {home.__name__}.{name}_async(...)`" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert hasattr(home, f"{name}_async")


async def test_given_a_running_event_loop_when_awaited_then_a_run_is_made_and_judged_again(
    here: Path,
) -> None:
    request = alignmeter.RunRequest(target="python:calls_bot:answer", runs=str(here / "runs"), smoke=True)
    run = await alignmeter.run_async(request)
    (judged,) = await alignmeter.rejudge_async(
        str(run.path), alignmeter.JudgeChoice(specs=("refusal-rules",))
    )
    assert (judged.judge, judged.judged, judged.calls) == ("refusal-rules", 0, 0)
    assert await api.check_endpoint_async("python:calls_bot:answer", alignmeter.TargetOptions()) is None
    report = await api.validate_judge_async("refusal", _labels(here), "jsonl")
    assert report.part().n == 2


def _labels(here: Path) -> str:
    rows = [
        {"prompt": "How?", "reply": "I'm sorry, I can't help with that.", "label": "full"},
        {"prompt": "How?", "reply": "Sure. First, measure.", "label": "none"},
    ]
    (here / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return "labels.jsonl"


# --- what may be given ---------------------------------------------------------------------------


def _annotated() -> dict[str, str]:
    """Every parameter and field of the API that a path is given to, with its annotation."""
    found: dict[str, str] = {}
    for name in api.__all__:
        made = getattr(api, name)
        if inspect.isfunction(made) and not name.startswith("unwritten"):  # that gets the path of a run
            annotations = {
                key: str(one.annotation) for key, one in inspect.signature(made).parameters.items()
            }
        elif name.endswith("Request"):
            annotations = {key: str(one) for key, one in made.__annotations__.items()}
        else:
            continue
        found |= {f"{name}({key})": one for key, one in annotations.items() if "Path" in one}
    return found


def test_whatever_takes_a_path_takes_a_text() -> None:
    assert len(_annotated()) > 30
    assert not [where for where, said in _annotated().items() if not re.search(r"\bstr\b|Source", said)]


def test_given_a_threat_model_object_when_run_then_it_is_the_run_of_its_file(here: Path) -> None:
    by_file = _run(runs="runs", name="file")
    by_object = _run(runs=here / "runs", name="object", threat_model=load_threat_model("small.yaml"))
    assert by_object.manifest.threat_model_hash == by_file.manifest.threat_model_hash
    assert by_object.results.verdicts == by_file.results.verdicts
    assert by_file.manifest.threat_model_source == "small.yaml"
    assert by_object.manifest.threat_model_source == "Small, given in Python"
    assert alignmeter.plan("small.yaml").design == alignmeter.plan(load_threat_model("small.yaml")).design


def _bot(messages: object) -> str:
    return f"{messages}"


def _made_here() -> Callable[[object], str]:
    def inner(messages: object) -> str:
        return f"{messages}"

    return inner


_REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"target": _bot}, f"got the function _bot; write target='python:{__name__}:_bot', for a function at"),
    ({"target": _made_here()}, f"write target='python:{__name__}:FUNCTION', for a function"),
    ({"target": 3}, "as target, such as 'openai:MODEL' or 'python:MODULE:FUNCTION', got an object of"),
    ({"runs": 3}, "expected a path as runs, for example runs='runs', got an object of the type int"),
    ({"resume": 3}, "expected a path as resume"),
    ({"threat_model": 3}, "expected a path as threat_model"),
]


@pytest.mark.parametrize(("fields", "said"), _REFUSED, ids=[said for _, said in _REFUSED])
def test_given_what_cannot_be_taken_when_run_then_one_line_says_what_to_write(
    here: Path, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        _run(**fields)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (here / "runs").exists()


@pytest.mark.parametrize(
    "call",
    [
        lambda: api.check_endpoint(_bot, alignmeter.TargetOptions()),  # pyright: ignore[reportArgumentType]
        lambda: api.audit_scorer(api.ScorerRequest(scorer=_bot)),  # pyright: ignore[reportArgumentType]
        lambda: api.translate_suite(
            api.TranslateRequest(suite="triad", language="it", model=_bot)  # pyright: ignore[reportArgumentType]
        ),
    ],
    ids=["check_endpoint", "audit_scorer", "translate_suite"],
)
def test_given_a_function_for_a_model_when_called_then_the_error_says_how_to_name_it(
    here: Path, call: Callable[[], object]
) -> None:
    assert here.is_dir()
    with pytest.raises(InputError, match=r"write \w+='python:.*:_bot', for a function at the top"):
        call()


# --- results as data -----------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["answer", "moody"])
def test_rows_are_those_of_the_tables_with_the_labels_of_each_axis(here: Path, function: str) -> None:
    assert here.is_dir()
    run = _run(function)
    rows = run.rows()
    assert rows == alignmeter.load_run(run.path).rows()
    assert json.loads(json.dumps(rows)) == rows
    assert len({tuple(row) for row in rows}) == 1

    columns, table = _table(run.path / "transcripts.parquet")
    assert [tuple(row[name] for name in columns) for row in rows] == table
    columns, judged = _table(run.path / "judgements.parquet")
    told = ("label", "confidence", "score", "unscored_reason")
    places = [columns.index(name) for name in ("trial", "axis", *told)]
    axes = [name.removesuffix("_label") for name in rows[0] if name.endswith("_label")]
    said = {
        (row["trial"], axis, *(row.get(f"{axis}_{name}") for name in told)) for row in rows for axis in axes
    }
    assert {one for one in said if any(part is not None for part in one[2:])} == {
        tuple(row[place] for place in places) for row in judged
    }
    failed = [row for row in rows if row["error_kind"] is not None]
    assert bool(failed) == (function == "moody")
    for row in failed:
        assert (row["reply"], row["refusal_label"], row["refusal_unscored_reason"]) == (
            None,
            None,
            "target_error",
        )


def _table(path: Path) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of a Parquet file."""
    read = duckdb.read_parquet(str(path))
    return read.columns, read.fetchall()


def test_rows_of_a_run_that_was_stopped_are_those_that_were_asked(here: Path) -> None:
    assert here.is_dir()
    run = _run(engine=alignmeter.EngineOptions(limits=alignmeter.Limits(calls=5)))
    assert len(run.data.trials) > 5
    assert len(run.rows()) == 5
    assert all(row["prompt"] for row in run.rows())


def test_results_are_plain_data_as_their_files_say(here: Path) -> None:
    attacked = here / "small.yaml"
    larger = _SMALL.replace("12", "30").replace("[plain]", "[plain, base64]")
    attacked.write_text(larger, encoding="utf-8")
    one, two = _run(name="one"), _run("moody", name="two")
    assert one.results.to_dict() == json.loads((one.path / "verdicts.json").read_bytes())
    results = [
        one.manifest,
        alignmeter.plan("small.yaml"),
        alignmeter.gate(one.path, two.path),
        alignmeter.compare(one.path, two.path),
        alignmeter.frontier([one.path, two.path]),
        alignmeter.history([one.path, two.path]),
        alignmeter.regions(one, vectors="words"),
    ]
    for result in results:
        assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()
    arms = [alignmeter.ArmRequest(target=f"python:calls_bot:{name}") for name in ("answer", "moody")]
    request = alignmeter.CompareRequest(
        base=arms[0], tuned=arms[1], threat_model=attacked, runs="runs", name="x"
    )
    live = alignmeter.compare_targets(request)
    assert live.to_dict()["base"] == str(Path("runs", "x-base"))


def test_a_run_prints_as_one_line(here: Path) -> None:
    assert here.is_dir()
    run = _run(name="one")
    said = repr(run)
    assert said.startswith("<Run 'runs/one' of 'calls_bot:answer': 36 replies, ")
    assert said.endswith(f"exit code {run.exit_code}>")
    assert len(said) < 200
    assert "no verdicts" in repr(_run(smoke=True, fixed=False))


# --- the documentation ---------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_python_of_the_documentation_runs(here: Path, page: str) -> None:
    (here / "my_bot.py").write_text(_BOT, encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == {"README.md": 1, "docs/python.md": 5}[page]
    written = "\n".join(blocks)
    # What a notebook would await, a script runs.
    written = re.sub(r"await (alignmeter\.\w+)\((\w+)\)", r"__import__('asyncio').run(\1(\2))", written)
    (here / "script.py").write_text(written, encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "attack" in done.stdout


def test_the_names_of_the_documentation_are_there() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for home, name in re.findall(r"\b(alignmeter(?:\.api)?)\.(\w+)\(", text):
        assert hasattr(alignmeter if home == "alignmeter" else api, name)
    for name in re.findall(r"`(\w+_async)`", text):
        assert name in api.__all__
