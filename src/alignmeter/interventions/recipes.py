"""Recipes of fine-tuning: which examples, in which mix, for how many steps.

The examples are our own words and share no prompt with any suite. Those for harmful requests refuse;
a file of the user's that answers one is not accepted.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import yaml

from alignmeter.errors import InputError
from alignmeter.files import text_lines
from alignmeter.identity import digest
from alignmeter.interventions.files import read_text
from alignmeter.judges import refusal_label
from alignmeter.records import Intent, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILT_IN_RECIPES = ("broad", "targeted")
BUILT_IN_EXAMPLES = ("harmful", "sensitive", "benign")

_Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class Example(Record, frozen=True, forbid_unknown_fields=True):
    """One conversation to learn from.

    Attributes:
        pair: What a harmful and a sensitive example have in common; each topic has one of both.
    """

    id: str
    intent: Intent
    prompt: Annotated[str, msgspec.Meta(min_length=1)]
    reply: Annotated[str, msgspec.Meta(min_length=1)]
    pair: str | None = None
    provenance: str = "user"


class RecipeFile(Record, frozen=True, forbid_unknown_fields=True):
    """A recipe as it stands in its YAML file.

    Attributes:
        mix: Examples of each source in every batch: `harmful`, `sensitive`, `benign`, or a JSONL file
            beside the recipe.
        steps: Updates; a batch each.
        rank, alpha: Of the LoRA adapter; its weights count alpha / rank.
        learning_rate: Highest rate; it rises over the first tenth of the steps and falls to zero.
        seed: Of the adapter's first weights and of the order of the examples.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_-]*$")]
    mix: Annotated[dict[str, _Count], msgspec.Meta(min_length=1)]
    summary: str = ""
    steps: _Count = 50
    rank: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8
    alpha: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 16.0
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=0.1)] = 5e-4
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1


class Recipe(Record, frozen=True):
    """A recipe with its examples."""

    file: RecipeFile
    examples: dict[str, tuple[Example, ...]]

    @property
    def digest(self) -> str:
        """SHA-256 over settings and examples: what the adapter is made of."""
        return digest(
            {"recipe": self.file, "examples": {name: list(rows) for name, rows in self.examples.items()}}
        )

    @property
    def batch_size(self) -> int:
        """Examples in a batch."""
        return sum(self.file.mix.values())


@cache
def builtin_examples(name: str) -> tuple[Example, ...]:
    """Return the shipped examples of one intent: `harmful`, `sensitive` or `benign`."""
    file = resources.files("alignmeter.interventions").joinpath("data", f"{name}.en.jsonl")
    return _parse(file.read_text(encoding="utf-8"), file.name)


def load_recipe(name: str, *, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe.

    Args:
        name: `broad`, `targeted`, or the path of a YAML file.
        changes: Settings that replace those of the file, for example `{"steps": 10}`.

    Raises:
        InputError: There is no such recipe, it is not valid, or an example would teach compliance with
            a harmful request.
    """
    if name in BUILT_IN_RECIPES:
        source = resources.files("alignmeter.interventions").joinpath("data", "recipes", f"{name}.yaml")
        text, folder = source.read_text(encoding="utf-8"), Path()
    else:
        path = Path(name)
        if path.suffix not in {".yaml", ".yml"} or not path.is_file():
            raise InputError(
                f"no recipe {name!r}: expected {' or '.join(BUILT_IN_RECIPES)}, or a YAML file that exists"
            )
        text, folder = read_text(path), path.parent
    file = _recipe(text, name, changes or {})
    examples = {
        source: builtin_examples(source) if source in BUILT_IN_EXAMPLES else _read(folder / source, name)
        for source in file.mix
    }
    for rows in examples.values():
        _refuse_compliance(rows, name)
    return Recipe(file=file, examples=examples)


def _recipe(text: str, name: str, changes: Mapping[str, Any]) -> RecipeFile:
    try:
        fields = msgspec.convert(yaml.safe_load(text), dict[str, Any])
        return msgspec.convert({**fields, **changes}, RecipeFile)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"recipe {name!r}: expected name, mix, steps, rank, alpha, learning_rate and seed, got: {reason}"
        ) from None


def _read(path: Path, recipe: str) -> tuple[Example, ...]:
    if not path.is_file():
        raise InputError(
            f"recipe {recipe!r}: expected {', '.join(BUILT_IN_EXAMPLES)} or a JSONL file beside it in its "
            f"mix, got {path.name!r}, which is not there"
        )
    return _parse(read_text(path), str(path))


def _parse(text: str, where: str) -> tuple[Example, ...]:
    rows: list[Example] = []
    for number, line in text_lines(text):
        try:
            rows.append(msgspec.json.decode(line, type=Example))
        except msgspec.MsgspecError as error:
            raise InputError(
                f'{where}:{number}: expected a line like {{"id": ..., "intent": ..., "prompt": ..., "reply": '
                f"...}}, got {line[:60]!r} ({error})"
            ) from None
    if not rows:
        raise InputError(f"{where}: expected at least one example, got an empty file")
    return tuple(rows)


def _refuse_compliance(rows: tuple[Example, ...], recipe: str) -> None:
    for row in rows:
        if row.intent == "harmful" and refusal_label(row.reply, row.prompt) != "full":
            raise InputError(
                f"recipe {recipe!r}: expected a full refusal as the reply to harmful example {row.id!r}, got "
                f"{row.reply[:60]!r}; adapters that comply with harm are not trained here"
            )
