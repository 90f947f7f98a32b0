"""`alignmeter tax`: what alignment cost, domain by domain, and what it bought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from alignmeter.cli.given import refuse_unused
from alignmeter.cli.numbers import real
from alignmeter.cli.output import JsonOption, RunsOption, console, examples, print_json, print_line
from alignmeter.cli.report_file import OutOption, write_report_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEVERAL = ("--base", "--aligned")
_OF_A_TABLE = frozenset({"scores", "limit", "gate", "out", "as_json"})
"""Parameters that mean something where a table of mean scores is read."""

EXAMPLES = examples(
    "alignmeter tax --base runs/base --aligned runs/dpo runs/rlhf",
    "alignmeter tax --base base --aligned dpo --label dpo=method:dpo,scope:broad",
    "alignmeter tax --base a.json --aligned dpo=b.json rlhf=c.json --out tax.html",
    "alignmeter tax --base base base.csv --aligned dpo=runs/dpo dpo=dpo.csv",
    "alignmeter tax --base s --aligned d=s --model base=me/a --model d=me/b",
    "alignmeter tax --variants variants.yaml --gate --json",
    "alignmeter tax --scores scores.csv --out tax.md",
)


class TaxCommand(TyperCommand):
    """`--aligned A B C` means `--aligned A --aligned B --aligned C`, which is all that click can read."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own copy of click
        """Repeat an option that takes several values before each of them."""
        return super().parse_args(ctx, list(_repeated(args)))


def _repeated(args: list[str]) -> Iterator[str]:
    option, values = None, 0
    for word in args:
        if word.startswith("-"):
            name, equals, _ = word.partition("=")
            option, values = (name if name in _SEVERAL else None), int(bool(equals))
        elif option is not None:
            if values:
                yield option
            values += 1
        yield word


def tax(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    base: Annotated[
        list[str] | None,
        typer.Option(
            help="The base model: a run, or results of lm-eval, Inspect, HELM or CSV; several are put "
            "together.",
            metavar="SOURCE...",
        ),
    ] = None,
    aligned: Annotated[
        list[str] | None,
        typer.Option(
            help="Aligned variants, likewise; sources of one NAME are put together. Without a NAME a "
            "variant is called as its target.",
            metavar="[NAME=]SOURCE...",
        ),
    ] = None,
    variants: Annotated[
        str | None,
        typer.Option(help="YAML: variants with their sources, method and scope.", metavar="FILE"),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="What a variant is: method (rlhf, dpo, cai, sft, prompt, steering, guard or another "
            "word) and scope (targeted or broad).",
            metavar="NAME=method:dpo,scope:broad",
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="Relative tax above which a domain is flagged: 10%, or DOMAIN=20%. Default: "
            "thresholds.alignment_tax of the runs, else 10%.",
            metavar="[DOMAIN=]SHARE",
        ),
    ] = None,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate",
            help="For a release gate: any wrong flag has chance 5% at most (Holm); without it 5% of flags "
            "are wrong at most on average (Benjamini-Hochberg).",
        ),
    ] = False,
    prompts: Annotated[
        Literal["same", "any"],
        typer.Option(help="`any` pairs items of which the models were sent different texts."),
    ] = "same",
    items: Annotated[
        Literal["all", "shared"],
        typer.Option(
            help="`shared` compares the items that both models have, where the two sets differ on purpose; "
            "else one that a source lacks, without stating that it was not asked, has no score there."
        ),
    ] = "all",
    domain: Annotated[
        list[str] | None,
        typer.Option(help="Compare this domain alone; repeatable.", metavar="NAME"),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(help="See the runs as this judge does, which judged both.", metavar="NAME"),
    ] = None,
    format: Annotated[  # noqa: A002 - the name of the option
        str | None,
        typer.Option(help="Format of results that are not recognised.", metavar="NAME"),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Score to take where results hold several; may be repeated.", metavar="NAME"),
    ] = None,
    filter: Annotated[  # noqa: A002 - the name of the option
        list[str] | None,
        typer.Option(help="Filter of lm-eval, such as strict-match; may be repeated.", metavar="NAME"),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Model to read of results that hold several, by the NAME of its variant; `base` is the base "
            "model.",
            metavar="NAME=MODEL",
        ),
    ] = None,
    maximum: Annotated[
        float | None,
        typer.Option(
            "--max",
            parser=real(exclusive=True),
            metavar="N",
            help="Best possible score of results; default 1.",
        ),
    ] = None,
    scores: Annotated[
        str | None,
        typer.Option(
            help="Instead of runs and results a CSV: domain, base, a column of mean scores for each variant; "
            "optionally n or n_COLUMN (items), max, chance, base_source (measured, published, proxy).",
            metavar="FILE",
        ),
    ] = None,
    out: OutOption = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Show what alignment cost in each domain, what it bought, and the outcome of both.

    Exits 1 where a tax above the limit is flagged or an outcome is TAX, STILL UNSAFE, TAX WITHOUT
    BENEFIT or MORE HARM; else 4 where arms are not comparable, or the tax of a domain that the base
    model or a variant has was not measured; else 3 where a tax is undecided; else 0.
    """
    from alignmeter.cli.tax_options import Reading, compared, of_table, read_models
    from alignmeter.errors import InputError
    from alignmeter.report.tax import render_tax

    given = aligned or []
    if (scores is None) == (not base and not given and variants is None):
        raise InputError("expected --base with --aligned, or --scores FILE, and not both; see --help")
    if scores is not None:
        refuse_unused(context, _OF_A_TABLE, lambda _: "is for runs and results, got it beside --scores")
        report = of_table(scores, limit or [], gate=gate)
    else:
        reading = Reading(
            runs=runs,
            judge=judge,
            format=format,
            metrics=tuple(metric or ()),
            filters=tuple(filter or ()),
            models=read_models(model or []),
            domains=tuple(domain or ()),
            maximum=maximum,
        )
        report = compared(
            base or [],
            given,
            variants=variants,
            labels=label or [],
            limits=limit or [],
            gate=gate,
            prompts=prompts,
            items=items,
            reading=reading,
        )
    if out is not None:
        from alignmeter.report.tax import tax_markdown
        from alignmeter.report.tax_page import tax_html

        write_report_file(out, markdown=lambda: tax_markdown(report), html=lambda: tax_html(report))
    if as_json:
        print_json(report)
    else:
        screen = console()
        screen.print(render_tax(report))
        if out is not None:
            print_line(f"Wrote       {out}")
    raise typer.Exit(report.exit_code)
