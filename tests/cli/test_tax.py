"""`alignmeter tax --scores FILE`: output, files and exit codes."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from alignmeter.cli.app import app

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

LM_EVAL = Path(__file__).parents[1] / "integrations" / "data" / "lm_eval"
EXAMPLE = Path(__file__).parents[2] / "examples" / "tax_scores.csv"
WRONG_ENDING = "error: Invalid value for '--out': expected a file that ends in .md or .html, got 'tax.pdf'"


def test_the_published_table_is_printed_and_a_flag_exits_with_1(cli: Cli) -> None:
    outcome = cli("tax", "--scores", EXAMPLE)

    assert (outcome.code, outcome.err) == (1, "")
    for share in (
        "0.46%",
        "0.81%",
        "2.50%",
        "1.53%",
        "0.77%",
        "0.33%",
        "13.41%",
        "8.54%",
        "46.15%",
        "34.62%",
    ):
        assert share in outcome.out
    assert "3 of 10 taxes flagged as above 10%.  exit code 1" in outcome.out
    assert max(map(len, outcome.out.splitlines()[1:])) <= 80


def test_json_holds_the_same_for_machines(cli: Cli) -> None:
    outcome = cli("tax", "--scores", EXAMPLE, "--json")

    assert (outcome.code, outcome.json["exit_code"]) == (1, 1)
    assert [one["variant"] for one in outcome.json["variants"]] == ["rlhf", "constitutional"]
    assert outcome.json["taxes"][-1]["tier"] == "critical"
    assert "interval" not in outcome.json["taxes"][0]


@pytest.mark.parametrize(
    ("row", "code"), [("law,80,79,", 0), ("law,80,70,", 1), ("law,80,70,40", 3), ("law,80,79.9,20000", 0)]
)
def test_the_exit_code_tells_flagged_from_undecided_from_within(
    cli: Cli, tmp_path: Path, row: str, code: int
) -> None:
    (tmp_path / "s.csv").write_text(f"domain,base,dpo,n\n{row}\n", encoding="utf-8")

    outcome = cli("tax", "--scores", "s.csv")

    assert outcome.code == code
    assert f"exit code {code}" in outcome.out


def test_markdown_is_written_beside_the_table(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("tax", "--scores", EXAMPLE, "--out", "tax.md")

    assert outcome.out.endswith("Wrote       tax.md\n")
    assert (tmp_path / "tax.md").read_text(encoding="utf-8").startswith("### Alignment tax\n")


def test_bad_input_is_one_line_and_exits_with_2(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("domain,base,dpo\nlaw,80,high\n", encoding="utf-8")

    outcome = cli("tax", "--scores", "s.csv")

    assert outcome.code == 2
    assert outcome.complaint.startswith("error: s.csv: line 2, column 'dpo': expected a number")
    assert cli("tax", "--scores", EXAMPLE, "--out", "tax.pdf").complaint.startswith(WRONG_ENDING)
    assert cli("tax").code == 2


def test_a_report_that_cannot_be_written_exits_with_5(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)

    outcome = cli("tax", "--scores", EXAMPLE, "--out", "tax.md")

    assert outcome.code == 5
    assert "cannot write" in outcome.complaint


def test_a_table_is_held_against_the_limit_that_is_given(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("domain,base,dpo,n,max\nlaw,80,74,5000,100\n", encoding="utf-8")

    usual, strict = (
        cli("tax", "--scores", "s.csv"),
        cli("tax", "--scores", "s.csv", "--limit", "1%", "--gate"),
    )

    assert (usual.code, strict.code) == (0, 1)
    assert "1 of 1 taxes flagged as above 1%." in strict.out
    assert "(Holm at 5%)" in strict.out
    wrong = cli("tax", "--scores", "s.csv", "--limit", "lav=1%")
    assert (wrong.code, "expected a limit for a domain that was measured (law)" in wrong.complaint) == (
        2,
        True,
    )


def test_every_option_that_a_table_has_no_use_for_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("domain,base,dpo,n,max\nlaw,80,74,5000,100\n", encoding="utf-8")
    command: Any = typer.main.get_command(app)
    plain = cli("tax", "--scores", "s.csv")
    swallowed = list[str]()
    for parameter in command.commands["tax"].params:
        name = max(parameter.opts, key=len)
        taken = {"--limit": "1%", "--max": "2", "--out": "t.md", "--prompts": "same", "--items": "all"}
        value = taken.get(name, "word")
        found = cli("tax", "--scores", "s.csv", *((name,) if parameter.is_flag else (name, value)))
        if found == plain:
            swallowed.append(name)
        elif found.code == 2 and name != "--scores":
            assert "--scores" in found.complaint

    assert swallowed == []


def test_a_judge_is_refused_where_there_are_only_results(cli: Cli, tmp_path: Path) -> None:
    rows = "\n".join(["item,domain,score", *(f"q{n},law,{n % 2}" for n in range(20))])
    for name in ("base.csv", "dpo.csv"):
        (tmp_path / name).write_text(rows + "\n", encoding="utf-8")
    sources = ("tax", "--base", "base.csv", "--aligned", "dpo=dpo.csv")

    assert cli(*sources).code in {0, 3}
    refused = cli(*sources, "--judge", "nobody")
    assert (refused.code, "expected runs for --judge" in refused.complaint) == (2, True)


def test_two_models_of_one_file_are_told_apart_by_name(cli: Cli, tmp_path: Path) -> None:
    scores = [(n, model, 100 if model == "a" else n % 2 * 100) for n in range(60) for model in "ab"]
    rows = [f"q{n},law,{score},{model}" for n, model, score in scores]
    (tmp_path / "two.csv").write_text("\n".join(["item,domain,score,model", *rows]) + "\n", encoding="utf-8")
    sources = ("tax", "--base", "two.csv", "--aligned", "dpo=two.csv", "--max", "100", "--model", "base=a")

    outcome = cli(*sources, "--model", "dpo=b", "--json")

    assert outcome.code == 1
    assert outcome.json["taxes"][0]["relative"] == pytest.approx(0.5)
    assert "a variant other than the base model" in cli(*sources, "--model", "dpo=a").complaint
    assert "one of its models ('a', 'b')" in cli(*sources).complaint
    wrong = cli(*sources, "--model", "dpo=b", "--model", "dop=b")
    assert (wrong.code, "base for the base model (dpo, base), got 'dop'" in wrong.complaint) == (2, True)
    assert "expected --model NAME=MODEL" in cli(*sources, "--model", "b").complaint


def test_a_filter_of_lm_eval_is_chosen_for_a_tax(cli: Cli, tmp_path: Path) -> None:
    shutil.copytree(LM_EVAL, tmp_path / "base")
    shutil.copytree(LM_EVAL, tmp_path / "dpo")

    arguments = ("tax", "--base", "base", "--aligned", "dpo=dpo", "--json")

    usual, chosen = cli(*arguments), cli(*arguments, "--filter", "flexible-extract")
    assert "--filter chooses another" in usual.out
    assert (chosen.err, "--filter chooses another" in chosen.out) == ("", False)


def test_a_source_that_stands_in_a_file_of_variants_too_counts_once(cli: Cli, tmp_path: Path) -> None:
    for name, right in (("base", 90), ("dpo", 60)):
        rows = [f"q{number},law,{int(number < right)}" for number in range(100)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["item,domain,score", *rows]), encoding="utf-8")
    (tmp_path / "variants.yaml").write_text(
        "base: base.csv\nvariants:\n  dpo: {sources: [dpo.csv], method: dpo}\n", encoding="utf-8"
    )

    alone = cli("tax", "--variants", "variants.yaml", "--json")
    beside = cli("tax", "--base", "base.csv", "--aligned", "dpo.csv", "--variants", "variants.yaml", "--json")

    assert [one["variant"] for one in beside.json["variants"]] == ["dpo"]
    assert beside.json["taxes"] == alone.json["taxes"]
