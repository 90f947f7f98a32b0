"""`alignmeter suites`: what can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alignmeter.cli import suites_domain, suites_import, suites_translate
from alignmeter.cli.numbers import whole
from alignmeter.cli.output import JsonOption, console, examples, nearest, print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.api import ListedSuite
    from alignmeter.records import Probe

# `alignmeter.suites.VariantName`, which is not imported before a command runs.
VariantName = Literal["slang", "long_context", "compact", "typo", "instruction", "because"]
IntentName = Literal["benign", "sensitive", "harmful"]

_SHOWN = 20
_LANGUAGES = 3
_NUMBERS = frozenset({"probes", "families"})

app = typer.Typer(help="List, show and import suites.", no_args_is_help=True, rich_markup_mode=None)
app.command("import", epilog=suites_import.EXAMPLES)(suites_import.import_)


@app.command(
    "list",
    epilog=examples(
        "alignmeter suites list", "alignmeter suites list --all", "alignmeter suites list --json"
    ),
)
def list_all(
    *,
    every_cell: Annotated[
        bool, typer.Option("--all", help="Count by intent, domain and language too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the suites, yours too: what each asks, how much there is, and when a run asks it."""
    from alignmeter.api import list_suites
    from alignmeter.suites import counts, readable_probes

    probes = readable_probes()
    cells = counts(probes)
    if as_json:
        from alignmeter.attacks import attack_names, get_attack

        attacks = [get_attack(name) for name in attack_names()]
        print_json(
            {
                "probes": len(probes),
                "suites": list_suites(probes),
                "counts": cells,
                "attacks": [
                    {"name": a.name, "class": a.attack_class, "reference": a.reference} for a in attacks
                ],
            }
        )
        return
    out = console()
    if every_cell:
        _print_columns(
            ("suite", "intent", "domain", "language", "probes", "families"),
            [(c.suite, c.intent, c.domain, c.language, str(c.probes), str(c.families)) for c in cells],
        )
    else:
        _print_columns(
            ("suite", "asks", "probes", "families", "asked", "languages"),
            [
                (one.suite, ", ".join(one.asks), str(one.probes), str(one.families), one.asked, _few(one))
                for one in list_suites(probes)
            ],
        )
        out.print(
            "\nasked: default, where a threat model leaves `suites` out; null, with `suites: null` too; "
            "named, only where `suites` names it. No claim rests on tasks."
            "\n`alignmeter suites list --all` counts by intent, domain and language.",
        )
    out.print("`alignmeter suites show SUITE` prints the probes of one.")


def _few(one: ListedSuite) -> str:
    """The languages of a suite, the first ones where there are many."""
    shown, more = one.languages[:_LANGUAGES], len(one.languages) - _LANGUAGES
    return ", ".join(shown) if more <= 0 else f"{shown[0]} and {len(one.languages) - 1} more"


def _print_columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose cells are never cut or folded: names in it are to be copied and searched for."""
    from alignmeter.visible import visible

    table = [headings, *([visible(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (
            cell.rjust(width) if heading in _NUMBERS else cell.ljust(width)
            for heading, cell, width in zip(headings, row, widths, strict=True)
        )
        print_line("  ".join(cells).rstrip())


@app.command("check", epilog=examples("alignmeter suites check", "alignmeter suites check --json"))
def check(*, as_json: JsonOption = False) -> None:
    """Check every suite, yours too: duplicates, languages, translations, banned content, counts.

    Exits with 1 where something is found.
    """
    from alignmeter.suites import check_suites
    from alignmeter.visible import visible

    checks = check_suites()
    found = [finding for one in checks for finding in one.findings]
    if as_json:
        print_json({"checks": checks, "findings": len(found)})
    else:
        out = console()
        for one in checks:
            mark = "✕" if one.findings else "✓"
            out.print(f"{mark} {one.name}: {one.looked_at} looked at, {len(one.findings)} found")
            for finding in one.findings[:_SHOWN]:
                out.print(visible(f"    {finding.where}: {finding.problem}"))
            if len(one.findings) > _SHOWN:
                out.print(f"    {len(one.findings) - _SHOWN} more; --json lists them all")
    raise typer.Exit(1 if found else 0)


@app.command(
    "show",
    epilog=examples(
        "alignmeter suites show triad --domain medical",
        "alignmeter suites show implicit_harm --variant slang",
        "alignmeter suites show facts --seed 7",
    ),
)
def show_one(
    suite: Annotated[str, typer.Argument(help="Name of a suite.", metavar="SUITE")],
    *,
    intent: Annotated[IntentName | None, typer.Option(help="Only this intent.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only this domain.", metavar="NAME")] = None,
    limit: Annotated[int | None, typer.Option(parser=whole(1), metavar="N", help="Probes to print.")] = None,
    variant: Annotated[
        VariantName | None, typer.Option(help="Closed questions in another wording; English only.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(parser=whole(0), metavar="N", help="Seed of a generated suite and of variants."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the probes of a suite."""
    from rich.padding import Padding
    from rich.text import Text

    from alignmeter.errors import InputError
    from alignmeter.visible import visible

    whole_suite = _probes_of(suite, variant, seed)
    domains = sorted({probe.domain for probe in whole_suite})
    if domain is not None and domain not in domains:
        raise InputError(
            f"suite {suite!r} has no domain {domain!r}{nearest(domain, domains)}; "
            f"it has: {', '.join(domains)}"
        )
    probes = [
        probe
        for probe in whole_suite
        if (intent is None or probe.intent == intent) and (domain is None or probe.domain == domain)
    ][:limit]
    if as_json:
        print_json({"suite": suite, "probes": probes})
        return
    out = console()
    for probe in probes:
        out.print(Text.assemble((probe.id, "bold"), f"  {probe.intent} / {probe.domain} / {probe.language}"))
        out.print(Padding(Text(visible(probe.prompt)), (0, 0, 0, 2)))
        if probe.reference is not None:
            out.print(Padding(Text(visible(_known(probe)), "dim"), (0, 0, 0, 2)))
    if not probes:
        out.print("No probe fits.")


def _known(probe: Probe) -> str:
    """What is known of the right answer: of a fact with its source, of a task with its grade."""
    if probe.check is not None:
        grade = f" ({probe.check.grade})" if probe.check.grade is not None else ""
        return f"right result{grade}: {probe.reference}"
    about = f"source: {probe.source} ({probe.jurisdiction}, checked {probe.checked_on})"
    return f"true answer: {probe.reference}. {probe.explanation or ''}\n{about}"


def _probes_of(suite: str, variant: VariantName | None, seed: int | None) -> tuple[Probe, ...]:
    """The English probes of a suite, freshly generated or reworded where that is asked for."""
    from alignmeter.errors import InputError
    from alignmeter.suites import GENERATED_SUITES, generate_suite, load_suite
    from alignmeter.suites import variant as reworded

    generated = suite in GENERATED_SUITES
    if seed is not None and variant is None and not generated:
        raise InputError(
            f"expected --seed with --variant or with a generated suite ({', '.join(GENERATED_SUITES)}), "
            f"got suite {suite!r}; leave out --seed"
        )
    probes = generate_suite(suite, seed) if generated and seed is not None else load_suite(suite)
    return probes if variant is None else tuple(reworded(probe, variant, seed or 0) for probe in probes)


app.command("domain", epilog=suites_domain.EXAMPLES)(suites_domain.domain)
app.command("translate", epilog=suites_translate.EXAMPLES)(suites_translate.translate)
