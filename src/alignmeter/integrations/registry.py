"""The readers that there are: the built-in ones, and those of installed packages.

A package adds a reader by an entry point of the group `alignmeter.scores` whose value is an object
with the shape of `alignmeter.integrations.base.ScoreReader`. None is imported before a format is asked
for that is not built in, or before no built-in reader knows what a file holds.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from alignmeter.errors import AlignmeterError, InputError
from alignmeter.integrations.csv_scores import CsvReader
from alignmeter.integrations.helm import HelmReader
from alignmeter.integrations.inspect_logs import InspectReader
from alignmeter.integrations.lm_eval import LmEvalReader
from alignmeter.integrations.own_runs import RunReader

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from alignmeter.integrations.base import ScoreReader

GROUP = "alignmeter.scores"

BUILT_IN: tuple[ScoreReader, ...] = (
    RunReader(),
    LmEvalReader(),
    InspectReader(),
    HelmReader(),
    CsvReader(),
)


def plugins() -> tuple[ScoreReader, ...]:
    """Import the readers of installed packages, in the order of their names.

    Raises:
        InputError: One cannot be imported or is no reader; names it.
    """
    found = sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value))
    return tuple(_load(one) for one in found)


def _load(plugin: EntryPoint) -> ScoreReader:
    try:
        reader = plugin.load()
    except (Exception, SystemExit) as error:  # a plugin may do anything while it is imported
        why = str(error) if isinstance(error, AlignmeterError) else repr(error)
        raise InputError(
            f"reader plugin {plugin.name!r} ({plugin.value}) cannot be loaded: {' '.join(why.split())}; mend "
            "it or uninstall its package"
        ) from error
    missing = [name for name in ("format", "options", "recognises", "read") if not hasattr(reader, name)]
    if missing:
        raise InputError(
            f"reader plugin {plugin.name!r} ({plugin.value}): expected an object with format, options, "
            f"recognises and read, got {reader!r} without {missing[0]!r}; mend it or uninstall its package"
        )
    return cast("ScoreReader", reader)
