"""Groups of options: what Typer sees of a command, and what the command gets."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from alignmeter.cli.option_groups import with_groups


class Budget(NamedTuple):
    calls: Annotated[int | None, typer.Option(help="Stop after so many calls.")] = None
    money: Annotated[float, typer.Option(help="Stop before so much.")] = 1.5


class Twice(NamedTuple):
    calls: Annotated[int, typer.Option(help="The same name.")] = 0


def test_a_group_is_seen_as_its_options_and_comes_as_a_tuple() -> None:
    got: list[object] = []

    @with_groups
    def ask(question: str, *, budget: Budget, loud: bool = False) -> None:
        got.extend((question, budget, loud))

    app = typer.Typer()
    app.command()(ask)
    outcome = CliRunner().invoke(app, ["why?", "--calls", "3", "--loud"])

    assert outcome.exit_code == 0, outcome.output
    assert got == ["why?", Budget(calls=3, money=1.5), True]
    shown = CliRunner().invoke(app, ["--help"]).output
    assert [shown.index(text) for text in ("so many calls", "so much", "--loud")] == sorted(
        shown.index(text) for text in ("so many calls", "so much", "--loud")
    )


def test_two_options_of_one_name_are_refused_when_the_command_is_made() -> None:
    def ask(*, budget: Budget, twice: Twice) -> None:
        pytest.fail(f"{budget} {twice}")

    with pytest.raises(ValueError, match="calls"):
        with_groups(ask)
