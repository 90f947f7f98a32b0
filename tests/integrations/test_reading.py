"""Telling formats apart by what files hold, and readers of installed packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError
from alignmeter.integrations import ReadOptions, formats, read_item_scores
from alignmeter.integrations.base import without_secrets
from alignmeter.records import ItemScores, ScoredItem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integrations.conftest import LmEvalFolder

    from alignmeter.integrations.peek import Peek


class Reader:
    """Reads files that begin with `PLUGIN`."""

    format = "mine"
    options = frozenset({"model"})

    def recognises(self, peek: Peek) -> bool:
        return peek.kind == "text" and peek.first_line.startswith("PLUGIN")

    def read(self, path: Path, options: ReadOptions) -> ItemScores:
        names = path.read_text(encoding="utf-8").split()[1:]
        items = tuple(ScoredItem(item=name, family=name, domain="law", score=1.0) for name in names)
        return ItemScores(model=options.model or "m", source="other", origin=str(path), items=items)


reader, no_reader = Reader(), "a string"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Entry points of installed packages, as far as the reader of plugins sees them."""
    found: list[EntryPoint] = []
    monkeypatch.setitem(sys.modules, "a_reader_plugin", sys.modules[__name__])

    def entry_points(*, group: str) -> EntryPoints:
        return EntryPoints(one for one in found if one.group == group)

    monkeypatch.setattr("alignmeter.integrations.registry.entry_points", entry_points)
    return found


def plugin(value: str) -> EntryPoint:
    return EntryPoint(name="mine", value=value, group="alignmeter.scores")


def test_names_of_files_do_not_matter(lm_eval: LmEvalFolder, tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text("item,domain,score\nq,law,1\n", encoding="utf-8")
    (tmp_path / "data.txt").write_bytes(lm_eval.samples("closed_facts").read_bytes())

    assert read_item_scores(tmp_path / "scores.json").source == "csv"
    assert read_item_scores(tmp_path / "data.txt").source == "lm-eval"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "got an empty file"),
        (b"hello there", "got a text that begins with 'hello there'"),
        (b'{"a": 1, "b": 2}', "got a JSON object of 'a', 'b'"),
        (b'[{"id": 1}]', "got a JSON list of 'id'"),
        (b'{"a": 1}\n{"a": 2}\n', "got JSON lines of 'a'"),
        (b"[]", "got a JSON list of nothing that can be read"),
        (b'{"results": ', "got a JSON object of nothing that can be read"),
        (b"PK\x03\x04torn", "got a zip archive of nothing that can be read"),
        (b"\xff\xfe\x00", "got a text that begins with"),
    ],
)
def test_what_is_no_format_is_described(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(
        InputError, match="expected a CSV file with item, domain and score, results of"
    ) as raised:
        read_item_scores(path)
    assert said in str(raised.value)


def test_nothing_there_and_a_folder_of_other_things(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got nothing there; check the path"):
        read_item_scores(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(InputError, match=r"got a folder with 'notes\.txt'; name its format"):
        read_item_scores(tmp_path)


def test_results_behind_thousands_of_other_files_are_read(broken_helm: Path) -> None:
    suite = broken_helm.parent
    for number in range(2100):
        (suite / f"{number}.log").touch()
    shutil.copytree(broken_helm, suite / "a")
    spec = suite / "a" / "run_spec.json"
    spec.write_text(spec.read_text(encoding="utf-8").replace("closed_facts:", "facts:"), encoding="utf-8")

    scores = read_item_scores(suite, options=ReadOptions(metrics=("exact_match",)))

    assert list(scores.metric) == ["facts:method=generation", "closed_facts:method=generation"]


def test_a_folder_that_is_no_folder_of_results_is_refused_and_not_read_in_part(
    helm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alignmeter.integrations.peek._MOST_FILES", 3)

    with pytest.raises(InputError, match="a folder with at most 3 files, got more; name the folder of one"):
        read_item_scores(helm, options=ReadOptions(metrics=("exact_match",)))


def test_a_folder_of_two_formats_must_be_told(broken_helm: Path, broken_lm_eval: LmEvalFolder) -> None:
    assert broken_helm.parent == broken_lm_eval.path.parent

    with pytest.raises(
        InputError, match="results of one format, got lm-eval and helm; choose one with `format=`"
    ):
        read_item_scores(broken_helm.parent)
    assert read_item_scores(broken_helm.parent, format="lm-eval").source == "lm-eval"


def test_a_format_of_an_installed_package_is_recognised_and_named(
    plugins: list[EntryPoint], tmp_path: Path
) -> None:
    plugins.append(plugin("a_reader_plugin:reader"))
    (tmp_path / "f").write_text("PLUGIN a b", encoding="utf-8")

    assert [one.item for one in read_item_scores(tmp_path / "f").items] == ["a", "b"]
    assert read_item_scores(tmp_path / "f", format="mine", options=ReadOptions(model="x")).model == "x"
    assert formats() == ("alignmeter", "lm-eval", "inspect", "helm", "csv", "mine")


def test_a_plugin_is_held_to_its_options_and_to_its_items(plugins: list[EntryPoint], tmp_path: Path) -> None:
    plugins.append(plugin("a_reader_plugin:reader"))
    (tmp_path / "f").write_text("PLUGIN", encoding="utf-8")

    with pytest.raises(InputError, match="options that mine results have a use for"):
        read_item_scores(tmp_path / "f", options=ReadOptions(filters=("x",)))
    with pytest.raises(InputError, match="expected at least one item, got none"):
        read_item_scores(tmp_path / "f")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module_at_all:reader", "cannot be loaded: ModuleNotFoundError"),
        (
            "a_reader_plugin:no_reader",
            "expected an object with format, options, recognises and read, got 'a string'",
        ),
    ],
)
def test_a_plugin_that_is_broken_is_named(
    plugins: list[EntryPoint], tmp_path: Path, value: str, said: str
) -> None:
    plugins.append(plugin(value))
    (tmp_path / "f").write_text("PLUGIN a", encoding="utf-8")

    with pytest.raises(InputError, match=f"reader plugin 'mine' .*{said}"):
        read_item_scores(tmp_path / "f")


def test_an_unknown_format_names_the_known(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x", encoding="utf-8")

    with pytest.raises(InputError, match=r"known \(alignmeter, lm-eval, inspect, helm, csv\), got 'lmeval'"):
        read_item_scores(tmp_path / "f", format="lmeval")


@pytest.mark.parametrize("maximum", [0.0, -1.0, float("nan"), float("inf")])
def test_a_maximum_that_is_none_is_refused(maximum: float) -> None:
    with pytest.raises(InputError, match="best possible score to be a number above 0"):
        ReadOptions(maximum=maximum)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("model=x,api_key=sk-1,temperature=0", "model=x,api_key=***,temperature=0"),
        ("{'api_key': 'sk-1', 'n': 1}", "{'api_key': '***', 'n': 1}"),
        ("hf_token=abc", "hf_token=***"),
        ("tokenizer=gpt2,tokenized_requests=False", "tokenizer=gpt2,tokenized_requests=False"),
    ],
)
def test_secrets_are_blotted_out_of_arguments(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_without_inspect_its_logs_name_the_extra_and_nothing_else_needs_it(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text('{"version": 2, "status": "success", "eval": {}}', encoding="utf-8")
    code = (
        "import sys; sys.modules['inspect_ai'] = None\n"
        "from alignmeter.errors import MissingExtraError\n"
        "from alignmeter.integrations import read_item_scores\n"
        "try:\n    read_item_scores('log.json')\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert "run `pip install 'inspect-ai>=" in done.stdout
