"""The Typer application: every command, each in a module of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from alignmeter.cli import (
    attacks,
    audit_scorer,
    compare,
    demo,
    doctor,
    frontier,
    gate,
    init,
    judge,
    lab,
    label,
    plan,
    regions,
    report,
    repro,
    rotate,
    run,
    runs,
    scores,
    serve,
    show,
    suites,
    tax,
)

_START = """\b
Start here:
  alignmeter doctor                      is everything there?
  alignmeter demo                        a real model, no key, some minutes
  alignmeter run --url http://localhost:8000/v1 --model NAME --smoke
  alignmeter init --preset medical       your deployment as threat_model.yaml
  alignmeter plan -m threat_model.yaml   calls, cost, chance of a PASS
  alignmeter run -m threat_model.yaml --url ... --model NAME
  alignmeter show latest --bad           the replies behind the verdicts
  alignmeter gate latest                 a decision on a release

\b
Two models and more: compare, tax, frontier, regions. Judges and people:
judge, label, audit-scorer. Probes: suites, attacks, rotate. Results of
other harnesses: scores. Interventions: lab.

Exit codes: 0 all claims PASS, 1 a claim FAILED, 2 bad input, 3 inconclusive,
4 invalid or not measured, 5 runtime failure, 130 interrupted."""

app = typer.Typer(
    name="alignmeter",
    help="Measure what alignment bought and what it cost: a threat model in, verdicts with error bars out.",
    epilog=_START,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from alignmeter._version import __version__
        from alignmeter.cli.output import print_line

        print_line(f"alignmeter {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Measure what alignment bought and what it cost."""
    del version


app.command("init", epilog=init.EXAMPLES)(init.init)
app.command("plan", epilog=plan.EXAMPLES)(plan.plan)
app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("report", epilog=report.EXAMPLES)(report.report)
app.command("gate", epilog=gate.EXAMPLES)(gate.gate)
app.command("compare", epilog=compare.EXAMPLES)(compare.compare)
app.command("show", epilog=show.EXAMPLES)(show.show)
app.command("label", epilog=label.EXAMPLES)(label.label)
app.command("scores", epilog=scores.EXAMPLES)(scores.scores)
app.command("tax", epilog=tax.EXAMPLES, cls=tax.TaxCommand)(tax.tax)
app.command("frontier", epilog=frontier.EXAMPLES)(frontier.frontier)
app.command("regions", epilog=regions.EXAMPLES)(regions.regions)
app.command("audit-scorer", epilog=audit_scorer.EXAMPLES)(audit_scorer.audit_scorer)
app.command("repro", epilog=repro.EXAMPLES)(repro.repro)
app.add_typer(judge.app, name="judge")
app.add_typer(suites.app, name="suites")
app.add_typer(attacks.app, name="attacks")
app.add_typer(rotate.app, name="rotate")
app.add_typer(runs.app, name="runs")
app.add_typer(lab.app, name="lab")
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.command("serve", epilog=serve.EXAMPLES)(serve.serve)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
