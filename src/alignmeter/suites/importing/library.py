"""The manifests that there are: those of the package, and a user's own file."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec

from alignmeter.errors import InputError
from alignmeter.identity import text_digest
from alignmeter.suites.importing.manifest import Manifest
from alignmeter.suites.importing.manifest_problems import meaning_problems, shape_problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

_YAML = (".yaml", ".yml")


class LoadedManifest(NamedTuple):
    """A manifest, and the SHA-256 of the text that it was read from."""

    manifest: Manifest
    sha256: str


def parse_manifest(text: str, file: str) -> Manifest:
    """Read and check a manifest.

    Args:
        text: Its YAML. Every scalar is taken as text, so that `yes`, `no` and `1.0` stay what they are.
        file: Its name, for messages.

    Raises:
        InputError: Names the key, what was expected there and what came.
    """
    import yaml

    loader: type[yaml.BaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the faster one
    try:
        found = cast("object", yaml.load(text, Loader=loader))  # noqa: S506 - only texts come of it
    except yaml.YAMLError as error:
        raise InputError(f"{file}: expected YAML, got {' '.join(str(error).split())}; correct it") from None
    for key, problem in shape_problems(found, Manifest):
        raise InputError(f"{file}: {key}: {problem}")
    manifest = msgspec.convert(found, Manifest, strict=False)
    for key, problem in meaning_problems(manifest):
        raise InputError(f"{file}: {key}: {problem}")
    return manifest


def manifest_names() -> tuple[str, ...]:
    """Return the names of the manifests of the package, which are those of their files, in order."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(_YAML[0]) for name in names if name.endswith(_YAML[0])))


def built_in_manifests() -> Mapping[str, LoadedManifest]:
    """Return the manifests of the package by name, in alphabetical order.

    Raises:
        InputError: One of them is broken.
    """
    return {name: _built_in(name) for name in manifest_names()}


def _folder() -> Traversable:
    return files("alignmeter.suites") / "data" / "manifests"


@cache
def _built_in(name: str) -> LoadedManifest:
    file = f"{name}{_YAML[0]}"
    text = (_folder() / file).read_text(encoding="utf-8")
    return LoadedManifest(parse_manifest(text, file), text_digest(text))


def find_manifest(name: str) -> LoadedManifest:
    """Return a manifest of the package by its name, or the one in a YAML file.

    Args:
        name: For example `xstest`, or a path that ends in `.yaml`.

    Raises:
        InputError: There is no such manifest, or the file cannot be read or is none.
    """
    if not name.lower().endswith(_YAML):
        known = manifest_names()
        wanted = name.lower().replace("-", "_")
        if wanted not in known:
            near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
            hint = f"; nearest: {near[0]!r}" if near else ""
            raise InputError(
                f"expected a manifest from {', '.join(known)}, or a file that ends in .yaml, "
                f"got {name!r}{hint}"
            )
        return _built_in(wanted)
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{name}: expected a manifest, got {error.strerror!r}; correct the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{name}: expected a manifest in UTF-8, got other bytes; convert it") from None
    return LoadedManifest(parse_manifest(text, name), text_digest(text))
