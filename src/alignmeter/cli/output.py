"""What every command shares: JSON on standard output, people's lines on a Rich console.

Whatever a command says goes through here, where text of others (file names, rows of suites, replies, words
of servers) is kept from acting on the terminal; no other module writes to the standard streams.
"""

from __future__ import annotations

import difflib
import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignmeter.visible import json_escaped, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines, nothing else.")]
RunsOption = Annotated[str, typer.Option("--runs", help="Folder that holds run folders.", metavar="DIR")]
RunArgument = Annotated[
    str,
    typer.Argument(
        help="A run folder, its name under --runs, or `latest` (default).", metavar="RUN", show_default=False
    ),
]
ThreatModelOption = Annotated[
    str | None,
    typer.Option(
        "--threat-model", "-m", help="YAML file; default: the preset general-assistant.", metavar="FILE"
    ),
]

ModelOption = Annotated[str | None, typer.Option("--model", help="Model name at --url.", metavar="NAME")]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="Base URL of an OpenAI-compatible endpoint.", metavar="URL")
]


def print_json(value: Any) -> None:  # noqa: ANN401 - any record or JSON-like value
    """Print a record, or anything JSON-like, as indented JSON on standard output, always in UTF-8."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{json_escaped(text)}\n".encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        forget_stdout()


def print_line(text: str) -> None:
    """Print a line or a text, never wrapped: a path, a command or a prompt to copy."""
    try:
        sys.stdout.write(f"{visible(text)}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()


def tell(text: str) -> None:
    """Write a line to standard error; work must not end because nobody reads what it says any more."""
    with suppress(OSError):
        sys.stderr.write(f"{visible(text)}\n")
        sys.stderr.flush()


def console(*, stderr: bool = False) -> Console:
    """A Rich console; plain text where the output is no terminal."""
    from rich.console import Console
    from rich.segment import Segment

    class PatientConsole(Console):
        """Goes on in silence when its reader goes away, so that the command keeps its exit code.

        Whatever it prints, no text acts on the terminal: names and sentences may come from files of others.
        Nothing in it is read as markup or as the name of a picture either, as in `a[b]` and `xs[0:100:3]`.
        """

        def on_broken_pipe(self) -> None:
            self.quiet = True
            forget_stdout()

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for text, style, control in super().render(renderable, options):
                yield Segment(text if control else visible(text), style, control)

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return PatientConsole(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False)


def forget_stdout() -> None:
    """Send the rest of the output nowhere: its reader went away, as in `| head`."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def nearest(wanted: str, known: Iterable[str]) -> str:
    """Return `; nearest: 'NAME'` for an error message, or nothing where no name comes close."""
    names = list(known)
    near = [name for name in names if wanted and name.startswith(wanted)]
    near = near or difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
    return f"; nearest: {near[0]!r}" if near else ""


def examples(*lines: str) -> str:
    """Format examples for the end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
