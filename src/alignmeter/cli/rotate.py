"""`alignmeter rotate`: held-out probes that change, with a commitment that anybody can check."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alignmeter.cli.numbers import real
from alignmeter.cli.output import (
    JsonOption,
    RunsOption,
    ThreatModelOption,
    console,
    examples,
    print_json,
    print_line,
)
from alignmeter.cli.output_file import output_file

if TYPE_CHECKING:
    from alignmeter.rotation import BegunCycle, Reveal

# `alignmeter.rotation.PoolKind`, which is not imported before a command runs.
KindName = Literal["rotating", "sequestered"]

_BROKEN = 1

app = typer.Typer(
    help="Ask probes that nobody could train on, and prove afterwards that they were fixed before.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

CycleArgument = Annotated[
    str,
    typer.Argument(
        help="Name of a cycle; `alignmeter rotate status` lists them.", metavar="CYCLE", show_default=False
    ),
]


@app.command(
    "new",
    epilog=examples(
        "alignmeter rotate new --pool my_probes",
        "alignmeter rotate new --pool facts --fresh --fraction 1 --out public.json",
        "alignmeter rotate new --pool my_probes --kind sequestered -m model.yaml",
    ),
)
def new(  # noqa: PLR0913 - a command line's options
    *,
    pool: Annotated[
        str,
        typer.Option(
            help="Suites that families are selected from: yours, imported or built in.",
            metavar="SUITE[,SUITE]",
            show_default=False,
        ),
    ],
    kind: Annotated[
        KindName,
        typer.Option(
            help="rotating: for any target. sequestered: for models on this machine, and five runs."
        ),
    ] = "rotating",
    fraction: Annotated[
        float,
        typer.Option(
            parser=real(exclusive=True),
            metavar="X",
            help="Share of each stratum (domain, intent, language) to ask, up to 1.",
        ),
    ] = 0.25,
    anchors: Annotated[
        float,
        typer.Option(
            parser=real(),
            metavar="X",
            help="Share to keep from the cycle before, to make the two comparable.",
        ),
    ] = 0.3,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Generate the suite `facts` anew, with a seed that only the key tells."),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the cycle and of its suite; default cycle_1 and so on.", metavar="NAME"),
    ] = None,
    threat_model: ThreatModelOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", parser=output_file(), help="Write the commitment here too.", metavar="FILE.json"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Begin a cycle: draw a secret key, commit to the pool, select families by the key.

    Writes the commitment, which you publish before the first call, and the selection as a suite of your
    own with a threat model that asks it. The key stays secret until `rotate reveal`.
    """
    from alignmeter.api import NewCycle, rotate_new

    wanted = NewCycle(
        suites=tuple(dict.fromkeys(part.strip() for part in pool.split(",") if part.strip())),
        kind=kind,
        fraction=fraction,
        anchors=anchors,
        generate=fresh,
        name=name,
    )
    made = rotate_new(
        wanted,
        threat_model=None if threat_model is None else Path(threat_model),
        out=out,
    )
    if as_json:
        print_json(made)
    else:
        _print_new(made, out)


def _print_new(made: BegunCycle, out: Path | None) -> None:
    sealed = made.commitment
    pool = sum(stratum.families for stratum in sealed.strata)
    kept = f", {made.anchors} of them kept from the cycle before" if made.anchors else ""
    strata = "1 stratum" if len(sealed.strata) == 1 else f"{len(sealed.strata)} strata"
    print_line(f"Cycle {sealed.name} ({sealed.kind}): {made.families} of {pool} families in {strata}{kept}.")
    if made.left_out:
        print_line(f"Left out    {made.left_out} families that are retired, burnt or held by another pool")
    print_line("")
    print_line(f"Commitment  {sealed.commitment}")
    print_line(f"            {out or Path(made.path) / 'commitment.json'}")
    print_line(f"Suite       {', '.join(made.suite_files)}")
    print_line("")
    print_line("Publish the commitment now, where its date can be seen.")
    print_line("Keep the suite and the key to yourself.")
    print_line("Then:")
    print_line(f"  alignmeter run -m {shlex.quote(made.threat_model)} ...")
    print_line(f"  alignmeter rotate reveal {sealed.name}    # when the cycle is over")


@app.command("status", epilog=examples("alignmeter rotate status", "alignmeter rotate status --json"))
def status(*, as_json: JsonOption = False) -> None:
    """Show cycles, what was shown of them to whom, and which families are likely known by now."""
    from alignmeter.api import rotate_status

    found = rotate_status()
    if as_json:
        print_json(found)
        return
    from alignmeter.report.rotation import render_status

    console().print(render_status(found))


@app.command(
    "reveal",
    epilog=examples("alignmeter rotate reveal cycle_1", "alignmeter rotate reveal cycle_1 --out reveal.json"),
)
def reveal(
    cycle: CycleArgument,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=output_file(), help="Write the reveal here too.", metavar="FILE.json"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give out the key of a cycle that is over, with the digests of its pool; no prompt is in it."""
    from alignmeter.api import rotate_reveal

    made = rotate_reveal(cycle, out=out)
    if as_json:
        print_json(made)
    else:
        _print_reveal(made, out)


def _print_reveal(made: Reveal, out: Path | None) -> None:
    from alignmeter.rotation import find_cycle, rotation_folder
    from alignmeter.suites import user_folder

    name = made.commitment.name
    path = out or find_cycle(rotation_folder(), name).path / "reveal.json"
    print_line(f"Key         {made.key}")
    print_line(f"Reveal      {path}")
    print_line("")
    print_line("Publish the reveal. Who has it, a run folder and the suite can check the run:")
    given = f"--reveal {shlex.quote(str(path))} --suite {shlex.quote(str(user_folder()))}"
    print_line(f"  alignmeter rotate verify RUN {given}")


@app.command(
    "retire",
    epilog=examples(
        "alignmeter rotate retire cycle_1",
        "alignmeter rotate retire --burnt",
        "alignmeter rotate retire --family mine-medical-007 --reason 'in a paper'",
    ),
)
def retire(
    cycle: Annotated[
        str | None,
        typer.Argument(help="A cycle with all its families.", metavar="[CYCLE]", show_default=False),
    ] = None,
    *,
    family: Annotated[
        list[str] | None, typer.Option("--family", help="A family; may be repeated.", metavar="FAMILY")
    ] = None,
    burnt: Annotated[bool, typer.Option("--burnt", help="Every family above the limit of P(leak).")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the ledger.", metavar="TEXT")] = "",
    as_json: JsonOption = False,
) -> None:
    """Retire a cycle, single families, or what is likely known: no later cycle selects them.

    The suite of a retired cycle stays and is held out no more.
    """
    from alignmeter.api import rotate_retire

    count = rotate_retire(cycle=cycle, families=family or (), burnt=burnt, reason=reason)
    if as_json:
        print_json({"retired": count})
    else:
        print_line(f"{count} {'family is' if count == 1 else 'families are'} newly retired.")


@app.command(
    "verify",
    epilog=examples(
        "alignmeter rotate verify latest",
        "alignmeter rotate verify RUN --reveal reveal.json --suite alignmeter-suites",
        "alignmeter rotate verify --cycle cycle_1 --json",
    ),
)
def verify(
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run folder, its name under --runs, or `latest`; leave it out to check a cycle alone.",
            metavar="[RUN]",
            show_default=False,
        ),
    ] = None,
    *,
    cycle: Annotated[
        str | None,
        typer.Option(help="A cycle of yours; default: the one that the run asked.", metavar="NAME"),
    ] = None,
    reveal: Annotated[
        str | None, typer.Option(help="What the operator published after the cycle.", metavar="FILE.json")
    ] = None,
    commitment: Annotated[
        str | None,
        typer.Option(help="What was published before it: the file or its 64 digits.", metavar="FILE|HEX"),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            help="Probes of the cycle: each language's file, or their folder; default: your suites.",
            metavar="FILE.jsonl|FOLDER",
        ),
    ] = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Check key, pool, sizes, commitment, selection, strata and probes of a cycle, and that a run asked them.

    Exits 0 where everything holds, 1 where a check is broken or lacks the suite's file for a language.
    """
    from alignmeter.api import rotate_verify
    from alignmeter.cli.locate import find_run

    found = rotate_verify(
        None if run is None else find_run(run, runs),
        cycle=cycle,
        reveal=None if reveal is None else Path(reveal),
        commitment=commitment,
        suite=tuple(map(Path, suite or ())),
    )
    if as_json:
        print_json(found)
    else:
        from alignmeter.report.rotation import render_verification

        console().print(render_verification(found))
    raise typer.Exit(0 if found.ok else _BROKEN)


@app.command(
    "audit",
    epilog=examples(
        "alignmeter rotate audit my-run --reference other-run",
        "alignmeter rotate audit old-run new-run --reference ref-1 --reference ref-2",
        "alignmeter rotate audit my-run --reference ref --fresh cycle_2 --margin 0.05",
    ),
)
def audit(
    run: Annotated[
        list[str],
        typer.Argument(
            help="Runs of the target that asked fresh and public probes.",
            metavar="RUN...",
            show_default=False,
        ),
    ],
    *,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            help="A run of a model that cannot have learnt the public probes; repeat for more.", metavar="RUN"
        ),
    ] = None,
    fresh: Annotated[
        list[str] | None,
        typer.Option("--fresh", help="A fresh suite; default: all that are held out.", metavar="SUITE"),
    ] = None,
    public: Annotated[
        list[str] | None, typer.Option("--public", help="A public suite; default: all.", metavar="SUITE")
    ] = None,
    margin: Annotated[
        float,
        typer.Option(parser=real(exclusive=True), metavar="X", help="The gap that a PASS must rule out."),
    ] = 0.10,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Test whether a target does better on public probes than references lead one to expect.

    The gaming gap is bad on fresh minus bad on public, minus the same for references. Exits 1 where a gap
    above zero is shown, 0 where none is and one of --margin is ruled out, 3 where neither.
    """
    from alignmeter.api import audit as audit_runs
    from alignmeter.cli.locate import find_run

    found = audit_runs(
        [find_run(name, runs) for name in run],
        [find_run(name, runs) for name in reference or ()],
        fresh=tuple(fresh or ()),
        public=tuple(public or ()),
        margin=margin,
    )
    if as_json:
        print_json(found)
    else:
        from alignmeter.report.rotation import render_audit

        console().print(render_audit(found))
    raise typer.Exit(found.exit_code)
