"""The libraries of the extra `torch`, imported where they are first used.

They have no types that every installation could check against, so that they come as `Any`.
"""

from __future__ import annotations

import importlib
from typing import Any, Literal

from alignmeter.errors import MissingExtraError
from alignmeter.extras import install

TorchLibrary = Literal["torch", "transformers", "peft", "gguf", "safetensors.torch", "safetensors.numpy"]

_FIRST = (
    "without a GPU run `pip install torch --index-url https://download.pytorch.org/whl/cpu` first, which is "
    "a tenth of the size"
)


def library(name: TorchLibrary) -> Any:  # noqa: ANN401 - optional, without types
    """Import a library of the extra `torch`.

    Raises:
        MissingExtraError: It is not installed; names the commands that install it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A library that is there but lacks a part of its own is another fault: let it show.
        if error.name is None or error.name.partition(".")[0] != name.partition(".")[0]:
            raise
    raise MissingExtraError(
        f"this needs {name.partition('.')[0]}, which is not installed: run `{install('torch')}`; {_FIRST}"
    )
