"""`judge validate --run` and `judge calibrate --run`: labels that people gave with `alignmeter label`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.judge_tables import print_cards, print_report
from alignmeter.cli.output import console, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.api import ValidatedOnRuns
    from alignmeter.judges import LabelAxis
    from alignmeter.records import JudgeCard

LabelledRunsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--run",
        help="A run with labels of people, by path, name or `latest`; may be repeated.",
        metavar="RUN",
        show_default=False,
    ),
]


def validate_on(
    names: list[str], runs: str, *, judge: str | None, axis: LabelAxis | None, as_json: bool
) -> None:
    """Print a judge against the labels of runs."""
    from alignmeter.api import validate_on_runs
    from alignmeter.cli.locate import find_run

    paths = [find_run(name, runs) for name in names]
    made = validate_on_runs(paths, judge=judge, axis=axis)
    if as_json:
        print_json(made)
        return
    out = console()
    source = ", ".join(map(str, paths))
    out.print(f"{made.judge} ({made.judge_hash[:16]}) against labels of people in {source}")
    print_report(out, made)
    left = _left_out(made)
    if left:
        out.print(f"  left out: {left}")


def _left_out(made: ValidatedOnRuns) -> str:
    kinds = (
        (made.disputed, "on which people disagree (`label --adjudicate` settles it)"),
        (made.unsure, "of which people could not say"),
        (made.unseen, "that this judge has not judged"),
        (made.elsewhere, "that are of no claim"),
    )
    return "; ".join(f"{count} {what}" for count, what in kinds if count)


def calibrate_on(
    names: list[str],
    runs: str,
    *,
    judge: str | None,
    axis: LabelAxis | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make cards of the labels of runs, and print them beside those whose place they take."""
    from alignmeter.api import calibrate_on_runs
    from alignmeter.cli.locate import find_run

    made = calibrate_on_runs([find_run(name, runs) for name in names], judge=judge, axis=axis, out=out)
    if as_json:
        print_json(made)
        return
    shown = console()
    shown.print(f"{made.judge} ({made.cards[0].judge_hash[:16]})")
    print_cards(shown, made.cards)
    for card in made.cards:
        shown.print(f"  {_bounds(card)}")
    if made.before:
        shown.print("\nin the place of:")
        print_cards(shown, made.before)
    kept = sorted({one.value for card in made.cards for one in card.strata if one.data})
    if kept:
        shown.print(f"nobody labelled {', '.join(kept)}: the earlier card's figures stay there")
    shown.print(f"written to {made.path}; runs started beside it find it")


def _bounds(card: JudgeCard) -> str:
    (_, se_low, se_high), (_, sp_low, sp_high) = card.sensitivity, card.specificity
    return (
        f"{card.event.replace('_', ' ')}: Se [{se_low:.3f}, {se_high:.3f}], Sp [{sp_low:.3f}, {sp_high:.3f}] "
        f"at 95%, each label by what it was drawn from"
    )
