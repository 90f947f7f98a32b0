"""The lab: constitutions taken apart, adapters trained and converted, directions swept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from alignmeter.api.reading import load_run
from alignmeter.errors import InputError
from alignmeter.interventions.ablation import Ablation, VariantRun
from alignmeter.interventions.ablation import ablate as compare
from alignmeter.interventions.constitutions import (
    BUILT_IN_CONSTITUTIONS,
    Constitution,
    ConstitutionVariant,
    constitution_variants,
    load_constitution,
)
from alignmeter.interventions.recipes import load_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from alignmeter.api.reading import Run
    from alignmeter.interventions.finetune import Step, Training
    from alignmeter.interventions.sweep import Sweep, SweepOptions


def ablate(runs: Sequence[Path | str], constitution: str | None = None, *, unmask: bool = False) -> Ablation:
    """Tell which principle of a constitution causes which refusals, from runs of its variants.

    Args:
        runs: Run folders. What ties a run to a variant is the digest of its system prompt.
        constitution: `broad`, `fine` or a YAML file; None for the built-in one that the runs belong to.
        unmask: Give the texts of harmful requests and of sequestered ones too.

    Raises:
        InputError: A run is of no variant, two are of the same one, or the runs differ in more than the
            system prompt.
        RunFolderError: A run cannot be read.
    """
    loaded = [load_run(path) for path in runs]
    if len(loaded) < 2:  # noqa: PLR2004 - a comparison
        raise InputError(f"expected two or more runs of a constitution's variants, got {len(loaded)}")
    chosen = load_constitution(constitution) if constitution is not None else _constitution_of(loaded)
    variants = constitution_variants(chosen)
    _comparable(loaded)
    found = [_as_variant(run, one) for run in loaded for one in _variants_of(run, loaded, chosen, variants)]
    names = [run.variant.name for run in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"expected one run of each variant, got {names.count(twice)} of {twice!r}")
    return compare(chosen, variants, found, unmask=unmask)


def _constitution_of(runs: Sequence[Run]) -> Constitution:
    """Return the built-in constitution whose variants most of the runs are."""
    prompts = {run.manifest.target.fingerprint.system_prompt for run in runs}
    known = [load_constitution(name) for name in BUILT_IN_CONSTITUTIONS]
    fits = {
        one.name: len(prompts & {variant.digest for variant in constitution_variants(one)}) for one in known
    }
    best = max(known, key=lambda one: fits[one.name])
    if fits[best.name] == 0:
        raise InputError(
            f"no run has the system prompt of a variant of {' or '.join(BUILT_IN_CONSTITUTIONS)}; name yours "
            f"by `constitution=FILE`"
        )
    return best


def _variants_of(
    run: Run, runs: Sequence[Run], constitution: Constitution, variants: tuple[ConstitutionVariant, ...]
) -> tuple[ConstitutionVariant, ...]:
    """The variants that a run stands for: all with its system prompt, where no other run has it too.

    Of two principles "all but one" is the other one alone. Where both were run, the name tells them apart.
    """
    wanted = _prompt(run)
    fitting = tuple(one for one in variants if one.digest == wanted)
    if not fitting:
        raise InputError(
            f"{str(run.path)!r}: its system prompt is no variant of {constitution.name!r}; leave the run "
            f"out, or ask it with a file of `alignmeter lab constitution variants`"
        )
    if sum(_prompt(other) == wanted for other in runs) == 1:
        return fitting
    named = tuple(one for one in fitting if one.name == run.manifest.target.name)
    return named or fitting[:1]


def _prompt(run: Run) -> str | None:
    return run.manifest.target.fingerprint.system_prompt


def _as_variant(run: Run, variant: ConstitutionVariant) -> VariantRun:
    return VariantRun(
        run=str(run.path),
        variant=variant,
        trials=tuple(trial for trial in run.data.trials if trial.axis == "refusal"),
        judgements=run.data.on("refusal"),
    )


def _comparable(runs: Sequence[Run]) -> None:
    """Refuse runs that differ in more than the system prompt.

    Raises:
        InputError: Names the first that differs from the first run, and in what.
    """
    first = runs[0]
    for run in runs[1:]:
        mine, other = (
            msgspec.structs.asdict(one.manifest.target.fingerprint) | {"system_prompt": None}
            for one in (first, run)
        )
        differs = next((name for name in mine if mine[name] != other[name]), None)
        if differs is not None:
            raise InputError(
                f"expected runs that differ in their system prompt only, got another {differs} in "
                f"{str(run.path)!r} than in {str(first.path)!r}"
            )
        if first.manifest.judges.get("refusal") != run.manifest.judges.get("refusal"):
            raise InputError(
                f"{str(run.path)!r} was judged by another judge than {str(first.path)!r}; run both with the "
                f"same judges"
            )


def finetune(
    recipe: str,
    out: Path | str,
    *,
    base: Path | str | None = None,
    changes: Mapping[str, Any] | None = None,
    progress: Callable[[Step], None] | None = None,
) -> Training:
    """Train a LoRA adapter, or go on with an interrupted training.

    Args:
        recipe: `broad`, `targeted` or a YAML file.
        out: Folder of the adapter.
        base: The model; None for the embedded one.
        changes: Settings that replace those of the recipe.
        progress: Called after every step.

    Raises:
        InputError: Recipe, folder or base are not usable.
        MissingExtraError: The extra `torch` is not installed.
    """
    chosen = load_recipe(recipe, changes=changes)
    from alignmeter.interventions.finetune import finetune as train

    return train(chosen, Path(out), base=None if base is None else Path(base), progress=progress)


def convert_adapter(
    adapter: Path | str, out: Path | str | None = None, *, base: Path | str | None = None
) -> Path:
    """Write a peft adapter as a GGUF file, for `--target embedded --adapter FILE.gguf`.

    Args:
        adapter: Folder of the adapter.
        out: The file; None for `FOLDER.gguf` beside it.
        base: GGUF file of the model that it belongs to; None for the embedded one.

    Raises:
        InputError: There is no such adapter, or it is not one of this Llama model.
        MissingExtraError: The extra `torch` is not installed.
    """
    from alignmeter.interventions.adapter_gguf import shape_of, write_adapter
    from alignmeter.targets.embedded import find_model
    from alignmeter.targets.torch_model import adapter_folder

    folder = adapter_folder(Path(adapter))
    target = Path(out) if out is not None else folder.with_name(f"{folder.name}.gguf")
    if target.suffix != ".gguf":
        raise InputError(f"expected `out=` to name a file that ends in .gguf, got {str(target)!r}")
    return write_adapter(folder, target, shape_of(find_model(None if base is None else Path(base))))


def steer(
    options: SweepOptions,
    *,
    base: Path | str | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Sweep:
    """Sweep the strength of a refusal direction, beside random directions of the same length.

    Args:
        options: What to look at.
        base: Folder or `.gguf` file of the model; None for the embedded one.
        progress: Called with what is done, what there is to do, and what is being done.

    Raises:
        InputError: Options or model are not usable.
        MissingExtraError: The extra `torch` is not installed.
    """
    from alignmeter.interventions.sweep import sweep
    from alignmeter.targets.torch_model import load_model

    options.check()
    return sweep(load_model(None if base is None else Path(base)), options, progress=progress)
