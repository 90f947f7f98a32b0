"""The extras of Alignmeter, and the command that installs one wherever Alignmeter itself came from."""

from __future__ import annotations

import re
import shlex
from functools import cache
from importlib.metadata import PackageNotFoundError, requires
from typing import Literal

Extra = Literal["embedded", "embed", "hub", "code", "inspect", "torch"]


@cache
def install(extra: Extra) -> str:
    """Return the command that installs an extra, for a message.

    It names the packages that the extra consists of, never `alignmeter[extra]`: who installed from a
    checkout or a git URL would be sent to an index, which may hold no Alignmeter or somebody else's
    (docs/decisions/0081).
    """
    try:
        stated = requires("alignmeter") or []
    except PackageNotFoundError:  # run from its source, without having been installed
        stated = []
    packages = [text.partition(";")[0].strip() for text in stated if _belongs(text, extra)]
    if not packages:
        return f"pip install '.[{extra}]' (in the folder of Alignmeter's source)"
    return f"pip install {shlex.join(packages)}"


def _belongs(requirement: str, extra: Extra) -> bool:
    """Whether the marker of a requirement names an extra."""
    return re.search(rf"\bextra\s*==\s*[\"']{extra}[\"']", requirement.partition(";")[2]) is not None
