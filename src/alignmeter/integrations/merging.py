"""Several files of one model made into one: tasks that were run apart belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from alignmeter.errors import InputError
from alignmeter.records import ItemScores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from alignmeter.records import ScoreSource

File = TypeVar("File")


def of_one_model(
    path: Path,
    files: Sequence[tuple[Path, File]],
    model: str | None,
    name_of: Callable[[File], str],
) -> list[tuple[Path, File]]:
    """Return the files of the one model, or of the one that is named.

    Raises:
        InputError: There are several and none is named, or the named one is not there.
    """
    models = list(dict.fromkeys(name_of(content) for _, content in files))
    if model is None and len(models) == 1:
        return list(files)
    if model not in models:
        raise InputError(
            f"{path}: expected the name of one of its models ({', '.join(map(repr, models))}), got "
            f"{model!r}; choose one with `model=`"
        )
    return [(file, content) for file, content in files if name_of(content) == model]


def merged(
    parts: Sequence[ItemScores],
    *,
    model: str,
    source: ScoreSource,
    origin: str,
    provenance: dict[str, str],
    scored_by: str,
) -> ItemScores:
    """Put domains that were read apart together.

    Raises:
        InputError: A domain comes twice: which of the two counts is for the user to say.
    """
    homes: dict[str, str] = {}
    for part in parts:
        for domain in {item.domain: None for item in part.items}:
            if domain in homes:
                raise InputError(
                    f"{origin}: expected one result of {domain!r}, got one in {homes[domain]} and one in "
                    f"{part.origin}; name the file that counts"
                )
            homes[domain] = part.origin
    return ItemScores(
        model=model,
        source=source,
        origin=origin,
        items=tuple(item for part in parts for item in part.items),
        metric=_joined([part.metric for part in parts]),
        chance=_joined([part.chance for part in parts]),
        reported=_joined([part.reported for part in parts]),
        provenance=provenance,
        scored_by=scored_by,
        scorers=_joined([part.scorers for part in parts]),
        stated=tuple(domain for part in parts for domain in part.stated),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _joined(tables: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for table in tables for name, value in table.items()}
