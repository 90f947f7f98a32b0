"""`alignmeter audit-scorer`: whom a guard or a reward model would block."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from alignmeter.cli.counter import counter
from alignmeter.cli.engine_options import BudgetChoice, spent_words
from alignmeter.cli.locate import find_run
from alignmeter.cli.option_groups import with_groups
from alignmeter.cli.output import JsonOption, RunsOption, UrlOption, console, examples, print_json, print_line
from alignmeter.cli.output_file import output_file
from alignmeter.cli.report_file import write_report_file
from alignmeter.cli.target_options import KeyEnvOption, TimeoutOption

EXAMPLES = examples(
    "alignmeter audit-scorer python:my_guard:score",
    "alignmeter audit-scorer transformers:guard --label unsafe --threshold 0.8",
    "alignmeter audit-scorer guard:qwen3guard@openai:guard --run latest",
    "alignmeter audit-scorer python:guard:score --run plain --scores g.jsonl",
)


@with_groups
def audit_scorer(  # noqa: PLR0913 - one parameter an option
    *,
    scorer: Annotated[
        str,
        typer.Argument(
            help="python:MODULE:FUNCTION, transformers:FOLDER, guard:FAMILY@TARGET, llm:RUBRIC@TARGET or "
            "harm-embedded.",
            metavar="SCORER",
        ),
    ],
    run: Annotated[
        str | None,
        typer.Option(
            help="Score what this run asked, attacks included, and for scorers of exchanges its replies; "
            "default: the requests of --suite.",
            metavar="RUN",
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            help="Suite whose requests are scored; may be repeated. Default: triad.", metavar="NAME"
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(help="Its language; may be repeated. Default: en.", metavar="CODE"),
    ] = None,
    reads: Annotated[
        Literal["request", "exchange"] | None,
        typer.Option(
            help="What the scorer is shown: the request, or request and reply. Default: request; a judge "
            "reads exchanges."
        ),
    ] = None,
    higher: Annotated[
        Literal["worse", "better"] | None,
        typer.Option(
            help="What a high score means: harm (a guard), or quality (a reward model). Default: worse; "
            "better for a transformers model of one output."
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="transformers: the class that means harm, by name or number.", metavar="CLASS"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Score from which (of quality: down from which) a text is flagged; default: .5 where all "
            "scores lie between 0 and 1.",
            metavar="SCORE",
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            parser=output_file(),
            help="Keep the scores here, without texts; what is in it is not scored again, and "
            "`frontier --guard` reads it.",
            metavar="FILE.jsonl",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Score every text anew; what --scores holds counts no more. Stopped, go on without it.",
        ),
    ] = False,
    url: UrlOption = None,
    api_key_env: KeyEnvOption = None,
    timeout: TimeoutOption = None,
    budget: BudgetChoice,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=output_file(".md", ".html", instead="; scores are kept by --scores"),
            help="Write the report as Markdown or HTML.",
            metavar="FILE.md|FILE.html",
            show_default=False,
        ),
    ] = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Audit a guard or a reward model on texts of known intent: false positives, separation, calibration.

    How many benign and sensitive requests it would block, against how many harmful ones, at a threshold
    and over all of them, overall and by domain. A scorer that blocks a domain, or words instead of
    intent, is a cause of over-refusal. Exits 4 where over 2% of the texts have no score, 5 where a budget
    stopped it (the same command goes on with a larger one), else 0.
    """
    from alignmeter.api import ScorerRequest
    from alignmeter.api import audit_scorer as audit
    from alignmeter.errors import InputError
    from alignmeter.report.scorer_audit import scorer_sheet
    from alignmeter.report.sheet import render_sheet, sheet_html, sheet_markdown
    from alignmeter.targets import TargetOptions

    if run is not None and (suite or language):
        raise InputError("--suite and --language choose the texts where no --run does; leave them or it out")
    request = ScorerRequest(
        scorer=scorer,
        run=None if run is None else find_run(run, runs),
        suites=tuple(suite or ("triad",)),
        languages=tuple(language or ("en",)),
        reads=reads,
        higher=higher,
        label=label,
        threshold=threshold,
        scores=scores,
        fresh=fresh,
        target_options=TargetOptions(url=url, api_key_env=api_key_env, timeout=timeout),
        allowance=budget.allowance(),
    )
    with counter("Scoring") as progress:
        found = audit(request, progress=progress)
    sheet = scorer_sheet(found)
    if out is not None:
        write_report_file(out, markdown=lambda: sheet_markdown(sheet), html=lambda: sheet_html(sheet))
    if as_json:
        print_json(found)
    else:
        console().print(render_sheet(sheet))
        if found.spent.calls:
            print_line(f"Spent       {spent_words(found.spent)}")
        if found.scores:
            print_line(f"Scores      {found.scores}")
        if out is not None:
            print_line(f"Wrote       {out}")
    raise typer.Exit(found.exit_code)
