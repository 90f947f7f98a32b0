"""`alignmeter scores`: what results of other tools hold, and what two of them share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

DATA = Path(__file__).parents[1] / "integrations" / "data"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV of two models."""
    rows = [f"q{n},law,{n % 2},base" for n in range(6)] + [f"q{n},law,{n // 5},dpo" for n in range(6)]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join(["item,domain,score,model", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_results_folder_is_shown_with_its_own_score_beside(cli: Cli) -> None:
    outcome = cli("scores", DATA / "lm_eval")

    assert (outcome.code, outcome.err) == (0, "")
    assert "SmolLM2-135M-Instruct.Q4_1" in outcome.out
    assert "62.5%" in outcome.out
    assert "0.625" in outcome.out
    assert "harness: lm-eval 0.4.13" in outcome.out
    assert "the filter strict-match is read" in outcome.out
    tabled = outcome.out.partition("harness:")[0].splitlines()[2:]
    assert max(map(len, tabled)) <= 80


def test_json_holds_the_same_for_machines(cli: Cli) -> None:
    document = cli("scores", DATA / "lm_eval", "--domain", "closed_facts", "--json").json

    (facts,) = document["domains"]
    assert (facts["n"], facts["mean"], facts["reported"]) == (8, 0.625, 0.625)
    assert facts["interval"]["method"] == "Wilson"
    assert document["provenance"]["harness"] == "lm-eval 0.4.13"


def test_two_paths_are_compared_item_by_item(cli: Cli) -> None:
    outcome = cli("scores", DATA / "lm_eval", DATA / "lm_eval_warm")

    assert outcome.code == 0
    assert "-12.5" in outcome.out
    assert "8 items shared; of 8 the content is known to be the same." in outcome.out
    assert "Only in A: word_problems." in outcome.out


def test_one_file_of_two_models_is_compared_with_itself(cli: Cli, table: Path) -> None:
    outcome = cli("scores", table, table, "--model", "base", "--model", "dpo", "--json")

    (law,) = outcome.json["domains"]
    assert (law["base"], law["other"], law["pairs"]) == (0.5, pytest.approx(1 / 6), 6)
    assert law["interval"]["method"] == "Tango"
    assert (outcome.json["base"]["model"], outcome.json["other"]["model"]) == ("base", "dpo")


def test_other_prompts_need_a_word_from_the_user(cli: Cli) -> None:
    refused = cli("scores", DATA / "lm_eval", DATA / "lm_eval_system")

    assert refused.code == 2
    assert "--prompts any" in refused.complaint
    assert cli("scores", DATA / "lm_eval", DATA / "lm_eval_system", "--prompts", "any").code == 0


def test_items_are_written_as_csv_that_is_read_back(cli: Cli, tmp_path: Path) -> None:
    written = cli("scores", DATA / "lm_eval", "--filter", "flexible-extract", "--out", "all.csv")

    assert written.out.endswith("Wrote       all.csv\n")
    first = cli("scores", DATA / "lm_eval", "--filter", "flexible-extract", "--json").json["domains"]
    again = cli("scores", tmp_path / "all.csv", "--json").json["domains"]
    assert [(one["domain"], one["mean"], one["n"]) for one in first] == [
        (one["domain"], one["mean"], one["n"]) for one in again
    ]


def test_a_domain_with_too_few_pairs_exits_with_4(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("item,domain,score\nq,law,1\n", encoding="utf-8")

    outcome = cli("scores", "a.csv", "b.csv")

    assert outcome.code == 4
    assert "INVALID law: 1 of 1 shared items" in " ".join(outcome.out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a", "b", "c"), "expected one path, or two to compare, got 3"),
        (("scores.csv", "--model", "base", "--model", "dpo"), "--model at most once for each path"),
        (("scores.csv", "scores.csv", "--out", "x.csv"), "expected --out with one path"),
        (("scores.csv", "--out", "x.txt"), "a file that ends in .csv, got 'x.txt'"),
        (("scores.csv",), "choose one with --model"),
        (("nowhere",), "got nothing there"),
        (("scores.csv", "--format", "tsv"), "expected a format that is known"),
        (
            ("scores.csv", "--model", "base", "--filter", "x"),
            "a use for (domains, maximum, model), got filters 'x'",
        ),
        (
            ("scores.csv", "--model", "base", "--max", "0.5"),
            "expected a score from 0 to 0.5, got 1.0; correct",
        ),
    ],
)
def test_bad_input_is_one_line_and_exits_with_2(
    cli: Cli, table: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert table.name == "scores.csv"

    outcome = cli("scores", *arguments)

    assert outcome.code == 2
    assert said in outcome.complaint


def test_terminal_codes_in_names_do_not_act(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("item,domain,score\nq,\x1b[31mlaw[/bold],1\n", encoding="utf-8")

    outcome = cli("scores", "s.csv")

    assert "\x1b" not in outcome.out
    assert "law[/bold]" in outcome.out
