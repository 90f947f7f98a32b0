"""Attacks of installed packages: the entry point group `alignmeter.attacks`.

An entry point names a module whose import registers attacks with `@attack(...)`. None is imported
before a name is asked for that is not built in, or before all names are listed.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from alignmeter.errors import AlignmeterError, InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "alignmeter.attacks"

_loaded: set[tuple[str, str]] = set()


def load_plugins() -> None:
    """Import every plugin that was not imported before.

    Raises:
        InputError: One cannot be imported; names it.
    """
    for plugin in sorted(entry_points(group=GROUP), key=lambda found: (found.name, found.value)):
        if (plugin.name, plugin.value) not in _loaded:
            _load(plugin)
            _loaded.add((plugin.name, plugin.value))


def _load(plugin: EntryPoint) -> None:
    try:
        plugin.load()
    except (Exception, SystemExit) as error:  # a plugin may do anything while it is imported
        why = str(error) if isinstance(error, AlignmeterError) else repr(error)
        raise InputError(
            f"attack plugin {plugin.name!r} ({plugin.value}) cannot be loaded: {' '.join(why.split())}; "
            f"mend it or uninstall its package"
        ) from error
