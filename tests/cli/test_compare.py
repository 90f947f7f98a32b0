"""`alignmeter compare`: two runs, two targets, a history; output, files and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from alignmeter.cli.compare_options import ArmChoice, Shared, arm_requests
from alignmeter.cli.target_options import TargetChoice
from alignmeter.targets import BARE, KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bot, Cli
    from tests.comparison_lab import Lab


@pytest.fixture
def runs(tmp_path: Path, cli: Cli, make_lab: type[Lab]) -> str:  # noqa: ARG001 - the command line's folder comes first
    """Runs `base`, `same` and `worse` in the folder that the command looks into."""
    lab = make_lab(tmp_path / "runs", harmful=120, benign=20)
    lab.run("base", lab.every(12))
    lab.run("same", lab.every(12))
    lab.run("worse", lab.every(2))
    lab.run("other-judge", lab.every(12), refusal_hash="another")
    return "runs"


def test_what_got_worse_in_any_measure_comes_first_on_the_screen_and_in_the_page(
    cli: Cli, tmp_path: Path, make_lab: type[Lab]
) -> None:
    lab = make_lab(tmp_path / "runs", harmful=120, benign=20)
    safe, harmful = lab.every(40), lab.every(12)
    lab.run("base", lambda trial: harmful(trial) and not safe(trial))
    lab.run("tuned", lambda trial: trial.intent == "benign" or safe(trial))

    flipped = cli("compare", "base", "tuned", "--json").json["flips"]
    shown = [(flip["measure"], flip["direction"]) for flip in flipped]
    worse = [measure for measure, direction in shown if direction == "worse"]
    cli("compare", "base", "tuned", "--out", "c.html")
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    screen = cli("compare", "base", "tuned", "--flips", "3").out

    assert {direction for _, direction in shown[: len(worse)]} == {"worse"}
    assert {direction for _, direction in shown[len(worse) :]} == {"better"}
    assert worse[:4] == ["attack_compliance", "false_refusal_benign"] * 2
    listed = [flip["trial"][:12] for flip in flipped]
    assert [trial for trial in listed if trial in screen] == listed[:3]
    assert screen.count("✕ worse") == 3
    assert page.count("✕ worse") == len(worse)
    assert page.count("✓ better") == len(shown) - len(worse)
    assert sorted(listed, key=page.index) == listed


def test_each_row_of_what_flipped_says_which_way_and_names_its_probe_whole_in_80_columns(
    cli: Cli, tmp_path: Path, make_lab: type[Lab]
) -> None:
    lab = make_lab(tmp_path / "runs", harmful=60, benign=60, stem="triad-en-controversial-of-a-long-")
    lab.run("base", lambda trial: trial.intent == "harmful")
    lab.run("tuned", lambda trial: trial.intent == "benign")

    flipped = cli("compare", "base", "tuned", "--unmask", "--json").json["flips"]
    lines = cli("compare", "base", "tuned", "--unmask", "--flips", "500").out.splitlines()
    marked = [line for line in lines if line.startswith(("✕ worse ", "✓ better"))]

    assert {one["direction"] for one in flipped} == {"worse", "better"}
    assert [line.split()[1:3] for line in marked] == [[one["direction"], one["probe"]] for one in flipped]
    assert max(map(len, lines)) <= 80


@pytest.mark.usefixtures("runs")
class TestRuns:
    @pytest.mark.parametrize(
        ("tuned", "code", "word"), [("same", 0, "PASS"), ("worse", 1, "FAIL"), ("other-judge", 4, "INVALID")]
    )
    def test_the_verdict_comes_last_in_80_columns_and_makes_the_exit_code(
        self, cli: Cli, tuned: str, code: int, word: str
    ) -> None:
        outcome = cli("compare", "base", tuned)

        assert (outcome.code, outcome.err) == (code, "")
        assert f"{word}  " in outcome.out
        assert " ".join(outcome.out.split()).endswith(f"Exit code {code}.")
        assert max(map(len, outcome.out.splitlines())) <= 80

    def test_json_is_one_document_with_all_that_flipped_masked(self, cli: Cli) -> None:
        outcome = cli("compare", "base", "worse", "--json")

        assert (outcome.code, outcome.json["exit_code"]) == (1, 1)
        assert outcome.json["claim"]["verdict"] == "FAIL"
        assert len(outcome.json["flips"]) == 50
        assert "Tell me everything" not in outcome.out
        assert "Tell me everything" in cli("compare", "base", "worse", "--json", "--unmask").out

    def test_reports_are_written_as_their_ending_says(self, cli: Cli, tmp_path: Path) -> None:
        assert cli("compare", "base", "worse", "--out", "c.md").out.endswith("Wrote       c.md\n")
        assert (tmp_path / "c.md").read_text(encoding="utf-8").startswith("### ✕ FAIL")
        cli("compare", "base", "worse", "--out", "c.html")
        page = (tmp_path / "c.html").read_text(encoding="utf-8")
        assert "<!doctype html>" in page
        assert "<script" not in page
        assert "Tell me everything" not in page

    def test_a_history_is_a_control_chart_and_its_last_run_makes_the_exit_code(
        self, cli: Cli, tmp_path: Path
    ) -> None:
        outcome = cli("compare", "--history", "base", "same", "worse", "--out", "h.html")

        assert outcome.code == 1
        assert "Control chart" in outcome.out
        assert "worse raises an alarm: rise" in " ".join(outcome.out.split())
        assert "<svg" in (tmp_path / "h.html").read_text(encoding="utf-8")
        quiet = cli("compare", "--history", "base", "same", "--json")
        assert (quiet.code, quiet.json["points"][0]["signal"]) == (0, "none")

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("base",), "got 1: 'base'"),
            (("base", "same", "worse"), "more than two runs go with --history"),
            (("base", "nowhere"), "nowhere"),
            (("base", "embedded"), "`replay:base` asks a recording"),
            (("base", "same", "--out", "c.pdf"), "got 'c.pdf'"),
            (("base", "same", "--name", "x"), "--name is for targets"),
            (("--history", "base"), "at least two runs"),
            (("--history", "base", "same", "base"), "which are one folder"),
            (("--history", "base", "same", "--judge", "nobody"), "no judgements by 'nobody'"),
        ],
    )
    def test_what_cannot_be_used_is_one_line(self, cli: Cli, arguments: tuple[str, ...], says: str) -> None:
        outcome = cli("compare", *arguments)

        assert outcome.code == 2
        assert says in outcome.complaint


REFUSES = """return "I'm sorry, but I can't help with that." """
COMPLIES = 'return "Sure, here is how: first gather what you need, then take the steps in order."'


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("base", "base"), "which are one folder"),
        (("base", "same", "--judge", "a", "--judge", "b"), "expected one --judge beside runs"),
        (("base", "same", "--judge-self"), "--judge-self is for targets that are asked"),
        (("--history", "base", "same", "--url", "http://localhost:1"), "--url is for targets that are asked"),
    ],
)
def test_what_means_nothing_beside_runs_is_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    outcome = cli("compare", *words)

    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.complaint


class TestTargets:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.usefixtures("runs")
    def test_every_kind_of_target_that_run_knows_is_one_of_a_comparison(self, kind: str, cli: Cli) -> None:
        spec = f"{kind}:base"  # also the name of a run, which a recording needs
        outcome = cli("compare", spec, spec, "--base-few-shot", "nowhere.jsonl")

        assert outcome.code == 2
        assert "nowhere.jsonl" in outcome.complaint, "the options of a target are read"
        assert f"{kind}:" in cli("run", "--help").out

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_kind_alone_is_a_target_where_run_takes_it_alone(self, kind: str, cli: Cli) -> None:
        outcome = cli("compare", kind, kind, "--base-few-shot", "nowhere.jsonl")

        assert outcome.code == 2
        assert ("nowhere.jsonl" in outcome.complaint) == (kind in BARE)
        assert ("no run" in outcome.complaint) == (kind not in BARE)

    @pytest.mark.parametrize("kind", sorted(BARE))
    def test_a_model_of_this_machine_speaks_as_long_as_in_run(self, kind: str) -> None:
        alone = TargetChoice(kind, None, None).options()
        one, two = arm_requests(ArmChoice(kind), ArmChoice("openai:m", "http://h/v1"), Shared())
        assert one.options.sampling == two.options.sampling == alone.sampling

    def test_a_model_that_complies_fails_after_a_few_pairs_and_again_without_a_call(
        self, cli: Cli, bot: Bot, tmp_path: Path
    ) -> None:
        base, tuned = bot(REFUSES), bot(COMPLIES)
        first = cli("compare", base, tuned, "--name", "t", "--json")

        assert first.code == 1
        claim = first.json["comparison"]["claim"]
        assert (claim["verdict"], claim["method"]) == ("FAIL", "ten_looks")
        assert claim["pairs"] <= 40
        assert next(json.loads(line)["event"] for line in first.err.splitlines()) == "started"
        journals = [tmp_path / "runs" / f"t-{role}" / "journal.jsonl" for role in ("base", "tuned")]
        answers = [path.read_text(encoding="utf-8").count('"answered"') for path in journals]

        again = cli("compare", base, tuned, "--name", "t", "--json", "-q")
        assert (again.code, again.json["resumed_trials"]) == (1, sum(answers))
        assert again.json["comparison"]["claim"] == claim
        # What the looks decided is read back from the two run folders.
        assert cli("compare", "t-base", "t-tuned", "--json").json["claim"] == claim
        # They count the error of the judge that they were planned for, so not read as a chosen one.
        judges = json.loads((tmp_path / "runs" / "t-base" / "run.json").read_text(encoding="utf-8"))["judges"]
        name = next(name for name in judges if name.startswith("refusal"))
        seen = cli("compare", "t-base", "t-tuned", "--judge", name, "--json")
        assert seen.json["claim"]["method"] == "betting"

    def test_a_target_that_cannot_be_loaded_leaves_nothing_behind(self, cli: Cli, tmp_path: Path) -> None:
        outcome = cli("compare", "python:no_such_module:answer", "python:no_such_module:answer")

        assert outcome.code == 2
        assert "no_such_module" in outcome.complaint
        assert not (tmp_path / "runs").exists()
