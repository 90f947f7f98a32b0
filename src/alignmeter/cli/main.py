"""The entry point: one line for every error, and the exit codes that scripts rely on."""

from __future__ import annotations

import json
import os
import sys
import warnings
from contextlib import contextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING, Any

from alignmeter.errors import BAD_INPUT, INTERRUPTED, RUNTIME_FAILURE, AlignmeterError, LeftOutWarning

if TYPE_CHECKING:
    from collections.abc import Generator

    import typer

_PROGRAM = "alignmeter"
_DEBUG = "ALIGNMETER_TRACEBACK"
_COMPLETION = "_ALIGNMETER_COMPLETE"


def main() -> None:
    """Run the command line and exit with its code.

    0 all claims PASS (or the command did its work), 1 a claim FAILED, 2 bad input, 3 inconclusive,
    4 invalid or not measured, 5 runtime failure, 130 interrupted.
    """
    code = _guarded(sys.argv[1:])
    sys.exit(_flush() or code)


def _guarded(arguments: list[str]) -> int:
    """Run a command; whatever goes wrong becomes one line and an exit code."""
    try:
        with _telling_what_is_left_out():
            return _dispatch(arguments)
    except AlignmeterError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; start the same command again to resume", INTERRUPTED)
    except SystemExit as ended:
        # No command ends this way: the module or function behind `python:` did.
        return _fail(
            f"the code of a python: target ended the process with sys.exit({ended.code!r}); "
            f"take that call out of it",
            RUNTIME_FAILURE,
        )
    except Exception as error:
        if os.environ.get(_DEBUG):
            raise
        if isinstance(error, OSError) and error.strerror:
            where = f" ({error.filename})" if error.filename else ""
            return _fail(f"the system refused{where}: {error.strerror}", RUNTIME_FAILURE)
        return _fail(
            f"internal error: {type(error).__name__}: {error}; this is a defect of alignmeter - set "
            f"{_DEBUG}=1 to see where, and please report it",
            RUNTIME_FAILURE,
        )


@contextmanager
def _telling_what_is_left_out() -> Generator[None]:
    """Print what a command left out as one line each; other warnings are no matter of ours."""
    from alignmeter.cli.output import tell

    with warnings.catch_warnings():
        usual, told = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *rest: Any) -> None:  # noqa: ANN401 - passed on
            line = " ".join(str(message).split())
            if issubclass(category, LeftOutWarning) and line not in told:
                told.add(line)
                tell(f"warning: {line}")
            elif not issubclass(category, LeftOutWarning):
                usual(message, category, *rest)

        warnings.simplefilter("always", LeftOutWarning)
        warnings.showwarning = show
        yield


def _dispatch(arguments: list[str]) -> int:
    """Parse the arguments and run their command.

    Not by calling the application: that would turn a closed pipe into exit code 1, which is a
    failed claim, and print its own errors, also where JSON was asked for.
    """
    import typer

    from alignmeter.cli.app import app

    if _COMPLETION in os.environ:
        app(prog_name=_PROGRAM)
    command = typer.main.get_command(_with_only(app, arguments[0] if arguments else ""))
    try:
        with command.make_context(_PROGRAM, arguments) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except typer.Abort:
        return _fail("interrupted", INTERRUPTED)
    except Exception as error:
        # The base class of usage errors is public neither in Typer nor in all its versions.
        if not hasattr(error, "format_message"):
            raise
        return _usage_error(error)
    return 0


def _with_only(app: typer.Typer, name: str) -> typer.Typer:
    """Return the application with the one command of that name in it, or as it is where none has it.

    Typer reads the signature of every command that it is given, which for all of them takes longer than
    most commands do.
    """
    named = copy(app)
    named.registered_commands = [each for each in app.registered_commands if each.name == name]
    named.registered_groups = [each for each in app.registered_groups if each.name == name]
    return named if named.registered_commands or named.registered_groups else app


def _usage_error(error: Exception) -> int:
    from alignmeter.cli.output import tell

    context = getattr(error, "ctx", None)
    asked = getattr(context, "command_path", _PROGRAM)
    if type(error).__name__ == "NoArgsIsHelpError":
        tell(context.get_help() if context is not None else str(error))
        return BAD_INPUT
    message = str(getattr(error, "format_message")()).rstrip(".")  # noqa: B009 - see _dispatch
    message = message.replace("Value error, ", "")  # pydantic's words, which Typer passes on
    return _fail(f"{message}; see `{asked} --help`", BAD_INPUT)


def _fail(message: str, code: int) -> int:
    """Say it on one line: JSON on standard output where that was asked for, else for people."""
    from alignmeter.cli.given import in_options
    from alignmeter.cli.output import tell

    line = " ".join(in_options(message).split())
    if "--json" in sys.argv:
        with suppress(OSError):  # where the output itself is what failed, the next line tells
            print(json.dumps({"error": line, "exit_code": code}), flush=True)
            return code
    tell(f"error: {line}")
    return code


def _flush() -> int:
    """Write out what is still buffered; a reader that has gone away (`| head`) has heard enough."""
    from alignmeter.cli.output import forget_stdout, tell

    try:
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
    except OSError as error:
        forget_stdout()
        tell(f"error: cannot write the output: {error.strerror}")
        return RUNTIME_FAILURE
    return 0
