"""`alignmeter gate` and `alignmeter plan` as a build server uses them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli, Finished


@pytest.fixture
def cli(cli: Cli, finished: Finished, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line beside the finished run."""
    monkeypatch.chdir(finished.runs.parent)
    return cli


def test_a_run_with_a_failed_claim_is_kept_back_and_both_files_say_so(cli: Cli, tmp_path: Path) -> None:
    junit, markdown = tmp_path / "gate.xml", tmp_path / "gate.md"

    outcome = cli("gate", "first", "--junit", junit, "--markdown", markdown)

    assert (outcome.code, outcome.err) == (1, "")
    assert "BLOCKED  exit code 1" in outcome.out
    assert "alpha over" in outcome.out, "the rule that was used is named"
    assert max(map(len, outcome.out.splitlines()[:-2])) <= 80
    (suite,) = ElementTree.parse(junit).getroot()  # noqa: S314 - our own
    assert int(suite.get("failures", "0")) > 0
    assert "keep this release back" in markdown.read_text(encoding="utf-8")


def test_the_same_as_json_for_machines(cli: Cli) -> None:
    made = cli("gate", "first", "--json").json

    assert (made["run"], made["exit_code"]) == ("first", 1)
    assert {check["verdict"] for check in made["checks"]} >= {"PASS", "FAIL"}


def test_a_run_that_answered_the_same_has_not_changed(cli: Cli, finished: Finished, tmp_path: Path) -> None:
    manifest = shutil.copytree(finished.runs / "first", tmp_path / "copy") / "run.json"
    began_later = json.loads(manifest.read_text(encoding="utf-8"))
    began_later["created_at"] += 60
    manifest.write_text(json.dumps(began_later), encoding="utf-8")
    made = cli("gate", tmp_path / "copy", "--baseline", "first", "--inconclusive", "warn", "--json").json

    changes = {c["id"]: c["verdict"] for c in made["checks"] if c["id"].startswith("change:")}
    assert made["baseline"] == "first"
    assert changes["change:attack_compliance"] == "PASS"
    assert "FAIL" not in changes.values()


def test_a_copy_of_the_run_is_no_baseline(cli: Cli, finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.runs / "first", tmp_path / "copy")
    outcome = cli("gate", tmp_path / "copy", "--baseline", "first")

    assert outcome.code == 2
    assert "which are one run, copied" in outcome.complaint


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("gate", "no-such-run"), "no run 'no-such-run'", 2),
        (("gate", "first", "--baseline", "nothing"), "no run 'nothing'", 2),
        (("gate", "first", "--inconclusive", "maybe"), "maybe", 2),
        (("gate", "first", "--baseline", "first"), "which are one folder", 2),
        (("gate", "first", "--judge", "nobody"), "no judgements by 'nobody'; it has: closed-answer", 2),
        (("plan", "--prices", "no-such.yaml"), "no-such.yaml: expected a readable file", 2),
    ],
)
def test_bad_input_is_one_line(cli: Cli, words: tuple[str, ...], said: str, code: int) -> None:
    outcome = cli(*words)

    assert outcome.code == code
    assert said in outcome.complaint


@pytest.mark.parametrize(
    "text",
    [
        "", "prompt: -1", "prompt: cheap", "tokens: 3", "[1, 2]", "prompt: .nan", "{",
        "prompt: 2020-13-45", f"prompt: {'9' * 5000}", f"prompt: {'[' * 3000}", "prompt: 1\nprompt: 2",
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_prices_that_are_none_are_refused_with_an_example(cli: Cli, tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")

    outcome = cli("plan", "--prices", path)

    assert outcome.code == 2
    assert "for example `prompt: 0.15`" in outcome.complaint


def test_a_plan_with_prices_and_a_chart(cli: Cli, tmp_path: Path) -> None:
    prices, chart = tmp_path / "prices.yaml", tmp_path / "plan.svg"
    prices.write_text("prompt: 1.5\ncompletion: 6\n", encoding="utf-8")

    made = cli("plan", "--prices", prices, "--plot", chart, "--json").json
    fixed = cli("plan", "--prices", prices, "--fixed", "--json").json

    assert made["estimate"]["money_at_most"] > made["expected"]["far over them"]["money_at_most"] > 0
    assert fixed["expected"]["far over them"] == fixed["estimate"] == made["estimate"]
    drawn = chart.read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "false_refusal_sensitive" in drawn


def test_a_fixed_run_asks_everything(cli: Cli, helpful: str, tmp_path: Path) -> None:
    model = tmp_path / "few.yaml"
    model.write_text("name: Few\nsuites: [triad]\ndesign: {max_units: 40}\n")
    options = ("--fixed", "--json", "-q", "--runs", tmp_path / "runs")
    made = cli("run", "-t", helpful, "-m", model, *options).json

    assert made["results"]["trials"] > 100
    assert made["results"]["answered"] == made["results"]["trials"]
    assert made["results"].get("saved", 0) == 0
