"""The YAML files that ship with the suites."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, cast


@cache
def data_yaml(name: str, package: str = "alignmeter.suites") -> dict[str, Any]:
    """Parse a YAML file of a package's folder `data`, with libyaml where it is there: ten times faster.

    Args:
        name: Of the file. What is returned is shared: read it, and leave it as it is.
        package: Beside whose modules the folder lies.
    """
    import yaml

    data = (files(package) / "data" / name).read_bytes()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return cast("dict[str, Any]", yaml.load(data, Loader=loader))  # noqa: S506 - a safe loader
