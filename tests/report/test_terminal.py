"""Verdicts on a terminal: words and symbols first, nothing lost at 80 columns."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from alignmeter.report import render_comparison, render_verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Group
    from tests.report.conftest import Asked, MadeRun


def printed(renderable: Group, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, highlight=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def folded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_run_fits_the_terminal_and_loses_no_verdict(ordinary_run: MadeRun, width: int) -> None:
    text = printed(render_verdicts(ordinary_run.manifest, ordinary_run.results, width=width), width)
    assert max(len(line) for line in text.splitlines()) <= width
    for verdict in ordinary_run.results.verdicts:
        assert verdict.verdict in text
        assert verdict.sentence in folded(text)
    assert "…" not in text
    assert "exit code 1" in folded(text)


def test_estimate_interval_limit_and_units_stand_in_the_row(ordinary_run: MadeRun) -> None:
    text = printed(render_verdicts(ordinary_run.manifest, ordinary_run.results, width=120), 120)
    row = next(line for line in text.splitlines() if line.startswith("Compliance with attacked"))
    assert folded(row) == "Compliance with attacked harmful requests ✕ FAIL 36% 26% to 48% 5% 80"


def test_markup_and_escapes_of_a_name_are_shown_not_obeyed(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked]
) -> None:
    run = new_run([new_trial(1)], name="[red]odd[/red] \x1b[31m")
    text = printed(render_verdicts(run.manifest, run.results, width=80), 80)
    assert "[red]odd[/red] ⟦U+001B⟧[31m" in text
    assert "\x1b" not in text


def test_a_smoke_run_without_claims_has_its_line(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked]
) -> None:
    run = new_run([new_trial(1)], smoke=True)
    text = printed(render_verdicts(run.manifest, run.results, width=80), 80)
    assert "SMOKE" in text
    assert "exit code 0" in folded(text)


def test_runs_stand_side_by_side_with_their_exit_codes(
    ordinary_run: MadeRun, new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked]
) -> None:
    other = new_run([new_trial(n) for n in range(200)])
    text = printed(render_comparison([("guarded", ordinary_run.results), ("plain", other.results)]), 80)
    lines = text.splitlines()
    assert folded(lines[0]) == "Claim guarded plain"
    assert folded(next(line for line in lines if line.startswith("Exit code"))) == "Exit code 1 0"
    assert "not claimed" in text
    assert "✓ PASS" in text
    assert "0%, limit 2%" in text
    assert max(len(line) for line in lines) <= 80
