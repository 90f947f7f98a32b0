"""What all tests share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

# A time limit of one example would fail on a busy machine. `--hypothesis-profile thorough` looks harder.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("quick")

_SIMULATIONS = frozenset(
    {"oracles", "test_error_rates.py", "test_sequential_runs.py", "test_regions.py", "test_best_of_n.py"}
)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Leave long simulations out of the coverage, which makes their loops several times slower.

    They check figures; the lines that they run are covered by the tests of the modules.
    """
    for item in items:
        if _SIMULATIONS & set(item.path.parts):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    """`tests/capability_oracle.py`: right replies to every task of the suite `capability`.

    Tests are no packages (--import-mode=importlib), so it is loaded by its path, once.
    """
    name = "capability_oracle"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
