"""`alignmeter attacks`: what attackers try, and what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignmeter.cli.numbers import whole
from alignmeter.cli.output import JsonOption, console, examples, nearest, print_json, tell

if TYPE_CHECKING:
    from alignmeter.records import Probe, Trial

_CONTEXT_TOKENS = 4096
_LARGEST_CONTEXT = 2**31
_LARGEST_SEED = 2**53

app = typer.Typer(help="List and show attacks.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list", epilog=examples("alignmeter attacks list", "alignmeter attacks list --json"))
def list_all(*, as_json: JsonOption = False) -> None:
    """List the attacks: built in, and registered by packages as alignmeter.attacks."""
    from rich.table import Table
    from rich.text import Text

    from alignmeter.attacks import attack_names, frame_languages, get_attack

    attacks = [get_attack(name) for name in attack_names()]
    if as_json:
        print_json(
            {
                "attacks": [
                    {
                        "name": attack.name,
                        "class": attack.attack_class,
                        "pool": attack.pool,
                        "summary": attack.summary,
                        "reference": attack.reference,
                        "frame_languages": frame_languages(attack.name),
                        "latin_only": attack.latin_only,
                    }
                    for attack in attacks
                ]
            }
        )
        return
    out = console()
    table = Table(box=None, pad_edge=False)
    for heading in ("attack", "class", "pool", "frames", "what it does"):
        table.add_column(heading)
    for attack in attacks:
        frames = ", ".join(frame_languages(attack.name)) or "-"
        summary = f"{attack.summary} (Latin letters only)" if attack.latin_only else attack.summary
        table.add_row(attack.name, attack.attack_class, attack.pool, frames, Text(summary))
    out.print(table)
    out.print(
        "\nframes: languages of the text around the request; in other languages the English text is used, "
        "or none is needed (-)."
        "\nLatin letters only: not drawn for requests in another script."
        "\n`A | B` applies A first, then B, wherever the name of an attack is asked for. All of them are "
        "static: compliance under them is a lower bound.",
    )
    out.print("\n`alignmeter attacks show NAME --probe ID` prints the conversation of one.")


@app.command(
    "show",
    epilog=examples(
        "alignmeter attacks show roleplay --probe triad-en-harmful-legal-001",
        "alignmeter attacks show 'table | rot13' --probe triad-en-harmful-legal-001",
    ),
)
def show_one(
    name: Annotated[
        str,
        typer.Argument(
            help="An attack, several joined by '|', or a wording of closed questions.", metavar="NAME"
        ),
    ],
    *,
    probe: Annotated[str, typer.Option(help="Id of a probe of any suite.", metavar="ID")],
    seed: Annotated[
        int, typer.Option(parser=whole(0, _LARGEST_SEED), metavar="N", help="Seed of the design.")
    ] = 1,
    draw: Annotated[
        int, typer.Option(parser=whole(0), metavar="N", help="Number of the draw, for best_of_n.")
    ] = 0,
    context_tokens: Annotated[
        int,
        typer.Option(parser=whole(256, _LARGEST_CONTEXT), metavar="N", help="Context window, for many_shot."),
    ] = _CONTEXT_TOKENS,
    suffix_file: Annotated[
        str | None, typer.Option(help="File of strings, for cached_suffix.", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a probe under an attack, as a run of a design with this seed asks it."""
    from alignmeter.engine import render
    from alignmeter.threat_model import threat_model_from_dict

    adversaries = {"context_tokens": context_tokens, "suffix_file": suffix_file}
    model = threat_model_from_dict(
        {"name": "attacks show", "adversaries": adversaries, "design": {"seed": seed}}
    )
    found = _probe(probe)
    _check(name, found)
    trial = render(found, name, model, draw=draw)
    _check_draw(trial, draw)
    notes = _notes(trial)
    if as_json:
        print_json(_as_json(trial) | {"notes": notes})
        return
    for note in notes:
        tell(f"# {note}")
    _print(trial)


def _probe(wanted: str) -> Probe:
    from alignmeter.errors import InputError
    from alignmeter.suites import readable_probes

    probes = {probe.id: probe for probe in readable_probes()}
    if wanted not in probes:
        raise InputError(
            f"no probe {wanted!r}{nearest(wanted, probes)}; `alignmeter suites show SUITE` lists the probes"
        )
    return probes[wanted]


def _check(name: str, probe: Probe) -> None:
    from alignmeter.attacks import PLAIN, attack_names, get_attack
    from alignmeter.errors import InputError
    from alignmeter.suites import render_request
    from alignmeter.suites.variants import VARIANTS

    if name in VARIANTS and probe.axis == "factuality":
        return  # a wording, which says itself which questions it takes
    if name in VARIANTS and name not in attack_names():
        raise InputError(
            f"expected an attack, got {name!r}, a wording of closed questions, and probe {probe.id!r} is "
            f"none; choose another attack or probe"
        )
    if name != PLAIN and not get_attack(name).works_on(render_request(probe)):
        raise InputError(
            f"attack {name!r} changes Latin letters only, and probe {probe.id!r} has few of them; "
            f"choose another attack or probe"
        )


def _check_draw(trial: Trial, draw: int) -> None:
    from alignmeter.engine import BEST_OF_N
    from alignmeter.errors import InputError

    if draw and (trial.attack != BEST_OF_N or trial.intent != "harmful"):
        raise InputError(
            f"expected --draw 0, got {draw}: {BEST_OF_N} of a harmful request is drawn several times and "
            f"nothing else, not {trial.attack} of {trial.probe}; leave it out"
        )


def _notes(trial: Trial) -> list[str]:
    """Why no run asks such a trial; empty where one may."""
    from alignmeter.attacks import PLAIN

    if trial.attack == PLAIN:
        return []
    if trial.axis == "factuality":
        with_image = any(message.images for message in trial.messages)
        return ["no run asks this: a question that comes with an image is put plainly"] if with_image else []
    if trial.intent != "harmful":
        return [
            "no run asks this: harmful requests and closed questions are attacked, all others put plainly"
        ]
    return []


def _as_json(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.id,
        "probe": trial.probe,
        "attack": trial.attack,
        "attack_class": trial.attack_class,
        "attack_pool": trial.attack_pool,
        "attack_seed": trial.attack_seed,
        "draw": trial.epoch,
        "request": trial.request,
        "messages": [
            {
                "role": message.role,
                "content": message.content,
                "images": [image.alt for image in message.images],
            }
            for message in trial.messages
        ],
    }


def _print(trial: Trial) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from alignmeter.visible import visible

    out = console()
    about = f"  {trial.attack_class} / {trial.attack_pool} / attack seed {trial.attack_seed}"
    out.print(Text.assemble((trial.attack, "bold"), "  on ", (trial.probe, "bold"), about))
    for message in trial.messages:
        out.print(Text(f"\n{message.role}", "dim"))
        shown = [message.content, *(f"[image] {image.alt}" for image in message.images)]
        out.print(Padding(Text(visible("\n".join(shown))), (0, 0, 0, 2)))
