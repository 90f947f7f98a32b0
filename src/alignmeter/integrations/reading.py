"""One entry for all formats: a path in, the scores of one model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alignmeter.errors import InputError
from alignmeter.integrations.base import ReadOptions
from alignmeter.integrations.peek import Peek
from alignmeter.integrations.registry import BUILT_IN, plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.integrations.base import ScoreReader
    from alignmeter.records import ItemScores


def read_item_scores(
    path: Path | str,
    *,
    format: str | None = None,  # noqa: A002 - the word for it
    options: ReadOptions | None = None,
) -> ItemScores:
    """Read the scores that one model got on the items of its domains.

    Args:
        path: A run folder of ours, a CSV file, results of lm-evaluation-harness (`results_*.json` with
            its samples, or their folder), Inspect logs (`.eval`, `.json`, or their folder), a HELM run
            folder or a suite of them, or whatever an installed reader reads.
        format: Name of the format; without it what the file holds decides.
        options: Which model, metric, filter, domains; see `ReadOptions`.

    Returns:
        Scores as shares of the best possible one, as their source gave them, with its provenance.

    Raises:
        InputError: The path holds no format that is known, or not what its format promises.
        MissingExtraError: The library that reads this format is not installed.
    """
    peek, chosen = Peek(Path(path)), options or ReadOptions()
    reader = _named(format) if format is not None else _recognised(peek)
    chosen.check_used(reader.format, reader.options)
    scores = reader.read(peek.path, chosen)
    if not scores.items:
        raise InputError(f"{path}: expected at least one item, got none; was the evaluation finished?")
    return scores


def formats() -> tuple[str, ...]:
    """Names of all formats that can be read, those of installed packages included."""
    return tuple(dict.fromkeys(reader.format for reader in (*BUILT_IN, *plugins())))


def _named(name: str) -> ScoreReader:
    built_in = _first(BUILT_IN, name)
    if built_in is not None:
        return built_in
    found = plugins()
    reader = _first(found, name)
    if reader is None:
        known = ", ".join(one.format for one in (*BUILT_IN, *found))
        raise InputError(f"expected a format that is known ({known}), got {name!r}")
    return reader


def _first(readers: Sequence[ScoreReader], name: str) -> ScoreReader | None:
    return next((reader for reader in readers if reader.format == name), None)


def _recognised(peek: Peek) -> ScoreReader:
    knowing = [reader for reader in BUILT_IN if reader.recognises(peek)]
    knowing = knowing or [reader for reader in plugins() if reader.recognises(peek)]
    if len(knowing) > 1:
        names = " and ".join(reader.format for reader in knowing)
        raise InputError(
            f"{peek.path}: expected results of one format, got {names}; choose one with `format=` or name "
            "the file that is meant"
        )
    if not knowing:
        raise InputError(
            f"{peek.path}: expected a CSV file with item, domain and score, results of lm-eval with their "
            f"samples, an Inspect log, a HELM run or a run folder, got {peek.said()}; name its format with "
            "`format=`"
        )
    return knowing[0]
