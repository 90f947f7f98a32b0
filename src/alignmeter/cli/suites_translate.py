"""`alignmeter suites translate`: a suite in another language, by a model that the user chooses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.counter import counter
from alignmeter.cli.engine_options import BudgetChoice, spent_words
from alignmeter.cli.numbers import whole
from alignmeter.cli.option_groups import with_groups
from alignmeter.cli.output import JsonOption, UrlOption, console, examples, print_json
from alignmeter.cli.target_options import KeyEnvOption
from alignmeter.errors import RUNTIME_FAILURE
from alignmeter.visible import visible

if TYPE_CHECKING:
    from alignmeter.api import Translated

_NAMED = 5
"""Rows without an answer that are named before the rest is counted."""

EXAMPLES = examples(
    "alignmeter suites translate triad --to ja --model openai:x --budget-calls 90",
    "alignmeter suites translate triad --to ja --model openai:x --back openai:y",
)


@with_groups
def translate(  # noqa: PLR0913 - one an option
    suite: Annotated[str, typer.Argument(help="Name of a suite.", metavar="SUITE")],
    *,
    to: Annotated[str, typer.Option("--to", help="ISO 639-1 code to translate into.", metavar="CODE")],
    model: Annotated[
        str, typer.Option("--model", help="The translator, as a target: openai:NAME.", metavar="TARGET")
    ],
    back: Annotated[
        str | None,
        typer.Option("--back", help="Another model for the way back; default the same.", metavar="TARGET"),
    ] = None,
    url: UrlOption = None,
    api_key_env: KeyEnvOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of your suites.", metavar="FOLDER")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", parser=whole(1), metavar="N", help="Families at most.")
    ] = None,
    budget: BudgetChoice,
    as_json: JsonOption = False,
) -> None:
    """Translate a suite from English, and set aside what does not survive the way back.

    Rows keep their family, so that runs compare the new language with English family by family. A row
    is doubtful where the round trip loses a number or a negation, ends nearer to another prompt, the text
    is in the wrong language, the model or a filter refuses it, or no suite may hold it; doubtful rows go
    into SUITE.CODE.review.json for a person. Stopped at any point, the same command goes on where it
    ended. Rows that got no answer in the last start and get none in this, though others do, are set aside
    too. Exits with 5 where a model gave no answer, or a budget stopped it (the same command goes on with
    a larger one).
    """
    from alignmeter.api import TranslateRequest, translate_suite
    from alignmeter.targets import TargetOptions

    request = TranslateRequest(
        suite=suite,
        language=to,
        model=model,
        back=back,
        options=TargetOptions(url=url, api_key_env=api_key_env),
        out=out,
        limit=limit,
        allowance=budget.allowance(),
    )
    with counter("rows translated") as progress:
        done = translate_suite(request, progress=progress)
    if as_json:
        print_json(done)
    else:
        _say(done)
    raise typer.Exit(RUNTIME_FAILURE if done.failed else 0)


def _by_error(done: Translated) -> dict[str, list[str]]:
    """Rows without an answer by what was said instead."""
    found: dict[str, list[str]] = {}
    for row, said in done.unanswered.items():
        found.setdefault(visible(said), []).append(visible(row))
    return found


def _say(done: Translated) -> None:
    out = console()
    if done.failed:
        out.print(
            f"{done.failed} rows got no answer from the model; nothing is lost: start the same command "
            "again; rows that then get none either, though others do, are set aside for the suite",
        )
    elif done.path is None:
        out.print("No family was accepted; no suite was written")
    else:
        out.print(f"Wrote       {done.path}: {done.rows} rows, {done.families} families")
    for said, rows in _by_error(done).items():
        named = ", ".join(rows[:_NAMED]) + (f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else "")
        out.print(f"No answer   {named}: {said}")
    if done.review is not None:
        out.print(f"Doubtful    {done.review}: {done.doubtful} rows; their families are left out")
    if done.spent.calls:
        out.print(f"Spent       {spent_words(done.spent)}")
    out.print(f"Round trips compared by {done.compared_by}. No native speaker has read them.")
