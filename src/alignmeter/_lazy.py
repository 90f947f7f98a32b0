"""Public names that load their module on first use; each is written once, in the stub beside its package."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def lazy_names(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Make what a package needs to load its names from where `__init__.pyi` says that they live.

    Every name stands in the stub on a line of its own, as type checkers want names that are handed on:
    `from alignmeter.api.running import run as run`.

    Args:
        package: `__name__` of the package.

    Returns:
        Its `__getattr__`, `__dir__` and `__all__`.
    """
    homes: dict[str, str] = {}
    spec: Any = sys.modules[package].__spec__
    stub: bytes = spec.loader.get_data(f"{spec.origin}i")  # from an archive too, and at no cost
    for line in stub.decode().splitlines():
        match line.split():
            case ["from", home, "import", _, "as", name]:
                homes[name] = home
            case _:
                pass
    names = sorted(homes)

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(homes[name])
        value = getattr(module, name)
        vars(import_module(package))[name] = value
        return value

    return load, lambda: list(names), names
