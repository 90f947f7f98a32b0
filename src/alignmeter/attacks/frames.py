"""The texts around a request: data files by attack and language, and how they are filled in."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from alignmeter.attacks.base import generator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable

    from alignmeter.attacks.base import AttackContext

FALLBACK = "en"
"""Language of the frames that are used where there are none in a probe's own."""

_PLACEHOLDER = re.compile(r"(?P<margin>^[ \t#*/;>-]*)?\{(?P<name>[a-z_]+)\}", re.MULTILINE | re.ASCII)


def folder() -> Traversable:
    """Where the data files are: `ATTACK.LANGUAGE.yaml`."""
    return resources.files("alignmeter.attacks") / "data"


def frame_languages(name: str) -> tuple[str, ...]:
    """Languages that an attack has frames in, sorted; none where it needs no frame."""
    return tuple(sorted(language for attack, language in _files() if attack == name))


def load_frames(name: str, language: str) -> Mapping[str, Any]:
    """Return the data of an attack in this language, or in English where there is none."""
    return _read(name, language if language in frame_languages(name) else FALLBACK)


def choose(name: str, seed: int, context: AttackContext) -> str:
    """Draw one of an attack's frames."""
    frames: Sequence[str] = load_frames(name, context.language)["frames"]
    return generator(seed).choice(frames)


def fill(frame: str, **values: str) -> str:
    """Put values into the placeholders of a frame, such as `{request}`, and nowhere else.

    What a value itself holds in braces stays as it is. Where only signs stand before the placeholder
    on its line (`# {request}`, `> {request}`), each further line of the value gets them too.
    """

    def value(match: re.Match[str]) -> str:
        margin = match["margin"] or ""
        if match["name"] not in values:
            return match[0]
        return margin + values[match["name"]].replace("\n", f"\n{margin}")

    return _PLACEHOLDER.sub(value, frame)


@cache
def _files() -> frozenset[tuple[str, str]]:
    """Attack and language of each data file."""
    names = (file.name for file in folder().iterdir())
    parts = (name.split(".") for name in names if name.endswith(".yaml"))
    return frozenset((attack, language) for attack, language, _ in parts)


@cache
def _read(name: str, language: str) -> Mapping[str, Any]:
    import yaml

    return yaml.safe_load((folder() / f"{name}.{language}.yaml").read_text(encoding="utf-8"))
