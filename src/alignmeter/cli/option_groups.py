"""Options that belong together, as one parameter of a command: a NamedTuple whose fields are the options."""

from __future__ import annotations

from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take groups of options, which Typer sees one by one.

    A parameter whose type is a NamedTuple stands for the fields of that tuple, in their order, with their
    annotations and defaults; the command gets the tuple:

        class Budget(NamedTuple):
            calls: Annotated[int | None, typer.Option(help="Stop after so many calls.")] = None
            money: Annotated[float | None, typer.Option(help="Stop before so much money.")] = None

        @with_groups
        def ask(question: str, *, budget: Budget) -> None: ...  # ask QUESTION --calls N --money X

    Raises:
        ValueError: Two options of the command have one name.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if _is_group(hint)}

    @wraps(command)
    def grouped(**said: Any) -> None:  # noqa: ANN401 - whatever the options hold
        for name, group in groups.items():
            said[name] = group(*[said.pop(field) for field in group._fields])
        command(**said)

    options = [option for one in signature(command).parameters.values() for option in _options(one, hints)]
    vars(grouped)["__signature__"] = Signature(options)
    grouped.__annotations__ = {option.name: option.annotation for option in options}
    return grouped


def _is_group(hint: Any) -> bool:  # noqa: ANN401 - any annotation
    return isinstance(hint, type) and bool(getattr(hint, "_fields", ()))


def _options(parameter: Parameter, hints: dict[str, Any]) -> Iterator[Parameter]:
    """The options that a parameter stands for: those of its group, or itself."""
    hint = hints[parameter.name]
    if not _is_group(hint):
        yield parameter.replace(annotation=hint)
        return
    for name, annotation in get_type_hints(hint, include_extras=True).items():
        default = hint._field_defaults.get(name, Parameter.empty)
        yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
