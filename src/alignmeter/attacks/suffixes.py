"""Strings after the request: made-up ones in the published style, and those of a user's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from alignmeter.attacks.base import generator, user
from alignmeter.attacks.frames import choose
from alignmeter.attacks.registry import attack
from alignmeter.errors import InputError
from alignmeter.files import text_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignmeter.attacks.base import AttackContext
    from alignmeter.records import Message

CACHED_SUFFIX = "cached_suffix"
"""The attack that takes its strings from a file."""

_GCG = "Zou et al. 2023, Universal and Transferable Adversarial Attacks (arXiv 2307.15043)"


@attack("suffix", attack_class="suffix", reference=_GCG)
def suffix(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Append a static string in the style of published adversarial suffixes."""
    return (user(f"{request} {choose('suffix', seed, context)}"),)


@attack(CACHED_SUFFIX, attack_class="suffix", reference=_GCG)
def cached_suffix(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Append a string of your own file, for example one that was optimised against an open model.

    Raises:
        InputError: No file was named.
    """
    if not context.suffixes:
        raise InputError(
            "attack 'cached_suffix' needs a file of suffixes, one a line or JSONL: name it in the threat "
            "model as `adversaries: {suffix_file: FILE}`, or give it to `alignmeter attacks show "
            "--suffix-file FILE`"
        )
    return (user(f"{request} {generator(seed).choice(context.suffixes)}"),)


def load_suffixes(path: str | Path) -> tuple[str, ...]:
    """Read suffixes: one a line, or with the ending `.jsonl` one JSON string or `{"suffix": ...}` a line.

    Empty lines are skipped; in JSONL further keys are ignored. A suffix said twice counts once.

    Raises:
        InputError: The file cannot be read, a line is of another form, or there is no suffix.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot read the file of suffixes: {error.strerror or error}") from None
    found = tuple(dict.fromkeys(_suffixes(path, text)))
    if not found:
        raise InputError(f"{path}: expected at least one suffix, one a line, got an empty file")
    return found


def _suffixes(path: Path, text: str) -> Iterator[str]:
    for number, line in text_lines(text):
        yield _from_json(line, f"{path}:{number}") if path.suffix == ".jsonl" else line


def _from_json(line: str, where: str) -> str:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        value = cast("dict[str, object]", value).get("suffix")
    if not isinstance(value, str) or not value.strip():
        raise InputError(
            f'{where}: expected a JSON string or an object such as {{"suffix": "..."}}, got {line[:60]!r}'
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{where}: expected a suffix of valid Unicode, got half of a surrogate pair in {line[:60]!r}; "
            f"no endpoint takes it, take the line out"
        ) from None
    return value
