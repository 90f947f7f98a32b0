"""What the tests of attacks share: a registry to write into, and requests of several kinds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from alignmeter.attacks import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("alignmeter", deadline=None, derandomize=True, database=None)
settings.load_profile("alignmeter")


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test registers or imports is forgotten after it."""
    monkeypatch.setattr(registry, "_registry", dict(vars(registry)["_registry"]))
    monkeypatch.setattr("alignmeter.attacks.plugins._loaded", set[tuple[str, str]]())
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("plugin_of_a_test"):
            del sys.modules[name]
