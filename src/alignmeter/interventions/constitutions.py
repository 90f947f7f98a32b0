"""Constitutions: principles as a system prompt, and the variants that tell one principle's effect.

A principle's effect is looked at from both sides: leave-one-out (everything but it) and add-one (it
alone), against everything and nothing. The names of the variants are stable, but what ties a run to a
variant is the digest of its system prompt.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from alignmeter.errors import InputError, StorageError
from alignmeter.identity import text_digest
from alignmeter.interventions.files import check_folder, read_text
from alignmeter.records import Record

BUILT_IN_CONSTITUTIONS = ("broad", "fine")

VariantKind = Literal["whole", "none", "without", "only"]
Design = Literal["leave_one_out", "add_one", "both"]

_Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_]*$")]
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Principle(Record, frozen=True, forbid_unknown_fields=True):
    """One rule; an exception goes before it."""

    id: _Name
    title: _Text
    text: _Text
    exceptions: tuple[_Text, ...] = ()


class Constitution(Record, frozen=True, forbid_unknown_fields=True):
    """Principles, and what stands around them in every variant.

    Attributes:
        preamble: First paragraph of the system prompt, also where no principle follows.
        closing: Last paragraph.
    """

    name: _Name
    title: _Text
    principles: Annotated[tuple[Principle, ...], msgspec.Meta(min_length=2)]
    preamble: _Text
    closing: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the principles, in order."""
        return tuple(principle.id for principle in self.principles)


class ConstitutionVariant(Record, frozen=True):
    """One system prompt of an ablation.

    Attributes:
        principle: The one that is left out, or that stands alone; None for `whole` and `none`.
        system_prompt: What stands before every conversation.
    """

    name: str
    kind: VariantKind
    principle: str | None
    system_prompt: str

    @property
    def digest(self) -> str:
        """SHA-256 of the system prompt, as a target's fingerprint has it."""
        return text_digest(self.system_prompt)


def load_constitution(name: str) -> Constitution:
    """Read a constitution: `broad`, `fine`, or the path of a YAML file.

    Raises:
        InputError: There is none, or it is not valid.
    """
    if name in BUILT_IN_CONSTITUTIONS:
        folder = resources.files("alignmeter.interventions").joinpath("data", "constitutions")
        text = folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    else:
        path = Path(name)
        if path.suffix not in {".yaml", ".yml"} or not path.is_file():
            raise InputError(
                f"no constitution {name!r}: expected {' or '.join(BUILT_IN_CONSTITUTIONS)}, or a YAML file "
                f"that exists"
            )
        text = read_text(path)
    try:
        found = msgspec.convert(yaml.safe_load(text), Constitution)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"constitution {name!r}: expected name, title, preamble and two or more principles, got: {reason}"
        ) from None
    repeated = next((one for one in found.ids if found.ids.count(one) > 1), None)
    if repeated is not None:
        raise InputError(
            f"constitution {name!r}: expected principles with ids of their own, got {repeated!r} twice"
        )
    return found


def system_prompt(constitution: Constitution, principles: tuple[Principle, ...] | None = None) -> str:
    """Return the system prompt with all principles, or with those given.

    They are not numbered: leaving one out must not change the text of the others.
    """
    chosen = constitution.principles if principles is None else principles
    lines = [_line(principle) for principle in chosen]
    parts = (constitution.preamble.strip(), "\n".join(lines), constitution.closing.strip())
    return "\n\n".join(part for part in parts if part)


def _line(principle: Principle) -> str:
    line = f"- {principle.title}: {principle.text.strip()}"
    if principle.exceptions:
        line += f" Exceptions: {'; '.join(principle.exceptions)}."
    return line


def constitution_variants(
    constitution: Constitution, design: Design = "both"
) -> tuple[ConstitutionVariant, ...]:
    """Return the variants of an ablation: `whole`, `none`, and one or two for each principle.

    Args:
        constitution: The principles.
        design: `leave_one_out`: which principle is needed for a refusal. `add_one`: which is enough.

    Returns:
        With n principles 1 + n, 1 + n or 2 + 2n variants.
    """
    name = constitution.name
    found: list[ConstitutionVariant] = []
    if design != "add_one":
        found.append(_variant(constitution, name, "whole", None, constitution.principles))
        for left_out in constitution.principles:
            rest = tuple(one for one in constitution.principles if one is not left_out)
            found.append(
                _variant(constitution, f"{name}-without-{left_out.id}", "without", left_out.id, rest)
            )
    if design != "leave_one_out":
        found.append(_variant(constitution, f"{name}-none", "none", None, ()))
        for alone in constitution.principles:
            found.append(_variant(constitution, f"{name}-only-{alone.id}", "only", alone.id, (alone,)))
    return tuple(found)


def _variant(
    constitution: Constitution,
    name: str,
    kind: VariantKind,
    principle: str | None,
    principles: tuple[Principle, ...],
) -> ConstitutionVariant:
    return ConstitutionVariant(
        name=name, kind=kind, principle=principle, system_prompt=system_prompt(constitution, principles)
    )


def write_variants(variants: tuple[ConstitutionVariant, ...], folder: Path) -> tuple[Path, ...]:
    """Write each system prompt as a file that `run --variant FILE.yaml` takes.

    Returns:
        The file of each variant; those of one text, as of two principles, share that of the first.

    Raises:
        InputError: It is a file, or holds other text under one of these names.
        StorageError: The folder cannot be written.
    """
    first = {variant.digest: variant for variant in reversed(variants)}
    check_folder(folder)
    texts = {folder / f"{one.name}.yaml": _as_yaml(one) for one in variants if first[one.digest] is one}
    try:
        for path, text in texts.items():
            if path.exists() and path.read_bytes() != text.encode():
                raise InputError(f"{str(path)!r} exists with other text; give another folder")
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write into {str(folder)!r}: {error.strerror}; name another") from None
    return tuple(folder / f"{first[variant.digest].name}.yaml" for variant in variants)


_ABOUT: dict[VariantKind, str] = {
    "whole": "all principles",
    "none": "no principle, the preamble alone",
    "without": "all principles but",
    "only": "this principle alone:",
}


def _as_yaml(variant: ConstitutionVariant) -> str:
    about = f"{_ABOUT[variant.kind]} {variant.principle or ''}".strip()
    return yaml.safe_dump(
        {"name": variant.name, "about": about, "system_prompt": variant.system_prompt},
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )
