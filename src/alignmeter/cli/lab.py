"""`alignmeter lab`: interventions made here, to be measured by `run`."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from alignmeter.cli.numbers import real, whole
from alignmeter.cli.output import (
    JsonOption,
    RunsOption,
    console,
    examples,
    print_json,
    print_line,
    tell,
)
from alignmeter.cli.output_file import output_file

if TYPE_CHECKING:
    from alignmeter.interventions.finetune import Step

# `alignmeter.interventions` has these types; it is not imported before a command runs.
DesignName = Literal["leave_one_out", "add_one", "both"]
MethodName = Literal["difference", "pca"]

_TELL_SECONDS = 5.0

app = typer.Typer(
    help="Interventions to measure: constitutions, adapters, steering.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
constitution_app = typer.Typer(
    help="Constitutions as system prompts, whole and taken apart.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(constitution_app, name="constitution")

BaseOption = Annotated[
    str | None,
    typer.Option(
        "--base", help="Folder or .gguf file of the model; default: the embedded one.", metavar="PATH"
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
ConstitutionArgument = Annotated[
    str, typer.Argument(help="broad, fine, or a YAML file.", metavar="CONSTITUTION", show_default=False)
]


@constitution_app.command(
    "list", epilog=examples("alignmeter lab constitution list", "alignmeter lab constitution list --json")
)
def list_constitutions(*, as_json: JsonOption = False) -> None:
    """List the built-in constitutions with the ids of their principles."""
    from alignmeter.interventions.constitutions import BUILT_IN_CONSTITUTIONS, load_constitution

    found = [load_constitution(name) for name in BUILT_IN_CONSTITUTIONS]
    if as_json:
        print_json(
            {"constitutions": [{"name": c.name, "title": c.title, "principles": c.ids} for c in found]}
        )
        return
    out = console()
    for one in found:
        out.print(f"{one.name}  {one.title}")
        out.print(f"  {', '.join(one.ids)}")


@constitution_app.command(
    "show",
    epilog=examples(
        "alignmeter lab constitution show fine", "alignmeter lab constitution show mine.yaml --json"
    ),
)
def show_constitution(constitution: ConstitutionArgument, *, as_json: JsonOption = False) -> None:
    """Print the system prompt that a constitution makes."""
    from alignmeter.interventions.constitutions import load_constitution, system_prompt

    found = load_constitution(constitution)
    if as_json:
        print_json({"constitution": found, "system_prompt": system_prompt(found)})
    else:
        print_line(system_prompt(found))


@constitution_app.command(
    "variants",
    epilog=examples(
        "alignmeter lab constitution variants fine --out variants",
        "alignmeter lab constitution variants fine --out v --design add_one",
    ),
)
def write_variant_files(
    constitution: ConstitutionArgument,
    *,
    out: Annotated[str, typer.Option("--out", help="Folder for the files.", metavar="DIR")],
    design: Annotated[
        DesignName, typer.Option(help="Which principles are needed, which are enough, or both.")
    ] = "both",
    as_json: JsonOption = False,
) -> None:
    """Write a system prompt for every principle left out and alone, each a file for run --variant."""
    from alignmeter.interventions.constitutions import (
        constitution_variants,
        load_constitution,
        write_variants,
    )

    variants = constitution_variants(load_constitution(constitution), design)
    paths = write_variants(variants, Path(out))
    if as_json:
        rows = [
            {"file": str(path), "name": one.name, "kind": one.kind, "principle": one.principle}
            for path, one in zip(paths, variants, strict=True)
        ]
        print_json({"variants": rows})
        return
    files = tuple(dict.fromkeys(paths))
    for path in files:
        print_line(str(path))
    folder = shlex.quote(out)
    console().print(
        f"\n{len(files)} files. Run each, then compare. Every run asks what its threat model names: take a "
        f"small one\n(`design.max_units`); `alignmeter plan -m small.yaml --fixed` counts the calls.\n"
        f"  for f in {folder}/*.yaml; do\n"
        f"    alignmeter run -m small.yaml --fixed --variant $f --name $(basename $f .yaml)\n"
        f"  done\n"
        f"  alignmeter lab ablate {' '.join(shlex.quote(one.name) for one in variants[:2])} ...",
        soft_wrap=True,
    )


@app.command(
    "ablate",
    epilog=examples(
        "alignmeter lab ablate runs/fine runs/fine-without-fraud",
        "alignmeter lab ablate runs/mine* --constitution mine.yaml --json",
    ),
)
def ablate(
    run: Annotated[list[str], typer.Argument(help="Runs of a constitution's variants.", metavar="RUN...")],
    *,
    constitution: Annotated[
        str | None,
        typer.Option(help="broad, fine or a YAML file; default: the one the runs are of.", metavar="NAME"),
    ] = None,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show harmful requests, and sequestered ones.")
    ] = False,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Tell which principle causes which refusals, from runs of the variants of a constitution."""
    from alignmeter.api import ablate as compare
    from alignmeter.cli.locate import find_run
    from alignmeter.report.lab import render_ablation

    found = compare([find_run(one, runs) for one in run], constitution, unmask=unmask)
    if as_json:
        print_json(found)
    else:
        console().print(render_ablation(found))


@app.command(
    "finetune",
    epilog=examples(
        "alignmeter lab finetune --recipe broad --out adapters/broad",
        "alignmeter lab finetune --recipe mine.yaml --out adapters/mine --steps 25",
    ),
)
def finetune(  # noqa: PLR0913 - a command line's options
    *,
    recipe: Annotated[str, typer.Option(help="broad, targeted, or a YAML file.", metavar="NAME|FILE")],
    out: Annotated[str, typer.Option("--out", help="Folder for the adapter.", metavar="DIR")],
    base: BaseOption = None,
    steps: Annotated[
        int | None,
        typer.Option(parser=whole(1, 10_000), metavar="N", help="Updates; default: the recipe's."),
    ] = None,
    rank: Annotated[
        int | None,
        typer.Option(parser=whole(1, 256), metavar="N", help="Of the adapter; default: the recipe's."),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(parser=real(exclusive=True), metavar="X", help="Default: the recipe's.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(parser=whole(0), metavar="N", help="Of weights and order; default: the recipe's."),
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a small LoRA adapter that refuses: without contrasts (broad) or with them (targeted).

    The same command started again goes on with a training that was interrupted. Needs the extra torch;
    a step of the embedded model takes 3 to 4 seconds on two cores.
    """
    from alignmeter.api import finetune as train
    from alignmeter.interventions.finetune import MOST_TOKENS

    given: dict[str, Any] = {
        "steps": steps,
        "rank": rank,
        "learning_rate": learning_rate,
        "seed": seed,
    }
    done = train(
        recipe,
        out,
        base=Path(base) if base is not None else None,
        changes={name: value for name, value in given.items() if value is not None},
        progress=None if quiet else _StepTeller(),
    )
    if as_json:
        print_json(done)
        return
    print_line(f"Adapter     {done.adapter}")
    if done.cut:
        print_line(f"Cut         replies of {done.cut} examples that are longer than {MOST_TOKENS} tokens")
    target, adapter = "embedded" if done.gguf is not None else "transformers", done.gguf or done.adapter
    if done.gguf is not None:
        print_line(f"llama.cpp   {done.gguf}")
    asked = shlex.join(("--target", target if base is None else f"{target}:{base}", "--adapter", adapter))
    print_line(f"Try it      alignmeter run {asked}")


@app.command(
    "convert",
    epilog=examples(
        "alignmeter lab convert adapters/mine", "alignmeter lab convert peft_folder --out mine.gguf"
    ),
)
def convert(
    adapter: Annotated[str, typer.Argument(help="Folder of a peft LoRA adapter.", metavar="FOLDER")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=output_file(),
            help="The file; default: beside the folder.",
            metavar="FILE.gguf",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", help="The .gguf model it belongs to; default: the embedded one.", metavar="FILE"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a peft adapter of a Llama model as a file for `--target embedded --adapter FILE.gguf`."""
    from alignmeter.api import convert_adapter

    path = convert_adapter(adapter, out, base=Path(base) if base is not None else None)
    if as_json:
        print_json({"adapter": str(path)})
    else:
        print_line(f"Wrote       {path}")


@app.command(
    "steer",
    epilog=examples(
        "alignmeter lab steer",
        "alignmeter lab steer --strength 1 --strength 3 --random 9 --json",
    ),
)
def steer(  # noqa: PLR0913 - a command line's options
    *,
    base: BaseOption = None,
    method: Annotated[MethodName, typer.Option(help="How the direction is found.")] = "difference",
    strength: Annotated[
        list[float] | None,
        typer.Option(
            parser=real(), metavar="X", help="Multiples of the mean difference; repeat. Default 0.5, 1 and 2."
        ),
    ] = None,
    prompts: Annotated[
        int, typer.Option(parser=whole(1, 200), metavar="N", help="Prompts of each intent.")
    ] = 12,
    random: Annotated[
        int, typer.Option(parser=whole(1, 99), metavar="N", help="Random directions beside it.")
    ] = 3,
    max_tokens: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="Longest reply.")] = 32,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Of all that is drawn.")] = 1,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add a direction from contrast pairs to the model and count refusals, beside random directions.

    In memory only: no vector is written, and no strength steers away from refusal. No causal effect is
    claimed. Needs the extra torch; some ten minutes on two cores.
    """
    from alignmeter.api import steer as measure
    from alignmeter.interventions.sweep import STRENGTHS, SweepOptions
    from alignmeter.report.lab import render_sweep

    options = SweepOptions(
        method=method,
        strengths=tuple(strength) if strength else STRENGTHS,
        prompts=prompts,
        randoms=random,
        max_tokens=max_tokens,
        seed=seed,
    )
    found = measure(
        options, base=Path(base) if base is not None else None, progress=None if quiet else _tell_sweep
    )
    if as_json:
        print_json(found)
    else:
        console().print(render_sweep(found))


class _StepTeller:
    """Print a training's steps: each on a terminal, one every few seconds elsewhere."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: int | None = None
        self._told = 0.0

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = step.step - 1
        last = step.step == step.steps
        if not last and not sys.stderr.isatty() and now - self._told < _TELL_SECONDS:
            return
        self._told = now
        left = (now - self._began) / (step.step - self._first) * (step.steps - step.step)
        tell(f"step {step.step}/{step.steps}  loss {step.loss:.3f}  {left:.0f} s to go")


def _tell_sweep(done: int, total: int, what: str) -> None:
    tell(f"{done}/{total}  {what}")
