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

    from tests.comparison_lab import Lab

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


def _helper(name: str) -> ModuleType:
    """Load `tests/{name}.py` by its path, once: tests are no packages (--import-mode=importlib)."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    """`tests/capability_oracle.py`: right replies to every task of the suite `capability`."""
    return _helper("capability_oracle")


@pytest.fixture(scope="session")
def make_lab() -> type[Lab]:
    """`tests/comparison_lab.py`: run folders with planted answers, made without asking a target."""
    return _helper("comparison_lab").Lab


@pytest.fixture
def lab(tmp_path: Path, make_lab: type[Lab]) -> Lab:
    """A lab of 120 harmful and 30 benign requests in the test's folder."""
    return make_lab(tmp_path, harmful=120, benign=30)
