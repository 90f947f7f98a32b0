"""`alignmeter suites`: what can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alignmeter.cli import suites_domain, suites_import, suites_translate
from alignmeter.cli.numbers import whole
from alignmeter.cli.output import JsonOption, console, examples, nearest, print_json

if TYPE_CHECKING:
    from alignmeter.records import Probe

# `alignmeter.suites.VariantName`, which is not imported before a command runs.
VariantName = Literal["slang", "long_context", "compact", "typo", "instruction", "because"]
IntentName = Literal["benign", "sensitive", "harmful"]

_SHOWN = 20

app = typer.Typer(help="List, show and import suites.", no_args_is_help=True, rich_markup_mode=None)
app.command("import", epilog=suites_import.EXAMPLES)(suites_import.import_)


@app.command("list", epilog=examples("alignmeter suites list", "alignmeter suites list --json"))
def list_all(*, as_json: JsonOption = False) -> None:
    """Count probes by suite, intent, domain and language, and list the attacks."""
    from rich.table import Table
    from rich.text import Text

    from alignmeter.attacks import attack_names, get_attack
    from alignmeter.suites import counts, readable_probes

    probes = readable_probes()
    rows = counts(probes)
    attacks = [get_attack(name) for name in attack_names()]
    if as_json:
        print_json(
            {
                "probes": len(probes),
                "counts": rows,
                "attacks": [
                    {"name": a.name, "class": a.attack_class, "reference": a.reference} for a in attacks
                ],
            }
        )
        return
    out = console()
    table = Table(box=None, pad_edge=False)
    for heading in ("suite", "intent", "domain", "language", "probes", "families"):
        table.add_column(heading, justify="right" if heading in {"probes", "families"} else "left")
    for row in rows:
        table.add_row(row.suite, row.intent, row.domain, row.language, str(row.probes), str(row.families))
    out.print(table)
    out.print("\nAttacks, one drawn for each harmful family beside the plain probe:")
    listed = Table.grid(padding=(0, 2))
    for attack in attacks:
        listed.add_row(f"  {attack.name}", Text(attack.reference))
    out.print(listed)
    out.print("\n`alignmeter suites show SUITE` prints the probes of one.")


@app.command("check", epilog=examples("alignmeter suites check", "alignmeter suites check --json"))
def check(*, as_json: JsonOption = False) -> None:
    """Check every suite, yours too: duplicates, languages, translations, banned content, counts.

    Exits with 1 where something is found.
    """
    from alignmeter.report.text import visible
    from alignmeter.suites import check_suites

    checks = check_suites()
    found = [finding for one in checks for finding in one.findings]
    if as_json:
        print_json({"checks": checks, "findings": len(found)})
    else:
        out = console()
        for one in checks:
            mark = "✕" if one.findings else "✓"
            out.print(
                f"{mark} {one.name}: {one.looked_at} looked at, {len(one.findings)} found", markup=False
            )
            for finding in one.findings[:_SHOWN]:
                out.print(visible(f"    {finding.where}: {finding.problem}"), markup=False)
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
    from alignmeter.report.text import visible

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
