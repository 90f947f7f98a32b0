"""What a Python caller gave: paths as text or objects, targets as text."""

from __future__ import annotations

from pathlib import Path, PurePath

from alignmeter.errors import InputError


def as_path(field: str, given: object) -> Path:
    """Take a path, or a text that is one.

    Args:
        field: What a message calls it, for example `runs`.
        given: What the caller gave.

    Raises:
        InputError: It is neither.
    """
    if isinstance(given, str | PurePath):
        return Path(given)
    raise InputError(f"expected a path as {field}, for example {field}='runs', got {_called(given)}")


def as_spec(field: str, given: object) -> str:
    """Take the spec of a target.

    Raises:
        InputError: It is no text; of a function, says the spec to write.
    """
    if isinstance(given, str):
        return given
    if callable(given):
        raise InputError(
            f"expected a text as {field}, got {_called(given)}; write {field}={_spec_of(given)!r}, for "
            "a function at the top of a module or of a notebook (`__main__`)"
        )
    raise InputError(
        f"expected a text as {field}, such as 'openai:MODEL' or 'python:MODULE:FUNCTION', got "
        f"{_called(given)}"
    )


def _spec_of(given: object) -> str:
    """The spec of a function, with a word in capitals where one is to be put in: a lambda has no name."""
    name = getattr(given, "__qualname__", "")
    return f"python:{getattr(given, '__module__', 'MODULE')}:{name if name.isidentifier() else 'FUNCTION'}"


def _called(given: object) -> str:
    """What to call an object in one line of a message."""
    name = getattr(given, "__qualname__", None)
    kind = type(given).__name__
    return f"the {kind} {name}" if isinstance(name, str) else f"an object of the type {kind}"
