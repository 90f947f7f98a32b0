"""The tax report for people: nothing lost at 80 columns, nothing obeyed that a name holds."""

from __future__ import annotations

import io
from math import ceil, floor

import pytest
from rich.console import Console

from alignmeter.analysis.tax_scores import tax_of_table
from alignmeter.records import DomainScores, MeanScore, ScoreTable, TaxReport
from alignmeter.report.tax import render_tax, tax_markdown


def _report(domain: str = "law", *, n: int | None = None) -> TaxReport:
    scores = [MeanScore(value=value, n=n) for value in (80.0, 60.0, 79.0)]
    row = DomainScores(
        domain=domain, base=scores[0], variants=tuple(scores[1:]), maximum=100, base_source="proxy"
    )
    nothing = DomainScores(domain="zero", base=MeanScore(value=0), variants=(MeanScore(value=1),) * 2)
    return tax_of_table(
        ScoreTable(source="scores.csv", variants=("constitutional", "dpo"), domains=(row, nothing))
    )


def _printed(report: TaxReport, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, highlight=False)
    console.print(render_tax(report))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_tax_interval_tiers_and_flag_stand_in_the_table(width: int) -> None:
    report = _report("controversial topics", n=400)
    text = _printed(report, width)

    interval = report.taxes[0].interval
    assert interval is not None
    shown = f"{floor(1000 * interval.lower) / 10:.1f}% to {ceil(1000 * interval.upper) / 10:.1f}%"
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for said in ("25.00%", shown, "critical", ">= significant", "✕ ABOVE", "✓ within"):
        assert said in text
    assert "proxy" in text
    assert "not estimable" in text
    assert "1 of 4 taxes flagged as above 10%, 2 undecided.  exit code 1" in text


def test_without_items_the_report_says_that_the_numbers_are_bare() -> None:
    text = " ".join(_printed(_report(), 80).split())

    assert "No interval and no test" in text
    assert "Proxy base scores, of another model that stands in for the base model: law." in text
    assert "constitutional, highest first: law 25.00%." in text
    assert "High tax (above 10%): law." in text
    assert "dpo, highest first: law 1.25%. High tax (above 10%): none. Low tax (at most 5%): law." in text


def test_names_are_shown_and_not_obeyed() -> None:
    report = _report("[red]a|b[/red] <b> \x1b[31m")

    assert "\x1b" not in _printed(report, 120)
    assert "[red]a|b[/red]" in _printed(report, 120)
    markdown = tax_markdown(report)
    assert r"\[red\]a\|b\[/red\] &lt;b&gt; ⟦U+001B⟧\[31m" in markdown


def test_markdown_has_one_row_a_cell_and_every_note() -> None:
    report = _report(n=400)
    lines = tax_markdown(report).splitlines()

    rows = [line for line in lines if line.startswith("| ") and "Domain" not in line]
    assert len(rows) == len(report.taxes)
    assert all(line.count("|") == 9 for line in rows)
    assert sum(line.startswith("- ") for line in lines) == len(report.variants) + len(report.notes)
    assert "Exit code 1." in lines[2]
