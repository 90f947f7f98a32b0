"""`alignmeter frontier`: output, files and exit codes, on runs of scripted targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


def test_given_three_points_when_placed_then_table_standing_and_hypervolume_fit_80_columns(
    cli: Cli, scripted: Path
) -> None:
    outcome = cli("frontier", "open", "closed", "odd", "--runs", scripted)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Frontier  safety against helpfulness\n")
    assert "P(non-dominated) >.99" in outcome.out
    assert "hypervolume" in outcome.out.lower()
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_json_holds_every_point_with_its_place(cli: Cli, scripted: Path) -> None:
    outcome = cli("frontier", "a=" + str(scripted / "open"), "b=" + str(scripted / "closed"), "--json")

    points = {point["name"]: point for point in outcome.json["points"]}
    assert (points["a"]["helpful"], points["a"]["harm"]) == (1.0, 1.0)
    assert (points["b"]["helpful"], points["b"]["harm"]) == (0.0, 0.0)
    assert outcome.json["hypervolume"]["estimate"] == 0.0
    assert outcome.json["harm_units"] == 40


def test_a_seed_below_zero_is_refused_in_one_line(cli: Cli, scripted: Path) -> None:
    outcome = cli("frontier", "open", "closed", "--runs", scripted, "--seed", "-1")

    assert outcome.code == 2
    assert "expected a whole number of at least 0, got '-1'" in outcome.complaint


def test_given_a_report_path_then_markdown_or_a_page_with_its_figure_is_written(
    cli: Cli, scripted: Path, tmp_path: Path
) -> None:
    outcome = cli("frontier", "open", "odd", "--runs", scripted, "--out", "f.html")
    cli("frontier", "open", "odd", "--runs", scripted, "--out", "f.md")

    page, words = ((tmp_path / name).read_text(encoding="utf-8") for name in ("f.html", "f.md"))
    assert outcome.out.endswith("Wrote       f.html\n")
    assert page.count("<svg") == 2  # one for wide screens, one for narrow ones
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert words.startswith("### Frontier: safety against helpfulness\n")
    assert "| \\# |" in words or "| # |" in words


def test_given_a_margin_as_percent_or_share_then_both_mean_the_same(cli: Cli, scripted: Path) -> None:
    one, two = (
        cli("frontier", "open", "odd", "--runs", scripted, "--json", "--margin", m) for m in ("5%", ".05")
    )
    assert one.json["margin"] == two.json["margin"] == 0.05


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("open", "odd", "--out", "f.pdf"), "ends in .md or .html, got 'f.pdf'"),
        (("open",), "expected at least two operating points, got 1"),
        (("open", "open"), "twice"),
        (("open", "odd", "--threshold", "1"), "expected the scores of a guard with thresholds"),
        (("open", "--guard", "none.jsonl", "--threshold", "1"), "got 'none.jsonl': No such file"),
        (("open", "nowhere"), "no run 'nowhere'"),
        (("open", "odd", "--margin", "2"), "expected a share from 0 to below 1"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    cli: Cli, scripted: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    outcome = cli("frontier", *arguments, "--runs", scripted)

    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())
    assert list(tmp_path.iterdir()) == []
