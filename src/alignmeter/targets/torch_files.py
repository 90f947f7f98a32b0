"""Loading with transformers and peft: their errors in one line, and no weight left to chance.

These libraries raise all kinds of errors over a file that is broken or of another model, and fill weights
that a file lacks with random numbers, with a warning at most. A model that is random in part answers, and
is no model that anybody has.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any

from alignmeter.errors import AlignmeterError, InputError
from alignmeter.targets.torch_extra import library

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping
    from pathlib import Path

_REASON = 200


@contextlib.contextmanager
def reading(source: Path, expected: str) -> Generator[None]:
    """Say in one line what a library has against a file.

    Raises:
        InputError: The block raised something else than one of our own errors, or than want of memory.
    """
    try:
        yield
    except (AlignmeterError, MemoryError):
        raise
    except Exception as error:  # transformers, peft, safetensors and gguf raise a dozen types of their own
        reason = " ".join(str(error).split())[:_REASON] or type(error).__name__
        raise InputError(f"{str(source)!r}: expected {expected}, got: {reason}") from None


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Keep the progress bars and warnings of transformers and peft off the screen."""
    logging = library("transformers").utils.logging
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # The bar over the tensors of a GGUF file asks nobody.
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


def pretrained(source: Path, kind: Any, where: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a class, a model
    """Load a model, every weight of it from its file.

    Args:
        source: What to name in an error.
        kind: The class to load with, such as `AutoModelForCausalLM`.
        where: Arguments of its `from_pretrained`.

    Raises:
        InputError: The file lacks weights of the model, or has them in another shape.
    """
    # Else those that do not fit end in an error that names none.
    model, told = kind.from_pretrained(**where, output_loading_info=True, ignore_mismatched_sizes=True)
    lacks = sorted({str(key) for key in told["missing_keys"]})
    odd = sorted({str(key if isinstance(key, str) else key[0]) for key in told["mismatched_keys"]})
    if lacks or odd:
        what = " and ".join(
            f"{verb} {_some(keys)}"
            for verb, keys in (("lack", lacks), ("have another shape of", odd))
            if keys
        )
        raise InputError(
            f"{str(source)!r}: expected every weight of a {type(model).__name__}, but its files {what}, "
            f"which would be random; take the whole model"
        )
    return model


def with_adapter(model: Any, folder: Path) -> Any:  # noqa: ANN401 - a model with a peft adapter
    """Put a peft adapter on a model, every weight of it in its place.

    Raises:
        InputError: The folder holds an adapter of another model.
    """
    with quiet(), reading(folder, "a peft adapter of this model"):
        adapted = library("peft").PeftModel.from_pretrained(model, str(folder))
        # Once more for its report: the first time, weights without a place are dropped in silence.
        told: Any = adapted.load_adapter(str(folder), adapted.active_adapter)
    odd: Collection[str] = sorted({*told.missing_keys, *told.unexpected_keys})
    if odd:
        raise InputError(
            f"{str(folder)!r}: expected a peft adapter of this model, got one of another: {_some(odd)} "
            f"without a counterpart; name the model that it was trained on"
        )
    return adapted


def _some(keys: Collection[str]) -> str:
    first = next(iter(keys))
    return first if len(keys) == 1 else f"{first} and {len(keys) - 1} more"
