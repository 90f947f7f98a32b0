"""Options that name judges, the same wherever a run is made or judged again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alignmeter.api import JudgeChoice

JudgesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--judge",
        help="A judge instead of the built-in one of its axis, or beside them; may be repeated, several "
        "on one axis vote: harm-embedded, llm:RUBRIC@TARGET, guard:FAMILY@TARGET, cascade:FIRST>SECOND, "
        "python:MODULE:NAME.",
        metavar="SPEC",
    ),
]
JudgeUrlOption = Annotated[
    str | None, typer.Option("--judge-url", help="Base URL of the judges' endpoint.", metavar="URL")
]
JudgeKeyEnvOption = Annotated[
    str | None,
    typer.Option("--judge-key-env", help="Environment variable with the judges' key.", metavar="NAME"),
]
JudgeEndpointOption = Annotated[
    str | None,
    typer.Option("--judge-url", "--url", help="Base URL of the judge's endpoint.", metavar="URL"),
]
"""Where a command has no other endpoint than the judge's; `--url` is what it was called first."""
JudgeEndpointKeyOption = Annotated[
    str | None,
    typer.Option(
        "--judge-key-env",
        "--api-key-env",
        help="Environment variable with the judge's key.",
        metavar="NAME",
    ),
]
JudgeSelfOption = Annotated[
    bool, typer.Option("--judge-self", help="Let a model judge its own replies; they are marked.")
]
SeenByOption = Annotated[
    str | None,
    typer.Option(
        "--judge", help="As this judge sees it: its name, or the beginning of its hash.", metavar="NAME"
    ),
]


def judge_choice(
    specs: list[str] | None, url: str | None, key_env: str | None, *, allow_self: bool
) -> JudgeChoice:
    """Return what the options say of judges.

    Raises:
        InputError: An endpoint is given, and no judge that would use it.
    """
    from alignmeter.api import JudgeChoice
    from alignmeter.errors import InputError
    from alignmeter.targets import TargetOptions

    if not specs and (url is not None or key_env is not None or allow_self):
        raise InputError("--judge-url, --judge-key-env and --judge-self go with --judge SPEC; name a judge")
    options = TargetOptions(url=url, api_key_env=key_env)
    return JudgeChoice(specs=tuple(specs or ()), options=options, allow_self=allow_self)
