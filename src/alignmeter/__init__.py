"""Alignmeter measures what alignment bought and what it cost.

    >>> from pathlib import Path
    >>> import alignmeter
    >>> plan = alignmeter.plan()
    >>> plan.design.mode
    'sequential'

The public names below load their modules on first use, so that `import alignmeter` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alignmeter._version import __version__

if TYPE_CHECKING:
    from alignmeter.api import (
        ArmRequest,
        CompareRequest,
        LiveComparison,
        Run,
        RunRequest,
        add_labels,
        analyse,
        compare,
        compare_targets,
        frontier,
        gate,
        history,
        label_queue,
        load_run,
        plan,
        run,
        run_async,
        tax,
        tax_scores,
    )
    from alignmeter.engine import EngineOptions, Limits, Plan, Prices, RetryPolicy
    from alignmeter.errors import AlignmeterError, InputError
    from alignmeter.records import Comparison, HumanLabel, Sampling, Verdict
    from alignmeter.targets import TargetOptions, Variant, load_variant

_HOMES = {
    "ArmRequest": "alignmeter.api",
    "CompareRequest": "alignmeter.api",
    "Comparison": "alignmeter.records",
    "LiveComparison": "alignmeter.api",
    "compare": "alignmeter.api",
    "compare_targets": "alignmeter.api",
    "history": "alignmeter.api",
    "AlignmeterError": "alignmeter.errors",
    "EngineOptions": "alignmeter.engine",
    "HumanLabel": "alignmeter.records",
    "InputError": "alignmeter.errors",
    "Limits": "alignmeter.engine",
    "Plan": "alignmeter.engine",
    "Prices": "alignmeter.engine",
    "RetryPolicy": "alignmeter.engine",
    "Run": "alignmeter.api",
    "RunRequest": "alignmeter.api",
    "Sampling": "alignmeter.records",
    "TargetOptions": "alignmeter.targets",
    "Variant": "alignmeter.targets",
    "Verdict": "alignmeter.records",
    "add_labels": "alignmeter.api",
    "analyse": "alignmeter.api",
    "frontier": "alignmeter.api",
    "gate": "alignmeter.api",
    "label_queue": "alignmeter.api",
    "load_run": "alignmeter.api",
    "load_variant": "alignmeter.targets",
    "plan": "alignmeter.api",
    "run": "alignmeter.api",
    "run_async": "alignmeter.api",
    "tax": "alignmeter.api",
    "tax_scores": "alignmeter.api",
}

__all__ = [
    "AlignmeterError",
    "ArmRequest",
    "CompareRequest",
    "Comparison",
    "EngineOptions",
    "HumanLabel",
    "InputError",
    "Limits",
    "LiveComparison",
    "Plan",
    "Prices",
    "RetryPolicy",
    "Run",
    "RunRequest",
    "Sampling",
    "TargetOptions",
    "Variant",
    "Verdict",
    "__version__",
    "add_labels",
    "analyse",
    "compare",
    "compare_targets",
    "frontier",
    "gate",
    "history",
    "label_queue",
    "load_run",
    "load_variant",
    "plan",
    "run",
    "run_async",
    "tax",
    "tax_scores",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the public names are of many types
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'alignmeter' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
